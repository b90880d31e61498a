//! The loop that moves frames, as one hand-written future without allocation.

mod from_client;
mod from_server;

use crate::fault::{ClientFault, ServerFault};
use crate::{Front, Ledger};
use std::io;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use wire::{Outbox, Peer};

/// Unsent bytes at which a side is made to wait for the other.
const HIGH_WATER_BYTES: usize = 64 * 1024;

/// Bounds of one relay.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest Query or Parse message, in bytes: these must be read whole before they are judged.
    pub statement_bytes: usize,
    /// Longest of them that is read without asking [`Front::admits`], in bytes.
    pub free_bytes: usize,
}

/// Why [`Relay::run`] gave control back.
#[derive(Debug)]
pub enum Outcome {
    /// The part that [`Relay::begin_part`] announced has ended; its ReadyForQuery was kept back.
    PartDone,
    /// A ReadyForQuery brought a safe point. It is in the client's outbox and not sent yet: the
    /// lease goes back first.
    SafePoint,
    /// The front holds the next client message, all replies are in.
    Held,
    /// The client said Terminate.
    Terminated,
    /// The client's stream has ended.
    ClientGone(Option<io::Error>),
    /// The client broke the protocol.
    ClientFault(ClientFault),
    /// The server's stream has ended.
    ServerGone(Option<io::Error>),
    /// The store broke the protocol.
    ServerFault(ServerFault),
    /// A message of the gate's own was answered with an error.
    HiddenFailed,
}

/// What becomes of the rest of a message whose head was handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tail {
    #[default]
    Forward,
    Drop,
}

/// Bytes of a message still to come.
#[derive(Clone, Copy, Debug, Default)]
struct Streaming {
    left: usize,
    tail: Tail,
}

/// What a walk over one inbox came to.
enum Walk {
    /// Everything there was is handled, or more bytes are needed.
    Dry,
    /// The other side has to take bytes first.
    Full,
    /// A ReadyForQuery that may end the lease waits until the client's message has ended and is sent:
    /// it belongs to this server.
    Waiting,
    /// The next message waits for control to go back.
    Held,
    /// Control goes back.
    End(Outcome),
}

/// The relay's own state for one lease: where in a message each side stands.
#[derive(Debug)]
pub struct Relay {
    from_client: Streaming,
    from_server: Streaming,
    /// A Flush of our own is on its way.
    flush_sent: bool,
    /// The front holds the client's next message.
    holding: bool,
    /// A part of a simple query is under way: only its copy data may pass.
    part: bool,
    /// The client has said Terminate behind messages that the server has not answered yet.
    leaving: bool,
    /// Bytes that a leaving client did not take any more.
    untaken: usize,
    /// A ReadyForQuery for the client was met, its bytes may not have passed yet.
    ready: bool,
    limits: Limits,
}

