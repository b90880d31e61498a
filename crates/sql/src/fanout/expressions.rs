//! The expressions of one query, and where the queries inside them begin.

use super::catalog::Called;
use super::forbidden;
use super::ident::folded;
use super::resolve::Reference;
use super::walk::Walk;
use sqlparser::ast::{self, AccessExpr, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Visitor};
use std::ops::ControlFlow;

/// Hands names and inner queries to the walk.
pub(crate) struct Expressions<'w, 'a> {
    walk: &'w mut Walk<'a>,
    /// Inner queries that the visitor is in; the walk has gone through those by itself.
    within: usize,
}

impl<'w, 'a> Expressions<'w, 'a> {
    pub(crate) fn new(walk: &'w mut Walk<'a>) -> Self {
        Self { walk, within: 0 }
    }

    fn function(&mut self, function: &ast::Function) {
        self.walk.called_function(&function.name);
        let FunctionArguments::List(list) = &function.args else { return };
        for arg in &list.args {
            let (FunctionArg::Named { arg, .. }
            | FunctionArg::ExprNamed { arg, .. }
            | FunctionArg::Unnamed(arg)) = arg;
            if let FunctionArgExpr::QualifiedWildcard(name) = arg {
                self.walk.row_of(name);
            }
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
            Expr::QualifiedWildcard(name, _) => self.walk.row_of(name),
            _ => {}
        }
        if let Some(Reference::Row(table)) = self.walk.resolved.reference(expr) {
            let table = *table;
            self.walk.whole_row(table);
        }
        ControlFlow::Continue(())
    }
}
