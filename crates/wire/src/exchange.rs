//! One message in, one message out: what the handshakes do while there is no session yet.

use crate::error::Fields;
use crate::frame::{HEADER_BYTES, Header};
use crate::stream::Stream;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Most bytes that are thrown away so that a last error reaches a peer that is still sending. Closing a
/// socket with unread bytes in it makes the kernel take back what was written.
const MAX_DISCARDED_BYTES: usize = 64 * 1024;

/// Why no message came.
#[derive(Debug)]
pub(crate) enum NoMessage {
    /// The connection ended or broke.
    Io(io::Error),
    /// The length is impossible, or above what is accepted at this point.
    Length,
}

/// Reads exactly one message and not a byte after it, with a body of at most `limit` bytes. Nothing is
/// allocated before the length was checked.
pub(crate) async fn read_message(stream: &mut Stream, limit: u32) -> Result<(u8, Vec<u8>), NoMessage> {
    let mut head = [0; HEADER_BYTES];
    stream.read_exact(&mut head).await.map_err(NoMessage::Io)?;
    match Header::peek(&head) {
        Ok(Some(header)) if header.body <= limit => {
            let mut body = vec![0; header.body as usize];
            stream.read_exact(&mut body).await.map_err(NoMessage::Io)?;
            Ok((header.tag, body))
        }
        _ => Err(NoMessage::Length),
    }
}

/// Writes all of `bytes`, through TLS too.
pub(crate) async fn send(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Tells the peer why the connection ends, as well as a connection in whatever state allows. The
/// caller drops the stream next.
pub(crate) async fn refuse(stream: &mut Stream, fields: &Fields) {
    let mut out = Vec::new();
    fields.encode_error(&mut out);
    if send(stream, &out).await.is_ok() && stream.shutdown().await.is_ok() {
        stream.discard(MAX_DISCARDED_BYTES);
    }
}
