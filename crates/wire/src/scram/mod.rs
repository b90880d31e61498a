//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, both roles, without I/O (RFC 5802, RFC 7677, RFC 5929).

pub mod client;
mod keys;
pub mod server;
mod text;

pub use keys::{Keys, Mock, Secret, Verifier};

use aws_lc_rs::{digest, hmac};

/// PBKDF2 rounds that Postgres uses where nobody asked for others; what an unknown login seems to have.
pub const DEFAULT_ITERATIONS: u32 = 4096;

/// Most PBKDF2 rounds a server may ask the gate for: about a third of a second of CPU. More is an attack.
pub const MAX_ITERATIONS: u32 = 1_000_000;

/// Longest SCRAM message that is looked at, in bytes. Real ones have about 200.
pub const MAX_MESSAGE_BYTES: usize = 2048;

/// Random bytes in a nonce of ours.
const NONCE_BYTES: usize = 18;

/// The mechanisms the gate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `SCRAM-SHA-256`.
    Plain,
    /// `SCRAM-SHA-256-PLUS`: bound to the TLS connection it runs in.
    Plus,
}

impl Mechanism {
    /// The registered name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "SCRAM-SHA-256",
            Self::Plus => "SCRAM-SHA-256-PLUS",
        }
    }

    /// The mechanism of that name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Plain, Self::Plus].into_iter().find(|known| known.as_str().as_bytes() == name)
    }
}

/// How an exchange ends without a session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// The other side does not follow the protocol.
    #[error("malformed SCRAM message: {0}")]
    Malformed(&'static str),
    /// Channel binding was tampered with, or the client asks for a kind the gate does not have.
    #[error("channel binding: {0}")]
    Binding(&'static str),
    /// The client's proof is wrong, or there is no such login.
    #[error("wrong secret")]
    WrongSecret,
    /// The server wants more work than an honest one would.
    #[error(
        "the server asks for {0} SCRAM iterations, more than the {MAX_ITERATIONS} the gate is willing to compute"
    )]
    TooManyIterations(u32),
    /// Kept keys are of another salt or iteration count: the password was changed in the store.
    #[error("the kept SCRAM keys do not fit the server's salt or iteration count; its password was changed")]
    KeysDoNotFit,
    /// The server could not show that it knows the secret.
    #[error("the server could not prove that it knows the secret; something else answers in its place")]
    ServerUnproven,
    /// The server ended the exchange with an error of its own.
    #[error("the server refused the SCRAM exchange: {0}")]
    Rejected(String),
    /// The system's random numbers failed.
    #[error("no random numbers from the system")]
    NoRandom,
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    thirty_two(context.sign().as_ref())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    thirty_two(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Copies a SHA-256 result, which always has 32 bytes.
fn thirty_two(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

fn xor(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|at| a[at] ^ b[at])
}

fn fresh_nonce() -> Result<String, ScramError> {
    let mut bytes = [0; NONCE_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ScramError::NoRandom)?;
    Ok(text::encode(&bytes))
}

#[cfg(test)]
mod tests;
