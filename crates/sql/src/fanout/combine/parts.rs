//! What an aggregate's answer is made of: partials, or values of its arguments.

use super::super::refusal::Unfit;
use super::aggregates;
use super::call::{Call, Way};
use super::canonical::{Names, bare};
use super::groups::Keys;
use super::output::grouped;
use sqlparser::ast::{CaseWhen, Expr, OrderByExpr, Visit, Visitor, helpers::attached_token::AttachedToken};
use std::ops::ControlFlow;

/// An argument as home sees it.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A value that stores send, by number.
    Value(usize),
    /// Several values as a row.
    Row(Vec<Part>),
    /// Read from no row, or from keys: home computes it itself.
    Here(Box<Expr>),
}

/// A call over values of its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    pub(crate) args: Vec<Part>,
    pub(crate) filter: Option<Part>,
    pub(crate) order: Vec<(Part, OrderByExpr)>,
}

/// A call, and what it is answered from.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Partials; if the way they are combined hangs on a type, the column of the probe that has it.
    Partials(Option<usize>),
    /// The call itself, over values.
    Values(Over),
    /// The call itself, over values and how often each is there.
    Weighted(Over),
}

/// All calls of a query.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) calls: Vec<Call>,
    stripped: Vec<Call>,
}

impl Calls {
    /// The number of a call, which is noted if it is new.
    pub(crate) fn number(&mut self, call: Call) -> usize {
        let stripped = call.stripped();
        if let Some(at) = self.stripped.iter().position(|one| *one == stripped) {
            return at;
        }
        self.stripped.push(stripped);
        self.calls.push(call);
        self.calls.len() - 1
    }

    /// Whether values of every row are needed.
    pub(crate) fn need_rows(&self) -> bool {
        self.calls.iter().any(|call| call.way() == Way::Rows)
    }
}

/// Takes a query's calls apart.
#[derive(Debug)]
pub(crate) struct Parting<'p, 'n> {
    pub(crate) names: &'p Names<'n>,
    pub(crate) keys: &'p Keys,
    pub(crate) rows: bool,
    /// Values that stores send.
    pub(crate) values: Keys,
    /// Calls that the probe has for their types.
    pub(crate) probed: Vec<(String, Expr)>,
    pub(crate) collates: bool,
}

impl Parting<'_, '_> {
    /// What `call` is answered from.
    pub(crate) fn answer(&mut self, call: &Call) -> Result<Answer, Unfit> {
        for expr in call.args.iter().chain(&call.filter).chain(call.order.iter().map(|key| &key.expr)) {
            let in_stores = reads_rows(expr) || call.way() == Way::Partials && !self.rows;
            if in_stores {
                self.collates |= self.names.examine(expr)?.collates;
            }
        }
        match call.way() {
            Way::Partials if !self.rows => self.partials(call),
            Way::Weighted if !self.rows => Ok(Answer::Weighted(self.over(call, false)?)),
            _ => Ok(Answer::Values(self.over(call, true)?)),
        }
    }

    fn partials(&mut self, call: &Call) -> Result<Answer, Unfit> {
        let is_star = call.name == "count" && call.args.is_empty();
        if call.args.len() != aggregates::arguments(call.sort) && !is_star {
            return Err(Unfit::not_here(format!("{} with these arguments", call.name)));
        }
        let Some(probed) = aggregates::probed(&call.name) else { return Ok(Answer::Partials(None)) };
        let arg = call.args.last().ok_or_else(|| Unfit::not_here("an aggregate without argument"))?;
        let entry = (probed, arg.clone());
        let at = self.probed.iter().position(|one| *one == entry).unwrap_or(self.probed.len());
        if at == self.probed.len() {
            self.probed.push(entry);
        }
        Ok(Answer::Partials(Some(at)))
    }

    /// Values of what is not filtered out are enough.
    fn over(&mut self, call: &Call, filter: bool) -> Result<Over, Unfit> {
        let within_group = call.way() == Way::Weighted;
        let args = if within_group {
            // Direct arguments are of the group, not of its rows.
            call.args.iter().map(|arg| self.here(arg)).collect::<Result<_, _>>()?
        } else {
            call.args.iter().map(|arg| self.part(call, arg)).collect()
        };
        let order = call.order.iter().map(|key| (self.part(call, &key.expr), key.clone())).collect();
        let filter = call.filter.as_ref().filter(|_| filter).map(|filter| {
            if reads_rows(filter) {
                Part::Value(self.values.number(filter))
            } else {
                Part::Here(Box::new(filter.clone()))
            }
        });
        Ok(Over { args, filter, order })
    }

    fn here(&self, expr: &Expr) -> Result<Part, Unfit> {
        let nested = |_| Err(Unfit::not_here("an aggregate within an aggregate"));
        Ok(Part::Here(Box::new(grouped(expr, self.keys, self.names.catalog(), &mut { nested })?)))
    }

    fn part(&mut self, call: &Call, expr: &Expr) -> Part {
        if !reads_rows(expr) {
            return Part::Here(Box::new(expr.clone()));
        }
        if let Expr::Tuple(parts) = bare(expr) {
            return Part::Row(parts.iter().map(|part| self.part(call, part)).collect());
        }
        Part::Value(match &call.filter {
            None => self.values.number(expr),
            Some(filter) => self.values.number(&where_true(filter, expr)),
        })
    }
}

/// `CASE WHEN filter THEN expr END`
fn where_true(filter: &Expr, expr: &Expr) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition: filter.clone(), result: expr.clone() }],
        else_result: None,
    }
}

/// Whether a canonical expression reads any column.
pub(crate) fn reads_rows(expr: &Expr) -> bool {
    struct Columns;
    impl Visitor for Columns {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Columns).is_break()
}
