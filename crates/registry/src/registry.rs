//! One connection to the registry file, and how every operation runs on it.

use crate::{Error, Kek, Result, Sealer, schema};
use model::{Credential, Sealed};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an operation waits for another process's write before it fails with [`Error::Busy`].
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Change-log rows kept. A follower that is further behind reads everything again.
const MAX_CHANGES_ROWS: i64 = 100_000;

/// The registry. Methods block on disk; each is one transaction, so a crash at any point leaves all of
/// an operation or nothing of it. Not shared between threads: open one per thread, it is cheap.
#[derive(Debug)]
pub struct Registry {
    pub(crate) connection: Connection,
    pub(crate) kek: Kek,
    path: PathBuf,
}

impl Registry {
    /// Makes a new registry file, readable by its owner only, sealed with `kek`.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is a file at `path` already.
    pub fn create(path: &Path, kek: Kek) -> Result<Self> {
        // Made here so that it has the right mode from the start; SQLite gives its side files the same.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(
            |source| match source.kind() {
                std::io::ErrorKind::AlreadyExists => Error::Exists(path.to_owned()),
                _ => Error::File { path: path.to_owned(), source },
            },
        )?;
        let mut connection = connect(path, BUSY_TIMEOUT)?;
        schema::migrate(&mut connection, path, true)?;
        connection.execute("INSERT INTO meta (key, value) VALUES ('kek_id', ?1)", params![kek.id()])?;
        Ok(Self { connection, kek, path: path.to_owned() })
    }

    /// Opens a registry and brings it to this program's version.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Unreadable`], and [`Error::WrongKey`] when its secrets are sealed
    /// with another key than `kek`.
    pub fn open(path: &Path, kek: Kek) -> Result<Self> {
        let mut connection = connect(path, BUSY_TIMEOUT)?;
        schema::migrate(&mut connection, path, false)?;
        must_be_in_force(&connection, &kek)?;
        Ok(Self { connection, kek, path: path.to_owned() })
    }

    /// The id of the key that the registry at `path` is sealed with.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Unreadable`].
    pub fn kek_id_of(path: &Path) -> Result<String> {
        let mut connection = connect(path, BUSY_TIMEOUT)?;
        schema::migrate(&mut connection, path, false)?;
        kek_id(&connection)
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What opens this registry's secrets without it.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        Sealer::new(self.kek.clone())
    }

    /// Opens a sealed secret of this registry.
    ///
    /// # Errors
    /// [`Error::Unsealable`] when it was sealed for something else or has been altered.
    pub fn open_credential(&self, purpose: crate::Purpose, sealed: &Sealed) -> Result<Credential> {
        crate::seal::open(&self.kek, purpose, sealed)
    }

    /// Runs `write` as one transaction that waits for its turn before it reads anything.
    pub(crate) fn write<T>(&mut self, write: impl FnOnce(&Transaction<'_>, &Kek) -> Result<T>) -> Result<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = write(&transaction, &self.kek)?;
        transaction.execute(
            "DELETE FROM changes WHERE version <= (SELECT max(version) FROM changes) - ?1",
            params![MAX_CHANGES_ROWS],
        )?;
        transaction.commit()?;
        Ok(result)
    }
}

/// Opens the file as every part of this crate wants it: WAL, durable, with foreign keys, waiting at most
/// `busy_timeout` for another process's lock.
pub(crate) fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection> {
    if !path.exists() {
        return Err(Error::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    let set_up = || {
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        // A revocation that was reported as done must survive the power going out.
        connection.pragma_update(None, "synchronous", "full")
    };
    set_up().map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            Error::Unreadable { path: path.to_owned(), why: "it is not a SQLite database".to_owned() }
        }
        Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen) => Error::Unreadable {
            path: path.to_owned(),
            why: "this user may not write it and its folder".to_owned(),
        },
        _ => Error::from(error),
    })?;
    Ok(connection)
}

/// Seals a secret that is about to be written. A process that missed a rotation must not: what it wrote
/// would be lost with the old key.
///
/// # Errors
/// [`Error::WrongKey`] when the registry has another key by now, [`Error::Invalid`] for the secret.
pub(crate) fn seal(
    transaction: &Transaction<'_>,
    kek: &Kek,
    purpose: crate::Purpose,
    credential: &Credential,
) -> Result<Sealed> {
    must_be_in_force(transaction, kek)?;
    crate::seal::seal(kek, purpose, credential)
}

