//! What the columns of a subquery stand for: expressions over the table that it reads.

use super::super::super::catalog::Catalog;
use super::super::super::columns;
use super::super::super::ident::{called, folded};
use super::super::super::refusal::Unfit;
use super::super::canonical::bare;
use super::super::output;
use sqlparser::ast::{
    self, CastKind, DataType, Expr, Ident, Select, SelectItem, TableAliasColumnDef, TableFactor,
    TableWithJoins, Value, VisitMut, Visitor, VisitorMut,
};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// What the columns of a subquery stand for.
pub(super) struct Outputs {
    qualifier: Option<String>,
    columns: HashMap<String, Expr>,
    /// The table whose columns they all are, for `SELECT *`, and their names.
    star: Option<(String, Vec<String>)>,
}

impl Outputs {
    /// What the columns of a SELECT without groups stand for.
    pub(super) fn of(
        inner: &Select,
        qualifier: Option<String>,
        renamed: &[TableAliasColumnDef],
        catalog: &Catalog,
    ) -> Result<Self, Unfit> {
        let mut outputs = Self { qualifier, columns: HashMap::new(), star: None };
        if let [SelectItem::Wildcard(_)] = inner.projection.as_slice() {
            let table = only_table(&inner.from, catalog).filter(|_| renamed.is_empty());
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
            check(expr, catalog)?;
            let twice = outputs.columns.insert(name, alike(expr)?).is_some();
            if twice {
                return Err(Unfit::not_here("two columns of a subquery have the same name"));
            }
        }
        Ok(outputs)
    }

    /// What a name stands for; `None` if it is no column of the subquery.
    pub(super) fn find(&self, expr: &Expr) -> Option<Expr> {
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
    pub(super) fn replace<N: VisitMut>(&self, node: &mut N) -> Result<(), Unfit> {
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

/// Whether a column, used or not, leaves each row one row.
fn check(expr: &Expr, catalog: &Catalog) -> Result<(), Unfit> {
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
    if output::has_aggregates(expr, catalog)? {
        return Err(Unfit::not_here("a subquery has groups of its own"));
    }
    if ast::Visit::visit(expr, &mut Many(catalog)).is_break() {
        return Err(Unfit::not_here("a subquery computes more than columns"));
    }
    Ok(())
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
