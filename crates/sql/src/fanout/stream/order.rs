//! ORDER BY, as far as the gate can keep it.

use super::super::catalog::Type;
use super::super::combine::canonical::{Names, Place};
use super::super::ident::folded;
use super::super::plan::{Comparison, SortKey};
use super::super::refusal::Unfit;
use super::{Output, not_here};
use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Value,
};

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) expr: Expr,
    descending: bool,
    nulls_first: bool,
}

/// All keys; what they call by name or number is what the result has there.
pub(super) fn keys(
    order: Option<&OrderBy>,
    outputs: &[Output],
    names: &mut Names<'_>,
) -> Result<Vec<Key>, Unfit> {
    let Some(order) = order else { return Ok(Vec::new()) };
    match &order.kind {
        OrderByKind::Expressions(keys) => keys.iter().map(|key| Key::of(key, outputs, names)).collect(),
        OrderByKind::All(_) => Err(not_here("its ORDER BY")),
    }
}

impl Key {
    fn of(key: &OrderByExpr, outputs: &[Output], names: &mut Names<'_>) -> Result<Self, Unfit> {
        let descending = match &key.options.sort {
            None | Some(OrderBySort::Asc) => false,
            Some(OrderBySort::Desc) => true,
            Some(OrderBySort::Using(_)) => return Err(not_here("ORDER BY … USING")),
        };
        let nulls_first = key.options.nulls_first.unwrap_or(descending);
        let expr = match meant(&key.expr, outputs)? {
            Some(output) => output.clone(),
            None => names.canonical(&key.expr)?,
        };
        let expr = if is_bytewise(&expr, names) { by_bytes(expr) } else { expr };
        Ok(Self { expr, descending, nulls_first })
    }

    /// What ORDER BY has for the column of this number.
    pub(super) fn sql(&self, column: usize) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        let nulls = if self.nulls_first { "FIRST" } else { "LAST" };
        format!("{column} {direction} NULLS {nulls}")
    }

    /// How the gate compares values of this type.
    pub(super) fn kept(&self, kind: &Type) -> Result<SortKey, Unfit> {
        let by = match kind.oid {
            // int8, int2, int4, money's kin are not here; date, time, timestamp, timestamptz.
            20 | 21 | 23 | 1082 | 1083 | 1114 | 1184 => Comparison::Signed,
            // bool, bytea, oid, uuid.
            16 | 17 | 26 | 2950 => Comparison::Bytes,
            1700 => Comparison::Numeric,
            // text, varchar and name; the only collations that are pushed at all compare byte by byte.
            19 | 25 | 1043 if is_collated(&self.expr) => Comparison::Bytes,
            _ => {
                return Err(Unfit::not_here(format!(
                    "an order by {}, which the gate does not keep",
                    kind.name
                )));
            }
        };
        Ok(SortKey { by, descending: self.descending, nulls_first: self.nulls_first })
    }
}

/// What the result has there, where a number or a name of the result's is meant.
fn meant<'a>(expr: &Expr, outputs: &'a [Output]) -> Result<Option<&'a Expr>, Unfit> {
    let found = match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => {
                let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                at.and_then(|at| outputs.get(at))
            }
            _ => None,
        },
        Expr::Identifier(ident) => {
            let name = folded(ident);
            let named = outputs.iter().find(|output| output.name.as_ref() == Some(&name));
            // A name that Postgres has made up for a column comes before one of the table's.
            if named.is_none() && outputs.iter().any(|output| output.name.is_none()) {
                return Err(not_here("an ORDER BY beside a column whose name is not certain"));
            }
            return Ok(named.map(|output| &output.expr));
        }
        _ => return Ok(None),
    };
    found.map(|output| Some(&output.expr)).ok_or_else(|| not_here("a constant in its ORDER BY"))
}

/// Whether home orders a column byte by byte: then stores can be told to, however they order it by themselves.
fn is_bytewise(expr: &Expr, names: &Names<'_>) -> bool {
    match names.column(expr) {
        Some(Place::Column(_, column)) => column.bytewise,
        _ => false,
    }
}

fn by_bytes(expr: Expr) -> Expr {
    let parts = [Ident::new("pg_catalog"), Ident::with_quote('"', "C")];
    let collation = ObjectName(parts.into_iter().map(ObjectNamePart::Identifier).collect());
    Expr::Collate { expr: Box::new(expr), collation }
}

fn is_collated(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_collated(inner),
        Expr::Collate { .. } => true,
        _ => false,
    }
}
