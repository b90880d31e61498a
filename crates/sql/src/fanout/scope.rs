//! What a name means where it stands: the tables in sight, from the innermost SELECT outwards.

use super::forbidden;
use super::ident::{folded, idents};
use super::refusal::Refusal;
use super::resolve::{Reference, Star};
use super::walk::Walk;
use sqlparser::ast::{self, Ident};
use sqlparser::tokenizer::{Location, Span};

/// Columns that something in a FROM, or a query, has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs {
    /// Their names.
    pub(crate) names: Vec<String>,
    /// Whether there may be others.
    pub(crate) open: bool,
}

/// One thing in a FROM.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) qualifier: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) outputs: Outputs,
    pub(crate) table: Option<usize>,
    /// Whether it has the pseudo column.
    pub(crate) store: bool,
    /// Uses within it that have one, if it is a join with an alias.
    pub(crate) within: Vec<usize>,
}

/// The FROM of one SELECT.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) sources: Vec<Source>,
    /// Not seen from a subquery in FROM that is not LATERAL.
    pub(crate) hidden: bool,
    pub(crate) select: Location,
}

impl Walk<'_> {
    pub(super) fn star(&mut self, at: Span, qualifier: Option<&[&Ident]>, outputs: &mut Outputs) {
        if let Some([schema, table]) = qualifier {
            self.resolved.schemas.push((schema.span.start, table.span.start));
        }
        let sources: Vec<Source> = match qualifier {
            None => self.levels.last().map(|level| level.sources.clone()).unwrap_or_default(),
            Some(parts) => self.qualified(parts).cloned().into_iter().collect(),
        };
        let certain = !sources.is_empty() && sources.iter().all(|source| !source.outputs.open);
        outputs.open |= !certain;
        for source in &sources {
            outputs.names.extend(source.outputs.names.iter().cloned());
        }
        let columns = sources
            .iter()
            .map(|source| Some((source.qualifier.clone()?, source.outputs.names.clone())))
            .collect::<Option<Vec<_>>>();
        self.resolved.stars.push(Star {
            at,
            qualifier: qualifier.and_then(|parts| Some(parts.first()?.span)),
            columns: columns.filter(|_| certain),
            uses: sources
                .iter()
                .flat_map(|source| source.table.iter().chain(&source.within).copied())
                .collect(),
        });
    }

    /// The source that a qualifier stands for.
    fn qualified(&self, parts: &[&Ident]) -> Option<&Source> {
        let (schema, name) = match parts {
            [name] => (None, folded(name)),
            [schema, name] => (Some(folded(schema)), folded(name)),
            _ => return None,
        };
        self.levels.iter().rev().filter(|level| !level.hidden).find_map(|level| {
            level.sources.iter().find(|source| {
                source.qualifier.as_deref() == Some(&name) && (schema.is_none() || source.schema == schema)
            })
        })
    }

    /// All columns of a use are looked at, as a row.
    pub(crate) fn whole_row(&mut self, table: usize) {
        self.resolved.whole.push(table);
        self.resolved.rows = true;
    }

    /// The same of `t.*` where a value is expected, if that is one of the uses.
    pub(crate) fn row_of(&mut self, name: &ast::ObjectName) {
        let Some(parts) = idents(name) else { return self.refuse(Refusal::unread("a name before .*")) };
        if let [schema, table] = parts.as_slice() {
            self.resolved.schemas.push((schema.span.start, table.span.start));
        }
        match self.qualified(&parts) {
            Some(Source { table: Some(table), .. }) => self.whole_row(*table),
            Some(_) => {}
            None if self.catalog.is_none() => {}
            None => self.check(forbidden::row(name)),
        }
    }

    /// A name without qualifier.
    pub(crate) fn bare(&mut self, ident: &Ident) {
        let name = folded(ident);
        let reference = self.find_bare(&name);
        if reference == Reference::Uncertain {
            self.check(forbidden::bare(&name));
        }
        self.note(ident, reference);
    }

    fn find_bare(&self, name: &str) -> Reference {
        let seen = || self.levels.iter().rev().filter(|level| !level.hidden);
        let mut open = false;
        for level in seen() {
            let matches: Vec<_> = level.matches(name).collect();
            match matches.as_slice() {
                [] => open |= level.sources.iter().any(|source| source.outputs.open),
                _ if open => break,
                [Some(reference)] => return reference.clone(),
                many => {
                    let tables: Vec<_> = many.iter().flatten().filter_map(Reference::table).collect();
                    return if tables.is_empty() { Reference::Derived } else { Reference::Merged(tables) };
                }
            }
        }
        // It may be a row, also where a function in FROM may have such a column.
        let row = seen()
            .find_map(|level| level.sources.iter().find(|source| source.qualifier.as_deref() == Some(name)));
        match row.map(|source| source.table) {
            // Without a catalog it may be a column.
            Some(Some(table)) if self.catalog.is_some() => Reference::Row(table),
            Some(None) if !open => Reference::Derived,
            _ => Reference::Uncertain,
        }
    }

    /// A name with a qualifier.
    pub(crate) fn compound(&mut self, parts: &[Ident]) {
        let (Some(first), Some((last, qualifier))) = (parts.first(), parts.split_last()) else { return };
        let qualifier: Vec<&Ident> = qualifier.iter().collect();
        let name = folded(last);
        if let [schema, table] = qualifier.as_slice() {
            self.resolved.schemas.push((schema.span.start, table.span.start));
        }
        let reference = match self.qualified(&qualifier) {
            None => Reference::Uncertain,
            Some(source) => match (source.find(&name), source.table) {
                (Some(reference), _) => reference.unwrap_or(Reference::Derived),
                (None, None) => Reference::Derived,
                (None, Some(_)) if source.outputs.open => Reference::Uncertain,
                (None, Some(_)) => {
                    self.check(forbidden::unknown_column(&name));
                    Reference::Uncertain
                }
            },
        };
        self.note(first, reference);
    }

    fn note(&mut self, at: &Ident, reference: Reference) {
        self.resolved.references.insert(at.span.start, reference);
    }
}

impl Level {
    /// The columns of this name in the sources; `None` for those that are no tables.
    pub(super) fn matches(&self, name: &str) -> impl Iterator<Item = Option<Reference>> {
        self.sources.iter().filter_map(move |source| source.find(name))
    }
}

impl Source {
    /// The column of this name, if there is one; `Some(None)` where this is no table.
    fn find(&self, name: &str) -> Option<Option<Reference>> {
        if let Some(column) = self.outputs.names.iter().position(|one| one == name) {
            return Some(self.table.map(|table| Reference::Column { table, column }));
        }
        (self.store && name == super::STORE).then_some(self.table.map(Reference::Store))
    }
}
