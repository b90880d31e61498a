//! The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) that derives its keys once: a bench that derives them at
//! every login would measure itself.

use anyhow::{Context, Result, ensure};
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::num::NonZeroU32;

/// What the client says of channel binding: that it knows none.
const HEADER: &str = "n,,";
/// A nonce may be the same each time where nobody attacks.
const NONCE: &str = "YmVuY2ggYmVuY2ggYmVuY2gh";

/// Keys of one secret for the salt and rounds that were seen last.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    challenge: (String, String),
    client: Vec<u8>,
}

/// The first message: who we are stands in the start-up packet already.
pub(crate) fn first() -> String {
    format!("{HEADER}{}", bare())
}

fn bare() -> String {
    format!("n=,r={NONCE}")
}

/// The final message, in answer to the server's challenge.
pub(crate) fn last(secret: &str, keys: &mut Keys, challenge: &str) -> Result<String> {
    let part = |key: &str| challenge.split(',').find_map(|part| part.strip_prefix(key));
    let nonce = part("r=").context("a challenge without nonce")?;
    let (salt, rounds) = (part("s=").context("no salt")?, part("i=").context("no rounds")?);
    ensure!(nonce.starts_with(NONCE), "the nonce is not ours: {nonce}");
    if keys.challenge != (salt.to_owned(), rounds.to_owned()) {
        let mut salted = [0; digest::SHA256_OUTPUT_LEN];
        let count: NonZeroU32 = rounds.parse()?;
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            count,
            &BASE64.decode(salt)?,
            secret.as_bytes(),
            &mut salted,
        );
        keys.client = sign(&salted, b"Client Key");
        keys.challenge = (salt.to_owned(), rounds.to_owned());
    }
    let unproved = format!("c={},r={nonce}", BASE64.encode(HEADER));
    let message = format!("{},{challenge},{unproved}", bare());
    let stored = digest::digest(&digest::SHA256, &keys.client);
    let signature = sign(stored.as_ref(), message.as_bytes());
    let proof: Vec<u8> = keys.client.iter().zip(signature).map(|(key, sign)| key ^ sign).collect();
    Ok(format!("{unproved},p={}", BASE64.encode(proof)))
}

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3 has another nonce and user; so the proof is checked as a server does.
    #[test]
    fn a_server_that_knows_the_secret_accepts_the_proof() {
        let challenge = format!("r={NONCE}server,s={},i=4096", BASE64.encode(b"salt salt salt!!"));
        let mut keys = Keys::default();
        let answer = last("secret", &mut keys, &challenge).unwrap();
        assert_eq!(last("not looked at", &mut keys, &challenge).unwrap(), answer);
        let (unproved, proof) = answer.split_once(",p=").unwrap();
        let mut salted = [0; 32];
        let rounds = NonZeroU32::new(4096).unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, b"salt salt salt!!", b"secret", &mut salted);
        let stored = digest::digest(&digest::SHA256, &sign(&salted, b"Client Key"));
        let message = format!("n=,r={NONCE},{challenge},{unproved}");
        let signature = sign(stored.as_ref(), message.as_bytes());
        let proof = BASE64.decode(proof).unwrap();
        let key: Vec<u8> = proof.iter().zip(signature).map(|(proof, sign)| proof ^ sign).collect();
        assert_eq!(digest::digest(&digest::SHA256, &key).as_ref(), stored.as_ref());
        assert!(last("secret", &mut keys, "r=other,s=QQ==,i=1").is_err());
    }
}
