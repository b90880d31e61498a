//! Sealing: each secret under a data key of its own, and that data key wrapped by the key-encryption key.
//!
//! The text form is `sg:v1:<kek id>:<base64>`; the base64 part holds
//! `nonce (12) | wrapped data key (32 + 16) | nonce (12) | sealed secret (n + 16)`, both AES-256-GCM.
//! The associated data of both name the form's version, what the secret is for and whose it is, so
//! that a text copied to another row does not open. Rotation replaces the first two parts only.

use crate::kek::KEY_BYTES;
use crate::{Error, Kek, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Credential, GrantId, ScramKeys, Sealed, ServiceId, StoreId};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

const PREFIX: &str = "sg:v1:";
const TAG_BYTES: usize = 16;
const WRAPPED_BYTES: usize = NONCE_LEN + KEY_BYTES + TAG_BYTES;

/// No secret is longer than this, in bytes.
pub(crate) const MAX_SECRET_BYTES: usize = 4096;

/// What a sealed secret is for, and whose it is: it opens for nothing and nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The admin role of a store.
    StoreAdmin(StoreId),
    /// The role the gate uses at a service's home.
    Home(ServiceId),
    /// The role of a grant's sessions (`g_…`).
    GrantLogin(GrantId),
    /// The read-only role of a grant (`r_…`).
    GrantReader(GrantId),
}

impl Purpose {
    /// The secret's name in messages.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self {
            Self::StoreAdmin(_) => "store admin secret",
            Self::Home(_) => "home secret",
            Self::GrantLogin(_) => "grant secret",
            Self::GrantReader(_) => "read-only secret",
        }
    }

    fn associated(&self, part: &str) -> String {
        let (kind, owner) = match self {
            Self::StoreAdmin(id) => ("store-admin", id.0),
            Self::Home(id) => ("home", id.0),
            Self::GrantLogin(id) => ("grant-login", id.0),
            Self::GrantReader(id) => ("grant-reader", id.0),
        };
        format!("stuffgate/v1/{part}/{kind}/{owner}")
    }
}

/// Seals `credential` for `purpose` under a fresh data key.
pub(crate) fn seal(kek: &Kek, purpose: Purpose, credential: &Credential) -> Result<Sealed> {
    let mut data_key = Zeroizing::new([0; KEY_BYTES]);
    aws_lc_rs::rand::fill(&mut *data_key).map_err(|_| Error::System("random bytes"))?;
    let mut blob = wrap(kek, purpose, &*data_key)?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, &*data_key).map_err(|_| unsealable(purpose))?;
    let plain = plain_form(credential)?;
    blob.extend(encrypt(&key, &purpose.associated("secret"), plain).map_err(|()| unsealable(purpose))?);
    Ok(to_text(kek, &blob))
}

/// Opens what [`seal`] made, if it was made for `purpose` with `kek`.
pub(crate) fn open(kek: &Kek, purpose: Purpose, sealed: &Sealed) -> Result<Credential> {
    let blob = from_text(kek, purpose, sealed)?;
    let data_key = unwrap(kek, purpose, &blob)?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, &data_key).map_err(|_| unsealable(purpose))?;
    let plain = decrypt(&key, &purpose.associated("secret"), &blob[WRAPPED_BYTES..]);
    plain.and_then(|plain| from_plain_form(&plain)).ok_or_else(|| unsealable(purpose))
}

/// The same secret with its data key wrapped by `new` instead of `old`; the secret itself stays sealed.
pub(crate) fn rewrap(old: &Kek, new: &Kek, purpose: Purpose, sealed: &Sealed) -> Result<Sealed> {
    let blob = from_text(old, purpose, sealed)?;
    let data_key = unwrap(old, purpose, &blob)?;
    let mut rewrapped = wrap(new, purpose, &data_key)?;
    rewrapped.extend_from_slice(&blob[WRAPPED_BYTES..]);
    Ok(to_text(new, &rewrapped))
}

/// The id of the key-encryption key that a sealed text names; `None` when it is no sealed text.
pub(crate) fn kek_id(sealed: &Sealed) -> Option<&str> {
    sealed.as_text().strip_prefix(PREFIX)?.split_once(':').map(|(id, _)| id)
}

fn unsealable(purpose: Purpose) -> Error {
    Error::Unsealable(purpose.what())
}

