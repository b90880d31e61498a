//! Grants: begun, finished, revoked, listed; each step is one transaction, and the store's part lies between them.

use crate::outbox::{self, Operation};
use crate::registry::{Registry, now_s, seal};
use crate::rows::{self, column};
use crate::seal::Purpose;
use crate::stores::{self, StoreRecord};
use crate::{Error, Kek, Result, partitions, scram, services, users};
use model::{Credential, Disclosure, Endpoint, Grant, GrantId, GrantState, Name, Sealed, StoreId};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use secrecy::SecretString;

/// What a user grants to whom.
#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// Who grants.
    pub user: Name,
    /// To whom.
    pub service: Name,
    /// In which store; needed only where the user has several.
    pub store: Option<StoreId>,
    /// On what kind of place in it.
    pub place: Where,
    /// When it ends by itself, in seconds since the Unix epoch.
    pub expires_at: Option<i64>,
    /// How much of it fan-outs may disclose; `None` is what a live grant has, and rows for a new one.
    pub fanout: Option<Disclosure>,
}

/// The kind of place that a grant is for.
#[derive(Clone, Debug)]
pub enum Where {
    /// A schema of the store's database, prepared by the gate.
    Schema,
    /// A database of its own on the store's server, prepared by the gate.
    Database,
    /// A schema and a role that the store's owner prepared by hand.
    Existing {
        /// Where the store is; the user need not have added it.
        endpoint: Endpoint,
        /// The role for sessions.
        role: Box<str>,
        /// That role's password.
        secret: SecretString,
        /// The schema.
        schema: Box<str>,
        /// The schema that holds extensions.
        extensions: Box<str>,
    },
}

impl Where {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Database => "database",
            Self::Existing { .. } => "existing",
        }
    }
}

/// Who prepared a grant's partition in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// The gate, as the store's admin.
    ByGate {
        /// NOLOGIN role that owns what the service creates (`p_…`).
        owner_role: Box<str>,
    },
    /// The store's owner, by hand: the gate changes nothing in the store.
    ByOwner,
}

/// A grant's read-only role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its name (`r_…`).
    pub role: Box<str>,
    /// Its sealed secret ([`Purpose::GrantReader`]).
    pub credential: Sealed,
}

/// A grant as the registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    /// What sessions need of it.
    pub grant: Grant,
    /// Who granted.
    pub user: Name,
    /// To whom.
    pub service: Name,
    /// Who prepared the partition.
    pub prepared: Prepared,
    /// Its read-only role, where there is one.
    pub reader: Option<Reader>,
    /// Whether the store must still be cleaned up after its revocation.
    pub waiting: bool,
    /// When it was recorded, in seconds since the Unix epoch.
    pub created_at: i64,
}

const RECORD: &str =
    "SELECT g.id, g.user_id, g.service_id, g.store_id, p.kind, p.schema, p.extensions, p.database,
           g.role, g.credential, g.state, g.expires_at, g.fanout, u.name, s.name, p.owner_role, g.reader_role,
           g.reader_credential, EXISTS (SELECT 1 FROM outbox o WHERE o.grant_id = g.id), g.created_at
    FROM grants g JOIN partitions p ON p.id = g.partition_id
    JOIN users u ON u.id = g.user_id JOIN services s ON s.id = g.service_id";

