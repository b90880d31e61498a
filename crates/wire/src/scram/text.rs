//! SCRAM's text: attributes between commas, values in base64 (RFC 5802, section 7).

use super::{MAX_MESSAGE_BYTES, ScramError};
use base64::{Engine, engine::general_purpose::STANDARD};

pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Result<Vec<u8>, ScramError> {
    STANDARD.decode(text).map_err(|_| ScramError::Malformed("a value is not base64"))
}

pub(super) fn decode_32(text: &str) -> Result<[u8; 32], ScramError> {
    decode(text)?.try_into().map_err(|_| ScramError::Malformed("a value does not have 32 bytes"))
}

/// The message as text, if it is not longer than any honest one.
pub(super) fn message(bytes: &[u8]) -> Result<&str, ScramError> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(ScramError::Malformed("too long"));
    }
    std::str::from_utf8(bytes).map_err(|_| ScramError::Malformed("not UTF-8"))
}

/// Splits the attribute called `name` off the front of `rest`; what follows its comma stays.
pub(super) fn attribute<'a>(rest: &mut &'a str, name: char) -> Result<&'a str, ScramError> {
    let (first, after) = rest.split_once(',').unwrap_or((rest, ""));
    let value = first
        .strip_prefix(name)
        .and_then(|value| value.strip_prefix('='))
        .ok_or(ScramError::Malformed("an attribute is missing or out of order"))?;
    *rest = after;
    Ok(value)
}

/// Nonces are printable ASCII without a comma.
pub(super) fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}
