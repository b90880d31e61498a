//! Expressions in one form: every column by table and name, so that two that mean the same are equal.

use super::super::STORE;
use super::super::catalog::{Catalog, Column, Relation, RelationKind};
use super::super::parsed::Parsed;
use super::super::pushed::parsed;
use super::super::refusal::Unfit;
use super::super::resolve::{Reference, Resolved, Use};
use super::super::traits::{Examiner, Traits};
use sqlparser::ast::{self, Expr, Ident, ObjectName, ObjectNamePart, Visit, VisitMut, Visitor, VisitorMut};
use sqlparser::tokenizer::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// The names of one SELECT over tables.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    catalog: &'a Catalog,
    resolved: &'a Resolved,
    /// Columns that are used, by table: what a store has to have.
    used: BTreeMap<usize, BTreeSet<usize>>,
    /// Tables whose `_store` is used.
    stores: BTreeSet<usize>,
}

impl<'a> Names<'a> {
    /// Names, if every relation is a table and goes by a name of its own.
    pub(crate) fn of(query: &Parsed, catalog: &'a Catalog, resolved: &'a Resolved) -> Result<Self, Unfit> {
        for one in &resolved.uses {
            let relation = relation(catalog, one).ok_or_else(|| Unfit::not_here("a table is not known"))?;
            if relation.kind != RelationKind::Table {
                return Err(Unfit::not_here(format!("{} is no table", relation.called.name)));
            }
            let at = one.parts.first().and_then(|part| query.source().range(*part));
            if at.is_none_or(|range| query.is_only(range.start)) {
                return Err(Unfit::not_here("a table is said to be ONLY"));
            }
            let own = relation.columns.iter().map(|column| &column.name);
            if !own.eq(&one.columns) {
                return Err(Unfit::not_here("columns are given other names in FROM"));
            }
            if one.columns.iter().any(|name| name == STORE) {
                return Err(Unfit::not_here("a table has a column _store of its own"));
            }
            let others = resolved.uses.iter().filter(|other| other.qualifier == one.qualifier);
            if others.count() > 1 {
                return Err(Unfit::not_here("two tables go by the same name"));
            }
        }
        if resolved.natural {
            return Err(Unfit::not_here("a NATURAL join"));
        }
        let used = (0..resolved.uses.len()).map(|table| (table, BTreeSet::new())).collect();
        Ok(Self { catalog, resolved, used, stores: BTreeSet::new() })
    }

    /// The tables, in the order of the text.
    pub(crate) fn uses(&self) -> &'a [Use] {
        &self.resolved.uses
    }

    /// What home knows of a table.
    pub(crate) fn relation(&self, table: usize) -> Option<&'a Relation> {
        relation(self.catalog, self.resolved.uses.get(table)?)
    }

    /// Which columns of which tables were met so far.
    pub(crate) fn used(&self) -> &BTreeMap<usize, BTreeSet<usize>> {
        &self.used
    }

    /// Tables whose `_store` was met so far.
    pub(crate) fn stores(&self) -> &BTreeSet<usize> {
        &self.stores
    }

    /// Notes that a column is used.
    pub(super) fn note(&mut self, table: usize, column: usize) {
        self.used.entry(table).or_default().insert(column);
    }

    pub(crate) fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    /// An expression of the client's in canonical form.
    pub(crate) fn canonical(&mut self, expr: &Expr) -> Result<Expr, Unfit> {
        let mut expr = expr.clone();
        if let ControlFlow::Break(unfit) = VisitMut::visit(&mut expr, self) {
            return Err(unfit);
        }
        reads_as_written(&expr)?;
        Ok(expr)
    }

    /// What is known of a canonical expression that stores are to compute.
    pub(crate) fn examine(&self, expr: &Expr) -> Result<Traits, Unfit> {
        Examiner { catalog: self.catalog, resolved: self.resolved }.examine(expr)
    }

    /// The column that a canonical expression is, if it is just that.
    pub(crate) fn column(&self, expr: &Expr) -> Option<Place<'a>> {
        let Expr::CompoundIdentifier(parts) = bare(expr) else { return None };
        let [qualifier, name] = parts.as_slice() else { return None };
        let table = self.resolved.uses.iter().position(|one| one.qualifier == qualifier.value)?;
        if name.value == STORE {
            return Some(Place::Store(table));
        }
        let column = self.relation(table)?.columns.iter().find(|column| column.name == name.value)?;
        Some(Place::Column(table, column))
    }

    /// A column, in canonical form, that no name in the client's text stands for.
    pub(crate) fn take(&mut self, table: usize, column: usize) -> Option<Expr> {
        let one = self.resolved.uses.get(table)?;
        let name = one.columns.get(column)?;
        self.used.entry(table).or_default().insert(column);
        let part = |name: &str| Ident::with_quote('"', name);
        Some(Expr::CompoundIdentifier(vec![part(&one.qualifier), part(name)]))
    }

    fn name(&mut self, expr: &Expr, at: Span) -> Result<Expr, Unfit> {
        let (table, column) = match self.resolved.reference(expr) {
            Some(Reference::Column { table, column }) => (*table, Some(*column)),
            Some(Reference::Store(table)) => (*table, None),
            _ => return Err(unclear(expr)),
        };
        let one = self.resolved.uses.get(table).ok_or_else(|| unclear(expr))?;
        let name = match column {
            Some(column) => {
                self.used.entry(table).or_default().insert(column);
                one.columns.get(column).ok_or_else(|| unclear(expr))?
            }
            None => {
                self.stores.insert(table);
                STORE
            }
        };
        // The place in the client's text stays, by which the name is found again.
        let qualifier = Ident::with_quote_and_span('"', at, &one.qualifier);
        Ok(Expr::CompoundIdentifier(vec![qualifier, Ident::with_quote('"', name)]))
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// A column of a table.
    Column(usize, &'a Column),
    /// The `_store` of a table.
    Store(usize),
}

fn relation<'a>(catalog: &'a Catalog, one: &Use) -> Option<&'a Relation> {
    catalog.relations.get(one.relation?)
}

