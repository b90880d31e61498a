//! The server's side of SCRAM: the gate checks a client.

use super::text::{attribute, decode, decode_32, encode, is_nonce, message};
use super::{Mechanism, ScramError, Verifier, fresh_nonce, hmac_sha256, sha256, xor};
use aws_lc_rs::constant_time::verify_slices_are_equal;

/// The one kind of channel binding there is (RFC 5929, section 4).
const END_POINT: &str = "tls-server-end-point";

/// An exchange before the client's first message.
#[derive(Debug)]
pub struct Start {
    verifier: Verifier,
    genuine: bool,
    end_point: Option<Box<[u8]>>,
    nonce: String,
}

/// An exchange after the server's first message.
#[derive(Debug)]
pub struct Challenged {
    verifier: Verifier,
    genuine: bool,
    /// What `c=` must decode to: the GS2 header, and the binding's bytes where there is one.
    binding: Vec<u8>,
    nonce: String,
    /// client-first-message-bare "," server-first-message ","
    transcript: String,
}

impl Start {
    /// Begins with the verifier to check against. `genuine` is false for a mock: then the exchange goes as
    /// any other and fails at its end. `end_point` is the channel binding's value where PLUS is offered.
    ///
    /// # Errors
    /// [`ScramError::NoRandom`].
    pub fn new(verifier: Verifier, genuine: bool, end_point: Option<&[u8]>) -> Result<Self, ScramError> {
        Ok(Self { verifier, genuine, end_point: end_point.map(Into::into), nonce: fresh_nonce()? })
    }

    #[cfg(test)]
    pub(super) fn with_nonce(mut self, nonce: &str) -> Self {
        nonce.clone_into(&mut self.nonce);
        self
    }

    /// Takes the client's first message and gives the server's.
    ///
    /// # Errors
    /// A malformed message, or channel binding that does not go with what was offered.
    pub fn challenge(
        self,
        mechanism: Mechanism,
        client_first: &[u8],
    ) -> Result<(Challenged, String), ScramError> {
        let whole = message(client_first)?;
        let bare = self.after_gs2_header(mechanism, whole)?;
        let header = &whole[..whole.len() - bare.len()];
        let mut rest = bare;
        if rest.starts_with("m=") {
            return Err(ScramError::Malformed("the client needs an extension the gate does not have"));
        }
        // Postgres takes the name of the start-up packet and lets clients put anything here.
        attribute(&mut rest, 'n')?;
        let client_nonce = attribute(&mut rest, 'r')?;
        if !is_nonce(client_nonce) {
            return Err(ScramError::Malformed("the nonce is empty or not printable"));
        }
        let mut binding = header.as_bytes().to_vec();
        if let (Mechanism::Plus, Some(end_point)) = (mechanism, &self.end_point) {
            binding.extend_from_slice(end_point);
        }
        let nonce = format!("{client_nonce}{}", self.nonce);
        let Verifier { salt, iterations, .. } = &self.verifier;
        let reply = format!("r={nonce},s={},i={iterations}", encode(salt));
        let transcript = format!("{bare},{reply},");
        let challenged =
            Challenged { verifier: self.verifier, genuine: self.genuine, binding, nonce, transcript };
        Ok((challenged, reply))
    }

    /// Checks the GS2 header (RFC 5802, section 6) and gives what follows it.
    fn after_gs2_header<'a>(&self, mechanism: Mechanism, whole: &'a str) -> Result<&'a str, ScramError> {
        let offered = self.end_point.is_some();
        let (flag, rest) =
            whole.split_once(',').ok_or(ScramError::Malformed("the channel-binding flag is missing"))?;
        match (mechanism, flag) {
            (Mechanism::Plus, _) if !offered => {
                return Err(ScramError::Binding("SCRAM-SHA-256-PLUS was not offered on this connection"));
            }
            (Mechanism::Plain, "n") => {}
            // "I could, but you did not offer": if it was offered, somebody took the offer away.
            (Mechanism::Plain, "y") if offered => {
                return Err(ScramError::Binding(
                    "the client did not see that it was offered; possible attack",
                ));
            }
            (Mechanism::Plain, "y") => {}
            (_, flag) => match (mechanism, flag.strip_prefix("p=")) {
                (Mechanism::Plus, Some(END_POINT)) => {}
                (Mechanism::Plus, Some(_)) => {
                    return Err(ScramError::Binding("only tls-server-end-point is known"));
                }
                (Mechanism::Plus, None) => {
                    return Err(ScramError::Binding("SCRAM-SHA-256-PLUS was chosen without channel binding"));
                }
                (Mechanism::Plain, Some(_)) => {
                    return Err(ScramError::Binding("channel binding without SCRAM-SHA-256-PLUS"));
                }
                (Mechanism::Plain, None) => {
                    return Err(ScramError::Malformed("unknown channel-binding flag"));
                }
            },
        }
        rest.strip_prefix(',').ok_or(ScramError::Malformed("authorization identities are not supported"))
    }
}

impl Challenged {
    /// Takes the client's final message, checks its proof and gives the server's final message.
    ///
    /// # Errors
    /// [`ScramError::WrongSecret`], a malformed message, or a binding to another connection.
    pub fn finish(self, client_final: &[u8]) -> Result<String, ScramError> {
        let whole = message(client_final)?;
        let (without_proof, proof) =
            whole.rsplit_once(",p=").ok_or(ScramError::Malformed("the proof is missing"))?;
        let mut rest = without_proof;
        let binding = decode(attribute(&mut rest, 'c')?)?;
        let nonce = attribute(&mut rest, 'r')?;
        if binding != self.binding {
            return Err(ScramError::Binding("the client is bound to another connection; possible attack"));
        }
        if nonce != self.nonce {
            return Err(ScramError::Malformed("the nonce is not the one sent"));
        }
        let proof = decode_32(proof)?;
        let transcript = [self.transcript.as_bytes(), without_proof.as_bytes()];
        let client_signature = hmac_sha256(&self.verifier.stored_key, &transcript);
        let client_key = xor(&proof, &client_signature);
        let proven = verify_slices_are_equal(&sha256(&client_key), &self.verifier.stored_key).is_ok();
        let server_signature = hmac_sha256(&self.verifier.server_key, &transcript);
        // Both are worked out before either is looked at: a mock takes as long as the real thing.
        if proven & self.genuine {
            Ok(format!("v={}", encode(&server_signature)))
        } else {
            Err(ScramError::WrongSecret)
        }
    }
}
