//! The five bytes in front of every message, and the cheap readers and writers of what follows them.
//!
//! Source: PostgreSQL manual, "Message Formats". Buffers are plain `Vec<u8>`: an out-buffer belongs to
//! one connection, is filled, written and cleared, and never needs to be split or shared.

mod read;
pub mod tag;
mod write_backend;
mod write_frontend;

pub use read::{Reader, cstr};
pub use tag::{authentication, backend, frontend};
pub use write_backend::*;
pub use write_frontend::*;

/// Bytes of a header: the tag and the length.
pub const HEADER_BYTES: usize = 5;

/// Longest body, in bytes. Postgres takes no message that does not fit one allocation
/// (`PQ_LARGE_MESSAGE_LIMIT`), so a longer one is garbage or an attack.
pub const MAX_BODY_BYTES: u32 = 0x3fff_ffff;

/// The header of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Message type, one of [`frontend`] or [`backend`].
    pub tag: u8,
    /// Bytes of the body: what follows the length.
    pub body: u32,
}

/// Why bytes are not a message. The stream cannot be resynchronised: the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message {:?} claims a length of {length} bytes, which no message has; closing the connection", char::from(*.tag))]
pub struct FrameError {
    /// The message type.
    pub tag: u8,
    /// The length as it was sent, counting its own four bytes.
    pub length: u32,
}

impl Header {
    /// Reads the header at the start of `buf`; `None` while fewer than five bytes are there.
    ///
    /// # Errors
    /// A length below 4 or above [`MAX_BODY_BYTES`] + 4.
    #[inline]
    pub fn peek(buf: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some(&[tag, a, b, c, d]) = buf.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]);
        // Below 4 wraps round to a huge number, so one comparison serves both ends.
        let body = length.wrapping_sub(4);
        if body > MAX_BODY_BYTES { Err(FrameError { tag, length }) } else { Ok(Some(Self { tag, body })) }
    }

    /// Bytes of the whole message: header and body.
    #[inline]
    #[must_use]
    pub fn total(self) -> usize {
        HEADER_BYTES + self.body as usize
    }
}

/// Appends one message whose body is what `body` appends. A body too long for any receiver gets a
/// length that every receiver refuses, so that framing can never be shifted.
#[inline]
pub fn write(out: &mut Vec<u8>, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    write_length_and(out, body);
}

/// Like [`write`], for the start-up packets, which have no tag.
pub(crate) fn write_length_and(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = u32::try_from(out.len() - at).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length);
    }
}

/// Appends `text` and a NUL. Text from outside that holds a NUL ends there, so it can never be read as
/// the field after it.
#[inline]
pub fn put_cstr(out: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    out.extend_from_slice(&text[..end]);
    out.push(0);
}

/// Appends a count of 16 bits and says how many items may follow it.
pub(crate) fn put_count(out: &mut Vec<u8>, items: usize) -> usize {
    let count = u16::try_from(items).unwrap_or(u16::MAX);
    out.extend_from_slice(&count.to_be_bytes());
    usize::from(count)
}

/// Appends a value with its length, -1 for NULL.
pub fn put_value(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(bytes) => {
            out.extend_from_slice(&i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
            out.extend_from_slice(bytes);
        }
        None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_length_outside_the_limits_is_refused_and_every_other_is_taken() {
        let limit = MAX_BODY_BYTES + 4;
        let table = [
            (0, false),
            (1, false),
            (2, false),
            (3, false),
            (4, true),
            (5, true),
            (limit, true),
            (limit + 1, false),
            (i32::MAX as u32, false),
            (0x8000_0000, false),
            (u32::MAX, false),
        ];
        for (length, good) in table {
            for tag in [0, b'Q', b'D', 255] {
                let [a, b, c, d] = length.to_be_bytes();
                match Header::peek(&[tag, a, b, c, d]) {
                    Ok(Some(header)) => {
                        assert!(good, "length {length} was taken");
                        assert_eq!(header, Header { tag, body: length - 4 });
                        assert_eq!(header.total(), length as usize + 1);
                    }
                    Ok(None) => panic!("five bytes are a header"),
                    Err(error) => {
                        assert!(!good, "length {length} was refused");
                        assert_eq!(error, FrameError { tag, length });
                    }
                }
            }
        }
    }

    #[test]
    fn fewer_than_five_bytes_are_not_a_header_yet() {
        let message = [b'S', 0xff, 0xff, 0xff, 0xff];
        for end in 0..HEADER_BYTES {
            assert_eq!(Header::peek(&message[..end]), Ok(None));
        }
    }

    #[test]
    fn a_nul_inside_text_never_starts_another_field() {
        let mut out = Vec::new();
        put_cstr(&mut out, "ali\0ce");
        assert_eq!(out, b"ali\0");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(tag: u8, body: Vec<u8>) {
            let mut out = b"before".to_vec();
            write(&mut out, tag, |out| out.extend_from_slice(&body));
            let message = &out[6..];
            let header = Header::peek(message).expect("a length in range").expect("whole");
            prop_assert_eq!(header.tag, tag);
            prop_assert_eq!(header.total(), message.len());
            prop_assert_eq!(&message[HEADER_BYTES..], &body[..]);
        }

        #[test]
        fn no_bytes_make_the_readers_panic(bytes: Vec<u8>, lengths: Vec<usize>) {
            let _ = Header::peek(&bytes);
            let mut reader = Reader::new(&bytes);
            for length in lengths {
                let _ = (reader.u8(), reader.cstr(), reader.u16(), reader.take(length), reader.value());
            }
        }
    }
}
