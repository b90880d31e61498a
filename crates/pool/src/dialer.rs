//! How a connection is made: credential, TLS and start-up parameters brought together.

use crate::{Key, LeaseError, Place};
use model::{Credential, ScramKeys, Sealed, TlsMode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::dial::{AddressPolicy, DialError, DialTarget, Server, ServerTls, ServerTlsMode};
use wire::scram::{Keys, Secret};
use wire::tls::TlsError;

/// A credential could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential cannot be opened")]
pub struct NoCredential;

/// Opens sealed credentials: the registry's part, behind a trait so that pools know no registry.
pub trait Credentials: Send + Sync {
    /// Opens the one of a pool: a sealed secret opens for its owner only.
    ///
    /// # Errors
    /// [`NoCredential`] when the key does not fit.
    fn open(&self, key: Key, sealed: &Sealed) -> Result<Credential, NoCredential>;
}

/// Most derived keys that are remembered: one per credential in use, 100 bytes each.
const MAX_KEYS: usize = 16 * 1024;

/// Most TLS configurations that are remembered: one per mode and CA bundle in use.
const MAX_TLS: usize = 1024;

/// How a connection is protected, and by whose certificates.
type Trust = (TlsMode, Option<Arc<str>>);

/// Makes connections.
pub(crate) struct Dialer {
    credentials: Arc<dyn Credentials>,
    addresses: AddressPolicy,
    /// A parsed CA bundle is shared by every store that trusts it.
    tls: Mutex<HashMap<Trust, ServerTls>>,
    /// SCRAM keys of passwords, so that the milliseconds of deriving them are spent once.
    /// Boxed: what moves when the map grows leaves nothing behind.
    keys: Mutex<HashMap<Sealed, Box<Keys>>>,
}

impl Dialer {
    pub(crate) fn new(credentials: Arc<dyn Credentials>, addresses: AddressPolicy) -> Self {
        Self { credentials, addresses, tls: Mutex::default(), keys: Mutex::default() }
    }

    /// Connects and logs in. Cancel-safe: dropping it closes the connection.
    pub(crate) async fn dial(&self, place: &Place) -> Result<Server, LeaseError> {
        let refused =
            |reason| LeaseError::Refused { place: place.label.to_string(), reason: Box::new(reason) };
        let target = DialTarget {
            host: place.endpoint.host.to_string(),
            port: place.endpoint.port,
            database: place.endpoint.database.to_string(),
            user: place.role.to_string(),
            tls: self.tls(place.endpoint.tls, place.endpoint.ca.as_ref()).map_err(|error| {
                let reason = error.to_string();
                LeaseError::Unreachable { place: place.label.to_string(), reason, code: None }
            })?,
            startup: place.startup.clone(),
            allow: self.addresses,
            allow_trust: place.allow_trust,
        };
        let (secret, derived) = self.secret(place)?;
        let dialed = wire::dial::dial(&target, &secret).await;
        // Keys go stale when the password behind the same verifier's name is changed in the store.
        let dialed = match dialed {
            Err(DialError::Auth(_)) if derived => {
                self.lock_keys().remove(&place.credential);
                let (secret, _) = self.secret(place)?;
                wire::dial::dial(&target, &secret).await
            }
            other => other,
        };
        let mut server = dialed.map_err(refused)?;
        if let (Secret::Password(_), Some(keys)) = (&secret, server.keys.take()) {
            let mut known = self.lock_keys();
            if known.len() >= MAX_KEYS {
                known.clear();
            }
            known.insert(place.credential.clone(), Box::new(keys));
        }
        Ok(server)
    }

    /// The secret to log in with, and whether it is keys that were derived earlier.
    fn secret(&self, place: &Place) -> Result<(Secret, bool), LeaseError> {
        if let Some(keys) = self.lock_keys().get(&place.credential) {
            return Ok((Secret::Keys(Keys::clone(keys)), true));
        }
        match self.credentials.open(place.key, &place.credential) {
            Ok(Credential::Password(password)) => Ok((Secret::Password(password), false)),
            Ok(Credential::Keys(keys)) => Ok((Secret::Keys(convert(&keys)), false)),
            Err(NoCredential) => Err(LeaseError::Credential { place: place.label.to_string() }),
        }
    }

    fn tls(&self, mode: TlsMode, ca: Option<&Arc<str>>) -> Result<ServerTls, TlsError> {
        let mut known = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (mode, ca.cloned());
        if let Some(tls) = known.get(&key) {
            return Ok(tls.clone());
        }
        let tls = match mode {
            TlsMode::Disable => ServerTls::disable(),
            TlsMode::Require => ServerTls::new(ServerTlsMode::Require, ca.map(AsRef::as_ref))?,
            TlsMode::VerifyCa => ServerTls::new(ServerTlsMode::VerifyCa, ca.map(AsRef::as_ref))?,
            TlsMode::VerifyFull => ServerTls::new(ServerTlsMode::VerifyFull, ca.map(AsRef::as_ref))?,
        };
        if known.len() >= MAX_TLS {
            known.clear();
        }
        known.insert(key, tls.clone());
        Ok(tls)
    }

    fn lock_keys(&self) -> MutexGuard<'_, HashMap<Sealed, Box<Keys>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn convert(keys: &ScramKeys) -> Keys {
    Keys {
        iterations: keys.iterations,
        salt: keys.salt.clone(),
        client_key: keys.client_key,
        server_key: keys.server_key,
    }
}