fn to_text(kek: &Kek, blob: &[u8]) -> Sealed {
    Sealed::from_text(format!("{PREFIX}{}:{}", kek.id(), STANDARD.encode(blob)))
}

fn from_text(kek: &Kek, purpose: Purpose, sealed: &Sealed) -> Result<Vec<u8>> {
    let id = kek_id(sealed).ok_or_else(|| unsealable(purpose))?;
    if id != kek.id() {
        return Err(Error::WrongKey { given: kek.id().to_owned(), needed: id.to_owned() });
    }
    let base64 = sealed.as_text().rsplit(':').next().unwrap_or_default();
    let blob = STANDARD.decode(base64).map_err(|_| unsealable(purpose))?;
    if blob.len() <= WRAPPED_BYTES + NONCE_LEN + TAG_BYTES {
        return Err(unsealable(purpose));
    }
    Ok(blob)
}

fn wrap(kek: &Kek, purpose: Purpose, data_key: &[u8]) -> Result<Vec<u8>> {
    let plain = copied(data_key);
    encrypt(kek.key(), &purpose.associated("key"), plain).map_err(|()| unsealable(purpose))
}

fn unwrap(kek: &Kek, purpose: Purpose, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    decrypt(kek.key(), &purpose.associated("key"), &blob[..WRAPPED_BYTES]).ok_or_else(|| unsealable(purpose))
}

/// A copy with room for the tag: growing it would leave the plain bytes behind in freed memory.
fn copied(plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut copy = Zeroizing::new(Vec::with_capacity(plain.len() + TAG_BYTES));
    copy.extend_from_slice(plain);
    copy
}

fn encrypt(
    key: &RandomizedNonceKey,
    aad: &str,
    mut plain: Zeroizing<Vec<u8>>,
) -> std::result::Result<Vec<u8>, ()> {
    let nonce = key.seal_in_place_append_tag(Aad::from(aad), &mut *plain).map_err(|_| ())?;
    let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len());
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&plain);
    Ok(sealed)
}

fn decrypt(key: &RandomizedNonceKey, aad: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = Zeroizing::new(rest.to_vec());
    let length = key.open_in_place(nonce, Aad::from(aad), &mut buffer).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
}

/// `p` and a password, or `k`, rounds (4 bytes), salt length (1), salt, client key, server key.
fn plain_form(credential: &Credential) -> Result<Zeroizing<Vec<u8>>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 128 + TAG_BYTES));
    match credential {
        Credential::Password(secret) => {
            let secret = secret.expose_secret().as_bytes();
            if secret.is_empty() || secret.len() > MAX_SECRET_BYTES {
                return Err(Error::Invalid(format!("a secret has 1 to {MAX_SECRET_BYTES} bytes")));
            }
            plain.push(b'p');
            plain.extend_from_slice(secret);
        }
        Credential::Keys(keys) => {
            let salt_bytes = u8::try_from(keys.salt.len())
                .map_err(|_| Error::Invalid("a salt has at most 255 bytes".to_owned()))?;
            plain.push(b'k');
            plain.extend_from_slice(&keys.iterations.to_be_bytes());
            plain.push(salt_bytes);
            plain.extend_from_slice(&keys.salt);
            plain.extend_from_slice(&keys.client_key);
            plain.extend_from_slice(&keys.server_key);
        }
    }
    Ok(plain)
}

