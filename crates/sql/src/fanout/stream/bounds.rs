//! LIMIT, OFFSET and FETCH: how many rows the client gets, and how many a store has to send for that.

use super::super::combine::writer::Writer;
use super::super::plan::{Bound, Parameter};
use super::super::refusal::Unfit;
use super::not_here;
use sqlparser::ast::{Expr, LimitClause, Query, Value};

/// What is said of how many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    pub(super) limit: Option<Bound>,
    pub(super) offset: Option<Bound>,
}

impl Bounds {
    pub(super) fn of(query: &Query) -> Result<Self, Unfit> {
        let mut bounds = Self::default();
        match &query.limit_clause {
            None => {}
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                bounds.limit = limit.as_ref().map(bound).transpose()?.flatten();
                bounds.offset = offset.as_ref().map(|offset| bound(&offset.value)).transpose()?.flatten();
            }
            Some(_) => return Err(not_here("its LIMIT")),
        }
        if let Some(fetch) = &query.fetch {
            if fetch.with_ties || fetch.percent {
                return Err(not_here("FETCH … WITH TIES"));
            }
            bounds.limit = match &fetch.quantity {
                Some(quantity) => bound(quantity)?,
                None => Some(Bound::Rows(1)),
            };
        }
        Ok(bounds)
    }

    /// LIMIT of a store: as many as the client may get and leave out together.
    pub(super) fn sql(&self, writer: &mut Writer<'_>) -> Result<String, Unfit> {
        let Some(limit) = self.limit else { return Ok(String::new()) };
        if let Some(rows) = sum([Some(limit), self.offset]) {
            return Ok(format!(" LIMIT {rows}"));
        }
        let mut term = |bound| match bound {
            Bound::Rows(rows) => Ok(rows.to_string()),
            Bound::Parameter(at) => writer.parameter(Parameter::Client(at)),
        };
        let limit = term(limit)?;
        let offset = match self.offset {
            Some(offset) => format!(" + coalesce({}, 0)", term(offset)?),
            None => String::new(),
        };
        // In numeric, which the largest two of int8 do not overflow.
        Ok(format!(" LIMIT least({limit}::pg_catalog.numeric{offset}, 9223372036854775807)::pg_catalog.int8"))
    }
}

/// The sum, if both are written out.
fn sum(bounds: [Option<Bound>; 2]) -> Option<u64> {
    let mut sum = 0_u64;
    for bound in bounds.into_iter().flatten() {
        let Bound::Rows(rows) = bound else { return None };
        sum = sum.checked_add(rows).filter(|sum| i64::try_from(*sum).is_ok())?;
    }
    Some(sum)
}

/// `None` is no bound.
fn bound(expr: &Expr) -> Result<Option<Bound>, Unfit> {
    let Expr::Value(value) = expr else { return Err(not_here("a LIMIT or OFFSET that is no number")) };
    let bound = match &value.value {
        Value::Null => return Ok(None),
        Value::Number(number, _) => {
            number.parse().ok().filter(|rows| i64::try_from(*rows).is_ok()).map(Bound::Rows)
        }
        Value::Placeholder(name) => {
            let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
            number.and_then(|number| number.checked_sub(1)).map(Bound::Parameter)
        }
        _ => None,
    };
    bound.map(Some).ok_or_else(|| not_here("a LIMIT or OFFSET that is no number"))
}
