//! Conditions that leave rows behind in the stores which the query would not look at.

use super::catalog::Catalog;
use super::parsed::Parsed;
use super::resolve::Resolved;
use super::tables::Gathered;
use super::traits::{Examiner, conjuncts};
use sqlparser::ast::{
    Expr, JoinOperator, Select, TableFactor, TableWithJoins, Value, ValueWithSpan, Visit, Visitor,
};
use sqlparser::tokenizer::Location;
use std::ops::ControlFlow;

/// The conditions on one table that all of its rows have to meet: the table occurs once, they are ANDed in the
/// WHERE of its SELECT, and they read nothing else.
pub(crate) fn conditions(
    query: &Parsed,
    catalog: &Catalog,
    resolved: &Resolved,
    table: &Gathered<'_>,
    with_parameters: bool,
) -> Vec<Expr> {
    let [only] = table.uses.as_slice() else { return Vec::new() };
    let Some(one) = resolved.uses.get(*only) else { return Vec::new() };
    let Some(name) = one.parts.first() else { return Vec::new() };
    let mut narrowing = Narrowing {
        examiner: Examiner { catalog, resolved },
        with_parameters,
        table: *only,
        name: name.start,
        select: one.select,
        found: Vec::new(),
    };
    let _ = query.tree().visit(&mut narrowing);
    narrowing.found
}

/// Looks for the SELECT that a table is in.
struct Narrowing<'a> {
    examiner: Examiner<'a>,
    with_parameters: bool,
    table: usize,
    name: Location,
    select: Location,
    found: Vec<Expr>,
}

impl Narrowing<'_> {
    /// Read by each store as home would, without an error or a collation, from this table alone.
    fn harmless(&self, condition: &Expr) -> bool {
        let known = self.examiner.examine(condition).is_ok_and(|traits| {
            !traits.collates && !traits.can_fail && traits.tables.iter().eq([&self.table])
        });
        known && (self.with_parameters || !has_parameters(condition))
    }
}

impl Visitor for Narrowing<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.select_token.0.span.start != self.select {
            return ControlFlow::Continue(());
        }
        if select.from.iter().any(|item| keeps(item, self.name)) {
            let conditions = select.selection.iter().flat_map(conjuncts);
            self.found = conditions.filter(|one| self.harmless(one)).cloned().collect();
        }
        ControlFlow::Break(())
    }
}

/// Whether the table that is named at this place is in a FROM item whose joins drop its rows only, and never
/// put NULLs in their place.
fn keeps(item: &TableWithJoins, name: Location) -> bool {
    use JoinOperator as J;
    let mut kept = is_at(&item.relation, name);
    for join in &item.joins {
        let joined = is_at(&join.relation, name);
        kept = match &join.join_operator {
            J::Join(_) | J::Inner(_) | J::CrossJoin(_) => kept || joined,
            J::Left(_) | J::LeftOuter(_) => kept,
            J::Right(_) | J::RightOuter(_) => joined,
            _ => return false,
        };
    }
    kept
}

fn is_at(factor: &TableFactor, at: Location) -> bool {
    let TableFactor::Table { name, args: None, .. } = factor else { return false };
    super::ident::idents(name).and_then(|parts| Some(parts.first()?.span.start)) == Some(at)
}

fn has_parameters(expr: &Expr) -> bool {
    struct Parameters;
    impl Visitor for Parameters {
        type Break = ();

        fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
            match value.value {
                Value::Placeholder(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Parameters).is_break()
}
