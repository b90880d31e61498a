//! The outbox: what must still be done in stores, kept until a store says that it is done.

use crate::grants::{self, GrantRecord, Prepared};
use crate::kek::random_hex;
use crate::registry::{Registry, now_s};
use crate::rows;
use crate::{Error, Result};
use model::{GrantId, StoreId};
use rusqlite::{Connection, Row, Transaction, params};

/// First wait after a failed attempt, in seconds.
const FIRST_RETRY_S: i64 = 5;

/// Longest wait between attempts, in seconds: nobody is served from the store until one succeeds.
const LAST_RETRY_S: i64 = 300;

/// Most bytes of a failure's text that are kept.
const MAX_ERROR_BYTES: usize = 500;

/// An operation's name, the same in the registry and in the store, where it makes the work exactly-once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperationId(pub Box<str>);

impl OperationId {
    /// A new one: 128 random bits.
    ///
    /// # Errors
    /// [`Error::System`] when the system gives no random bytes.
    pub fn fresh() -> Result<Self> {
        Ok(Self(random_hex::<16>()?.into()))
    }
}

impl std::fmt::Display for OperationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// End the grant's sessions in the store and drop its roles.
    Revoke,
}

/// Work for one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its name.
    pub id: OperationId,
    /// Where.
    pub store: StoreId,
    /// What.
    pub kind: OperationKind,
    /// For which grant.
    pub grant: GrantRecord,
    /// How often it was tried without success.
    pub attempts: u32,
    /// When it is to be tried (again), in seconds since the Unix epoch.
    pub due_at: i64,
    /// What the last attempt failed with.
    pub last_error: Option<String>,
}

/// How long to wait after that many failed attempts, in seconds: doubling, up to five minutes.
#[must_use]
pub fn backoff_s(attempts: u32) -> i64 {
    let doublings = attempts.saturating_sub(1).min(30);
    (FIRST_RETRY_S << doublings).min(LAST_RETRY_S)
}

impl Registry {
    /// Operations whose time has come at `now` (seconds since the Unix epoch), oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn due_operations(&self, now: i64, limit: u32) -> Result<Vec<Operation>> {
        select(&self.connection, "due_at <= ?1 ORDER BY created_at, rowid LIMIT ?2", params![now, limit])
    }

    /// All operations that wait for one store, oldest first.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn operations_of(&self, store: StoreId) -> Result<Vec<Operation>> {
        select(&self.connection, "store_id = ?1 ORDER BY created_at, rowid", params![store.0])
    }

    /// When the next operation is due, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn next_due(&self) -> Result<Option<i64>> {
        Ok(self.connection.query_row("SELECT min(due_at) FROM outbox", [], |row| row.get(0))?)
    }

    /// Makes what waits for a store due now, when something showed that it is reachable again.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn retry_now(&mut self, store: StoreId) -> Result<()> {
        self.write(|transaction, _| {
            let sql = "UPDATE outbox SET due_at = ?2 WHERE store_id = ?1 AND due_at > ?2";
            transaction.execute(sql, params![store.0, now_s()])?;
            Ok(())
        })
    }

    /// Takes an operation out of the outbox. One that is not there any more was done by another process.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn operation_done(&mut self, id: &OperationId) -> Result<()> {
        self.write(|transaction, _| {
            transaction.execute("DELETE FROM outbox WHERE id = ?1", params![id.0])?;
            Ok(())
        })
    }

    /// Notes that an operation failed at `now` (seconds since the Unix epoch) and says when it is due again.
    /// `error` must hold no secret.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn operation_failed(&mut self, id: &OperationId, error: &str, now: i64) -> Result<i64> {
        self.write(|transaction, _| {
            let sql = "SELECT attempts FROM outbox WHERE id = ?1";
            let attempts =
                rows::column::<u32>(transaction, sql, params![id.0])?.unwrap_or(0).saturating_add(1);
            let due_at = now.saturating_add(backoff_s(attempts));
            let error = &error[..error.floor_char_boundary(MAX_ERROR_BYTES)];
            transaction.execute(
                "UPDATE outbox SET attempts = ?2, due_at = ?3, last_error = ?4 WHERE id = ?1",
                params![id.0, attempts, due_at, error],
            )?;
            Ok(due_at)
        })
    }
}

/// Queues the clean-up after a grant, if the gate prepared it and it is not queued already.
pub(crate) fn queue_clean_up(transaction: &Transaction<'_>, record: &GrantRecord, now: i64) -> Result<()> {
    if record.prepared == Prepared::ByOwner || record.waiting {
        return Ok(());
    }
    transaction.execute(
        "INSERT INTO outbox (id, store_id, grant_id, kind, due_at) VALUES (?1, ?2, ?3, 'revoke', ?4)",
        params![OperationId::fresh()?.0, record.grant.store.0, record.grant.id.0, now],
    )?;
    Ok(())
}

/// What waits for a grant.
pub(crate) fn of_grant(connection: &Connection, id: GrantId) -> Result<Option<Operation>> {
    Ok(select(connection, "grant_id = ?1 LIMIT 1", params![id.0])?.into_iter().next())
}

fn select(connection: &Connection, tail: &str, params: impl rusqlite::Params) -> Result<Vec<Operation>> {
    let sql = format!("SELECT id, store_id, grant_id, attempts, due_at, last_error FROM outbox WHERE {tail}");
    let bare = rows::all(connection, &sql, params, Bare::read)?;
    bare.into_iter()
        .map(|bare| {
            let grant = grants::must_find(connection, bare.grant)?;
            Ok(Operation {
                id: bare.id,
                store: bare.store,
                kind: OperationKind::Revoke,
                grant,
                attempts: bare.attempts,
                due_at: bare.due_at,
                last_error: bare.last_error,
            })
        })
        .collect::<std::result::Result<_, Error>>()
}

/// An outbox row before its grant is looked up.
struct Bare {
    id: OperationId,
    store: StoreId,
    grant: GrantId,
    attempts: u32,
    due_at: i64,
    last_error: Option<String>,
}

impl Bare {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: OperationId(row.get::<_, String>(0)?.into()),
            store: StoreId(row.get(1)?),
            grant: GrantId(row.get(2)?),
            attempts: row.get(3)?,
            due_at: row.get(4)?,
            last_error: row.get(5)?,
        })
    }
}
