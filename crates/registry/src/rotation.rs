//! Rotation of the key-encryption key: data keys are wrapped anew, secrets stay sealed as they are.

use crate::registry::{Registry, must_be_in_force};
use crate::rows;
use crate::seal::{self, Purpose};
use crate::{Kek, Result};
use model::{GrantId, Sealed, ServiceId, StoreId};
use rusqlite::params;

/// A column that holds sealed secrets.
struct Column {
    table: &'static str,
    name: &'static str,
    purpose: fn(i64) -> Purpose,
}

const COLUMNS: [Column; 4] = [
    Column { table: "services", name: "home_credential", purpose: |id| Purpose::Home(ServiceId(id)) },
    Column { table: "stores", name: "admin_credential", purpose: |id| Purpose::StoreAdmin(StoreId(id)) },
    Column { table: "grants", name: "credential", purpose: |id| Purpose::GrantLogin(GrantId(id)) },
    Column { table: "grants", name: "reader_credential", purpose: |id| Purpose::GrantReader(GrantId(id)) },
];

impl Registry {
    /// Wraps every data key with `new` instead of the key in use, in one transaction, and tells how many.
    /// The caller keeps `new` safe beforehand: afterwards only it opens the registry.
    ///
    /// # Errors
    /// [`crate::Error::Unsealable`] when a secret does not open, [`crate::Error::WrongKey`] when somebody else has
    /// rotated meanwhile; nothing is changed then.
    pub fn rotate_kek(&mut self, new: Kek) -> Result<usize> {
        let count = self.write(|transaction, old| {
            must_be_in_force(transaction, old)?;
            let mut count = 0;
            for column in &COLUMNS {
                let (table, name) = (column.table, column.name);
                let sql = format!("SELECT id, {name} FROM {table} WHERE {name} IS NOT NULL");
                let sealed: Vec<(i64, String)> =
                    rows::all(transaction, &sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let mut update =
                    transaction.prepare(&format!("UPDATE {table} SET {name} = ?2 WHERE id = ?1"))?;
                for (id, text) in sealed {
                    let again = seal::rewrap(old, &new, (column.purpose)(id), &Sealed::from_text(text))?;
                    update.execute(params![id, again.as_text()])?;
                    count += 1;
                }
            }
            transaction.execute("UPDATE meta SET value = ?1 WHERE key = 'kek_id'", params![new.id()])?;
            Ok(count)
        })?;
        self.kek = new;
        Ok(count)
    }
}