impl Registry {
    /// Records a grant as pending, with names and keys for its roles. A user's live grant to the service is
    /// given back as it is, so that what was interrupted can be run again; a new expiry and a new class for
    /// fan-outs take effect.
    ///
    /// # Errors
    /// [`Error::NotFound`] for user, service or store; [`Error::Conflict`] when the user grants the service
    /// already in another place, or has no fit store.
    pub fn begin_grant(&mut self, request: &GrantRequest) -> Result<GrantRecord> {
        self.write(|transaction, kek| {
            let user = users::must_find(transaction, &request.user)?;
            let service = services::must_find(transaction, &request.service)?;
            let store = store_for(transaction, request)?;
            if let Some(live) = live(transaction, &request.user, &request.service)? {
                return renewed(transaction, kek, request, &store, &live);
            }
            let (partition, role) = match &request.place {
                Where::Schema | Where::Database => {
                    let partition = partitions::by_gate(transaction, request, store.store.id)?;
                    (partition, partitions::role_name('g', &request.service)?)
                }
                Where::Existing { role, schema, extensions, .. } => {
                    let partition = partitions::by_owner(transaction, request, store.store.id, schema, extensions)?;
                    (partition, role.to_string())
                }
            };
            transaction.execute(
                "INSERT INTO grants (user_id, service_id, store_id, partition_id, role, credential, state, expires_at,
                                     fanout)
                 VALUES (?1, ?2, ?3, ?4, ?5, '', 'pending', ?6, ?7)",
                params![
                    user.id.0,
                    service.id.0,
                    store.store.id.0,
                    partition,
                    role,
                    request.expires_at,
                    request.fanout.unwrap_or_default().as_str()
                ],
            )?;
            let id = GrantId(transaction.last_insert_rowid());
            put_credentials(transaction, kek, id, request)?;
            must_find(transaction, id)
        })
    }

    /// Puts a pending grant in use, once the store is ready for it. An active one stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it was revoked meanwhile: its clean-up is then queued
    /// again, since the store may have been prepared after the first.
    pub fn finish_grant(&mut self, id: GrantId) -> Result<GrantRecord> {
        let record = self.write(|transaction, _| {
            let record = must_find(transaction, id)?;
            match record.grant.state {
                GrantState::Pending => {
                    transaction.execute("UPDATE grants SET state = 'active' WHERE id = ?1", params![id.0])?;
                }
                GrantState::Active => {}
                GrantState::Revoked => outbox::queue_clean_up(transaction, &record, now_s())?,
            }
            must_find(transaction, id)
        })?;
        match record.grant.state {
            GrantState::Revoked => Err(Error::Conflict(format!(
                "the grant of {} to {} was revoked while it was being prepared; the store is being cleaned up",
                record.user, record.service
            ))),
            GrantState::Pending | GrantState::Active => Ok(record),
        }
    }

    /// Revokes a grant: at once in the registry, and with an operation for what must follow in the store, if the
    /// gate prepared it. A grant whose clean-up still waits is given back with that.
    ///
    /// # Errors
    /// [`Error::NotFound`] for user or service; [`Error::Conflict`] when there is no such grant.
    pub fn begin_revoke(&mut self, user: &Name, service: &Name) -> Result<(GrantRecord, Option<Operation>)> {
        self.write(|transaction, _| {
            users::must_find(transaction, user)?;
            services::must_find(transaction, service)?;
            let record = match live(transaction, user, service)? {
                Some(record) => {
                    let sql = "UPDATE grants SET state = 'revoked' WHERE id = ?1";
                    transaction.execute(sql, params![record.grant.id.0])?;
                    outbox::queue_clean_up(transaction, &record, now_s())?;
                    must_find(transaction, record.grant.id)?
                }
                None => waiting(transaction, user, service)?.ok_or_else(|| {
                    Error::Conflict(format!("{user} does not grant {service}; nothing to revoke"))
                })?,
            };
            let operation = outbox::of_grant(transaction, record.grant.id)?;
            Ok((record, operation))
        })
    }

    /// Changes how much of a live grant fan-outs may disclose, and nothing else. Running gates know within a
    /// second; what a fan-out has read by then is not taken back.
    ///
    /// # Errors
    /// [`Error::NotFound`] for user or service; [`Error::Conflict`] when there is no such grant.
    pub fn set_fanout(&mut self, user: &Name, service: &Name, class: Disclosure) -> Result<GrantRecord> {
        self.write(|transaction, _| {
            users::must_find(transaction, user)?;
            services::must_find(transaction, service)?;
            let record = live(transaction, user, service)?
                .ok_or_else(|| Error::Conflict(format!("{user} does not grant {service}")))?;
            put_fanout(transaction, record.grant.id, class)?;
            must_find(transaction, record.grant.id)
        })
    }

    /// The grant of that number, in whatever state.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn grant(&self, id: GrantId) -> Result<GrantRecord> {
        must_find(&self.connection, id)
    }

    /// A user's live grant to a service, if there is one.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn live_grant(&self, user: &Name, service: &Name) -> Result<Option<GrantRecord>> {
        live(&self.connection, user, service)
    }

    /// All grants, by users' and services' names; revoked ones too when `revoked` says so.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn grants(&self, revoked: bool) -> Result<Vec<GrantRecord>> {
        let tail = "WHERE g.state <> 'revoked' OR ?1 ORDER BY u.name, s.name, g.id";
        Ok(rows::all(&self.connection, &format!("{RECORD} {tail}"), params![revoked], record)?)
    }
}

/// The grant of that number, or the error that says how to list grants.
pub(crate) fn must_find(connection: &Connection, id: GrantId) -> Result<GrantRecord> {
    let sql = format!("{RECORD} WHERE g.id = ?1");
    let found = connection.query_row(&sql, params![id.0], record).optional()?;
    found.ok_or_else(|| Error::not_found("grant", &id, "grants"))
}

fn live(connection: &Connection, user: &Name, service: &Name) -> Result<Option<GrantRecord>> {
    let sql = format!("{RECORD} WHERE u.name = ?1 AND s.name = ?2 AND g.state <> 'revoked'");
    Ok(connection.query_row(&sql, params![user.as_str(), service.as_str()], record).optional()?)
}

fn waiting(connection: &Connection, user: &Name, service: &Name) -> Result<Option<GrantRecord>> {
    let sql = format!(
        "{RECORD} WHERE u.name = ?1 AND s.name = ?2 AND EXISTS (SELECT 1 FROM outbox o WHERE o.grant_id = g.id)
         ORDER BY g.id DESC LIMIT 1"
    );
    Ok(connection.query_row(&sql, params![user.as_str(), service.as_str()], record).optional()?)
}

