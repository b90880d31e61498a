//! Tier T3 on home: temporary tables, filled with what the stores brought.

use crate::answer::Last;
use crate::asked;
use crate::copy;
use crate::error;
use crate::home::Home;
use crate::legs::{Fault, Finished, Legs, Rows};
use crate::prepare::Planned;
use crate::statement::{Attempt, Work};
use model::Outcome;
use sql::fanout::Temporary;
use std::sync::Arc;
use wire::{Fields, Sqlstate};

/// Rows of legs that are loaded at a time, in bytes, where several legs are done.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

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

impl Work<'_> {
    /// Gathers rows and runs the statement over them. Where stores compute nothing, whoever fails at a value is lost.
    pub(crate) async fn gather(
        &mut self,
        planned: &Arc<Planned>,
        tables: &[Temporary],
        sql: &str,
        last: Last<'_>,
    ) -> Result<Attempt, Box<Fields>> {
        let mut legs = self.ask(planned).await?;
        self.home.query("SAVEPOINT stuffgate_fanout");
        let mut tables = Tables::create(self.home, tables, sql, &last.types).await?;
        while let Some(finished) = legs.next().await {
            let mut batch = Vec::new();
            let mut bytes = 0;
            let mut next = Some(finished);
            while let Some(finished) = next {
                if !planned.bare && !self.lenient && asked::wants_bare(&finished) {
                    return Ok(Attempt::Bare);
                }
                if let Some((index, results)) = self.note(finished).await {
                    bytes += results.iter().map(|rows| rows.messages().len()).sum::<usize>();
                    batch.push((index, results));
                }
                next = if bytes < BATCH_BYTES { ready(&mut legs).await } else { None };
            }
            self.load(&mut tables, &batch).await?;
        }
        if planned.bare && self.has_lost(Outcome::Limit) {
            return Ok(Attempt::TooLarge);
        }
        self.check_coverage()?;
        tables.close(self.home).await?;
        self.tell(&last).await.map(Attempt::Done).map_err(|refused| self.in_options(refused, last.sql))
    }

    /// Loads legs, all together if home takes them so, and each alone if not.
    async fn load(
        &mut self,
        tables: &mut Tables<'_>,
        batch: &[(usize, Vec<Rows>)],
    ) -> Result<(), Box<Fields>> {
        let rows = |leg: &Vec<Rows>| leg.iter().map(|rows| rows.len() as u64).sum::<u64>();
        let all: Vec<Vec<&[u8]>> = batch.iter().map(|(_, leg)| messages(leg)).collect();
        if all.iter().flatten().all(|part| part.is_empty()) {
            return Ok(());
        }
        if tables.load(self.home, &all).await?.is_ok() {
            tables.count(batch.iter().map(|(_, leg)| rows(leg)).sum());
            return Ok(());
        }
        for ((index, leg), one) in batch.iter().zip(&all) {
            match tables.load(self.home, std::slice::from_ref(one)).await? {
                Ok(()) => tables.count(rows(leg)),
                Err(why) => self.drop_leg(*index, &Fault::refused(&why)),
            }
        }
        Ok(())
    }
}

/// A leg that is over already, if there is one.
async fn ready(legs: &mut Legs) -> Option<Finished> {
    tokio::select! {
        biased;
        finished = legs.next() => finished,
        () = std::future::ready(()) => None,
    }
}

/// The rows for each table.
fn messages(leg: &[Rows]) -> Vec<&[u8]> {
    leg.iter().map(Rows::messages).collect()
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
