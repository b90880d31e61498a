//! Tiers T2 and T1: stores send partial aggregates, home combines them.

use super::catalog::Catalog;
use super::plan::{Plan, Tier};
use super::query::{Query, Types, Wishes};
use super::refusal::Unfit;
use super::resolve::Resolved;

/// A query over partial aggregates, before the types of its parts are known.
#[derive(Debug)]
pub(crate) struct Shape {}

/// How a query is combined.
pub(crate) fn shape(
    _query: &Query,
    _catalog: &Catalog,
    _resolved: &Resolved,
    _tier: Tier,
    _wishes: &Wishes,
) -> Result<Shape, Unfit> {
    Err(Unfit::not_here("it is not an aggregate over one table"))
}

impl Shape {
    pub(crate) fn probe(&self) -> Option<&str> {
        None
    }

    pub(crate) fn plan(&self, _types: &Types) -> Result<Plan, Unfit> {
        Err(Unfit::not_here("it is not an aggregate over one table"))
    }
}