fn from_plain_form(plain: &[u8]) -> Option<Credential> {
    match plain.split_first()? {
        (b'p', password) => {
            let password = std::str::from_utf8(password).ok()?;
            Some(Credential::Password(SecretString::from(password)))
        }
        (b'k', rest) => {
            let (iterations, rest) = rest.split_first_chunk::<4>()?;
            let (salt_bytes, rest) = rest.split_first()?;
            let (salt, rest) = rest.split_at_checked(usize::from(*salt_bytes))?;
            let (client_key, rest) = rest.split_first_chunk::<32>()?;
            let server_key = rest.try_into().ok()?;
            let iterations = u32::from_be_bytes(*iterations);
            Some(Credential::Keys(ScramKeys {
                iterations,
                salt: salt.into(),
                client_key: *client_key,
                server_key,
            }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kek() -> Kek {
        Kek::from_text(&Kek::generate().expect("a key")).expect("a key")
    }

    fn password(text: &str) -> Credential {
        Credential::Password(SecretString::from(text))
    }

    fn opened(kek: &Kek, purpose: Purpose, sealed: &Sealed) -> String {
        match open(kek, purpose, sealed).expect("it opens") {
            Credential::Password(secret) => secret.expose_secret().to_owned(),
            Credential::Keys(keys) => format!("{} rounds", keys.iterations),
        }
    }

    #[test]
    fn both_kinds_of_secret_come_back_as_they_were_sealed() {
        let kek = kek();
        let purpose = Purpose::GrantLogin(GrantId(7));
        let sealed = seal(&kek, purpose, &password("pä$$:word")).expect("sealed");
        assert!(sealed.as_text().starts_with(&format!("sg:v1:{}:", kek.id())));
        assert_eq!(opened(&kek, purpose, &sealed), "pä$$:word");

        let keys = crate::scram::fresh_keys().expect("keys");
        let sealed = seal(&kek, purpose, &Credential::Keys(keys.clone())).expect("sealed");
        let Credential::Keys(back) = open(&kek, purpose, &sealed).expect("it opens") else { panic!("keys") };
        assert!(back == keys);
    }

    #[test]
    fn a_sealed_secret_opens_for_its_own_purpose_and_owner_only() {
        let kek = kek();
        let sealed = seal(&kek, Purpose::GrantLogin(GrantId(1)), &password("x")).expect("sealed");
        for other in [
            Purpose::GrantLogin(GrantId(2)),
            Purpose::GrantReader(GrantId(1)),
            Purpose::StoreAdmin(StoreId(1)),
            Purpose::Home(ServiceId(1)),
        ] {
            assert!(matches!(open(&kek, other, &sealed), Err(Error::Unsealable(_))), "{other:?} opened it");
        }
    }

    #[test]
    fn another_key_does_not_open_it_even_under_the_same_id() {
        let (kek, other) = (kek(), kek());
        let purpose = Purpose::StoreAdmin(StoreId(1));
        let sealed = seal(&kek, purpose, &password("x")).expect("sealed");
        assert!(matches!(open(&other, purpose, &sealed), Err(Error::WrongKey { .. })));
        let forged = Sealed::from_text(sealed.as_text().replace(kek.id(), other.id()));
        assert!(matches!(open(&other, purpose, &forged), Err(Error::Unsealable(_))));
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_noticed() {
        let kek = kek();
        let purpose = Purpose::StoreAdmin(StoreId(1));
        let sealed = seal(&kek, purpose, &password("hunter2")).expect("sealed");
        let text = sealed.as_text();
        for end in 0..text.len() {
            assert!(open(&kek, purpose, &Sealed::from_text(&text[..end])).is_err(), "opened {end} bytes");
        }
        let blob = STANDARD.decode(text.rsplit(':').next().expect("base64")).expect("base64");
        for at in 0..blob.len() {
            let mut altered = blob.clone();
            altered[at] ^= 1;
            assert!(open(&kek, purpose, &to_text(&kek, &altered)).is_err(), "byte {at} may be altered");
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_to_the_same_text_twice() {
        let kek = kek();
        let purpose = Purpose::Home(ServiceId(1));
        let seal = || seal(&kek, purpose, &password("x")).expect("sealed").as_text().to_owned();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn rewrapping_moves_a_secret_to_another_key_and_leaves_its_sealed_part_alone() {
        let (old, new) = (kek(), kek());
        let purpose = Purpose::Home(ServiceId(3));
        let before = seal(&old, purpose, &password("x")).expect("sealed");
        let after = rewrap(&old, &new, purpose, &before).expect("rewrapped");
        assert_eq!(opened(&new, purpose, &after), "x");
        assert!(open(&old, purpose, &after).is_err());
        let tail = |kek: &Kek, sealed: &Sealed| {
            from_text(kek, purpose, sealed).expect("a blob").split_off(WRAPPED_BYTES)
        };
        assert_eq!(tail(&old, &before), tail(&new, &after));
    }

    #[test]
    fn a_secret_too_long_or_empty_is_refused() {
        let kek = kek();
        for text in [String::new(), "x".repeat(MAX_SECRET_BYTES + 1)] {
            let refused = seal(&kek, Purpose::Home(ServiceId(1)), &password(&text));
            assert!(matches!(refused, Err(Error::Invalid(_))));
        }
    }
}
