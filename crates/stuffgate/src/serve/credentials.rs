//! Opens the credentials of pools: the registry's sealed secrets, with whichever key the key file holds now.

use crate::config::Config;
use model::{Credential, Sealed};
use pool::{Credentials, Key, NoCredential};
use registry::{Error, Kek, Purpose, Sealer};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Opens credentials, and takes up a rotated key by itself.
#[derive(Debug)]
pub(crate) struct Opener {
    sealer: Sealer,
    file: PathBuf,
    kek: Mutex<Kek>,
}

impl Opener {
    pub(crate) fn new(config: &Config, kek: Kek) -> Self {
        Self { sealer: Sealer::new(kek.clone()), file: config.kek.clone(), kek: Mutex::new(kek) }
    }

    /// The key in use.
    pub(crate) fn kek(&self) -> Kek {
        self.lock().clone()
    }

    /// Takes the key file's key up. Without a file the key came from the environment and cannot change.
    ///
    /// # Errors
    /// What is wrong with the file; the old key stays in use.
    pub(crate) fn read_key_again(&self) -> registry::Result<()> {
        if !self.file.exists() {
            return Ok(());
        }
        let kek = Kek::from_file(&self.file)?;
        let mut known = self.lock();
        if known.id() != kek.id() {
            tracing::info!(key = kek.id(), "another key is in use from now on");
            self.sealer.use_key(kek.clone());
            *known = kek;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Kek> {
        self.kek.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credentials for Opener {
    fn open(&self, key: Key, sealed: &Sealed) -> Result<Credential, NoCredential> {
        let purpose = match key {
            Key::Grant(grant) => Purpose::GrantLogin(grant),
            Key::Reader(grant) => Purpose::GrantReader(grant),
            Key::Home(service) => Purpose::Home(service),
        };
        let opened = match self.sealer.open_credential(purpose, sealed) {
            Err(Error::WrongKey { .. }) => {
                self.read_key_again().and_then(|()| self.sealer.open_credential(purpose, sealed))
            }
            opened => opened,
        };
        opened.map_err(|error| {
            tracing::error!(%key, %error, "a credential cannot be opened");
            NoCredential
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{GrantId, ServiceId};
    use secrecy::SecretString;
    use std::path::Path;

    fn opener(folder: &Path) -> Opener {
        let config = Config::parse(&folder.join("stuffgate.toml"), "").expect("a configuration");
        let kek = Kek::create_file(&config.kek).expect("a key");
        Opener::new(&config, kek)
    }

    fn sealed(kek: &Kek, purpose: Purpose) -> Sealed {
        let secret = Credential::Password(SecretString::from("x"));
        Sealer::new(kek.clone()).seal_credential(purpose, &secret).expect("sealed")
    }

    #[test]
    fn a_secret_opens_for_its_own_pool_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let opener = opener(folder.path());
        let home = sealed(&opener.kek(), Purpose::Home(ServiceId(1)));
        assert!(opener.open(Key::Home(ServiceId(1)), &home).is_ok());
        assert!(opener.open(Key::Home(ServiceId(2)), &home).is_err());
        assert!(opener.open(Key::Grant(GrantId(1)), &home).is_err());
        let reader = sealed(&opener.kek(), Purpose::GrantReader(GrantId(1)));
        assert!(opener.open(Key::Reader(GrantId(1)), &reader).is_ok());
        assert!(opener.open(Key::Reader(GrantId(2)), &reader).is_err());
        assert!(opener.open(Key::Grant(GrantId(1)), &reader).is_err());
    }

    #[test]
    fn a_rotated_key_is_taken_up_when_it_is_needed() {
        let folder = tempfile::tempdir().expect("a folder");
        let opener = opener(folder.path());
        let before = sealed(&opener.kek(), Purpose::GrantLogin(GrantId(1)));
        std::fs::remove_file(folder.path().join("kek")).expect("removed");
        let new = Kek::create_file(&folder.path().join("kek")).expect("a key");
        let after = sealed(&new, Purpose::GrantLogin(GrantId(1)));
        assert!(opener.open(Key::Grant(GrantId(1)), &after).is_ok());
        assert!(opener.open(Key::Grant(GrantId(1)), &before).is_ok(), "what was read before still opens");
        assert_eq!(opener.kek().id(), new.id());
    }
}
