//! The client's side of SCRAM: the gate proves itself to a server.

use super::text::{attribute, decode, decode_32, encode, is_nonce, message};
use super::{Keys, MAX_ITERATIONS, Mechanism, ScramError, fresh_nonce, hmac_sha256, sha256, xor};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::num::NonZeroU32;

/// What the gate can say about channel binding (RFC 5802, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding<'a> {
    /// No TLS, or a certificate that has no binding value: `n`.
    Impossible,
    /// It could be done, but the server did not offer it: `y`. A server that did offer it then knows that
    /// somebody stands in between.
    NotOffered,
    /// Bound to the server's certificate: `p=tls-server-end-point`.
    EndPoint(&'a [u8]),
}

/// An exchange before the server's first message.
#[derive(Debug)]
pub struct Start {
    mechanism: Mechanism,
    header: &'static str,
    binding: Vec<u8>,
    nonce: String,
}

/// An exchange that waits for keys.
#[derive(Debug)]
pub struct Challenged {
    /// The server's salt, raw bytes.
    pub salt: Vec<u8>,
    /// The server's PBKDF2 rounds, at most [`MAX_ITERATIONS`].
    pub iterations: u32,
    without_proof: String,
    transcript: String,
}

/// An exchange that waits for the server's proof.
#[derive(Debug)]
pub struct Proved {
    server_signature: [u8; 32],
}

impl Start {
    /// Begins an exchange.
    ///
    /// # Errors
    /// [`ScramError::NoRandom`].
    pub fn new(binding: Binding<'_>) -> Result<Self, ScramError> {
        let (mechanism, header, data) = match binding {
            Binding::Impossible => (Mechanism::Plain, "n,,", &[][..]),
            Binding::NotOffered => (Mechanism::Plain, "y,,", &[][..]),
            Binding::EndPoint(hash) => (Mechanism::Plus, "p=tls-server-end-point,,", hash),
        };
        let binding = [header.as_bytes(), data].concat();
        Ok(Self { mechanism, header, binding, nonce: fresh_nonce()? })
    }

    #[cfg(test)]
    pub(super) fn with_nonce(mut self, nonce: &str) -> Self {
        nonce.clone_into(&mut self.nonce);
        self
    }

    /// The mechanism to name.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The client's first message. The name in it is empty, as libpq's is: the start-up packet has it.
    #[must_use]
    pub fn first(&self) -> String {
        format!("{}n=,r={}", self.header, self.nonce)
    }

    /// Takes the server's first message. Costs nothing yet: the caller derives the keys.
    ///
    /// # Errors
    /// A malformed or replayed message, or [`ScramError::TooManyIterations`].
    pub fn challenge(self, server_first: &[u8]) -> Result<Challenged, ScramError> {
        let bare = format!("n=,r={}", self.nonce);
        self.challenge_to(&bare, server_first)
    }

    pub(super) fn challenge_to(self, bare: &str, server_first: &[u8]) -> Result<Challenged, ScramError> {
        let reply = message(server_first)?;
        let mut rest = reply;
        let nonce = attribute(&mut rest, 'r')?;
        let salt = decode(attribute(&mut rest, 's')?)?;
        let iterations = attribute(&mut rest, 'i')?
            .parse::<NonZeroU32>()
            .map_err(|_| ScramError::Malformed("the iteration count is not a number above 0"))?
            .get();
        let theirs = nonce.strip_prefix(&self.nonce).unwrap_or_default();
        if !is_nonce(theirs) {
            return Err(ScramError::Malformed("the nonce does not continue the gate's"));
        }
        if salt.is_empty() {
            return Err(ScramError::Malformed("the salt is empty"));
        }
        if iterations > MAX_ITERATIONS {
            return Err(ScramError::TooManyIterations(iterations));
        }
        let without_proof = format!("c={},r={nonce}", encode(&self.binding));
        let transcript = format!("{bare},{reply},{without_proof}");
        Ok(Challenged { salt, iterations, without_proof, transcript })
    }
}

impl Challenged {
    /// Gives the client's final message, which proves `keys`: those of this salt and iteration count.
    #[must_use]
    pub fn prove(self, keys: &Keys) -> (Proved, String) {
        let transcript = [self.transcript.as_bytes()];
        let client_signature = hmac_sha256(&sha256(&keys.client_key), &transcript);
        let proof = xor(&keys.client_key, &client_signature);
        let proved = Proved { server_signature: hmac_sha256(&keys.server_key, &transcript) };
        (proved, format!("{},p={}", self.without_proof, encode(&proof)))
    }
}

impl Proved {
    /// Takes the server's final message and checks that the server knows the secret as well.
    ///
    /// # Errors
    /// [`ScramError::ServerUnproven`], [`ScramError::Rejected`], or a malformed message.
    pub fn finish(self, server_final: &[u8]) -> Result<(), ScramError> {
        let mut rest = message(server_final)?;
        if let Some(error) = rest.strip_prefix("e=") {
            return Err(ScramError::Rejected(error.chars().filter(|c| !c.is_control()).take(80).collect()));
        }
        let signature = decode_32(attribute(&mut rest, 'v')?)?;
        verify_slices_are_equal(&signature, &self.server_signature).map_err(|_| ScramError::ServerUnproven)
    }
}
