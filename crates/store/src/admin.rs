//! The admin's connection to one store.

use crate::link::Link;
use crate::{ServerVersion, StoreError};
use model::Endpoint;
use secrecy::SecretString;
use std::time::Instant;

/// A store's admin, connected. Dropping it closes the connection.
pub struct Admin {
    link: Link,
    endpoint: Endpoint,
    role: Box<str>,
    secret: SecretString,
}

impl Admin {
    /// Connects and logs in. Only SCRAM-SHA-256 is answered, with channel binding where there is TLS; a
    /// store that asks for a cleartext or md5 password, or for none, gets nothing. Everything done with
    /// the value must end by `deadline`; later answers are [`StoreError::Unreachable`].
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], [`StoreError::Tls`], [`StoreError::Login`], [`StoreError::Version`].
    /// Cancel-safe: dropping the future closes the connection.
    pub async fn connect(
        endpoint: &Endpoint,
        role: &str,
        secret: &SecretString,
        deadline: Instant,
    ) -> Result<Self, StoreError> {
        let link = Link::open(endpoint, role, secret, deadline).await?;
        Ok(Self { link, endpoint: endpoint.clone(), role: role.into(), secret: secret.clone() })
    }

    /// The server's version.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        self.link.version()
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn role(&self) -> &str {
        &self.role
    }

    /// What happens in a schema partition happens in the store's own database.
    pub(crate) fn must_be_in(&self, database: &str) -> Result<(), StoreError> {
        if *self.endpoint.database == *database {
            return Ok(());
        }
        let here = &self.endpoint.database;
        Err(StoreError::Plan(format!("it is for database {database:?}, the admin is in {here:?}")))
    }

    /// The same admin in another database of the same server, under the same deadline.
    pub(crate) async fn in_database(&self, database: &str) -> Result<Self, StoreError> {
        let endpoint = Endpoint { database: database.into(), ..self.endpoint.clone() };
        Self::connect(&endpoint, &self.role, &self.secret, self.link.deadline()).await
    }
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("endpoint", &self.endpoint)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
