//! A connection of the gate's own to a home, besides those that sessions lease.

use super::script;
use crate::talk::{self, TalkError};
use model::{Credential, Home, TlsMode};
use wire::dial::{AddressPolicy, DialError, DialTarget, ServerTls, ServerTlsMode, dial};
use wire::scram::{Keys, Secret};
use wire::tls::TlsError;
use wire::{Peer, Stream};

/// Longest time for taking a table away, in milliseconds.
const DROP_MS: u128 = 60_000;

/// Why nothing can be done on home.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HomeError {
    /// Its certificate authorities cannot be used.
    #[error("home: {0}")]
    Tls(#[from] TlsError),
    /// There is no connection to it.
    #[error("home: {0}")]
    Dial(#[from] DialError),
    /// It refused, or went away.
    #[error("home: {0}")]
    Talk(#[from] TalkError),
}

/// Connects to a home with its credential. Dropped, what runs there is rolled back.
///
/// # Errors
/// [`HomeError`].
pub(crate) async fn connect(
    home: &Home,
    credential: Credential,
    allow: AddressPolicy,
) -> Result<Peer<Stream>, HomeError> {
    let endpoint = &home.endpoint;
    let ca = endpoint.ca.as_deref();
    let tls = match endpoint.tls {
        TlsMode::Disable => ServerTls::disable(),
        TlsMode::Require => ServerTls::new(ServerTlsMode::Require, ca)?,
        TlsMode::VerifyCa => ServerTls::new(ServerTlsMode::VerifyCa, ca)?,
        TlsMode::VerifyFull => ServerTls::new(ServerTlsMode::VerifyFull, ca)?,
    };
    let target = DialTarget {
        host: endpoint.host.to_string(),
        port: endpoint.port,
        database: endpoint.database.to_string(),
        user: home.role.to_string(),
        tls,
        startup: vec![("application_name".to_owned(), "stuffgate materialize".to_owned())],
        allow,
        allow_trust: false,
    };
    let secret = match credential {
        Credential::Password(password) => Secret::Password(password),
        Credential::Keys(keys) => Secret::Keys(Keys {
            iterations: keys.iterations,
            salt: keys.salt.clone(),
            client_key: keys.client_key,
            server_key: keys.server_key,
        }),
    };
    let mut peer = Peer::new(dial(&target, &secret).await?.stream);
    talk::run(&mut peer, script::FORMS).await?;
    Ok(peer)
}

/// Takes an answer's table away, once no refresh writes it.
///
/// # Errors
/// [`HomeError`].
pub(crate) async fn drop_table(peer: &mut Peer<Stream>, name: &str) -> Result<(), HomeError> {
    talk::run(peer, &script::begin(name, DROP_MS)).await?;
    let is_furnished = talk::values(peer, &script::is_furnished()).await?;
    if is_furnished.first().is_some_and(|value| value == "t") {
        talk::run(peer, &script::drop_table(name)).await?;
    }
    Ok(talk::run(peer, "COMMIT").await?)
}
