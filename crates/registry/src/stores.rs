//! Stores: added, listed, removed, and their admin's sealed secret.

use crate::registry::{Registry, seal};
use crate::rows::{self, Cas, column};
use crate::seal::Purpose;
use crate::{Error, Kek, Result, users};
use model::{Credential, Endpoint, Name, Sealed, Store, StoreId};
use rusqlite::{Connection, Row, Transaction, params};
use secrecy::SecretString;

/// The role that prepares partitions in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreAdmin {
    /// Its name.
    pub role: Box<str>,
    /// Its sealed secret ([`Purpose::StoreAdmin`]).
    pub credential: Sealed,
}

/// A store as the registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRecord {
    /// The store.
    pub store: Store,
    /// Its owner's name.
    pub user: Name,
    /// Its admin; `None` for a store whose owner prepares partitions by hand.
    pub admin: Option<StoreAdmin>,
    /// How many services have a live grant in it.
    pub grants: u32,
    /// Operations that wait for it in the outbox.
    pub waiting: u32,
    /// When it was added, in seconds since the Unix epoch.
    pub created_at: i64,
}

const RECORD: &str = "SELECT stores.id, user_id, host, port, database, tls, ca,
           EXISTS (SELECT 1 FROM outbox WHERE store_id = stores.id), admin_role, admin_credential, stores.created_at,
           (SELECT count(*) FROM grants WHERE store_id = stores.id AND state <> 'revoked'),
           (SELECT count(*) FROM outbox WHERE store_id = stores.id),
           users.name
    FROM stores JOIN users ON users.id = stores.user_id";

impl Registry {
    /// Adds a store, with the admin role and password that prepare partitions in it. A store that is there
    /// already without an admin gets this one.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the user, [`Error::Conflict`] when the user has this store already.
    pub fn add_store(
        &mut self,
        user: &Name,
        endpoint: &Endpoint,
        admin: (&str, &SecretString),
    ) -> Result<StoreRecord> {
        self.write(|transaction, kek| {
            let id = find_or_insert(transaction, user, endpoint)?;
            let known = must_find(transaction, id)?;
            if known.admin.is_some() {
                return Err(Error::Conflict(format!(
                    "{user} has this store already, as number {id}; `stuffgate apply` changes its admin"
                )));
            }
            put_endpoint(transaction, id, endpoint)?;
            put_admin(transaction, kek, id, admin)?;
            must_find(transaction, id)
        })
    }

    /// Gives a store another admin, TLS mode or CA; host, port and database stay.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn change_store(
        &mut self,
        id: StoreId,
        endpoint: &Endpoint,
        admin: (&str, &SecretString),
    ) -> Result<StoreRecord> {
        self.write(|transaction, kek| {
            must_find(transaction, id)?;
            put_endpoint(transaction, id, endpoint)?;
            put_admin(transaction, kek, id, admin)?;
            must_find(transaction, id)
        })
    }

    /// The store of that number.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn store(&self, id: StoreId) -> Result<StoreRecord> {
        must_find(&self.connection, id)
    }

    /// All stores, by their users' names.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn stores(&self) -> Result<Vec<StoreRecord>> {
        select(&self.connection, "ORDER BY users.name, stores.id", [])
    }

    /// A user's stores, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub fn stores_of(&self, user: &Name) -> Result<Vec<StoreRecord>> {
        let id = users::must_find(&self.connection, user)?.id;
        select(&self.connection, "WHERE user_id = ?1 ORDER BY stores.id", params![id.0])
    }

    /// The store meant by a user's name, and a number where the user has several.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when the user has several and no number was given.
    pub fn store_of(&self, user: &Name, id: Option<StoreId>) -> Result<StoreRecord> {
        pick(&self.connection, user, id)
    }

    /// Forgets a store; the store itself is left as it is. `abandon` gives up work that waits for it: roles
    /// of revoked grants then stay in the store until its owner drops them.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while a grant lives in it, or work waits and is not given up.
    pub fn remove_store(&mut self, id: StoreId, abandon: bool) -> Result<()> {
        self.write(|transaction, _| {
            let record = must_find(transaction, id)?;
            let sql = "SELECT s.name FROM grants g JOIN services s ON s.id = g.service_id
                       WHERE g.store_id = ?1 AND g.state <> 'revoked' ORDER BY s.name LIMIT 1";
            if let Some(service) = column::<String>(transaction, sql, params![id.0])? {
                let user = record.user;
                return Err(Error::Conflict(format!(
                    "the store still serves {service}: `stuffgate revoke {user} {service}` first"
                )));
            }
            if record.waiting > 0 && !abandon {
                return Err(Error::Conflict(format!(
                    "{} operation(s) still wait for this store; add --abandon to give them up (roles of revoked grants \
                     then stay in the store)",
                    record.waiting
                )));
            }
            transaction.execute("DELETE FROM stores WHERE id = ?1", params![id.0])?;
            Ok(())
        })
    }
}

