//! One logged-in connection to a store with a deadline over everything done with it.

use crate::error::{from_db, said};
use crate::guard::{Guard, Refusal};
use crate::{ServerVersion, StoreError, socket};
use model::Endpoint;
use secrecy::{ExposeSecret, SecretString};
use std::future::{Ready, ready};
use std::time::Instant;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{NoTlsError, TlsConnect};
use tokio_postgres::{Client, Config, SimpleQueryMessage};

/// In force before the first statement: nothing of a service is ever found by name, a lock that a
/// service holds is not waited for long, and a gate that vanished leaves no transaction behind.
const SETTINGS: &str = "SET search_path TO pg_catalog, pg_temp;
SET client_min_messages TO warning;
SET standard_conforming_strings TO on;
SET default_transaction_read_only TO off;
SET default_transaction_isolation TO 'read committed';
SET lock_timeout TO '5s';
SET idle_in_transaction_session_timeout TO '60s'";

/// One row of a simple query: its columns as text.
pub(crate) type Row = Vec<Option<String>>;

/// The connection. It ends when this is dropped, and at the deadline in any case.
pub(crate) struct Link {
    client: Client,
    name: String,
    deadline: Instant,
    version: ServerVersion,
}

impl Link {
    /// Connects, logs in with SCRAM (bound to the TLS channel where there is one), settles.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], [`StoreError::Tls`], [`StoreError::Login`], [`StoreError::Version`].
    pub(crate) async fn open(
        endpoint: &Endpoint,
        role: &str,
        secret: &SecretString,
        deadline: Instant,
    ) -> Result<Self, StoreError> {
        let name = socket::name(endpoint);
        let opened = Box::pin(async {
            let stream = socket::open(endpoint).await?;
            log_in(stream, endpoint, role, secret, deadline).await
        });
        let client = in_time(&name, deadline, opened).await??;
        let mut link = Self { client, name, deadline, version: ServerVersion(0) };
        link.batch("settle", SETTINGS).await?;
        let number = link.value("ask for its version", "SHOW server_version_num").await?;
        link.version = ServerVersion(number.and_then(|text| text.parse().ok()).unwrap_or_default());
        if link.version.is_supported() { Ok(link) } else { Err(StoreError::Version(link.version)) }
    }

    pub(crate) fn version(&self) -> ServerVersion {
        self.version
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Runs statements of which no row is wanted. `doing` completes "refused to …".
    pub(crate) async fn batch(&self, doing: &str, sql: &str) -> Result<(), StoreError> {
        self.rows(doing, sql).await.map(drop)
    }

    /// Runs statements and returns all their rows.
    pub(crate) async fn rows(&self, doing: &str, sql: &str) -> Result<Vec<Row>, StoreError> {
        let answer = in_time(&self.name, self.deadline, self.client.simple_query(sql)).await?;
        let messages = answer.map_err(|error| self.explain(&error, doing))?;
        let text_row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        };
        Ok(messages.into_iter().filter_map(text_row).collect())
    }

    /// The first column of the first row.
    pub(crate) async fn value(&self, doing: &str, sql: &str) -> Result<Option<String>, StoreError> {
        let rows = self.rows(doing, sql).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    /// Whether the query has a row.
    pub(crate) async fn exists(&self, doing: &str, sql: &str) -> Result<bool, StoreError> {
        self.rows(doing, sql).await.map(|rows| !rows.is_empty())
    }

    fn explain(&self, error: &tokio_postgres::Error, doing: &str) -> StoreError {
        match error.as_db_error() {
            Some(said) => from_db(said, doing),
            None => StoreError::Unreachable { endpoint: self.name.clone(), reason: broken(error) },
        }
    }
}

async fn in_time<T>(name: &str, deadline: Instant, future: impl Future<Output = T>) -> Result<T, StoreError> {
    tokio::time::timeout_at(deadline.into(), future).await.map_err(|_| StoreError::Unreachable {
        endpoint: name.into(),
        reason: "no answer in time; is a firewall in the way, or the server overloaded?".into(),
    })
}

async fn log_in(
    stream: Guard,
    endpoint: &Endpoint,
    role: &str,
    secret: &SecretString,
    deadline: Instant,
) -> Result<Client, StoreError> {
    let mut config = Config::new();
    config
        .user(role)
        .password(secret.expose_secret())
        .dbname(&*endpoint.database)
        .application_name("stuffgate")
        .ssl_mode(SslMode::Require)
        .ssl_negotiation(SslNegotiation::Direct);
    let (client, connection) =
        config.connect_raw(stream, Secured).await.map_err(|error| refused_login(endpoint, role, &error))?;
    // Ends when the client is dropped; a store that does not let go is let go of at the deadline.
    tokio::spawn(async move {
        let _ = tokio::time::timeout_at(deadline.into(), connection).await;
    });
    Ok(client)
}

/// Stands where tokio-postgres would do TLS: the stream has it already, or is to have none.
struct Secured;

impl TlsConnect<Guard> for Secured {
    type Stream = Guard;
    type Error = NoTlsError;
    type Future = Ready<Result<Guard, NoTlsError>>;

    fn connect(self, stream: Guard) -> Self::Future {
        ready(Ok(stream))
    }
}

fn refused_login(endpoint: &Endpoint, role: &str, error: &tokio_postgres::Error) -> StoreError {
    let name = socket::name(endpoint);
    let login = |reason: String| StoreError::Login { endpoint: name.clone(), role: role.into(), reason };
    if let Some(refusal) = refusal(error) {
        return login(refusal.to_string());
    }
    let Some(db) = error.as_db_error() else {
        let authentication = error.to_string().starts_with("authentication");
        return if authentication {
            login(format!("its SCRAM answer is wrong: {}", broken(error)))
        } else {
            StoreError::Unreachable { endpoint: name, reason: broken(error) }
        };
    };
    let message = said(db.message());
    match db.code().code() {
        "28P01" => login("wrong password, or no such role".into()),
        "28000" => login(format!("{message}; look at the server's pg_hba.conf and at the role's LOGIN")),
        "3D000" => login("there is no such database; correct its URL".into()),
        "42501" => login(format!("{message}; GRANT CONNECT on the database to the role")),
        code if ["53", "57", "08"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unreachable { endpoint: name, reason: message }
        }
        code => login(format!("{message} (SQLSTATE {code})")),
    }
}

fn refusal(error: &tokio_postgres::Error) -> Option<Refusal> {
    let source = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    source.get_ref()?.downcast_ref::<Refusal>().copied()
}

/// The innermost cause of a failure that the store said nothing about.
fn broken(error: &tokio_postgres::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    said(&format!("the connection broke: {cause}"))
}
