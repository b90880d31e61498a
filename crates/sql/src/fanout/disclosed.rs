//! What a query discloses of a store's rows.

use super::catalog::Called;
use super::plan::Discloses;
use super::refusal::Refusal;
use sqlparser::ast;

/// What the query, not the tier, discloses.
pub(crate) fn by(_query: &ast::Query) -> Discloses {
    Discloses::Rows
}

/// Home does not know the table either, and says so first.
pub(crate) fn no_such_table(called: &Called) -> Refusal {
    Refusal {
        sqlstate: "42P01",
        message: format!("relation {:?} does not exist", called.name),
        hint: "A fan-out reads the tables of the service's schema.".to_owned(),
        unread: false,
    }
}
