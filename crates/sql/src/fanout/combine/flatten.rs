//! Subqueries in FROM and WITH queries that only choose rows and compute columns: written as the table itself.

mod outputs;

use super::super::catalog::Catalog;
use super::super::columns;
use super::super::ident::folded;
use super::super::refusal::Unfit;
use super::canonical::bare;
use outputs::Outputs;
use sqlparser::ast::{
    self, BinaryOperator, Cte, Expr, GroupByExpr, Ident, ObjectName, ObjectNamePart, OrderByExpr,
    OrderByKind, Select, SelectItem, SetExpr, TableAliasColumnDef, TableFactor, TableWithJoins, Value,
    Visitor,
};
use std::ops::ControlFlow;

/// The query without the subquery it reads from; `None` if it reads from tables.
pub(crate) fn flattened(tree: &ast::Query, catalog: &Catalog) -> Result<Option<Box<ast::Query>>, Unfit> {
    let SetExpr::Select(select) = tree.body.as_ref() else { return Ok(None) };
    let ctes = match &tree.with {
        None => &[][..],
        Some(with) if with.recursive => return Err(Unfit::not_here("a recursive WITH query")),
        Some(with) => with.cte_tables.as_slice(),
    };
    let flattening = Flattening { catalog };
    let order = match tree.order_by.as_ref().map(|order| &order.kind) {
        None => Vec::new(),
        Some(OrderByKind::Expressions(keys)) => keys.clone(),
        Some(OrderByKind::All(_)) => return Err(Unfit::not_here("ORDER BY ALL")),
    };
    let Some((select, order)) = flattening.select(select, order, ctes)? else { return Ok(None) };
    let mut tree = Box::new(tree.clone());
    tree.with = None;
    tree.body = Box::new(SetExpr::Select(Box::new(select)));
    if let Some(OrderByKind::Expressions(keys)) = tree.order_by.as_mut().map(|by| &mut by.kind) {
        *keys = order;
    }
    Ok(Some(tree))
}

struct Flattening<'c> {
    catalog: &'c Catalog,
}

impl Flattening<'_> {
    fn select(
        &self,
        select: &Select,
        order: Vec<OrderByExpr>,
        ctes: &[Cte],
    ) -> Result<Option<(Select, Vec<OrderByExpr>)>, Unfit> {
        let Some(source) = source(&select.from, ctes) else { return Ok(None) };
        let inner = plain(source.query)?;
        let inner = match self.select(inner, Vec::new(), source.ctes)? {
            Some((inner, _)) => inner,
            None if source.ctes.iter().any(|cte| names_cte(&inner.from, cte)) => {
                return Err(Unfit::not_here("a WITH query that is joined"));
            }
            None => inner.clone(),
        };
        let outputs = Outputs::of(&inner, source.qualifier.clone(), source.renamed, self.catalog)?;
        let mut flat = select.clone();
        let names = named(&mut flat.projection)?;
        let order =
            order.into_iter().map(|key| order_key(key, &names, &outputs)).collect::<Result<_, _>>()?;
        group_by(&mut flat.group_by, &names, &outputs)?;
        outputs.replace(&mut flat.projection)?;
        outputs.replace(&mut flat.selection)?;
        outputs.replace(&mut flat.having)?;
        flat.from = inner.from;
        flat.selection = both(inner.selection, flat.selection);
        Ok(Some((flat, order)))
    }
}

/// A subquery or WITH query.
struct Source<'q> {
    qualifier: Option<String>,
    /// Names that are given to the first of its columns.
    renamed: &'q [TableAliasColumnDef],
    query: &'q ast::Query,
    /// WITH queries that it sees.
    ctes: &'q [Cte],
}

/// The only thing in FROM, if it is a subquery or WITH query.
fn source<'q>(from: &'q [TableWithJoins], ctes: &'q [Cte]) -> Option<Source<'q>> {
    let [TableWithJoins { relation, joins }] = from else { return None };
    if !joins.is_empty() {
        return None;
    }
    match relation {
        TableFactor::Derived { lateral: false, subquery, alias, sample: None } => Some(Source {
            qualifier: alias.as_ref().map(|alias| folded(&alias.name)),
            renamed: alias.as_ref().map_or(&[], |alias| alias.columns.as_slice()),
            query: subquery,
            ctes,
        }),
        TableFactor::Table { name, alias, args: None, .. } => {
            let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else { return None };
            let at = ctes.iter().rposition(|cte| folded(&cte.alias.name) == folded(ident))?;
            let cte = ctes.get(at)?;
            let renamed = match alias.as_ref().map_or(&[][..], |alias| alias.columns.as_slice()) {
                [] => cte.alias.columns.as_slice(),
                renamed if cte.alias.columns.is_empty() => renamed,
                _ => return None,
            };
            let qualifier = alias.as_ref().map_or_else(|| folded(ident), |alias| folded(&alias.name));
            Some(Source { qualifier: Some(qualifier), renamed, query: &cte.query, ctes: ctes.get(..at)? })
        }
        _ => None,
    }
}

