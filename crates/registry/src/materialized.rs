//! Answers that are kept: defined, listed, claimed for a refresh, noted, dropped.

use crate::registry::{Registry, now_s};
use crate::rows;
use crate::{Error, Result, services};
use model::{Name, ServiceId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Longest time after a failed refresh until the next, in seconds.
const RETRY_S: i64 = 300;

/// Part of the time between two refreshes by which the next is late at random, so that not all come at once.
const JITTER: i64 = 20;

/// Most bytes of a failure's text that are kept.
const MAX_ERROR_BYTES: usize = 1000;

/// The name of the table beside the answers, which says what came of each refresh.
const RESERVED: &str = "refreshes";

/// Longest statement, in bytes.
const MAX_STATEMENT_BYTES: usize = 1 << 20;

/// What is to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its name, unlike every other's: the table is called so.
    pub name: Name,
    /// Whose stores are asked, and on whose home it is kept.
    pub service: Name,
    /// The statement.
    pub statement: String,
    /// Seconds between two refreshes.
    pub every_s: i64,
    /// Below this part of the stores, from 0 to 1, the old answer is kept.
    pub min_coverage: f64,
    /// Groups to which fewer stores contributed are left out; 0 and 1 keep all.
    pub min_stores_per_group: u32,
}

/// What is kept, as the registry knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Materialized {
    /// Row in the registry.
    pub id: i64,
    /// Whose, by number.
    pub service: ServiceId,
    /// What is to be kept.
    pub definition: Definition,
    /// When it is refreshed next, in seconds since the Unix epoch.
    pub due_at: i64,
    /// How many refreshes have come to an end, whatever it was.
    pub tries: i64,
    /// Why the last refresh failed, if it did.
    pub last_error: Option<String>,
    /// The answer that is kept, if there is one.
    pub kept: Option<Kept>,
}

/// An answer on a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// When it was asked for, in seconds since the Unix epoch.
    pub as_of: i64,
    /// Stores that were asked.
    pub asked: u32,
    /// Stores that are in it.
    pub ok: u32,
    /// Its rows.
    pub rows: i64,
}

const RECORD: &str = "SELECT m.id, m.service_id, m.name, s.name, m.statement, m.every_s, m.min_coverage,
           m.min_stores_per_group, m.due_at, m.tries, m.last_error, m.as_of, m.asked, m.ok, m.rows
    FROM materialized m JOIN services s ON s.id = m.service_id";

impl Registry {
    /// Defines what is to be kept, due at once; one of that name and service is defined anew.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the service; [`Error::Conflict`] where the name is another service's, or the
    /// service has no home; [`Error::Invalid`] for a statement or an interval that cannot be kept.
    pub fn materialize(&mut self, definition: &Definition) -> Result<Materialized> {
        let Definition { name, service, statement, every_s, min_coverage, min_stores_per_group } = definition;
        if statement.len() > MAX_STATEMENT_BYTES {
            return Err(Error::Invalid(format!("a statement is at most {MAX_STATEMENT_BYTES} bytes")));
        }
        if *every_s <= 0 || !(0.0..=1.0).contains(min_coverage) {
            return Err(Error::Invalid("an interval is at least a second, coverage 0 to 1".to_owned()));
        }
        if name.as_str() == RESERVED {
            return Err(Error::Invalid(format!("{RESERVED} is the name of the gate's own table there")));
        }
        self.write(|transaction, _| {
            let owner = services::must_find(transaction, service)?;
            if owner.home.is_none() {
                let message = format!("service {service} has no home, where the answer would be kept");
                return Err(Error::Conflict(message));
            }
            if let Some(known) = find(transaction, name)?.filter(|known| known.service != owner.id) {
                let other = known.definition.service;
                return Err(Error::Conflict(format!("{name} is the name of an answer of service {other}")));
            }
            transaction.execute(
                "INSERT INTO materialized (name, service_id, statement, every_s, min_coverage, min_stores_per_group,
                                           due_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (name) DO UPDATE SET statement = excluded.statement, every_s = excluded.every_s,
                     min_coverage = excluded.min_coverage, min_stores_per_group = excluded.min_stores_per_group,
                     due_at = excluded.due_at",
                params![
                    name.as_str(),
                    owner.id.0,
                    statement,
                    every_s,
                    min_coverage,
                    min_stores_per_group,
                    now_s()
                ],
            )?;
            must_find(transaction, name)
        })
    }

