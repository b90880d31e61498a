//! One message in, one message out: what the handshakes do while there is no session yet.

use crate::error::Fields;
use crate::frame::{HEADER_BYTES, Header};
use crate::peer::Peer;
use crate::stream::Stream;
use std::io;
use tokio::io::AsyncWriteExt;

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

/// Reads one message with a body of at most `limit` bytes; what came behind it stays in the inbox, whose
/// memory grows with what arrives and never with what a length promises.
pub(crate) async fn read_message(peer: &mut Peer<Stream>, limit: u32) -> Result<(u8, Vec<u8>), NoMessage> {
    loop {
        let unread = peer.inbox.unread();
        match Header::peek(unread) {
            Ok(Some(header)) if header.body <= limit => {
                if let Some(body) = unread.get(HEADER_BYTES..header.total()) {
                    let body = body.to_vec();
                    peer.inbox.consume(header.total());
                    return Ok((header.tag, body));
                }
            }
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return Err(NoMessage::Length),
        }
        if peer.fill().await.map_err(NoMessage::Io)? == 0 {
            return Err(NoMessage::Io(io::ErrorKind::UnexpectedEof.into()));
        }
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
