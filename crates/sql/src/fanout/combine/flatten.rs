//! Subqueries in FROM and WITH queries that only choose rows and compute columns: written as the table itself.

use super::super::catalog::Catalog;
use super::super::columns;
use super::super::ident::{called, folded};
use super::super::refusal::Unfit;
use super::canonical::bare;
use super::output;
use sqlparser::ast::{
    self, BinaryOperator, CastKind, Cte, DataType, Expr, GroupByExpr, Ident, ObjectName, ObjectNamePart,
    OrderByExpr, OrderByKind, Select, SelectItem, SetExpr, TableAliasColumnDef, TableFactor, TableWithJoins,
    Value, VisitMut, Visitor, VisitorMut,
};
use std::collections::HashMap;
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

/// What the columns of a subquery stand for.
struct Outputs {
    qualifier: Option<String>,
    columns: HashMap<String, Expr>,
    /// The table whose columns they all are, for `SELECT *`, and their names.
    star: Option<(String, Vec<String>)>,
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
        let outputs = self.outputs(&inner, &source)?;
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

    /// What the columns of a SELECT without groups stand for.
    fn outputs(&self, inner: &Select, source: &Source<'_>) -> Result<Outputs, Unfit> {
        let renamed = source.renamed;
        let mut outputs =
            Outputs { qualifier: source.qualifier.clone(), columns: HashMap::new(), star: None };
        if let [SelectItem::Wildcard(_)] = inner.projection.as_slice() {
            let table = only_table(&inner.from, self.catalog).filter(|_| renamed.is_empty());
            outputs.star = Some(table.ok_or_else(|| Unfit::not_here("a * over several tables"))?);
            return Ok(outputs);
        }
        for (at, item) in inner.projection.iter().enumerate() {
            let (expr, own) = match item {
                SelectItem::UnnamedExpr(expr) => (expr, columns::name(expr)),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(folded(alias))),
                _ => return Err(Unfit::not_here("a * beside other columns")),
            };
            let name = renamed.get(at).map(|column| folded(&column.name)).or(own);
            let name = name.ok_or_else(|| Unfit::not_here("a column of a subquery has no name"))?;
            self.check(expr)?;
            let twice = outputs.columns.insert(name, alike(expr)?).is_some();
            if twice {
                return Err(Unfit::not_here("two columns of a subquery have the same name"));
            }
        }
        Ok(outputs)
    }

    /// Whether a column, used or not, leaves each row one row.
    fn check(&self, expr: &Expr) -> Result<(), Unfit> {
        struct Many<'m>(&'m Catalog);
        impl Visitor for Many<'_> {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
                let name = called(&function.name);
                let mut overloads = self.0.functions.iter().filter(|one| Some(&one.called) == name.as_ref());
                let many = function.over.is_some() || overloads.any(|one| one.returns_set);
                if many { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        }
        if output::has_aggregates(expr, self.catalog)? {
            return Err(Unfit::not_here("a subquery has groups of its own"));
        }
        if ast::Visit::visit(expr, &mut Many(self.catalog)).is_break() {
            return Err(Unfit::not_here("a subquery computes more than columns"));
        }
        Ok(())
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

/// What the only table of a FROM goes by, and its columns.
fn only_table(from: &[TableWithJoins], catalog: &Catalog) -> Option<(String, Vec<String>)> {
    let [TableWithJoins { relation: TableFactor::Table { name, alias, .. }, joins }] = from else {
        return None;
    };
    let table = called(name)?;
    let relation = catalog.relations.iter().find(|relation| relation.called == table)?;
    let columns = relation.columns.iter().map(|column| column.name.clone()).collect();
    match alias {
        _ if !joins.is_empty() => None,
        Some(alias) => alias.columns.is_empty().then(|| (folded(&alias.name), columns)),
        None => Some((table.name, columns)),
    }
}

/// An expression that is the same in place of the column it defines. A string there is text; a number by itself
/// would be the number of a column in GROUP BY; a collation would weigh more than a column's.
fn alike(expr: &Expr) -> Result<Expr, Unfit> {
    if has_collate(expr) {
        return Err(Unfit::not_here("a column of a subquery with a COLLATE"));
    }
    let nested = Expr::Nested(Box::new(expr.clone()));
    match bare(expr) {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(_) | Value::Null | Value::Placeholder(_) => Ok(Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(nested),
                data_type: DataType::Text,
                format: None,
            }),
            _ => Err(Unfit::not_here("a column of a subquery that is a constant")),
        },
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Ok(expr.clone()),
        _ => Ok(nested),
    }
}

fn has_collate(expr: &Expr) -> bool {
    struct Collates;
    impl Visitor for Collates {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if matches!(expr, Expr::Collate { .. }) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }
    ast::Visit::visit(expr, &mut Collates).is_break()
}

impl Outputs {
    /// What a name stands for; `None` if it is no column of the subquery.
    fn find(&self, expr: &Expr) -> Option<Expr> {
        let name = match expr {
            Expr::Identifier(ident) => ident,
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, name] if self.qualifier.as_deref() == Some(&folded(qualifier)) => name,
                _ => return None,
            },
            _ => return None,
        };
        let folded = folded(name);
        match &self.star {
            Some((table, columns)) if columns.contains(&folded) => {
                let qualifier = Ident::with_quote_and_span('"', name.span, table);
                Some(Expr::CompoundIdentifier(vec![qualifier, Ident::with_quote('"', folded)]))
            }
            Some(_) => None,
            None => self.columns.get(&folded).cloned(),
        }
    }

    /// Replaces every column of the subquery in `node`.
    fn replace<N: VisitMut>(&self, node: &mut N) -> Result<(), Unfit> {
        match node.visit(&mut Replacing(self)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(unfit) => Err(unfit),
        }
    }
}

struct Replacing<'o>(&'o Outputs);

impl VisitorMut for Replacing<'_> {
    type Break = Unfit;

    fn pre_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<Unfit> {
        ControlFlow::Break(Unfit::not_here("a subquery"))
    }

    /// From the leaves up, so that nothing is replaced twice.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unfit> {
        if !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            return ControlFlow::Continue(());
        }
        match self.0.find(expr) {
            Some(found) => {
                *expr = found;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(Unfit::not_here(format!("it is not sure which column {expr} is"))),
        }
    }
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