/// Whether `kek` is the key that the registry is sealed with now.
///
/// # Errors
/// [`Error::WrongKey`].
pub(crate) fn must_be_in_force(connection: &Connection, kek: &Kek) -> Result<()> {
    let needed = kek_id(connection)?;
    if needed == kek.id() { Ok(()) } else { Err(Error::WrongKey { given: kek.id().to_owned(), needed }) }
}

fn kek_id(connection: &Connection) -> Result<String> {
    Ok(connection.query_row("SELECT value FROM meta WHERE key = 'kek_id'", [], |row| row.get(0))?)
}

/// Seconds since the Unix epoch.
pub(crate) fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;
    use tempfile::TempDir;

    pub(crate) fn kek() -> Kek {
        Kek::from_text(&Kek::generate().expect("a key")).expect("a key")
    }

    /// An empty registry that goes with its folder.
    pub(crate) fn scratch() -> (TempDir, Registry) {
        let folder = tempfile::tempdir().expect("a folder");
        let registry = Registry::create(&folder.path().join("registry.db"), kek()).expect("a registry");
        (folder, registry)
    }

    #[test]
    fn a_registry_and_its_side_files_are_closed_to_others() {
        let (folder, mut registry) = scratch();
        registry.write(|_, _| Ok(())).expect("a write");
        for entry in std::fs::read_dir(folder.path()).expect("the folder") {
            let entry = entry.expect("an entry");
            assert_eq!(entry.metadata().expect("its data").mode() & 0o077, 0, "{:?}", entry.path());
        }
    }

    #[test]
    fn a_registry_is_never_made_over_a_file_that_is_there() {
        let (_folder, registry) = scratch();
        assert!(matches!(Registry::create(registry.path(), kek()), Err(Error::Exists(_))));
    }

    #[test]
    fn another_key_is_refused_and_both_ids_are_named() {
        let (_folder, registry) = scratch();
        let other = kek();
        let refused = Registry::open(registry.path(), other.clone()).expect_err("another key").to_string();
        assert!(refused.contains(other.id()) && refused.contains(registry.kek.id()), "{refused}");
        Registry::open(registry.path(), registry.kek.clone()).expect("the right key");
    }

    #[test]
    fn what_is_not_a_registry_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("none.db");
        assert!(matches!(Registry::open(&missing, kek()), Err(Error::Missing(_))));
        assert!(!missing.exists());

        let text = folder.path().join("text.db");
        std::fs::write(&text, "some text that is no database ".repeat(100)).expect("a file");
        assert!(matches!(Registry::open(&text, kek()), Err(Error::Unreadable { .. })));

        let foreign = folder.path().join("foreign.db");
        Connection::open(&foreign).and_then(|c| c.execute_batch("CREATE TABLE t (a)")).expect("a database");
        assert!(matches!(Registry::open(&foreign, kek()), Err(Error::Unreadable { .. })));
    }

    #[test]
    fn a_registry_of_a_newer_program_is_refused() {
        let (_folder, registry) = scratch();
        registry.connection.pragma_update(None, "user_version", 99).expect("a version");
        let refused = Registry::open(registry.path(), registry.kek.clone()).expect_err("newer").to_string();
        assert!(refused.contains("version 99"), "{refused}");
    }

    #[test]
    fn a_write_that_fails_halfway_leaves_nothing() {
        let (_folder, mut registry) = scratch();
        let failed: Result<()> = registry.write(|transaction, _| {
            transaction.execute("INSERT INTO users (name) VALUES ('alice')", [])?;
            Err(Error::Invalid("stop here".to_owned()))
        });
        assert!(failed.is_err());
        let users: i64 = registry
            .connection
            .query_row("SELECT count(*) FROM users", [], |row| row.get(0))
            .expect("a count");
        let changes: i64 = registry
            .connection
            .query_row("SELECT count(*) FROM changes", [], |row| row.get(0))
            .expect("a count");
        assert_eq!((users, changes), (0, 0));
    }

    #[test]
    fn the_change_log_is_bounded() {
        let (_folder, mut registry) = scratch();
        let rows = MAX_CHANGES_ROWS + 10;
        registry
            .write(|transaction, _| {
                transaction.execute(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                     INSERT INTO changes (entity, id) SELECT 'user', i FROM n",
                    params![rows],
                )?;
                Ok(())
            })
            .expect("a write");
        let kept: i64 = registry
            .connection
            .query_row("SELECT count(*) FROM changes", [], |row| row.get(0))
            .expect("a count");
        assert_eq!(kept, MAX_CHANGES_ROWS);
    }
}
