//! Logins: added, listed, given another secret, removed.

use crate::registry::Registry;
use crate::rows::{self, all, column};
use crate::{Error, Result, scram, services};
use model::{Login, LoginId, Name, ScramVerifier, ServiceId, UserId};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use secrecy::SecretString;

/// What a new login is for. Logins of kind `user` come and go with their users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginTarget {
    /// Home, and every partition granted to the service of that name.
    Service(Name),
    /// Fan-out over the partitions of a service.
    Analyst {
        /// Its name.
        service: Name,
        /// Groups to which fewer stores contributed are not shown; 0 and 1 show all.
        min_stores_per_group: u32,
    },
    /// The admin console.
    Admin,
}

/// A login as listings show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRecord {
    /// The login.
    pub login: Login,
    /// The service it belongs to, for the kinds that do.
    pub service: Option<Name>,
    /// When it was added, in seconds since the Unix epoch.
    pub created_at: i64,
}

/// Whose a login is, by row number.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    User(UserId),
    Service(ServiceId),
    Analyst(ServiceId, u32),
    Admin,
}

impl Registry {
    /// Adds a login of kind service, analyst or admin.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the service, [`Error::Conflict`] when a login of that name exists,
    /// [`Error::Invalid`] for a secret that cannot be one.
    pub fn add_login(
        &mut self,
        name: &Name,
        target: &LoginTarget,
        secret: &SecretString,
        expires_at: Option<i64>,
    ) -> Result<Login> {
        let verifier = scram::verifier_for(secret)?;
        self.write(|transaction, _| {
            let owner = match target {
                LoginTarget::Service(service) => {
                    Owner::Service(services::must_find(transaction, service)?.id)
                }
                LoginTarget::Analyst { service, min_stores_per_group } => {
                    Owner::Analyst(services::must_find(transaction, service)?.id, *min_stores_per_group)
                }
                LoginTarget::Admin => Owner::Admin,
            };
            insert(transaction, name, owner, &verifier, expires_at)?;
            must_find(transaction, name)
        })
    }

    /// Gives a login of any kind another secret. The old one stops working within a second; sessions
    /// that are open go on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub fn rotate_login(&mut self, name: &Name, secret: &SecretString) -> Result<Login> {
        let verifier = scram::verifier_for(secret)?;
        self.write(|transaction, _| {
            let id = must_find(transaction, name)?.id;
            let sql = "UPDATE logins SET verifier = ?2 WHERE id = ?1";
            transaction.execute(sql, params![id.0, scram::to_text(&verifier)])?;
            must_find(transaction, name)
        })
    }

    /// Disables a login, which is then refused as if it were unknown, or enables one again. Tells
    /// whether that changed anything.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn set_login_disabled(&mut self, name: &Name, disabled: bool) -> Result<bool> {
        self.write(|transaction, _| {
            let id = must_find(transaction, name)?.id;
            let sql = "UPDATE logins SET disabled = ?2 WHERE id = ?1 AND disabled <> ?2";
            Ok(transaction.execute(sql, params![id.0, disabled])? > 0)
        })
    }

    /// Gives a login another end, in seconds since the Unix epoch, or none. Tells whether that changed anything.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn set_login_expiry(&mut self, name: &Name, expires_at: Option<i64>) -> Result<bool> {
        self.write(|transaction, _| {
            let id = must_find(transaction, name)?.id;
            let sql = "UPDATE logins SET expires_at = ?2 WHERE id = ?1 AND expires_at IS NOT ?2";
            Ok(transaction.execute(sql, params![id.0, expires_at])? > 0)
        })
    }

    /// Gives an analyst's login another `min_stores_per_group`. Tells whether that changed anything.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a login of another kind.
    pub fn set_min_stores_per_group(&mut self, name: &Name, stores: u32) -> Result<bool> {
        self.write(|transaction, _| {
            let login = must_find(transaction, name)?;
            if !matches!(login.kind, model::LoginKind::Analyst(_)) {
                return Err(Error::Conflict(format!(
                    "{name} is a login of kind {}: only an analyst's has a least number of stores per group",
                    login.kind.as_str()
                )));
            }
            let sql =
                "UPDATE logins SET min_stores_per_group = ?2 WHERE id = ?1 AND min_stores_per_group <> ?2";
            Ok(transaction.execute(sql, params![login.id.0, stores])? > 0)
        })
    }

    /// Removes a login of kind service, analyst or admin. Its sessions end within a second.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a user's login.
    pub fn remove_login(&mut self, name: &Name) -> Result<()> {
        self.write(|transaction, _| {
            let login = must_find(transaction, name)?;
            if let model::LoginKind::User(_) = login.kind {
                return Err(Error::Conflict(format!(
                    "{name} is a user's login and goes with the user: `stuffgate user disable {name}` or \
                     `stuffgate user remove {name}`"
                )));
            }
            transaction.execute("DELETE FROM logins WHERE id = ?1", params![login.id.0])?;
            Ok(())
        })
    }

    /// The login of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn login(&self, name: &Name) -> Result<Login> {
        must_find(&self.connection, name)
    }

    /// All logins by name.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn logins(&self) -> Result<Vec<LoginRecord>> {
        let sql = "SELECT logins.id, logins.name, kind, user_id, service_id, verifier, disabled, expires_at,
                          min_stores_per_group, logins.created_at, services.name
                   FROM logins LEFT JOIN services ON services.id = service_id ORDER BY logins.name";
        Ok(all(&self.connection, sql, [], |row| {
            let service = match row.get::<_, Option<String>>(10)? {
                Some(_) => Some(rows::parsed(row, 10)?),
                None => None,
            };
            Ok(LoginRecord { login: rows::login(row)?, service, created_at: row.get(9)? })
        })?)
    }
}

/// Adds a login's row.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    name: &Name,
    owner: Owner,
    verifier: &ScramVerifier,
    expires_at: Option<i64>,
) -> Result<LoginId> {
    let taken = "SELECT kind FROM logins WHERE name = ?1";
    if let Some(kind) = column::<String>(transaction, taken, params![name.as_str()])? {
        return Err(Error::Conflict(format!("{name} is taken by a login of kind {kind}")));
    }
    let (kind, user, service, min_stores) = match owner {
        Owner::User(id) => ("user", Some(id.0), None, 0),
        Owner::Service(id) => ("service", None, Some(id.0), 0),
        Owner::Analyst(id, min_stores) => ("analyst", None, Some(id.0), min_stores),
        Owner::Admin => ("admin", None, None, 0),
    };
    transaction.execute(
        "INSERT INTO logins (name, kind, user_id, service_id, verifier, expires_at, min_stores_per_group)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![name.as_str(), kind, user, service, scram::to_text(verifier), expires_at, min_stores],
    )?;
    Ok(LoginId(transaction.last_insert_rowid()))
}

fn must_find(connection: &Connection, name: &Name) -> Result<Login> {
    let sql = format!("{} WHERE name = ?1", rows::LOGIN);
    let found = connection.query_row(&sql, params![name.as_str()], rows::login).optional()?;
    found.ok_or_else(|| Error::not_found("login", name, "login list"))
}
