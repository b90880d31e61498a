//! Tier T0: rows of the stores pass through the gate.
use super::catalog::Catalog;
use super::plan::Plan;
use super::query::{Query, Types, Wishes};
use super::refusal::Unfit;
use super::resolve::Resolved;
/// A query whose rows are passed on, before their types are known.
#[derive(Debug)]
pub(crate) struct Shape {}
/// How a query is streamed.
pub(crate) fn shape(
    _query: &Query,
    _catalog: &Catalog,
    _resolved: &Resolved,
    _wishes: &Wishes,
) -> Result<Shape, Unfit> {
    Err(Unfit::not_here("its rows do not come straight from one table"))
}
impl Shape {
    pub(crate) fn probe(&self) -> Option<&str> {
        None
    }
    pub(crate) fn plan(&self, _types: &Types) -> Result<Plan, Unfit> {
        Err(Unfit::not_here("its rows do not come straight from one table"))
    }
}