    /// All that is kept, by name.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn all_materialized(&self) -> Result<Vec<Materialized>> {
        Ok(rows::all(&self.connection, &format!("{RECORD} ORDER BY m.name"), [], record)?)
    }

    /// The one of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn materialized(&self, name: &Name) -> Result<Materialized> {
        must_find(&self.connection, name)
    }

    /// Makes a refresh due now.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn refresh_now(&mut self, name: &Name) -> Result<Materialized> {
        self.write(|transaction, _| {
            let id = must_find(transaction, name)?.id;
            transaction.execute("UPDATE materialized SET due_at = ?2 WHERE id = ?1", params![id, now_s()])?;
            must_find(transaction, name)
        })
    }

    /// Forgets what was to be kept. The table on home is the caller's to drop.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn drop_materialized(&mut self, name: &Name) -> Result<Materialized> {
        self.write(|transaction, _| {
            let known = must_find(transaction, name)?;
            transaction.execute("DELETE FROM materialized WHERE id = ?1", params![known.id])?;
            Ok(known)
        })
    }

    /// What has been due for longest at `now` (seconds since the Unix epoch), if anything is. Nobody else is
    /// given it for `claim_s` seconds, or until it is noted.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn claim_refresh(&mut self, now: i64, claim_s: i64) -> Result<Option<Materialized>> {
        let sql = format!("{RECORD} WHERE m.due_at <= ?1 ORDER BY m.due_at, m.id LIMIT 1");
        // Looked at without a write first: mostly there is nothing.
        if self.connection.query_row(&sql, params![now], record).optional()?.is_none() {
            return Ok(None);
        }
        self.write(|transaction, _| {
            let found = transaction.query_row(&sql, params![now], record).optional()?;
            let Some(due) = found else { return Ok(None) };
            let until = now.saturating_add(claim_s);
            transaction
                .execute("UPDATE materialized SET due_at = ?2 WHERE id = ?1", params![due.id, until])?;
            Ok(Some(Materialized { due_at: until, ..due }))
        })
    }

    /// Notes how a claimed refresh ended at `now`, and when the next is due: after the interval and a little, or,
    /// if it failed, after some minutes at most. What was defined anew or made due meanwhile stays due.
    /// `ended` is the answer, or why there is none; it must hold no secret.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn note_refresh(
        &mut self,
        claimed: &Materialized,
        ended: &std::result::Result<Kept, String>,
        now: i64,
    ) -> Result<()> {
        let every = claimed.definition.every_s;
        let next = match ended {
            Ok(_) => now.saturating_add(every),
            Err(_) => now.saturating_add(every.min(RETRY_S)),
        };
        self.write(|transaction, _| {
            transaction.execute(
                "UPDATE materialized SET tries = tries + 1,
                     due_at = iif(due_at = ?2, ?3 + abs(random() % ?4), due_at) WHERE id = ?1",
                params![claimed.id, claimed.due_at, next, every / JITTER + 1],
            )?;
            match ended {
                Ok(Kept { as_of, asked, ok, rows }) => transaction.execute(
                    "UPDATE materialized SET last_error = NULL, as_of = ?2, asked = ?3, ok = ?4, rows = ?5 WHERE id = ?1",
                    params![claimed.id, as_of, asked, ok, rows],
                )?,
                Err(error) => transaction.execute(
                    "UPDATE materialized SET last_error = ?2 WHERE id = ?1",
                    params![claimed.id, &error[..error.floor_char_boundary(MAX_ERROR_BYTES)]],
                )?,
            };
            Ok(())
        })
    }
}

fn find(connection: &Connection, name: &Name) -> Result<Option<Materialized>> {
    let sql = format!("{RECORD} WHERE m.name = ?1");
    Ok(connection.query_row(&sql, params![name.as_str()], record).optional()?)
}

fn must_find(connection: &Connection, name: &Name) -> Result<Materialized> {
    find(connection, name)?.ok_or_else(|| Error::not_found("materialized answer", name, "materialize list"))
}

fn record(row: &Row<'_>) -> rusqlite::Result<Materialized> {
    let kept = match row.get::<_, Option<i64>>(11)? {
        Some(as_of) => Some(Kept { as_of, asked: row.get(12)?, ok: row.get(13)?, rows: row.get(14)? }),
        None => None,
    };
    Ok(Materialized {
        id: row.get(0)?,
        service: ServiceId(row.get(1)?),
        definition: Definition {
            name: rows::parsed(row, 2)?,
            service: rows::parsed(row, 3)?,
            statement: row.get(4)?,
            every_s: row.get(5)?,
            min_coverage: row.get(6)?,
            min_stores_per_group: row.get(7)?,
        },
        due_at: row.get(8)?,
        tries: row.get(9)?,
        last_error: row.get(10)?,
        kept,
    })
}
