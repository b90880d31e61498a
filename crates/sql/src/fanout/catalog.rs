//! What home's catalog says of the names in a statement: what a plan is made from.

use std::ops::RangeInclusive;

/// What is known of the relations and functions that a statement names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Catalog {
    /// The relations that were found, one for each name that was asked for.
    pub relations: Vec<Relation>,
    /// Every overload of every function name that was asked for.
    pub functions: Vec<Function>,
}

/// A name as a statement has it, folded as Postgres folds identifiers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Called {
    /// Schema, if one was written.
    pub schema: Option<String>,
    /// Name.
    pub name: String,
}

/// Names in a statement that have to be looked up on home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Relations, without the statement's own WITH queries; each once.
    pub relations: Vec<Called>,
    /// Functions and aggregates; each once.
    pub functions: Vec<Called>,
}

/// What kind of relation a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// A table, partitioned or not: in a fan-out the union of that table over all stores.
    Table,
    /// A view, by its definition (`pg_get_viewdef`).
    View(String),
    /// Of `pg_catalog` or `information_schema`: home's own.
    Catalog,
    /// Anything else: materialized view, foreign table, sequence, composite type.
    Other,
}

/// A relation on home.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Relation {
    /// As the statement calls it.
    pub called: Called,
    /// The schema it was found in.
    pub schema: String,
    /// Kind.
    pub kind: RelationKind,
    /// Columns in order, dropped ones left out.
    pub columns: Vec<Column>,
    /// Unique and foreign keys.
    pub keys: Vec<Key>,
}

/// A column on home.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: Type,
    /// Whether it cannot be NULL.
    pub not_null: bool,
    /// Whether its texts are ordered byte by byte, by a collation of its own or home's default.
    pub bytewise: bool,
}

/// A type on home. Numbers of types that a service has made differ from store to store; names do not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Number on home.
    pub oid: u32,
    /// `format_type` without modifier, qualified where it is not in `pg_catalog`'s path: usable in a cast.
    pub name: String,
    /// The same of its array type, if it has one.
    pub array: Option<String>,
    /// `pg_type.typcategory`: `N` numbers, `S` strings, `E` enums, `A` arrays, …
    pub category: char,
    /// Whether its values compare by a collation.
    pub collatable: bool,
}

/// A key of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Primary or unique, all columns NOT NULL.
    Unique(Vec<String>),
    /// Primary: told besides [`Key::Unique`], since only what is primary is taken for unique over all stores.
    Primary(Vec<String>),
    /// Foreign, on columns of another table.
    Foreign {
        /// Own columns.
        columns: Vec<String>,
        /// The other table's schema.
        schema: String,
        /// The other table.
        table: String,
        /// Its columns.
        theirs: Vec<String>,
    },
}

/// One overload of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// As the statement calls it.
    pub called: Called,
    /// The schema it was found in.
    pub schema: String,
    /// Whether an extension brought it.
    pub extension: bool,
    /// `pg_proc.prokind`: `f`, `a` (aggregate), `w` (window), `p` (procedure).
    pub kind: char,
    /// `pg_proc.provolatile`: `i`, `s`, `v`.
    pub volatility: char,
    /// Whether it returns a set.
    pub returns_set: bool,
    /// How many arguments it takes; without end if the last may be repeated.
    pub arguments: RangeInclusive<usize>,
}
