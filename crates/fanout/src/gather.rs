//! Tier T3 on home: temporary tables, filled with what the stores brought.

use crate::copy;
use crate::error;
use crate::home::Home;
use sql::fanout::Temporary;
use wire::{Fields, Sqlstate};

/// Unsent bytes above which loading waits for home to take some.
const UNSENT_BYTES: usize = 1024 * 1024;

/// Rows from which on home is to know how many there are before it plans.
const ANALYZED_ROWS: u64 = 1_000;

/// A column that is neither grouped nor aggregated: valid only where a key decides it.
const GROUPING_ERROR: &str = "42803";

/// Two rows have the same key.
const UNIQUE_VIOLATION: &str = "23505";

/// Temporary tables on home.
pub(crate) struct Tables<'a> {
    tables: &'a [Temporary],
    /// The statement is refused without the tables' keys.
    needs_keys: bool,
    rows: u64,
}

impl<'a> Tables<'a> {
    /// Creates them, and has home read the statement that is to run over them: whether it needs their keys
    /// does not depend on the rows.
    pub(crate) async fn create(
        home: &mut Home,
        tables: &'a [Temporary],
        sql: &str,
        types: &[u32],
    ) -> Result<Self, Box<Fields>> {
        for table in tables {
            home.query(&table.create);
        }
        home.until_quiet().await?;
        let mut needs_keys = false;
        if tables.iter().any(|table| !table.keys.is_empty()) {
            home.run("SAVEPOINT stuffgate_keys").await?;
            if let Err(error) = home.judge(sql, types).await {
                needs_keys = home.is_usable() && error.code.as_str() == GROUPING_ERROR;
                if !needs_keys {
                    return Err(error);
                }
                home.run("ROLLBACK TO SAVEPOINT stuffgate_keys").await?;
            }
        }
        Ok(Self { tables, needs_keys, rows: 0 })
    }

    /// Loads the rows of one or more legs: for each, the DataRow messages for each table. All of them, or none.
    ///
    /// # Errors
    /// The inner one, if home refuses the rows; the transaction goes on without them.
    pub(crate) async fn load(
        &mut self,
        home: &mut Home,
        legs: &[Vec<&[u8]>],
    ) -> Result<Result<(), Box<Fields>>, Box<Fields>> {
        home.query("SAVEPOINT stuffgate");
        for (at, table) in self.tables.iter().enumerate() {
            let parts = || legs.iter().filter_map(|leg| leg.get(at)).filter(|part| !part.is_empty());
            if parts().next().is_none() {
                continue;
            }
            home.query(&format!("COPY {} FROM STDIN", table.copy));
            for part in parts() {
                copy::write(home.out(), part);
                home.relieve(UNSENT_BYTES).await?;
            }
            copy::done(home.out());
        }
        let loaded = home.until_quiet().await;
        match loaded {
            Ok(()) => {
                home.query("RELEASE SAVEPOINT stuffgate");
                Ok(Ok(()))
            }
            Err(error) if home.is_usable() && is_about_rows(error.code) => {
                home.run("ROLLBACK TO SAVEPOINT stuffgate").await?;
                Ok(Err(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Counts rows that were loaded.
    pub(crate) fn count(&mut self, rows: u64) {
        self.rows += rows;
    }

    /// Everything is loaded: from here on there are only reads.
    pub(crate) async fn close(self, home: &mut Home) -> Result<(), Box<Fields>> {
        home.until_quiet().await?;
        if self.needs_keys {
            for statement in self.tables.iter().flat_map(|table| &table.keys) {
                home.query(statement);
            }
            home.until_quiet().await.map_err(|error| match error.code.as_str() {
                UNIQUE_VIOLATION => error::key_not_unique(),
                _ => error,
            })?;
        }
        if self.rows >= ANALYZED_ROWS {
            for table in self.tables {
                home.query(&format!("ANALYZE {}", name(&table.copy)));
            }
        }
        home.query("SET TRANSACTION READ ONLY");
        home.until_quiet().await
    }
}

/// Whether an error says that rows are not such as the table's columns can have.
fn is_about_rows(code: Sqlstate) -> bool {
    matches!(code.class(), "21" | "22" | "23" | "42")
}

/// The table in what is written between COPY and FROM.
fn name(copy: &str) -> &str {
    let mut quoted = false;
    let end = copy.find(|character| {
        quoted ^= character == '"';
        character == ' ' && !quoted
    });
    end.and_then(|end| copy.get(..end)).unwrap_or(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tables_name_ends_at_the_first_blank_outside_quotes() {
        assert_eq!(name(r#"pg_temp."a (b" ("c d")"#), r#"pg_temp."a (b""#);
        assert_eq!(name("pg_temp.t (a, b)"), "pg_temp.t");
    }
}
