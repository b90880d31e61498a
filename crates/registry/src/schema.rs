//! The registry's tables, and the steps from each version of them to the next.

use crate::{Error, Result};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One script per version; `PRAGMA user_version` counts how many of them a file has seen.
const STEPS: &[&str] = &[include_str!("schema_1.sql")];

/// Marks the file as ours (`PRAGMA application_id`): "SGat".
const APPLICATION_ID: i64 = 0x5347_6174;

/// Brings a fresh or older registry to the newest version, in one transaction.
///
/// # Errors
/// [`Error::Unreadable`] when the file belongs to another program or to a newer version of this one.
pub(crate) fn migrate(connection: &mut Connection, path: &Path, fresh: bool) -> Result<()> {
    let unreadable = |why: String| Error::Unreadable { path: path.to_owned(), why };
    let pragma = |connection: &Connection, name: &str| -> Result<i64> {
        connection.pragma_query_one(None, name).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                unreadable("it is not a SQLite database, or a damaged one".to_owned())
            }
            _ => error.into(),
        })
    };
    if !fresh && pragma(connection, "application_id")? != APPLICATION_ID {
        return Err(unreadable("it was not made by `stuffgate init`".to_owned()));
    }
    let newest = STEPS.len();
    let seen = |version: i64| {
        usize::try_from(version).ok().filter(|seen| *seen <= newest).ok_or_else(|| {
            unreadable(format!("it has version {version}, and this program knows versions up to {newest}"))
        })
    };
    if seen(pragma(connection, "user_version")?)? == newest {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have been quicker.
    let from = seen(pragma(&transaction, "user_version")?)?;
    for step in &STEPS[from..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(newest).unwrap_or(i64::MAX))?;
    Ok(transaction.commit()?)
}
