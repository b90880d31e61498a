//! A registry in a scratch folder, and the rows that most tests want in it.

#![allow(dead_code, clippy::expect_used, reason = "test code; each test binary uses a part of it")]

use model::{Endpoint, Name, StoreId, TlsMode};
use registry::{GrantRequest, Kek, Registry, Where};
use secrecy::SecretString;
use std::path::PathBuf;
use tempfile::TempDir;

/// A registry file that goes with its folder.
pub(crate) struct Scratch {
    folder: TempDir,
    pub(crate) kek: Kek,
}

impl Scratch {
    pub(crate) fn new() -> (Self, Registry) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("here")).expect("a folder");
        let kek = Kek::from_text(&Kek::generate().expect("a key")).expect("a key");
        let scratch = Self { folder, kek };
        let registry = Registry::create(&scratch.path(), scratch.kek.clone()).expect("a registry");
        (scratch, registry)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.home().join("registry.db")
    }

    /// The folder that holds the file and SQLite's side files.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    /// Another connection, as another process would have it.
    pub(crate) fn open(&self) -> Registry {
        Registry::open(&self.path(), self.kek.clone()).expect("the registry")
    }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

pub(crate) fn endpoint(host: &str) -> Endpoint {
    Endpoint { host: host.into(), port: 5432, database: "stuff".into(), tls: TlsMode::VerifyFull, ca: None }
}

/// A service, and a user with a store.
pub(crate) fn furnish(registry: &mut Registry, user: &str, service: &str) -> StoreId {
    registry.add_service(&name(service), None, &[]).expect("a service");
    registry.add_user(&name(user), &secret("s3cret")).expect("a user");
    let admin = ("owner", &secret("0wner"));
    registry.add_store(&name(user), &endpoint("db.example.org"), admin).expect("a store").store.id
}

pub(crate) fn request(user: &str, service: &str, place: Where) -> GrantRequest {
    GrantRequest {
        user: name(user),
        service: name(service),
        store: None,
        place,
        expires_at: None,
        fanout: None,
    }
}
