//! Which table, column or function each name in a query stands for, as Postgres scopes names.
//!
//! What is found is certain if the query is valid, which home judges. Names that could stand for several things
//! are said to be uncertain; callers leave those alone.

use super::catalog::{Called, Catalog, Lookup};
use super::refusal::Refusal;
use super::walk::Walk;
use sqlparser::ast::{self, Expr};
use sqlparser::tokenizer::{Location, Span};
use std::collections::HashMap;

/// All names of a query.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// Relations in FROM that are no WITH query, in the order of the text.
    pub(crate) uses: Vec<Use>,
    /// What `*` and `t.*` in a SELECT list stand for.
    pub(crate) stars: Vec<Star>,
    /// Names to look up.
    pub(crate) lookup: Lookup,
    /// Whether there is a NATURAL join, which every column of its tables takes part in.
    pub(crate) natural: bool,
    /// Whether there is a join whose columns are merged by name.
    pub(crate) using: bool,
    /// Uses within a join that has an alias of its own, which counts and shows all columns.
    pub(crate) whole: Vec<usize>,
    /// Whether whole rows are values.
    pub(crate) rows: bool,
    /// Qualifiers with a schema: where the schema begins, and where the table does.
    pub(crate) schemas: Vec<(Location, Location)>,
    pub(super) references: HashMap<Location, Reference>,
}

/// A relation in a FROM.
#[derive(Debug)]
pub(crate) struct Use {
    /// As it is written.
    pub(crate) called: Called,
    /// Where it is in [`Catalog::relations`]; `None` if home does not know it.
    pub(crate) relation: Option<usize>,
    /// Where its name is.
    pub(crate) parts: Vec<Span>,
    /// How columns are qualified: its alias, or else the table's name.
    pub(crate) qualifier: String,
    /// Whether it has an alias.
    pub(crate) aliased: bool,
    /// Its columns as this FROM calls them.
    pub(crate) columns: Vec<String>,
    /// The SELECT it is in, by where that word is.
    pub(crate) select: Location,
}

/// What a column reference stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A column of one of the uses.
    Column {
        /// Which of [`Resolved::uses`].
        table: usize,
        /// Which of its relation's columns.
        column: usize,
    },
    /// The pseudo column of one of the uses that says whose store a row is from.
    Store(usize),
    /// A column of several uses that a join has merged.
    Merged(Vec<usize>),
    /// The whole row of one of the uses.
    Row(usize),
    /// A column of a subquery, WITH query or function, or a column of the result in ORDER BY or GROUP BY.
    Derived,
    /// Any of these.
    Uncertain,
}

/// A `*` or `t.*` in a SELECT list.
#[derive(Debug)]
pub(crate) struct Star {
    /// Where the `*` is.
    pub(crate) at: Span,
    /// Where the qualifier begins, if there is one.
    pub(crate) qualifier: Option<Span>,
    /// What it stands for: qualifier and columns of each source; `None` where that is not known for sure.
    pub(crate) columns: Option<Vec<(String, Vec<String>)>>,
    /// Uses all columns of which it stands for.
    pub(crate) uses: Vec<usize>,
}

impl Resolved {
    /// Resolves a query; without a catalog only [`Resolved::lookup`] has a meaning.
    ///
    /// # Errors
    ///
    /// What no tier may run, and what is not understood.
    pub(crate) fn of(query: &ast::Query, catalog: Option<&Catalog>) -> Result<Self, Refusal> {
        Walk::over(query, catalog)
    }

    /// What the expression stands for, if it is a bare or qualified name.
    pub(crate) fn reference(&self, expr: &Expr) -> Option<&Reference> {
        match expr {
            Expr::Identifier(ident) => self.references.get(&ident.span.start),
            Expr::CompoundIdentifier(parts) => self.references.get(&parts.first()?.span.start),
            _ => None,
        }
    }
}

impl Reference {
    /// The use that it is a column of.
    pub(super) fn table(&self) -> Option<usize> {
        match self {
            Self::Column { table, .. } | Self::Store(table) => Some(*table),
            _ => None,
        }
    }
}
