//! What is made of groups: the SELECT list, HAVING, ORDER BY, LIMIT.

use super::super::catalog::Catalog;
use super::super::ident::{folded, quoted};
use super::super::refusal::Unfit;
use super::call::Call;
use super::canonical::{Names, bare};
use super::groups::{self, Item, Keys};
use super::parts::Calls;
use super::writer::{Writer, verbatim};
use sqlparser::ast::{
    self, Expr, Fetch, LimitClause, OrderByExpr, OrderByKind, Select, Value, Visit, VisitMut, Visitor,
    VisitorMut,
};
use std::ops::ControlFlow;

/// All that follows grouping, in canonical form.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) distinct: bool,
    pub(crate) items: Vec<Item>,
    having: Option<Expr>,
    order: Vec<OrderByExpr>,
    limit: Option<Expr>,
    offset: Option<Expr>,
    fetch: Option<Fetch>,
}

impl Output {
    pub(crate) fn of(
        tree: &ast::Query,
        select: &Select,
        items: Vec<Item>,
        names: &mut Names<'_>,
    ) -> Result<Self, Unfit> {
        let order = match tree.order_by.as_ref().map(|order| &order.kind) {
            None => Vec::new(),
            Some(OrderByKind::Expressions(keys)) => {
                keys.iter().map(|key| order_key(key, &items, names)).collect::<Result<_, _>>()?
            }
            Some(OrderByKind::All(_)) => return Err(Unfit::not_here("ORDER BY ALL")),
        };
        let (limit, offset) = match &tree.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(_) => return Err(Unfit::not_here("LIMIT of this form")),
        };
        let having = select.having.as_ref().map(|having| names.canonical(having)).transpose()?;
        let limit = limit.map(|limit| names.canonical(limit)).transpose()?;
        let offset = offset.map(|offset| names.canonical(offset)).transpose()?;
        let mut fetch = tree.fetch.clone();
        if let Some(quantity) = fetch.as_mut().and_then(|fetch| fetch.quantity.as_mut()) {
            *quantity = names.canonical(quantity)?;
        }
        Ok(Self { distinct: false, items, having, order, limit, offset, fetch })
    }

    /// Whether there are groups, even without a GROUP BY.
    pub(crate) fn is_grouped(&self, catalog: &Catalog) -> Result<bool, Unfit> {
        let exprs = self.items.iter().map(|item| &item.expr).chain(self.order.iter().map(|key| &key.expr));
        for expr in exprs {
            if has_aggregates(expr, catalog)? {
                return Ok(true);
            }
        }
        Ok(self.having.is_some())
    }

    /// The same over groups, and the calls of aggregates in it.
    pub(crate) fn grouped(&self, keys: &Keys, catalog: &Catalog) -> Result<(Self, Calls), Unfit> {
        let mut calls = Calls::default();
        let mut over = |expr: &Expr| grouped(expr, keys, catalog, &mut |call| Ok(calls.number(call)));
        let item = |(expr, item): (Expr, &Item)| Item { expr, name: item.name.clone() };
        let items = self.items.iter().map(|one| over(&one.expr).map(|expr| item((expr, one))));
        let items = items.collect::<Result<_, _>>()?;
        let having = self.having.as_ref().map(&mut over).transpose()?;
        let order = self.order.iter().map(|key| Ok(OrderByExpr { expr: over(&key.expr)?, ..key.clone() }));
        let order = order.collect::<Result<_, Unfit>>()?;
        let (limit, offset, fetch) = (self.limit.clone(), self.offset.clone(), self.fetch.clone());
        Ok((Self { distinct: self.distinct, items, having, order, limit, offset, fetch }, calls))
    }

    /// The SELECT list.
    pub(crate) fn list(&self, over: &mut Over<'_, '_>) -> Result<String, Unfit> {
        let mut list = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let expr = over.write(&item.expr)?;
            list.push(match &item.name {
                Some(name) => format!("{expr} AS {}", quoted(name)),
                None => expr,
            });
        }
        Ok(format!("{}{}", if self.distinct { "DISTINCT " } else { "" }, list.join(", ")))
    }

    /// The condition of HAVING.
    pub(crate) fn having(&self, over: &mut Over<'_, '_>) -> Result<Option<String>, Unfit> {
        self.having.as_ref().map(|having| over.write(having)).transpose()
    }

    /// ORDER BY and what follows.
    pub(crate) fn rest(&self, over: &mut Over<'_, '_>) -> Result<String, Unfit> {
        let mut rest = String::new();
        let mut keys = Vec::with_capacity(self.order.len());
        for key in &self.order {
            let expr = verbatim(over.write(&key.expr)?);
            keys.push(OrderByExpr { expr, ..key.clone() }.to_string());
        }
        if !keys.is_empty() {
            rest.push_str(&format!(" ORDER BY {}", keys.join(", ")));
        }
        if let Some(limit) = &self.limit {
            rest.push_str(&format!(" LIMIT {}", over.writer.expr(limit)?));
        }
        if let Some(offset) = &self.offset {
            rest.push_str(&format!(" OFFSET {}", over.writer.expr(offset)?));
        }
        if let Some(fetch) = &self.fetch {
            let mut fetch = fetch.clone();
            if let Some(quantity) = &mut fetch.quantity {
                *quantity = verbatim(over.writer.expr(quantity)?);
            }
            rest.push_str(&format!(" {fetch}"));
        }
        Ok(rest)
    }
}

