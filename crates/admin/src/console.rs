//! The console's session on its stream: whole messages in, chunks of answers out.

use crate::facts::Facts;
use crate::refuse::Refusal;
use crate::talk::{Flow, Talk};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use wire::Peer;
use wire::frame::{HEADER_BYTES, Header};

/// Longest message that the console reads, header included, in bytes.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Serves one authenticated admin until they leave; everything up to and including the first
/// ReadyForQuery has been sent. Not cancel-safe in the middle of an answer: the stream must be closed
/// after it was dropped.
///
/// # Errors
/// The stream's own.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Peer<S>,
    facts: &dyn Facts,
    login: &str,
) -> io::Result<()> {
    let mut talk = Talk::new(facts, login);
    loop {
        match whole(client.inbox.unread()) {
            Ok(Some(header)) => {
                let body = client.inbox.unread().get(HEADER_BYTES..header.total()).unwrap_or_default();
                let flow = talk.take(header.tag, body, client.outbox.buffer());
                client.inbox.consume(header.total());
                while talk.go_on(client.outbox.buffer()) {
                    client.send().await?;
                }
                if flow == Flow::End {
                    return client.send().await;
                }
            }
            Ok(None) => {
                client.send().await?;
                client.shrink();
                if client.fill().await? == 0 {
                    return Ok(());
                }
            }
            Err(error) => {
                error.encode(client.outbox.buffer());
                return client.send().await;
            }
        }
    }
}

/// The header of the first message, once all of that message is there.
fn whole(unread: &[u8]) -> Result<Option<Header>, Refusal> {
    match Header::peek(unread) {
        Err(error) => Err(Refusal::Malformed(error.to_string())),
        Ok(Some(header)) if header.total() > MAX_MESSAGE_BYTES => {
            Err(Refusal::TooLong { length: header.total(), limit: MAX_MESSAGE_BYTES })
        }
        Ok(header) => Ok(header.filter(|header| header.total() <= unread.len())),
    }
}
