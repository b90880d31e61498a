//! What a database is like, for as long as anybody is connected to it.

/// How a database orders text by default, and what it takes for a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Collation {
    /// `datlocprovider`.
    pub provider: String,
    /// `datcollate`.
    pub collate: String,
    /// `datctype`.
    pub ctype: String,
    /// `datlocale`, or what it was called before.
    pub locale: Option<String>,
    /// The version that is in use, where its provider has any.
    pub version: Option<String>,
}

/// What a server process takes from its database when it starts, and keeps until it ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Database {
    /// Its default.
    pub collation: Collation,
    /// Its encoding.
    pub encoding: String,
}