fn store_for(transaction: &Transaction<'_>, request: &GrantRequest) -> Result<StoreRecord> {
    let user = &request.user;
    match &request.place {
        Where::Schema | Where::Database => {
            // A live grant names the store, also where the user has several.
            let known = live(transaction, user, &request.service)?.map(|record| record.grant.store);
            let store = stores::pick(transaction, user, request.store.or(known))?;
            if store.admin.is_none() {
                return Err(Error::Conflict(format!(
                    "the gate has no admin login for store {} of {user}: `stuffgate store add {user} URL` gives it one, \
                     or prepare the schema by hand and use --existing",
                    store.store.id
                )));
            }
            Ok(store)
        }
        Where::Existing { endpoint, .. } => {
            let id = stores::find_or_insert(transaction, user, endpoint)?;
            stores::must_find(transaction, id)
        }
    }
}

/// A live grant that is asked for again: the same place is given back, another one is a conflict.
fn renewed(
    transaction: &Transaction<'_>,
    kek: &Kek,
    request: &GrantRequest,
    store: &StoreRecord,
    live: &GrantRecord,
) -> Result<GrantRecord> {
    let sql = "SELECT p.kind FROM partitions p JOIN grants g ON g.partition_id = p.id WHERE g.id = ?1";
    let kind: Option<String> = column(transaction, sql, params![live.grant.id.0])?;
    if live.grant.store != store.store.id || kind.as_deref() != Some(request.place.kind()) {
        let (user, service) = (&request.user, &request.service);
        return Err(Error::Conflict(format!(
            "{user} grants {service} already, in store {} as {}: `stuffgate revoke {user} {service}` first",
            live.grant.store,
            kind.unwrap_or_default()
        )));
    }
    let id = live.grant.id;
    let sql = "UPDATE grants SET expires_at = ?2 WHERE id = ?1 AND expires_at IS NOT ?2";
    transaction.execute(sql, params![id.0, request.expires_at])?;
    if let Some(class) = request.fanout {
        put_fanout(transaction, id, class)?;
    }
    if let Where::Existing { role, schema, extensions, .. } = &request.place {
        partitions::by_owner(transaction, request, store.store.id, schema, extensions)?;
        transaction.execute("UPDATE grants SET role = ?2 WHERE id = ?1", params![id.0, role])?;
        put_credentials(transaction, kek, id, request)?;
    }
    must_find(transaction, id)
}

fn put_fanout(transaction: &Transaction<'_>, id: GrantId, class: Disclosure) -> Result<()> {
    let sql = "UPDATE grants SET fanout = ?2 WHERE id = ?1 AND fanout <> ?2";
    transaction.execute(sql, params![id.0, class.as_str()])?;
    Ok(())
}

/// Seals the grant's secrets, which are bound to its number: fresh keys, or the password that was given.
fn put_credentials(
    transaction: &Transaction<'_>,
    kek: &Kek,
    id: GrantId,
    request: &GrantRequest,
) -> Result<()> {
    if let Where::Existing { secret, .. } = &request.place {
        let sealed = seal(transaction, kek, Purpose::GrantLogin(id), &Credential::Password(secret.clone()))?;
        let sql = "UPDATE grants SET credential = ?2 WHERE id = ?1";
        transaction.execute(sql, params![id.0, sealed.as_text()])?;
        return Ok(());
    }
    let login = seal(transaction, kek, Purpose::GrantLogin(id), &Credential::Keys(scram::fresh_keys()?))?;
    let reader = seal(transaction, kek, Purpose::GrantReader(id), &Credential::Keys(scram::fresh_keys()?))?;
    let reader_role = partitions::role_name('r', &request.service)?;
    transaction.execute(
        "UPDATE grants SET credential = ?2, reader_role = ?3, reader_credential = ?4 WHERE id = ?1",
        params![id.0, login.as_text(), reader_role, reader.as_text()],
    )?;
    Ok(())
}

pub(crate) fn record(row: &Row<'_>) -> rusqlite::Result<GrantRecord> {
    let role: Option<String> = row.get(16)?;
    let credential: Option<String> = row.get(17)?;
    Ok(GrantRecord {
        grant: rows::grant(row)?,
        user: rows::parsed(row, 13)?,
        service: rows::parsed(row, 14)?,
        prepared: match row.get::<_, Option<String>>(15)? {
            Some(owner_role) => Prepared::ByGate { owner_role: owner_role.into() },
            None => Prepared::ByOwner,
        },
        reader: role.zip(credential).map(|(role, credential)| Reader {
            role: role.into(),
            credential: Sealed::from_text(credential),
        }),
        waiting: row.get(18)?,
        created_at: row.get(19)?,
    })
}