/// Whether a FROM has the name of a WITH query in it.
fn names_cte(from: &[TableWithJoins], cte: &Cte) -> bool {
    struct Named(String);
    impl Visitor for Named {
        type Break = ();
        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            match name.0.as_slice() {
                [ObjectNamePart::Identifier(ident)] if folded(ident) == self.0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let mut named = Named(folded(&cte.alias.name));
    from.iter().any(|item| ast::Visit::visit(item, &mut named).is_break())
}

/// The SELECT of a query that only chooses rows and computes columns.
fn plain(query: &ast::Query) -> Result<&Select, Unfit> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Err(Unfit::not_here("a subquery that is no single SELECT"));
    };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(keys, more) if keys.is_empty() && more.is_empty());
    if query.with.is_some()
        || query.order_by.is_some()
        || query.limit_clause.is_some()
        || query.fetch.is_some()
        || select.distinct.is_some()
        || select.having.is_some()
        || !select.named_window.is_empty()
        || select.from.is_empty()
        || grouped
    {
        return Err(Unfit::not_here("a subquery that does more than choose rows"));
    }
    Ok(select)
}

/// The names of the columns of a result, which from now on are written down.
fn named(projection: &mut [SelectItem]) -> Result<Vec<String>, Unfit> {
    let mut names = Vec::with_capacity(projection.len());
    for item in projection {
        let (expr, name) = match item {
            SelectItem::UnnamedExpr(expr) => (expr.clone(), columns::name(expr)),
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), Some(folded(alias))),
            _ => return Err(Unfit::not_here("a * in the SELECT list")),
        };
        let name = name.ok_or_else(|| Unfit::not_here("a column of the result has no name"))?;
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', &name) };
        names.push(name);
    }
    Ok(names)
}

/// The number of the column of the result that a name stands for.
fn number(expr: &Expr, names: &[String]) -> Option<Expr> {
    let Expr::Identifier(ident) = bare(expr) else { return None };
    let at = names.iter().position(|name| *name == folded(ident))?;
    Some(Expr::value(Value::Number((at + 1).to_string(), false)))
}

/// A name in ORDER BY is a column of the result before one of FROM.
fn order_key(mut key: OrderByExpr, names: &[String], outputs: &Outputs) -> Result<OrderByExpr, Unfit> {
    match number(&key.expr, names) {
        Some(number) => key.expr = number,
        None => outputs.replace(&mut key.expr)?,
    }
    Ok(key)
}

/// A name in GROUP BY is a column of FROM before one of the result.
fn group_by(group_by: &mut GroupByExpr, names: &[String], outputs: &Outputs) -> Result<(), Unfit> {
    let GroupByExpr::Expressions(keys, _) = group_by else { return Err(Unfit::not_here("GROUP BY ALL")) };
    for key in keys {
        match key {
            Expr::GroupingSets(sets) | Expr::Rollup(sets) | Expr::Cube(sets) => {
                for key in sets.iter_mut().flatten() {
                    group_key(key, names, outputs)?;
                }
            }
            Expr::Tuple(keys) => {
                for key in keys {
                    group_key(key, names, outputs)?;
                }
            }
            key => group_key(key, names, outputs)?,
        }
    }
    Ok(())
}

fn group_key(key: &mut Expr, names: &[String], outputs: &Outputs) -> Result<(), Unfit> {
    match number(key, names) {
        Some(number) if outputs.find(bare(key)).is_none() => {
            *key = number;
            Ok(())
        }
        _ => outputs.replace(key),
    }
}

/// Both conditions.
fn both(one: Option<Expr>, other: Option<Expr>) -> Option<Expr> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(one))),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(other))),
        }),
        (one, other) => one.or(other),
    }
}