impl Relay {
    /// A relay for a fresh lease.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            from_client: Streaming::default(),
            from_server: Streaming::default(),
            flush_sent: false,
            holding: false,
            part: false,
            leaving: false,
            untaken: 0,
            ready: false,
            limits,
        }
    }

    /// Whether the server stands inside a message: its connection can then not be used again.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.from_server.left > 0 || self.from_client.left > 0
    }

    /// Announces that the session has written one part of a simple query, and its entry in the
    /// ledger, itself: the next run ends with it and takes nothing but copy data from the client.
    pub fn begin_part(&mut self) {
        self.part = true;
    }

    /// Moves frames until an [`Outcome`]. Cancel-safe: state is in `self`, the peers and the ledger,
    /// and the next call goes on where this one stood.
    pub async fn run<C, S>(
        &mut self,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Outcome
    where
        C: AsyncRead + AsyncWrite + Unpin,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        std::future::poll_fn(|cx| self.poll(cx, client, server, ledger, front)).await
    }

    /// One turn of [`Relay::run`].
    pub fn poll<C, S>(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Poll<Outcome>
    where
        C: AsyncRead + AsyncWrite + Unpin,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            let client_walk = match self.walk_client(client, server, ledger, front) {
                Walk::End(outcome) => return Poll::Ready(outcome),
                walk => walk,
            };
            let before = gates(ledger);
            let server_walk = match self.walk_server(client, server, ledger, front) {
                Walk::End(outcome) => return Poll::Ready(outcome),
                walk => walk,
            };
            if self.holding && ledger.is_settled() && !ledger.is_skipping() && self.from_server.left == 0 {
                self.holding = false;
                self.flush_sent = false;
                return Poll::Ready(Outcome::Held);
            }
            // What the server said may have opened the way for the client's next message.
            let mut progress = matches!(client_walk, Walk::Full | Walk::Held) && gates(ledger) != before;
            if server.is_sending() {
                match server.poll_send(cx) {
                    Poll::Ready(Ok(())) => {
                        progress |=
                            matches!((&client_walk, &server_walk), (Walk::Full, _) | (_, Walk::Waiting));
                    }
                    Poll::Ready(Err(error)) => {
                        self.hear_last_words(cx, client, server, ledger, front);
                        return Poll::Ready(Outcome::ServerGone(Some(error)));
                    }
                    Poll::Pending => {}
                }
            }
            if client.is_sending() {
                match client.poll_send(cx) {
                    Poll::Ready(Ok(())) => progress |= matches!(server_walk, Walk::Full),
                    Poll::Ready(Err(_)) if self.has_left(client) && self.untaken < HIGH_WATER_BYTES => {
                        // What it sent before it left is carried out; nobody reads the answers.
                        self.untaken += client.outbox.len();
                        client.forget_owed();
                        progress = true;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Outcome::ClientGone(Some(error))),
                    Poll::Pending => {}
                }
            }
            if matches!(server_walk, Walk::Dry) {
                match server.poll_fill(cx) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Outcome::ServerGone(None)),
                    Poll::Ready(Ok(_)) => progress = true,
                    Poll::Ready(Err(error)) => return Poll::Ready(Outcome::ServerGone(Some(error))),
                    Poll::Pending => {}
                }
            }
            // A held client is still listened to: it may go away.
            if self.leaving && matches!(client_walk, Walk::Dry) {
                return Poll::Ready(Outcome::ClientGone(None)); // what looked like a farewell was none
            }
            let held = matches!(client_walk, Walk::Held) && client.inbox.unread().len() < HIGH_WATER_BYTES;
            let listen = !self.leaving && (held || matches!(client_walk, Walk::Dry));
            if listen && !progress {
                match client.poll_fill(cx) {
                    Poll::Ready(Ok(0) | Err(_)) if self.has_left(client) => progress = true,
                    Poll::Ready(Ok(0)) => return Poll::Ready(Outcome::ClientGone(None)),
                    Poll::Ready(Ok(_)) => progress = true,
                    Poll::Ready(Err(error)) => return Poll::Ready(Outcome::ClientGone(Some(error))),
                    Poll::Pending => {}
                }
            }
            if !progress {
                return Poll::Pending;
            }
        }
    }

    /// Whether the client waits for no answers: what it sent before it left is carried out all the same.
    fn has_left<C>(&mut self, client: &Peer<C>) -> bool {
        self.leaving |= client.inbox.ends_in_farewell();
        self.leaving
    }

    /// A server that takes no more bytes may have said why before it went.
    fn hear_last_words<C, S>(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) where
        S: AsyncRead + Unpin,
    {
        let room = client.outbox.len() < HIGH_WATER_BYTES;
        if room && let Poll::Ready(Ok(1..)) = server.poll_fill(cx) {
            self.walk_server(client, server, ledger, front);
        }
    }
}

impl Streaming {
    /// Moves what is there of the message; false if more of it must be read first.
    fn stream<C>(&mut self, client: &mut Peer<C>, out: &mut Outbox) -> bool {
        let now = self.left.min(client.inbox.unread().len());
        self.left -= now;
        match self.tail {
            Tail::Forward => out.take(&mut client.inbox, now),
            Tail::Drop => client.inbox.consume(now),
        }
        self.left == 0
    }
}

/// What of the ledger may keep the client's next message back.
fn gates(ledger: &Ledger) -> [bool; 5] {
    [
        ledger.is_full(),
        ledger.is_skipping(),
        ledger.segment_open(),
        ledger.is_settled(),
        ledger.is_copying_in(),
    ]
}
