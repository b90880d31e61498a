//! The expressions of one query, and where the queries inside them begin.

use super::catalog::Called;
use super::forbidden;
use super::ident::{called, folded};
use super::refusal::Refusal;
use super::resolve::Reference;
use super::walk::Walk;
use sqlparser::ast::{self, AccessExpr, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Visitor};
use sqlparser::tokenizer::Location;
use std::ops::ControlFlow;

/// Hands names and inner queries to the walk.
pub(crate) struct Expressions<'w, 'a> {
    walk: &'w mut Walk<'a>,
    /// Inner queries that the visitor is in; the walk has gone through those by itself.
    within: usize,
    /// Names that may stand for a whole row.
    rows: Vec<Location>,
}

/// Functions that see a row's columns, their names and values, but not its type.
const OF_ROWS: [&str; 6] = ["count", "row_to_json", "to_json", "to_jsonb", "json_agg", "jsonb_agg"];

impl<'w, 'a> Expressions<'w, 'a> {
    pub(crate) fn new(walk: &'w mut Walk<'a>) -> Self {
        Self { walk, within: 0, rows: Vec::new() }
    }

    fn function(&mut self, function: &ast::Function) {
        self.walk.called_function(&function.name);
        let FunctionArguments::List(list) = &function.args else { return };
        let rows = called(&function.name).is_some_and(|name| OF_ROWS.contains(&name.name.as_str()));
        for arg in &list.args {
            let (FunctionArg::Named { arg, .. }
            | FunctionArg::ExprNamed { arg, .. }
            | FunctionArg::Unnamed(arg)) = arg;
            match arg {
                FunctionArgExpr::QualifiedWildcard(name) if !(rows && self.walk.row_of(name)) => {
                    self.walk.refuse(Refusal::unsupported(
                        format!("{name}.* as an argument is not supported in a fan-out"),
                        "Name the columns.",
                    ));
                }
                FunctionArgExpr::Expr(Expr::Identifier(ident)) if rows => self.rows.push(ident.span.start),
                _ => {}
            }
        }
    }

    /// A whole row, which is of another type on home: only functions that look at its columns may see it.
    fn row(&mut self, expr: &Expr, table: usize) {
        let Expr::Identifier(ident) = expr else { return self.walk.check(forbidden::row(expr)) };
        if self.rows.contains(&ident.span.start) {
            self.walk.whole_row(table);
        } else {
            self.walk.check(forbidden::row(expr));
        }
    }

    /// `(x).name` is a field of x, or a call of a function of that name.
    fn access(&mut self, chain: &[AccessExpr]) {
        for access in chain {
            if let AccessExpr::Dot(Expr::Identifier(ident)) = access {
                let called = Called { schema: None, name: folded(ident) };
                self.walk.check(forbidden::function(&called, self.walk.catalog));
                self.walk.function_name(called);
            }
        }
    }
}

impl Visitor for Expressions<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        if self.within == 0 {
            self.walk.query(query);
        }
        self.within += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
        self.within -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.within > 0 {
            return ControlFlow::Continue(());
        }
        self.walk.check(forbidden::expr(expr));
        match expr {
            Expr::Identifier(ident) => self.walk.bare(ident),
            Expr::CompoundIdentifier(parts) => self.walk.compound(parts),
            Expr::Function(function) => self.function(function),
            Expr::CompoundFieldAccess { access_chain, .. } => self.access(access_chain),
            Expr::QualifiedWildcard(..) => self.walk.check(forbidden::row(expr)),
            _ => {}
        }
        if let Some(Reference::Row(table)) = self.walk.resolved.reference(expr) {
            self.row(expr, *table);
        }
        ControlFlow::Continue(())
    }
}
