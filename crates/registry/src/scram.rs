//! SCRAM-SHA-256 verifiers and keys: made, compared and written as Postgres writes them
//! (RFC 5802, RFC 7677; PostgreSQL manual, "pg_authid", `rolpassword`).

use crate::{Error, Result};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{ScramKeys, ScramVerifier};
use secrecy::{ExposeSecret as _, SecretString};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// PBKDF2 rounds of what is made here: Postgres's own default (`scram_iterations`). The client pays
/// for them at every log-in, so more would be paid by every connection of every service.
pub const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// Bytes of salt in what is made here, as in Postgres.
const SALT_BYTES: usize = 16;

/// Bytes of randomness in a secret that [`fresh_secret`] makes.
const SECRET_BYTES: usize = 24;

/// Derives what is kept to check `secret`, with a fresh salt. Takes milliseconds of CPU.
///
/// # Errors
/// [`Error::Invalid`] when the secret is empty, too long or holds a NUL.
pub fn verifier_for(secret: &SecretString) -> Result<ScramVerifier> {
    let text = secret.expose_secret();
    if text.is_empty() || text.len() > crate::seal::MAX_SECRET_BYTES || text.contains('\0') {
        let max = crate::seal::MAX_SECRET_BYTES;
        return Err(Error::Invalid(format!("a secret has 1 to {max} bytes and no NUL among them")));
    }
    let mut salt = [0; SALT_BYTES];
    fill(&mut salt)?;
    Ok(verifier_of(&keys_for(secret, &salt, ITERATIONS)))
}

/// Whether `secret` is the one that `verifier` was derived from; compared in constant time.
/// Takes milliseconds of CPU.
#[must_use]
pub fn matches(verifier: &ScramVerifier, secret: &SecretString) -> bool {
    let Some(iterations) = NonZeroU32::new(verifier.iterations) else { return false };
    let derived = verifier_of(&keys_for(secret, &verifier.salt, iterations));
    verify_slices_are_equal(&derived.stored_key, &verifier.stored_key).is_ok()
}

/// Keys of a password that nobody knows: its salted form is drawn at random, which is what a random
/// password of full strength would give, and there is none to keep or to leak.
///
/// # Errors
/// [`Error::System`] when the system gives no random bytes.
pub fn fresh_keys() -> Result<ScramKeys> {
    let mut salt = [0; SALT_BYTES];
    let mut salted = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
    fill(&mut salt)?;
    fill(&mut *salted)?;
    Ok(keys_of(&salted, &salt, ITERATIONS))
}

/// A random secret for people and programs to keep: 24 random bytes in URL-safe base64.
///
/// # Errors
/// [`Error::System`] when the system gives no random bytes.
pub fn fresh_secret() -> Result<SecretString> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    fill(&mut *bytes)?;
    Ok(SecretString::from(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(*bytes)))
}

/// What a server keeps to check these keys: what `ALTER ROLE … PASSWORD` takes, once in [`to_text`] form.
#[must_use]
pub fn verifier_of(keys: &ScramKeys) -> ScramVerifier {
    let mut stored_key = [0; 32];
    stored_key.copy_from_slice(digest::digest(&digest::SHA256, &keys.client_key).as_ref());
    ScramVerifier {
        iterations: keys.iterations,
        salt: keys.salt.clone(),
        stored_key,
        server_key: keys.server_key,
    }
}

/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.
#[must_use]
pub fn to_text(verifier: &ScramVerifier) -> String {
    format!(
        "SCRAM-SHA-256${}:{}${}:{}",
        verifier.iterations,
        STANDARD.encode(&verifier.salt),
        STANDARD.encode(verifier.stored_key),
        STANDARD.encode(verifier.server_key)
    )
}

/// Reads what [`to_text`] and Postgres write; `None` for anything else.
#[must_use]
pub fn from_text(text: &str) -> Option<ScramVerifier> {
    let (iterations, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
    let (salt, keys) = rest.split_once('$')?;
    let (stored_key, server_key) = keys.split_once(':')?;
    let key = |text: &str| STANDARD.decode(text).ok()?.try_into().ok();
    Some(ScramVerifier {
        iterations: iterations.parse::<NonZeroU32>().ok()?.get(),
        salt: STANDARD.decode(salt).ok()?.into(),
        stored_key: key(stored_key)?,
        server_key: key(server_key)?,
    })
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    rand::fill(bytes).map_err(|_| Error::System("random bytes"))
}

fn keys_for(secret: &SecretString, salt: &[u8], iterations: NonZeroU32) -> ScramKeys {
    let prepared = prepared(secret.expose_secret());
    let mut salted = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, prepared.as_bytes(), &mut *salted);
    keys_of(&salted, salt, iterations)
}

fn keys_of(salted: &[u8; 32], salt: &[u8], iterations: NonZeroU32) -> ScramKeys {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salted);
    let signed = |text: &[u8]| {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&key, text).as_ref());
        out
    };
    ScramKeys {
        iterations: iterations.get(),
        salt: salt.into(),
        client_key: signed(b"Client Key"),
        server_key: signed(b"Server Key"),
    }
}

/// SASLprep (RFC 4013), or the text as it is where that refuses it: what Postgres does on both sides.
fn prepared(secret: &str) -> Zeroizing<String> {
    let prepared =
        stringprep::saslprep(secret).map_or_else(|_| secret.to_owned(), std::borrow::Cow::into_owned);
    Zeroizing::new(prepared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_rfc_7677s_example() {
        // RFC 7677 §3: user "user", password "pencil"; the proof is checked from the keys.
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let keys = keys_for(&SecretString::from("pencil"), &salt, ITERATIONS);
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let stored = verifier_of(&keys);
        let signature =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &stored.stored_key), message.as_bytes());
        let proof: Vec<u8> = keys.client_key.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        assert_eq!(STANDARD.encode(proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    }

    #[test]
    fn a_verifier_knows_its_secret_and_no_other() {
        let verifier = verifier_for(&SecretString::from("pencil")).expect("a verifier");
        assert!(matches(&verifier, &SecretString::from("pencil")));
        assert!(!matches(&verifier, &SecretString::from("pencils")));
    }

    #[test]
    fn secrets_are_prepared_as_postgres_prepares_them() {
        // U+2168 (Roman numeral nine) is "IX" under SASLprep; U+00AD (soft hyphen) vanishes.
        let verifier = verifier_for(&SecretString::from("I\u{ad}X")).expect("a verifier");
        assert!(matches(&verifier, &SecretString::from("\u{2168}")));
        // A prohibited character: the bytes as they are.
        let verifier = verifier_for(&SecretString::from("a\u{7}b")).expect("a verifier");
        assert!(matches(&verifier, &SecretString::from("a\u{7}b")));
    }

    #[test]
    fn the_text_form_is_read_back_and_nothing_else_is_read() {
        let verifier = verifier_of(&fresh_keys().expect("keys"));
        let text = to_text(&verifier);
        assert!(from_text(&text).is_some_and(|back| back == verifier));
        for bad in ["", "md5abc", "SCRAM-SHA-256$0:AA==$AA==:AA==", &text[..text.len() - 4]] {
            assert!(from_text(bad).is_none(), "{bad:?} was read");
        }
    }

    #[test]
    fn an_empty_secret_or_one_with_a_nul_is_refused() {
        for bad in ["", "a\0b"] {
            assert!(matches!(verifier_for(&SecretString::from(bad)), Err(Error::Invalid(_))));
        }
    }
}