/// The store of that number, or the error that says how to list stores.
pub(crate) fn must_find(connection: &Connection, id: StoreId) -> Result<StoreRecord> {
    let found = select(connection, "WHERE stores.id = ?1", params![id.0])?;
    found.into_iter().next().ok_or_else(|| Error::not_found("store", &id, "store list"))
}

/// The store meant by a user's name, and a number where the user has several.
pub(crate) fn pick(connection: &Connection, user: &Name, id: Option<StoreId>) -> Result<StoreRecord> {
    let owner = users::must_find(connection, user)?.id;
    let mut found = select(connection, "WHERE user_id = ?1 ORDER BY stores.id", params![owner.0])?;
    if let Some(id) = id {
        found.retain(|record| record.store.id == id);
    }
    match (found.len(), found.pop()) {
        (1, Some(record)) => Ok(record),
        (0, _) => Err(match id {
            Some(id) => Error::Conflict(format!(
                "{user} has no store of number {id}; `stuffgate store list` lists them"
            )),
            None => {
                Error::Conflict(format!("{user} has no store yet: `stuffgate store add {user} URL` first"))
            }
        }),
        _ => Err(Error::Conflict(format!(
            "{user} has several stores: say which with --store NUMBER (`stuffgate store list` lists them)"
        ))),
    }
}

/// The number of a user's store at `endpoint`, which is added without an admin if it is new.
pub(crate) fn find_or_insert(
    transaction: &Transaction<'_>,
    user: &Name,
    endpoint: &Endpoint,
) -> Result<StoreId> {
    let owner = users::must_find(transaction, user)?.id;
    let sql = "SELECT id FROM stores WHERE user_id = ?1 AND host = ?2 AND port = ?3 AND database = ?4";
    let key = params![owner.0, endpoint.host, endpoint.port, endpoint.database];
    if let Some(id) = column(transaction, sql, key)? {
        return Ok(StoreId(id));
    }
    let ca = rows::ca_id(transaction, endpoint.ca.as_deref())?;
    transaction.execute(
        "INSERT INTO stores (user_id, host, port, database, tls, ca) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![owner.0, endpoint.host, endpoint.port, endpoint.database, endpoint.tls.as_str(), ca],
    )?;
    Ok(StoreId(transaction.last_insert_rowid()))
}

fn put_endpoint(transaction: &Transaction<'_>, id: StoreId, endpoint: &Endpoint) -> Result<()> {
    let ca = rows::ca_id(transaction, endpoint.ca.as_deref())?;
    let sql = "UPDATE stores SET tls = ?2, ca = ?3 WHERE id = ?1 AND (tls, ca) IS NOT (?2, ?3)";
    transaction.execute(sql, params![id.0, endpoint.tls.as_str(), ca])?;
    Ok(())
}

fn put_admin(
    transaction: &Transaction<'_>,
    kek: &Kek,
    id: StoreId,
    admin: (&str, &SecretString),
) -> Result<()> {
    let (role, secret) = admin;
    let sealed = seal(transaction, kek, Purpose::StoreAdmin(id), &Credential::Password(secret.clone()))?;
    let sql = "UPDATE stores SET admin_role = ?2, admin_credential = ?3 WHERE id = ?1";
    transaction.execute(sql, params![id.0, role, sealed.as_text()])?;
    Ok(())
}

fn select(connection: &Connection, tail: &str, params: impl rusqlite::Params) -> Result<Vec<StoreRecord>> {
    let mut cas = Cas::default();
    Ok(rows::all(connection, &format!("{RECORD} {tail}"), params, |row| record(row, connection, &mut cas))?)
}

fn record(row: &Row<'_>, connection: &Connection, cas: &mut Cas) -> rusqlite::Result<StoreRecord> {
    let role: Option<String> = row.get(8)?;
    let credential: Option<String> = row.get(9)?;
    let admin = role.zip(credential).map(|(role, credential)| StoreAdmin {
        role: role.into(),
        credential: Sealed::from_text(credential),
    });
    Ok(StoreRecord {
        store: rows::store(row, connection, cas)?,
        user: rows::parsed(row, 13)?,
        admin,
        grants: row.get(11)?,
        waiting: row.get(12)?,
        created_at: row.get(10)?,
    })
}
