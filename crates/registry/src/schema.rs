//! The registry's tables, and the steps from each version of them to the next.

use crate::{Error, Result};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One script per version; `PRAGMA user_version` counts how many of them a file has seen.
const STEPS: &[&str] =
    &[include_str!("schema_1.sql"), include_str!("schema_2.sql"), include_str!("schema_3.sql")];

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::tests::kek;
    use crate::{Registry, grants};
    use model::{Directory, Disclosure};
    use rusqlite::params;

    /// Alice, her store and her grant to todo, and an analyst, as version 1 kept them.
    const ROWS_OF_1: &str = "
        INSERT INTO users (name) VALUES ('alice');
        INSERT INTO services (name) VALUES ('todo');
        INSERT INTO stores (user_id, host, port, database, tls) VALUES (1, 'h', 5432, 'd', 'disable');
        INSERT INTO partitions (store_id, service, kind, schema, extensions, owner_role)
            VALUES (1, 'todo', 'schema', 'stuff_todo', 'extensions', 'p_todo');
        INSERT INTO grants (user_id, service_id, store_id, partition_id, role, credential, reader_role,
                            reader_credential, state)
            VALUES (1, 1, 1, 1, 'g_todo', 'sealed', 'r_todo', 'sealed too', 'active');
        INSERT INTO logins (name, kind, service_id, verifier) VALUES ('ana', 'analyst', 1,
            'SCRAM-SHA-256$4096:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=');";

    #[test]
    fn a_registry_of_version_1_is_brought_up_where_it_is_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, kek) = (folder.path().join("registry.db"), kek());
        let old = Connection::open(&path).expect("a file");
        old.execute_batch(STEPS[0]).and_then(|()| old.execute_batch(ROWS_OF_1)).expect("version 1");
        old.execute("INSERT INTO meta VALUES ('kek_id', ?1)", params![kek.id()]).expect("its key");
        old.pragma_update(None, "application_id", APPLICATION_ID).expect("an id");
        old.pragma_update(None, "user_version", 1).expect("a version");
        drop(old);

        let mut registry = Registry::open(&path, kek).expect("brought up");
        let directory = Directory::default();
        registry.load_directory(&directory).expect("loaded");
        let grant = directory.grant_ids().first().and_then(|id| directory.grant(*id)).expect("the grant");
        assert_eq!((grant.role.as_ref(), grant.fanout), ("g_todo", Disclosure::Rows));
        assert_eq!(directory.login_named("ana").expect("the analyst").min_stores_per_group, 0);
        let record = grants::must_find(&registry.connection, grant.id).expect("the record");
        assert_eq!(record.reader.expect("its reader").role.as_ref(), "r_todo");

        let (alice, todo) = ("alice".parse().expect("a name"), "todo".parse().expect("a name"));
        registry.set_fanout(&alice, &todo, Disclosure::None).expect("a class");
        let version: i64 = registry.connection.pragma_query_one(None, "user_version").expect("a version");
        assert_eq!(usize::try_from(version), Ok(STEPS.len()));
    }
}
