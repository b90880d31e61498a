//! Joins that are sure to stay inside a store: no row of one store can match a row of another.

use super::super::catalog::Key;
use super::super::ident::folded;
use super::super::refusal::Unfit;
use super::super::traits::conjuncts;
use super::canonical::{Names, Place, bare};
use super::joined::constraint;
use sqlparser::ast::{
    BinaryOperator, Expr, JoinConstraint, JoinOperator, ObjectNamePart, TableFactor, TableWithJoins,
};

/// Number of the type `uuid`.
const UUID: u32 = 2950;

/// Whether all joins of a canonical FROM stay inside a store, given the condition of WHERE.
///
/// Rows of two tables match only within a store if a condition of their join demands it: by `_store`, or by a
/// `uuid` primary key, which is unique over all stores, and what refers to it. Conditions of WHERE count for
/// inner joins that are no part of an outer one.
pub(crate) fn check(
    from: &[TableWithJoins],
    selection: Option<&Expr>,
    names: &Names<'_>,
) -> Result<(), Unfit> {
    let mut all = Area::default();
    for item in from {
        all.add(area(item, names)?);
    }
    if let Some(selection) = selection {
        all.links.extend(links(selection, names));
    }
    all.closed().map(|_| ())
}

/// Tables that are of one store wherever they are in one row, rows of NULLs from outer joins aside.
type Group = Vec<usize>;

/// Two tables that a condition ties to the same store.
type Link = (usize, usize);

/// What inner joins have brought together, not yet shown to be of one store.
#[derive(Debug, Default)]
struct Area {
    groups: Vec<Group>,
    links: Vec<Link>,
}

impl Area {
    fn add(&mut self, other: Self) {
        self.groups.extend(other.groups);
        self.links.extend(other.links);
    }

    /// All tables as one group, if the links tie them together.
    fn closed(mut self) -> Result<Group, Unfit> {
        let Some(mut one) = self.groups.pop() else { return Ok(Vec::new()) };
        while !self.groups.is_empty() {
            let across = |group: &Group| {
                self.links.iter().any(|(left, right)| {
                    one.contains(left) && group.contains(right) || one.contains(right) && group.contains(left)
                })
            };
            let Some(at) = self.groups.iter().position(across) else {
                return Err(Unfit::not_here("a join that may match rows of different stores"));
            };
            one.extend(self.groups.swap_remove(at));
        }
        Ok(one)
    }
}

fn area(item: &TableWithJoins, names: &Names<'_>) -> Result<Area, Unfit> {
    let mut left = factor(&item.relation, names)?;
    for join in &item.joins {
        let right = factor(&join.relation, names)?;
        let on = constraint(&join.join_operator).ok_or_else(|| Unfit::not_here("a join of this kind"))?;
        let tied = condition(on, &left, &right, names)?;
        if is_inner(&join.join_operator) {
            left.add(right);
            left.links.extend(tied);
        } else {
            let both = Area { groups: vec![left.closed()?, right.closed()?], links: tied };
            left = Area { groups: vec![both.closed()?], links: Vec::new() };
        }
    }
    Ok(left)
}

fn is_inner(operator: &JoinOperator) -> bool {
    matches!(operator, JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_))
}

fn factor(factor: &TableFactor, names: &Names<'_>) -> Result<Area, Unfit> {
    match factor {
        TableFactor::Table { name, alias, args: None, with_ordinality: false, .. } => {
            let qualifier = match (alias, name.0.last()) {
                (Some(alias), _) => folded(&alias.name),
                (None, Some(ObjectNamePart::Identifier(ident))) => folded(ident),
                _ => return Err(Unfit::not_here("something in FROM")),
            };
            let table = names.uses().iter().position(|one| one.qualifier == qualifier);
            let table = table.ok_or_else(|| Unfit::not_here("something in FROM"))?;
            Ok(Area { groups: vec![vec![table]], links: Vec::new() })
        }
        TableFactor::NestedJoin { table_with_joins, alias: None } => area(table_with_joins, names),
        _ => Err(Unfit::not_here("something in FROM that is no table")),
    }
}

/// What the condition of a join ties together.
fn condition(on: &JoinConstraint, left: &Area, right: &Area, names: &Names<'_>) -> Result<Vec<Link>, Unfit> {
    match on {
        JoinConstraint::None => Ok(Vec::new()),
        JoinConstraint::On(on) => Ok(links(on, names)),
        JoinConstraint::Natural => Err(Unfit::not_here("a NATURAL join")),
        JoinConstraint::Using(columns) => {
            let columns = columns.iter().filter_map(|name| match name.0.as_slice() {
                [ObjectNamePart::Identifier(ident)] => Some(folded(ident)),
                _ => None,
            });
            Ok(columns.filter_map(|name| using(&name, left, right, names)).collect())
        }
    }
}

/// A column of USING that one table on each side has.
fn using(name: &str, left: &Area, right: &Area, names: &Names<'_>) -> Option<Link> {
    let only = |area: &Area| {
        let mut tables = area.groups.iter().flatten().filter(|table| {
            names.uses().get(**table).is_some_and(|one| one.columns.iter().any(|column| column == name))
        });
        match (tables.next(), tables.next()) {
            (Some(table), None) => Some(*table),
            _ => None,
        }
    };
    let (left, right) = (only(left)?, only(right)?);
    same_entity((left, name), (right, name), names).then_some((left, right))
}

/// What the parts of a condition that all must be true tie together.
fn links(condition: &Expr, names: &Names<'_>) -> Vec<Link> {
    conjuncts(condition)
        .into_iter()
        .filter_map(|part| {
            let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = bare(part) else { return None };
            match (names.column(left)?, names.column(right)?) {
                (Place::Store(left), Place::Store(right)) => Some((left, right)),
                (Place::Column(left, one), Place::Column(right, other)) => {
                    same_entity((left, &one.name), (right, &other.name), names).then_some((left, right))
                }
                _ => None,
            }
        })
        .collect()
}

/// Whether two columns hold a `uuid` of the same primary key.
fn same_entity(one: (usize, &str), other: (usize, &str), names: &Names<'_>) -> bool {
    let of_other = entities(other, names);
    entities(one, names).iter().any(|entity| of_other.contains(entity))
}

/// The primary keys, as schema, table and column, that a column holds or refers to.
fn entities((table, name): (usize, &str), names: &Names<'_>) -> Vec<(String, String, String)> {
    let Some(relation) = names.relation(table) else { return Vec::new() };
    let is_uuid = relation.columns.iter().any(|column| column.name == name && column.kind.oid == UUID);
    if !is_uuid {
        return Vec::new();
    }
    let found = relation.keys.iter().filter_map(|key| match key {
        Key::Primary(columns) if matches!(columns.as_slice(), [column] if column == name) => {
            Some((relation.schema.clone(), relation.called.name.clone(), name.to_owned()))
        }
        Key::Foreign { columns, schema, table, theirs } => match (columns.as_slice(), theirs.as_slice()) {
            ([column], [their]) if column == name && is_primary(schema, table, their, names) => {
                Some((schema.clone(), table.clone(), their.clone()))
            }
            _ => None,
        },
        _ => None,
    });
    found.collect()
}

/// Whether a column is a primary key of a table that the query names too: other tables are not looked up.
fn is_primary(schema: &str, table: &str, column: &str, names: &Names<'_>) -> bool {
    names.catalog().relations.iter().any(|relation| {
        relation.schema == schema
            && relation.called.name == table
            && relation.keys.iter().any(|key| matches!(key, Key::Primary(of) if of.as_slice() == [column]))
    })
}
