//! FROM in canonical form: its joins, their conditions, and the columns that they merge.

use super::super::ident::folded;
use super::super::refusal::Unfit;
use super::canonical::{Names, reads_as_written};
use sqlparser::ast::{
    Expr, JoinConstraint, JoinOperator, ObjectNamePart, TableFactor, TableWithJoins, VisitMut,
};
use std::ops::ControlFlow;

impl Names<'_> {
    /// A FROM of the client's, with its join conditions in canonical form, and whether those depend on a
    /// collation.
    pub(crate) fn canonical_from(
        &mut self,
        from: &[TableWithJoins],
    ) -> Result<(Vec<TableWithJoins>, bool), Unfit> {
        let mut from = from.to_vec();
        for item in &mut from {
            self.merged(item);
            if let ControlFlow::Break(unfit) = VisitMut::visit(item, self) {
                return Err(unfit);
            }
        }
        let mut collates = false;
        for on in from.iter().flat_map(conditions) {
            reads_as_written(on)?;
            collates |= self.examine(on)?.collates;
        }
        Ok((from, collates))
    }

    /// Notes the columns of USING, which are names and no expressions.
    fn merged(&mut self, item: &TableWithJoins) {
        let names =
            item.joins.iter().filter_map(|join| constraint(&join.join_operator)).flat_map(|one| match one {
                JoinConstraint::Using(names) => names.as_slice(),
                _ => &[],
            });
        for name in names.filter_map(|name| match name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => Some(folded(ident)),
            _ => None,
        }) {
            for (table, one) in self.uses().iter().enumerate() {
                if let Some(column) = one.columns.iter().position(|own| *own == name) {
                    self.note(table, column);
                }
            }
        }
        for factor in std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)) {
            if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
                self.merged(table_with_joins);
            }
        }
    }
}

/// The condition of a join.
pub(crate) fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    use JoinOperator as J;
    match operator {
        J::Join(one)
        | J::Inner(one)
        | J::Left(one)
        | J::LeftOuter(one)
        | J::Right(one)
        | J::RightOuter(one)
        | J::FullOuter(one)
        | J::CrossJoin(one) => Some(one),
        _ => None,
    }
}

/// All conditions after ON.
fn conditions(item: &TableWithJoins) -> Vec<&Expr> {
    let mut found = Vec::new();
    for factor in std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)) {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            found.extend(conditions(table_with_joins));
        }
    }
    for join in &item.joins {
        if let Some(JoinConstraint::On(on)) = constraint(&join.join_operator) {
            found.push(on);
        }
    }
    found
}
