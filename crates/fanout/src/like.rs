//! What home is like, as far as stores have to be like it.

use crate::facts::DATABASE;
use crate::home::Home;
use crate::legs::{Check, Found, database_sql};
use sql::fanout::TableNeeded;
use wire::Fields;
use wire::frame::backend;

/// The question what home is like, as far as a plan needs stores to be alike: which types the columns have that are
/// needed. What its database is like is asked once for each connection.
#[derive(Debug)]
pub(crate) struct Like {
    /// How many columns are needed.
    columns: usize,
    /// Its text with its number, if any are.
    asked: Option<(u128, String)>,
}

impl Like {
    /// For the tables of a plan. `hash`: a keyed hash of a text.
    pub(crate) fn of(tables: &[TableNeeded], hash: impl Fn(&str) -> u128) -> Self {
        let asked = Check::of(tables).made_of().map(|sql| (hash(&sql), sql));
        Self { columns: tables.iter().map(|table| table.columns.len()).sum(), asked }
    }
}

/// Home's answer to a [`Like`], as it comes.
pub(crate) struct Answering {
    found: Found,
    /// Whether the database is told of first.
    of_database: bool,
    taken: Option<()>,
}

impl Answering {
    /// Takes the body of a DataRow.
    pub(crate) fn row(&mut self, body: &[u8]) {
        let found = &mut self.found;
        let taken = if self.of_database { found.take_database(body) } else { found.take_column(body) };
        self.taken = self.taken.and(taken);
    }

    /// One statement is answered.
    pub(crate) fn next(&mut self) {
        self.of_database = false;
    }

    /// `None`: what came could not be read.
    fn done(self) -> Option<Found> {
        self.taken.map(|()| self.found).filter(|found| found.database.is_some())
    }
}

impl Home {
    /// What home is like, as stores have to be.
    pub(crate) async fn check(&mut self, like: &Like) -> Result<Option<Found>, Box<Fields>> {
        self.until_quiet().await?;
        let mut answering = self.ask_like(like);
        self.sync();
        self.until_ready(|tag, body| match tag {
            backend::DATA_ROW => answering.row(body),
            backend::COMMAND_COMPLETE => answering.next(),
            _ => {}
        })
        .await
        .inspect_err(|_| self.doubt())?;
        Ok(self.found(answering))
    }

    /// Writes what is asked about home, as far as it is not known.
    pub(crate) fn ask_like(&mut self, like: &Like) -> Answering {
        let found = Found::awaited(self.database().clone(), like.columns);
        let of_database = found.database.is_none();
        if of_database {
            self.execute_prepared(DATABASE, database_sql(self.major()), &[]);
        }
        if let Some((number, sql)) = &like.asked {
            self.execute_prepared(*number, sql, &[]);
        }
        Answering { found, of_database, taken: Some(()) }
    }

    /// What home is like, if that could be read.
    pub(crate) fn found(&mut self, answering: Answering) -> Option<Found> {
        let found = answering.done()?;
        self.database().clone_from(&found.database);
        Some(found)
    }
}