/// A name in ORDER BY is a column of the result, or else one of a table; a number is a column of the result.
fn order_key(key: &OrderByExpr, items: &[Item], names: &mut Names<'_>) -> Result<OrderByExpr, Unfit> {
    if key.with_fill.is_some() {
        return Err(Unfit::not_here("ORDER BY of this form"));
    }
    let with = |expr| OrderByExpr { expr, ..key.clone() };
    match bare(&key.expr) {
        Expr::Value(value) if matches!(value.value, Value::Number(..)) => Ok(key.clone()),
        Expr::Identifier(ident) => match groups::output(&folded(ident), items) {
            Ok(Some(at)) => Ok(with(Expr::value(Value::Number((at + 1).to_string(), false)))),
            Ok(None) => Ok(with(names.canonical(&key.expr)?)),
            Err(unfit) => Err(unfit),
        },
        _ => Ok(with(names.canonical(&key.expr)?)),
    }
}

/// Writes expressions over groups.
pub(crate) struct Over<'o, 'w> {
    pub(crate) writer: &'o mut Writer<'w>,
    /// The texts of the calls.
    pub(crate) calls: &'o [String],
}

impl Over<'_, '_> {
    pub(crate) fn write(&mut self, expr: &Expr) -> Result<String, Unfit> {
        struct Fill<'f>(&'f [String]);
        impl VisitorMut for Fill<'_> {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
                let number = match expr {
                    Expr::Identifier(ident) => {
                        ident.value.strip_prefix(CALL).and_then(|digits| digits.parse().ok())
                    }
                    _ => None,
                };
                if let Some(text) = number.and_then(|number: usize| self.0.get(number)) {
                    *expr = verbatim(text.clone());
                }
                ControlFlow::Continue(())
            }
        }
        let mut expr = expr.clone();
        let _ = VisitMut::visit(&mut expr, &mut Fill(self.calls));
        self.writer.expr(&expr)
    }
}

/// What stands for a call, before its number, until its text is known; no name of a client's has such a start.
const CALL: &str = "\0call ";

/// An expression over groups: keys become columns, calls of aggregates become the numbers that `calls` gives.
pub(crate) fn grouped(
    expr: &Expr,
    keys: &Keys,
    catalog: &Catalog,
    calls: &mut dyn FnMut(Call) -> Result<usize, Unfit>,
) -> Result<Expr, Unfit> {
    let mut expr = expr.clone();
    match VisitMut::visit(&mut expr, &mut Grouping { keys, catalog, calls }) {
        ControlFlow::Continue(()) => Ok(expr),
        ControlFlow::Break(unfit) => Err(unfit),
    }
}

/// Whether there is a call of an aggregate in an expression.
pub(crate) fn has_aggregates(expr: &Expr, catalog: &Catalog) -> Result<bool, Unfit> {
    match expr.visit(&mut Finding(catalog)) {
        ControlFlow::Continue(()) => Ok(false),
        ControlFlow::Break(Ok(())) => Ok(true),
        ControlFlow::Break(Err(unfit)) => Err(unfit),
    }
}

/// Finds a call of an aggregate.
struct Finding<'f>(&'f Catalog);

impl Visitor for Finding<'_> {
    type Break = Result<(), Unfit>;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        if function.over.is_some() {
            return ControlFlow::Continue(());
        }
        match Call::of(function, self.0) {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(_)) => ControlFlow::Break(Ok(())),
            Err(unfit) => ControlFlow::Break(Err(unfit)),
        }
    }
}

/// The name of a column of partials.
pub(crate) fn column(at: usize) -> String {
    format!("p.c{}", at + 1)
}

struct Grouping<'g> {
    keys: &'g Keys,
    catalog: &'g Catalog,
    calls: &'g mut dyn FnMut(Call) -> Result<usize, Unfit>,
}

impl Grouping<'_> {
    fn instead(&mut self, expr: &Expr) -> Result<Option<String>, Unfit> {
        if let Some(key) = self.keys.find(expr) {
            return Ok(Some(column(key)));
        }
        match expr {
            Expr::CompoundIdentifier(_) => Err(Unfit::not_here(format!("{expr} is no key of the groups"))),
            Expr::Function(function) if function.over.is_none() => {
                let Some(call) = Call::of(function, self.catalog)? else { return Ok(None) };
                Ok(Some(format!("{CALL}{}", (self.calls)(call)?)))
            }
            _ => Ok(None),
        }
    }
}

impl VisitorMut for Grouping<'_> {
    type Break = Unfit;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unfit> {
        match self.instead(expr) {
            Ok(Some(text)) => {
                *expr = verbatim(text);
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(unfit) => ControlFlow::Break(unfit),
        }
    }
}