fn unclear(expr: &Expr) -> Unfit {
    Unfit::not_here(format!("it is not sure which column {expr} is"))
}

pub(super) fn reads_as_written(expr: &Expr) -> Result<(), Unfit> {
    if parsed(&expr.to_string()).as_ref() == Some(expr) {
        return Ok(());
    }
    Err(Unfit::not_here("an expression that does not read as it is written"))
}

/// An expression without the parentheses around it.
pub(crate) fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// Whether an expression in canonical form is the name of a store, and nothing made of it.
pub(crate) fn is_store(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::CompoundIdentifier(parts) => {
            matches!(parts.as_slice(), [_, name] if name.value == STORE)
        }
        _ => false,
    }
}

/// An expression without any parentheses: to compare, not to write.
pub(crate) fn stripped(expr: &Expr) -> Expr {
    struct Strip;
    impl VisitorMut for Strip {
        type Break = ();
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            while let Expr::Nested(inner) = expr {
                *expr = std::mem::replace(inner, Expr::Tuple(Vec::new()));
            }
            ControlFlow::Continue(())
        }
    }
    let mut expr = expr.clone();
    let _ = VisitMut::visit(&mut expr, &mut Strip);
    expr
}

impl VisitorMut for Names<'_> {
    type Break = Unfit;

    fn pre_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<Unfit> {
        ControlFlow::Break(Unfit::not_here("a subquery"))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unfit> {
        let at = match expr {
            Expr::Identifier(ident) => ident.span,
            Expr::CompoundIdentifier(parts) => parts.first().map_or_else(Span::empty, |part| part.span),
            Expr::Function(function) => {
                lower(&mut function.name);
                return ControlFlow::Continue(());
            }
            Expr::CompoundFieldAccess { root, .. } if !matches!(**root, Expr::Nested(_)) => {
                // Behind a qualified name a subscript reads as another field of it.
                let inner = std::mem::replace(root.as_mut(), Expr::Tuple(Vec::new()));
                **root = Expr::Nested(Box::new(inner));
                return ControlFlow::Continue(());
            }
            _ => return ControlFlow::Continue(()),
        };
        match self.name(expr, at) {
            Ok(named) => {
                *expr = named;
                ControlFlow::Continue(())
            }
            Err(unfit) => ControlFlow::Break(unfit),
        }
    }
}

/// Names of functions are equal if they fold to the same.
fn lower(name: &mut ObjectName) {
    for part in &mut name.0 {
        match part {
            ObjectNamePart::Identifier(ident) if ident.quote_style.is_none() => {
                ident.value.make_ascii_lowercase();
            }
            _ => {}
        }
    }
}

/// Whether a canonical expression reads a `_store`.
pub(crate) fn reads_store(expr: &Expr, names: &Names<'_>) -> bool {
    struct Stores<'s, 'n>(&'s Names<'n>);
    impl Visitor for Stores<'_, '_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match self.0.column(expr) {
                Some(Place::Store(_)) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Stores(names)).is_break()
}
