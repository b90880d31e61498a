//! Opens sealed secrets while connections are being made, from many threads and without the database.

use crate::seal::{self, Purpose};
use crate::{Error, Kek, Result};
use model::{Credential, Sealed};
use std::sync::{Arc, PoisonError, RwLock};

/// Keys kept at a time: the one in use and, around a rotation, the one before it.
const MAX_KEKS: usize = 2;

/// Opens and seals secrets. A data key travels inside its sealed text, so opening one costs two
/// AES-GCM operations of a few dozen bytes (microseconds) and no look-up; nothing opened is kept.
/// Cloning copies a pointer.
#[derive(Clone, Debug)]
pub struct Sealer {
    keks: Arc<RwLock<Vec<Kek>>>,
}

impl Sealer {
    /// A sealer that knows one key.
    #[must_use]
    pub fn new(kek: Kek) -> Self {
        Self { keks: Arc::new(RwLock::new(vec![kek])) }
    }

    /// Makes `kek` the key in use, after a rotation. The one before it is kept for what was read earlier.
    pub fn use_key(&self, kek: Kek) {
        let mut keks = self.keks.write().unwrap_or_else(PoisonError::into_inner);
        keks.retain(|known| known.id() != kek.id());
        keks.insert(0, kek);
        keks.truncate(MAX_KEKS);
    }

    /// Opens a secret that was sealed for `purpose`. Blocks for microseconds only.
    ///
    /// # Errors
    /// [`Error::WrongKey`] when it is sealed with a key not known here (a rotation: read the key file
    /// again), [`Error::Unsealable`] when it was sealed for something else or has been altered.
    pub fn open_credential(&self, purpose: Purpose, sealed: &Sealed) -> Result<Credential> {
        let wanted = seal::kek_id(sealed).ok_or(Error::Unsealable(purpose.what()))?;
        seal::open(&self.kek(wanted), purpose, sealed)
    }

    /// Seals a secret for `purpose` with the key in use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the secret is empty or too long.
    pub fn seal_credential(&self, purpose: Purpose, credential: &Credential) -> Result<Sealed> {
        seal::seal(&self.kek(""), purpose, credential)
    }

    /// The key of that id, or the one in use: opening with it then says which one was needed.
    fn kek(&self, id: &str) -> Kek {
        let keks = self.keks.read().unwrap_or_else(PoisonError::into_inner);
        let found = keks.iter().find(|kek| kek.id() == id).unwrap_or(&keks[0]);
        found.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::StoreId;
    use secrecy::SecretString;

    fn kek() -> Kek {
        Kek::from_text(&Kek::generate().expect("a key")).expect("a key")
    }

    #[test]
    fn around_a_rotation_texts_of_both_keys_open() {
        let (old, new) = (kek(), kek());
        let sealer = Sealer::new(old.clone());
        let purpose = Purpose::StoreAdmin(StoreId(1));
        let secret = Credential::Password(SecretString::from("x"));
        let before = sealer.seal_credential(purpose, &secret).expect("sealed");
        let after = seal::rewrap(&old, &new, purpose, &before).expect("rewrapped");
        assert!(matches!(sealer.open_credential(purpose, &after), Err(Error::WrongKey { .. })));
        sealer.use_key(new.clone());
        sealer.use_key(new);
        sealer.open_credential(purpose, &before).expect("the old text opens");
        sealer.open_credential(purpose, &after).expect("the new text opens");
        sealer.use_key(kek());
        assert!(sealer.open_credential(purpose, &before).is_err(), "a third key pushes the first out");
    }
}
