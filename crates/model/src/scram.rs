//! SCRAM-SHA-256 as it is kept: what a verifier proves and what a derived key can do (RFC 5802, RFC 7677).

use zeroize::{Zeroize, ZeroizeOnDrop};

/// What is stored to check a client's secret; it cannot be turned back into the secret.
/// Its text form is Postgres's own `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`
/// (PostgreSQL manual, "pg_authid", `rolpassword`); the registry and wire crates read and write it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    /// PBKDF2 rounds.
    pub iterations: u32,
    /// Salt, raw bytes.
    pub salt: Box<[u8]>,
    /// H(ClientKey).
    pub stored_key: [u8; 32],
    /// HMAC(SaltedPassword, "Server Key").
    pub server_key: [u8; 32],
}

impl std::fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramVerifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// What a client needs to prove a secret without deriving it again: good for one salt and iteration
/// count only. As powerful as the secret itself against the one server that keeps the verifier.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ScramKeys {
    /// PBKDF2 rounds these keys were derived with.
    pub iterations: u32,
    /// Salt these keys were derived with, raw bytes.
    pub salt: Box<[u8]>,
    /// HMAC(SaltedPassword, "Client Key").
    pub client_key: [u8; 32],
    /// HMAC(SaltedPassword, "Server Key").
    pub server_key: [u8; 32],
}

impl std::fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramKeys").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}
