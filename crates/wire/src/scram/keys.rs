//! What a secret becomes: keys that prove it, a verifier that checks it, a mock of one nobody has.

use super::{DEFAULT_ITERATIONS, ScramError, hmac_sha256, sha256, text};
use aws_lc_rs::pbkdf2;
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::num::NonZeroU32;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What a server keeps to check a secret; it cannot be turned back into the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    /// PBKDF2 rounds.
    pub iterations: u32,
    /// Salt, raw bytes.
    pub salt: Box<[u8]>,
    /// H(ClientKey).
    pub stored_key: [u8; 32],
    /// HMAC(SaltedPassword, "Server Key").
    pub server_key: [u8; 32],
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// Postgres's text form, `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (PostgreSQL manual,
/// "pg_authid"): what `ALTER ROLE … PASSWORD` takes.
impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [salt, stored, server] = [&self.salt[..], &self.stored_key, &self.server_key].map(text::encode);
        write!(f, "SCRAM-SHA-256${}:{salt}${stored}:{server}", self.iterations)
    }
}

impl std::str::FromStr for Verifier {
    type Err = ScramError;

    fn from_str(form: &str) -> Result<Self, ScramError> {
        const BAD: ScramError = ScramError::Malformed("not a SCRAM-SHA-256 verifier");
        let rest = form.strip_prefix("SCRAM-SHA-256$").ok_or(BAD)?;
        let (derivation, keys) = rest.split_once('$').ok_or(BAD)?;
        let (iterations, salt) = derivation.split_once(':').ok_or(BAD)?;
        let (stored, server) = keys.split_once(':').ok_or(BAD)?;
        Ok(Self {
            iterations: iterations.parse::<NonZeroU32>().map_err(|_| BAD)?.get(),
            salt: text::decode(salt)?.into(),
            stored_key: text::decode_32(stored)?,
            server_key: text::decode_32(server)?,
        })
    }
}

/// What a client needs to prove a secret without deriving it again; good for one salt and iteration count.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    /// PBKDF2 rounds these keys were derived with.
    pub iterations: u32,
    /// Salt these keys were derived with, raw bytes.
    pub salt: Box<[u8]>,
    /// HMAC(SaltedPassword, "Client Key").
    pub client_key: [u8; 32],
    /// HMAC(SaltedPassword, "Server Key").
    pub server_key: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl Keys {
    /// Derives the keys of `password`. Takes CPU in proportion to `iterations`: 4096 are about half a
    /// millisecond. 0 counts as 1.
    #[must_use]
    pub fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
        let rounds = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
        let prepared = Zeroizing::new(prepare(password).into_owned());
        let mut salted = Zeroizing::new([0; 32]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, prepared.as_bytes(), &mut *salted);
        Self {
            iterations: rounds.get(),
            salt: salt.into(),
            client_key: hmac_sha256(&*salted, &[b"Client Key"]),
            server_key: hmac_sha256(&*salted, &[b"Server Key"]),
        }
    }

    /// What a server keeps to check these keys.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier {
            iterations: self.iterations,
            salt: self.salt.clone(),
            stored_key: sha256(&self.client_key),
            server_key: self.server_key,
        }
    }
}

/// SASLprep (RFC 4013), or the password as it is where that fails or leaves nothing: what Postgres does.
fn prepare(password: &str) -> Cow<'_, str> {
    match stringprep::saslprep(password) {
        Ok(prepared) if !prepared.is_empty() => prepared,
        _ => Cow::Borrowed(password),
    }
}

/// How the gate proves itself to a server. Debug shows nothing of it.
#[derive(Clone, Debug)]
pub enum Secret {
    /// A password: keys are derived for whatever salt the server has.
    Password(SecretString),
    /// Keys: good for one salt and iteration count.
    Keys(Keys),
}

impl Secret {
    /// The keys for a server's salt and iteration count. Takes CPU if this is a password.
    ///
    /// # Errors
    /// [`ScramError::KeysDoNotFit`] if these are keys of another salt or iteration count.
    pub fn keys_for(&self, salt: &[u8], iterations: u32) -> Result<Keys, ScramError> {
        match self {
            Self::Password(password) => Ok(Keys::derive(password.expose_secret(), salt, iterations)),
            Self::Keys(keys) if *keys.salt == *salt && keys.iterations == iterations => Ok(keys.clone()),
            Self::Keys(_) => Err(ScramError::KeysDoNotFit),
        }
    }
}

/// Makes verifiers for logins that do not exist, so that an exchange with an unknown name looks and takes
/// as one with a known name and a wrong secret (RFC 5802, section 9). Every gate over one registry should
/// have the same secret, and keep it, or the salts would tell.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Mock([u8; 32]);

impl std::fmt::Debug for Mock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mock(..)")
    }
}

impl Mock {
    /// Bytes of a mock's salt: as many as Postgres takes.
    const SALT_BYTES: usize = 16;

    /// Mocks made with that secret.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// What an exchange with that name is to look like, always the same for the same name. Of a verifier it
    /// shows the salt alone; the keys are nobody's, and whoever satisfies them is refused all the same.
    #[must_use]
    pub fn verifier(&self, login: &str) -> Verifier {
        let salt = hmac_sha256(&self.0, &[b"salt:", login.as_bytes()]);
        Verifier {
            iterations: DEFAULT_ITERATIONS,
            salt: salt[..Self::SALT_BYTES].into(),
            stored_key: [0; 32],
            server_key: [0; 32],
        }
    }
}
