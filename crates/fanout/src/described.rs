//! What a statement takes and returns.

use crate::cache::Key;
use crate::prepare::Prepared;
use std::sync::Arc;

/// A statement as home judged it.
#[derive(Debug)]
pub struct Described {
    /// The client's text.
    pub text: String,
    /// Types of its parameters.
    pub parameters: Vec<u32>,
    /// Columns of its result; `None` if it returns no rows (a COPY, for one).
    pub columns: Option<Vec<ColumnDescribed>>,
    pub(crate) key: Key,
    pub(crate) prepared: Arc<Prepared>,
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDescribed {
    /// Name.
    pub name: String,
    /// Type on home.
    pub oid: u32,
    /// `pg_type.typlen`
    pub length: i16,
    /// `pg_attribute.atttypmod`
    pub modifier: i32,
}
