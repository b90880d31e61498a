//! A service's place inside one store.

/// A service's place inside one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Partition {
    /// A schema of the store's database, shown to the service as `public`.
    Schema {
        /// The partition's schema.
        schema: Box<str>,
        /// The schema that holds extensions, second on the search path.
        extensions: Box<str>,
    },
    /// A database of its own, where `public` really is `public` and nothing is rewritten.
    Database,
}

impl Partition {
    /// The `search_path` that must be in force before the first statement of a lease;
    /// `None` where the server's default is right.
    #[must_use]
    pub fn search_path(&self) -> Option<String> {
        match self {
            Self::Schema { schema, extensions } => {
                Some(format!("{}, {}", quote_identifier(schema), quote_identifier(extensions)))
            }
            Self::Database => None,
        }
    }
}

/// `text` as a quoted SQL identifier (PostgreSQL manual, "Identifiers and Key Words").
#[must_use]
pub fn quote_identifier(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// `text` as a SQL string literal that means the same whatever `standard_conforming_strings` says
/// (PostgreSQL manual, "String Constants with C-Style Escapes").
#[must_use]
pub fn quote_literal(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_partition_comes_first_on_its_search_path_and_is_quoted() {
        let partition = Partition::Schema { schema: "to\"do".into(), extensions: "ext".into() };
        assert_eq!(partition.search_path().as_deref(), Some("\"to\"\"do\", \"ext\""));
        assert_eq!(Partition::Database.search_path(), None);
    }

    #[test]
    fn literals_are_quoted_for_either_string_syntax() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal(r"a\'b"), r"E'a\\''b'");
    }
}
