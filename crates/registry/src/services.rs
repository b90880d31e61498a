//! Services: added, changed, listed, removed.

use crate::registry::{Registry, seal};
use crate::rows::{self, Cas, column};
use crate::seal::Purpose;
use crate::{Error, Kek, Result};
use model::{Credential, Endpoint, Name, Service, ServiceId};
use rusqlite::{Connection, Transaction, params};
use secrecy::SecretString;

/// Database name of the admin console, and the schema of the gate's own records in a store.
const RESERVED: &str = "stuffgate";

/// A service's home as it is given, with its secret in the open.
#[derive(Clone, Debug)]
pub struct NewHome {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Role the gate logs in with.
    pub role: Box<str>,
    /// That role's password.
    pub secret: SecretString,
}

impl Registry {
    /// Adds a service. Its logins are added with [`Registry::add_login`].
    ///
    /// # Errors
    /// [`Error::Conflict`] when it exists, [`Error::Invalid`] for the gate's own name, an extension's name that
    /// is none, or a secret that cannot be one.
    pub fn add_service(
        &mut self,
        name: &Name,
        home: Option<&NewHome>,
        extensions: &[Box<str>],
    ) -> Result<Service> {
        let extensions = joined(extensions)?;
        if name.as_str() == RESERVED {
            return Err(Error::Invalid(format!(
                "{RESERVED} is the gate's own name; call the service otherwise"
            )));
        }
        self.write(|transaction, kek| {
            if find(transaction, name)?.is_some() {
                return Err(Error::Conflict(format!("service {name} exists already")));
            }
            let sql = "INSERT INTO services (name, extensions) VALUES (?1, ?2)";
            transaction.execute(sql, params![name.as_str(), extensions])?;
            let id = ServiceId(transaction.last_insert_rowid());
            if let Some(home) = home {
                put_home(transaction, kek, id, home)?;
            }
            must_find(transaction, name)
        })
    }

    /// Gives a service another home and other extensions. Partitions get new extensions with their next grant.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub fn change_service(
        &mut self,
        name: &Name,
        home: Option<&NewHome>,
        extensions: &[Box<str>],
    ) -> Result<Service> {
        let extensions = joined(extensions)?;
        self.write(|transaction, kek| {
            let id = must_find(transaction, name)?.id;
            let sql = "UPDATE services SET extensions = ?2 WHERE id = ?1 AND extensions <> ?2";
            transaction.execute(sql, params![id.0, extensions])?;
            match home {
                Some(home) => put_home(transaction, kek, id, home)?,
                None => drop_home(transaction, id)?,
            }
            must_find(transaction, name)
        })
    }

    /// The service of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn service(&self, name: &Name) -> Result<Service> {
        must_find(&self.connection, name)
    }

    /// All services by name.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn services(&self) -> Result<Vec<Service>> {
        let sql = format!("{} ORDER BY name", rows::SERVICE);
        let mut cas = Cas::default();
        Ok(rows::all(&self.connection, &sql, [], |row| rows::service(row, &self.connection, &mut cas))?)
    }

    /// Removes a service and its logins. What it kept in stores stays there; a service added later
    /// under the same name finds it again wherever a user grants that.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while somebody grants it or a revocation still waits.
    pub fn remove_service(&mut self, name: &Name) -> Result<()> {
        self.write(|transaction, _| {
            let id = must_find(transaction, name)?.id;
            let sql = "SELECT u.name FROM grants g JOIN users u ON u.id = g.user_id
                       WHERE g.service_id = ?1 AND g.state <> 'revoked' ORDER BY u.name LIMIT 1";
            if let Some(user) = column::<String>(transaction, sql, params![id.0])? {
                return Err(Error::Conflict(format!(
                    "{user} still grants {name}: `stuffgate revoke {user} {name}` first"
                )));
            }
            let sql = "SELECT u.name FROM outbox o JOIN grants g ON g.id = o.grant_id
                       JOIN users u ON u.id = g.user_id WHERE g.service_id = ?1 LIMIT 1";
            if let Some(user) = column::<String>(transaction, sql, params![id.0])? {
                return Err(Error::Conflict(format!(
                    "the revocation by {user} still waits for {user}'s store: `stuffgate revoke {user} {name}` again \
                     when it is reachable"
                )));
            }
            transaction.execute("DELETE FROM services WHERE id = ?1", params![id.0])?;
            Ok(())
        })
    }
}

/// The service of that name, or the error that says how to list services.
pub(crate) fn must_find(connection: &Connection, name: &Name) -> Result<Service> {
    find(connection, name)?.ok_or_else(|| Error::not_found("service", name, "service list"))
}

fn find(connection: &Connection, name: &Name) -> Result<Option<Service>> {
    let sql = format!("{} WHERE name = ?1", rows::SERVICE);
    let mut cas = Cas::default();
    let found =
        rows::all(connection, &sql, params![name.as_str()], |row| rows::service(row, connection, &mut cas))?;
    Ok(found.into_iter().next())
}

fn put_home(transaction: &Transaction<'_>, kek: &Kek, id: ServiceId, home: &NewHome) -> Result<()> {
    let sealed = seal(transaction, kek, Purpose::Home(id), &Credential::Password(home.secret.clone()))?;
    let ca = rows::ca_id(transaction, home.endpoint.ca.as_deref())?;
    transaction.execute(
        "UPDATE services SET home_host = ?2, home_port = ?3, home_database = ?4, home_tls = ?5, home_ca = ?6,
                             home_role = ?7, home_credential = ?8 WHERE id = ?1",
        params![
            id.0,
            home.endpoint.host,
            home.endpoint.port,
            home.endpoint.database,
            home.endpoint.tls.as_str(),
            ca,
            home.role,
            sealed.as_text()
        ],
    )?;
    Ok(())
}

fn drop_home(transaction: &Transaction<'_>, id: ServiceId) -> Result<()> {
    transaction.execute(
        "UPDATE services SET home_host = NULL, home_port = NULL, home_database = NULL, home_tls = NULL,
                             home_ca = NULL, home_role = NULL, home_credential = NULL
         WHERE id = ?1 AND home_host IS NOT NULL",
        params![id.0],
    )?;
    Ok(())
}

fn joined(extensions: &[Box<str>]) -> Result<String> {
    for name in extensions {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > 63 || !name.bytes().all(plain) {
            return Err(Error::Invalid(format!("{name:?} is not the name of an extension")));
        }
    }
    Ok(extensions.join("\n"))
}
