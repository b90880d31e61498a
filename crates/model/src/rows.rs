//! The directory's rows as bytes: each noun without its number, and back.

use crate::grant::is_usable;
use crate::packed::{Bytes, to_bytes};
use crate::{
    Disclosure, Endpoint, Grant, GrantId, GrantState, Login, LoginId, LoginKind, Name, Partition,
    ScramVerifier, Sealed, ServiceId, Store, StoreId, StoreState, TlsMode, User, UserId,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A user.
#[derive(Serialize, Deserialize)]
pub(crate) struct UserRow<'a> {
    pub(crate) disabled: bool,
    pub(crate) name: &'a str,
}

impl<'a> UserRow<'a> {
    pub(crate) fn of(user: &'a User) -> Self {
        Self { disabled: user.disabled, name: user.name.as_str() }
    }

    pub(crate) fn into_user(self, id: UserId) -> User {
        User { id, name: Name::known(self.name), disabled: self.disabled }
    }
}

/// A store. Its CA is kept beside the rows, since many stores may trust one.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoreRow<'a> {
    user: UserId,
    state: StoreState,
    tls: TlsMode,
    pub(crate) own_ca: bool,
    port: u16,
    host: &'a str,
    database: &'a str,
}

impl<'a> StoreRow<'a> {
    pub(crate) fn of(store: &'a Store) -> Self {
        let Endpoint { host, port, database, tls, ca } = &store.endpoint;
        Self {
            user: store.user,
            state: store.state,
            tls: *tls,
            own_ca: ca.is_some(),
            port: *port,
            host,
            database,
        }
    }

    pub(crate) fn into_store(self, id: StoreId, ca: Option<Arc<str>>) -> Store {
        let (host, database) = (self.host.into(), self.database.into());
        let endpoint = Endpoint { host, port: self.port, database, tls: self.tls, ca };
        Store { id, user: self.user, endpoint, state: self.state }
    }
}

/// A grant.
#[derive(Serialize, Deserialize)]
pub(crate) struct GrantRow<'a> {
    pub(crate) user: UserId,
    pub(crate) service: ServiceId,
    store: StoreId,
    pub(crate) state: GrantState,
    pub(crate) expires_at: Option<i64>,
    fanout: Disclosure,
    schema: Option<(&'a str, &'a str)>,
    database: Option<&'a str>,
    role: &'a str,
    credential: &'a str,
    #[serde(borrow)]
    credential_bytes: Bytes<'a>,
}

impl GrantRow<'_> {
    pub(crate) fn bytes_of(grant: &Grant) -> Vec<u8> {
        let text = grant.credential.as_text();
        let (credential, bytes) = split(text);
        let row = GrantRow {
            user: grant.user,
            service: grant.service,
            store: grant.store,
            state: grant.state,
            expires_at: grant.expires_at,
            fanout: grant.fanout,
            schema: match &grant.partition {
                Partition::Schema { schema, extensions } => Some((schema, extensions)),
                Partition::Database => None,
            },
            database: grant.database.as_deref(),
            role: &grant.role,
            credential,
            credential_bytes: Bytes(&bytes),
        };
        to_bytes(&row, text.len() + 128)
    }

    /// As [`Grant::is_usable`].
    pub(crate) fn is_usable(&self, now: i64) -> bool {
        is_usable(self.state, self.expires_at, now)
    }

    pub(crate) fn into_grant(self, id: GrantId) -> Grant {
        let partition = match self.schema {
            Some((schema, extensions)) => {
                Partition::Schema { schema: schema.into(), extensions: extensions.into() }
            }
            None => Partition::Database,
        };
        Grant {
            id,
            user: self.user,
            service: self.service,
            store: self.store,
            partition,
            database: self.database.map(Into::into),
            role: self.role.into(),
            credential: Sealed::from_text(joined(self.credential, self.credential_bytes.0)),
            state: self.state,
            expires_at: self.expires_at,
            fanout: self.fanout,
        }
    }
}

/// A sealed text up to its last colon, and the bytes that the base64 behind it says: a quarter less. The
/// whole text and no bytes where it is not of that form.
fn split(text: &str) -> (&str, Vec<u8>) {
    let decoded =
        text.rsplit_once(':').and_then(|(head, base64)| Some((head, STANDARD.decode(base64).ok()?)));
    decoded
        .filter(|(head, bytes)| !bytes.is_empty() && joined(head, bytes) == text)
        .unwrap_or((text, Vec::new()))
}

fn joined(head: &str, bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return head.to_owned();
    }
    let mut text = String::with_capacity(head.len() + 1 + bytes.len().div_ceil(3) * 4);
    text.push_str(head);
    text.push(':');
    STANDARD.encode_string(bytes, &mut text);
    text
}

/// A login.
#[derive(Serialize, Deserialize)]
pub(crate) struct LoginRow<'a> {
    pub(crate) kind: LoginKind,
    pub(crate) disabled: bool,
    pub(crate) expires_at: Option<i64>,
    min_stores_per_group: u32,
    pub(crate) name: &'a str,
    iterations: u32,
    #[serde(borrow)]
    salt: Bytes<'a>,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

impl<'a> LoginRow<'a> {
    pub(crate) fn of(login: &'a Login) -> Self {
        let ScramVerifier { iterations, salt, stored_key, server_key } = &login.verifier;
        Self {
            kind: login.kind,
            disabled: login.disabled,
            expires_at: login.expires_at,
            min_stores_per_group: login.min_stores_per_group,
            name: login.name.as_str(),
            iterations: *iterations,
            salt: Bytes(salt),
            stored_key: *stored_key,
            server_key: *server_key,
        }
    }

    pub(crate) fn into_login(self, id: LoginId) -> Login {
        let Self { kind, disabled, expires_at, min_stores_per_group, iterations, .. } = self;
        let (stored_key, server_key) = (self.stored_key, self.server_key);
        let verifier = ScramVerifier { iterations, salt: self.salt.0.into(), stored_key, server_key };
        let name = Name::known(self.name);
        Login { id, name, kind, verifier, disabled, expires_at, min_stores_per_group }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_comes_back_as_it_was_whatever_it_is() {
        let real = "sg:v1:1a2b3c4d:AAECAwQFBgcICQoLDA0ODw==";
        assert_eq!(split(real).1.len(), 16, "it is not kept as bytes");
        for text in
            [real, "", ":", "a:", ":AAEC", "sg:v1:1:AAECA", "sg:v1:1:AAEB\n", "plain", "ä:ö", "a:AB=="]
        {
            let (head, bytes) = split(text);
            assert_eq!(joined(head, &bytes), text);
        }
    }
}
