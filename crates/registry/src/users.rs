//! Users: added, listed, disabled, removed.

use crate::logins::{self, Owner};
use crate::registry::Registry;
use crate::rows::{self, all, column};
use crate::{Error, Result};
use model::{Name, User, UserId};
use rusqlite::{Connection, OptionalExtension as _, params};
use secrecy::SecretString;

/// A user as listings show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The user.
    pub user: User,
    /// How many stores the user has.
    pub stores: u32,
    /// How many services the user grants now, pending ones included.
    pub grants: u32,
    /// When the user was added, in seconds since the Unix epoch.
    pub created_at: i64,
}

impl Registry {
    /// Adds a user, and the login of the same name with `secret`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a user or a login of that name exists, [`Error::Invalid`] for a secret
    /// that cannot be one.
    pub fn add_user(&mut self, name: &Name, secret: &SecretString) -> Result<User> {
        let verifier = crate::scram::verifier_for(secret)?;
        self.write(|transaction, _| {
            if find(transaction, name)?.is_some() {
                return Err(Error::Conflict(format!("user {name} exists already")));
            }
            transaction.execute("INSERT INTO users (name) VALUES (?1)", params![name.as_str()])?;
            let id = UserId(transaction.last_insert_rowid());
            logins::insert(transaction, name, Owner::User(id), &verifier, None)?;
            Ok(User { id, name: name.clone(), disabled: false })
        })
    }

    /// The user of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn user(&self, name: &Name) -> Result<User> {
        must_find(&self.connection, name)
    }

    /// All users by name.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn users(&self) -> Result<Vec<UserRecord>> {
        let sql = "SELECT id, name, disabled, created_at,
                          (SELECT count(*) FROM stores WHERE user_id = users.id),
                          (SELECT count(*) FROM grants WHERE user_id = users.id AND state <> 'revoked')
                   FROM users ORDER BY name";
        Ok(all(&self.connection, sql, [], |row| {
            Ok(UserRecord {
                user: rows::user(row)?,
                created_at: row.get(3)?,
                stores: row.get(4)?,
                grants: row.get(5)?,
            })
        })?)
    }

    /// Disables a user, whose sessions are then refused as if the user were unknown, or enables one again.
    /// Tells whether that changed anything.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn set_user_disabled(&mut self, name: &Name, disabled: bool) -> Result<bool> {
        self.write(|transaction, _| {
            let user = must_find(transaction, name)?;
            let sql = "UPDATE users SET disabled = ?2 WHERE id = ?1 AND disabled <> ?2";
            Ok(transaction.execute(sql, params![user.id.0, disabled])? > 0)
        })
    }

    /// Removes a user with login and stores. The stores themselves are left as they are.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while the user grants something or work waits in one of
    /// the stores, which would otherwise keep roles of services that nobody would clean up.
    pub fn remove_user(&mut self, name: &Name) -> Result<()> {
        self.write(|transaction, _| {
            let user = must_find(transaction, name)?;
            let sql = "SELECT s.name FROM grants g JOIN services s ON s.id = g.service_id
                       WHERE g.user_id = ?1 AND g.state <> 'revoked' ORDER BY s.name LIMIT 1";
            if let Some(service) = column::<String>(transaction, sql, params![user.id.0])? {
                return Err(Error::Conflict(format!(
                    "{name} still grants {service}: `stuffgate revoke {name} {service}` first"
                )));
            }
            let sql = "SELECT s.host FROM outbox o JOIN stores s ON s.id = o.store_id WHERE s.user_id = ?1 LIMIT 1";
            if let Some(host) = column::<String>(transaction, sql, params![user.id.0])? {
                return Err(Error::Conflict(format!(
                    "a revocation still waits for {name}'s store at {host}: run `stuffgate revoke` again when it is \
                     reachable, or give it up with `stuffgate store remove {name} --abandon`"
                )));
            }
            transaction.execute("DELETE FROM users WHERE id = ?1", params![user.id.0])?;
            Ok(())
        })
    }
}

fn find(connection: &Connection, name: &Name) -> Result<Option<User>> {
    let sql = format!("{} WHERE name = ?1", rows::USER);
    Ok(connection.query_row(&sql, params![name.as_str()], rows::user).optional()?)
}

/// The user of that name, or the error that says how to list users.
pub(crate) fn must_find(connection: &Connection, name: &Name) -> Result<User> {
    find(connection, name)?.ok_or_else(|| Error::not_found("user", name, "user list"))
}
