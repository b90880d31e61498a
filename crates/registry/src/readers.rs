//! The read-only roles of grants, for whoever asks many stores at once.

use crate::registry::connect;
use crate::rows;
use crate::{Error, Reader, Result};
use model::{GrantId, Sealed};
use rusqlite::params;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a read waits for a lock. In WAL mode readers wait for nothing but a recovery.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// Finds the read-only roles of grants in the file of a registry. Needs no key: what it gives is sealed.
#[derive(Clone, Debug)]
pub struct ReaderRoles {
    path: PathBuf,
}

impl ReaderRoles {
    /// Those of the registry at `path`, which some [`crate::Registry`] has brought to this version.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// One for each of `grants`, in order; `None` for a grant that has none, and for one that is gone.
    /// Blocks on disk: some microseconds for each, and a millisecond for the file, which is opened anew since
    /// another may lie there by now.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Busy`], [`Error::Sqlite`].
    pub fn find(&self, grants: &[GrantId]) -> Result<Vec<Option<Reader>>> {
        let connection = connect(&self.path, LOCK_WAIT)?;
        let snapshot = connection.unchecked_transaction()?;
        let sql = "SELECT reader_role, reader_credential FROM grants
                   WHERE id = ?1 AND reader_role IS NOT NULL AND reader_credential IS NOT NULL";
        let mut statement = snapshot.prepare(sql)?;
        let mut find = |grant: &GrantId| {
            let mut found = statement.query_map(params![grant.0], |row| {
                let credential = Sealed::from_text(row.get::<_, String>(1)?);
                Ok(Reader { role: rows::text(row, 0)?, credential })
            })?;
            found.next().transpose().map_err(Error::from)
        };
        grants.iter().map(&mut find).collect()
    }
}
