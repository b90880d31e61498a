//! The console's session on its stream: whole messages in, chunks of answers out.

use crate::facts::Facts;
use crate::refuse::Refusal;
use crate::talk::{Flow, Talk};
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use wire::Peer;
use wire::frame::{HEADER_BYTES, Header};

/// Longest message that the console reads, header included, in bytes.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// How long a client may take to accept the last message of its session.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Serves one authenticated admin until they leave, or until `ended`: between two answers they are told
/// so with 57P01, in the middle of one the answer just stops. Everything up to and including the first
/// ReadyForQuery has been sent or is in the outbox. Not cancel-safe in the middle of an answer: the
/// stream must be closed after it was dropped.
///
/// # Errors
/// The stream's own.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Peer<S>,
    facts: &dyn Facts,
    login: &str,
    ended: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut talk = Talk::new(facts, login);
    let mut ended = pin!(ended);
    loop {
        match whole(client.inbox.unread()) {
            Ok(Some(header)) => {
                let body = client.inbox.unread().get(HEADER_BYTES..header.total()).unwrap_or_default();
                let flow = talk.take(header.tag, body, client.outbox.buffer());
                client.inbox.consume(header.total());
                while talk.go_on(client.outbox.buffer()) {
                    tokio::select! {
                        sent = client.send() => sent?,
                        () = &mut ended => return Ok(()),
                    }
                }
                if flow == Flow::End {
                    return last_word(client).await;
                }
            }
            Ok(None) => {
                tokio::select! {
                    read = send_and_fill(client) => if read? == 0 { return Ok(()) },
                    () = &mut ended => return refuse(client, &Refusal::Ended).await,
                }
            }
            Err(error) => return refuse(client, &error).await,
        }
    }
}

/// Sends what is owed and waits for more. Cancel-safe.
async fn send_and_fill<S: AsyncRead + AsyncWrite + Unpin>(client: &mut Peer<S>) -> io::Result<usize> {
    client.send().await?;
    client.shrink();
    client.fill().await
}

async fn refuse<S: AsyncWrite + Unpin>(client: &mut Peer<S>, refusal: &Refusal) -> io::Result<()> {
    refusal.encode(client.outbox.buffer());
    last_word(client).await
}

async fn last_word<S: AsyncWrite + Unpin>(client: &mut Peer<S>) -> io::Result<()> {
    match timeout(LAST_WORD, client.send()).await {
        Ok(sent) => sent,
        Err(_) => Ok(()),
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
