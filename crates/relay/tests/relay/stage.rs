//! A relay with a client and a server who say what a test has them say, polled by hand.

use crate::front::NamedFront;
use crate::pipe::{End, Pipe};
use relay::{Ledger, Limits, Outcome, Relay};
use std::task::{Context, Poll, Waker};
use wire::Peer;

/// Longest statement that the stage's relay takes, in bytes.
pub(crate) const STATEMENT_BYTES: usize = 64 * 1024;

pub(crate) struct Stage {
    pub(crate) client: Peer<End>,
    pub(crate) server: Peer<End>,
    pub(crate) ledger: Ledger,
    pub(crate) relay: Relay,
    pub(crate) front: NamedFront,
    client_in: Pipe,
    client_out: Pipe,
    server_in: Pipe,
    server_out: Pipe,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_pipes(usize::MAX)
    }

    /// Each direction takes so many bytes before somebody has to read.
    pub(crate) fn with_pipes(capacity: usize) -> Self {
        let pipe = || Pipe::with_capacity(capacity);
        let (client_in, client_out, server_in, server_out) = (pipe(), pipe(), pipe(), pipe());
        Self {
            client: Peer::new(End { read: client_in.clone(), write: client_out.clone() }),
            server: Peer::new(End { read: server_in.clone(), write: server_out.clone() }),
            ledger: Ledger::default(),
            relay: Relay::new(Limits { statement_bytes: STATEMENT_BYTES, free_bytes: STATEMENT_BYTES / 2 }),
            front: NamedFront::default(),
            client_in,
            client_out,
            server_in,
            server_out,
        }
    }

    pub(crate) fn turn(&mut self) -> Option<Outcome> {
        let mut context = Context::from_waker(Waker::noop());
        let Self { relay, client, server, ledger, front, .. } = self;
        match relay.poll(&mut context, client, server, ledger, front) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    pub(crate) fn client_says(&mut self, messages: &[Vec<u8>]) -> Option<Outcome> {
        let bytes = messages.concat();
        assert_eq!(self.client_in.put(&bytes), bytes.len());
        self.turn()
    }

    pub(crate) fn server_says(&mut self, messages: &[Vec<u8>]) -> Option<Outcome> {
        let bytes = messages.concat();
        assert_eq!(self.server_in.put(&bytes), bytes.len());
        self.turn()
    }

    /// What has come to the client since last asked.
    pub(crate) fn client_hears(&self) -> Vec<u8> {
        self.client_out.take(usize::MAX)
    }

    /// What has come to the server since last asked.
    pub(crate) fn server_hears(&self) -> Vec<u8> {
        self.server_out.take(usize::MAX)
    }

    pub(crate) fn client_goes(&mut self) -> Option<Outcome> {
        self.client_in.close();
        self.client_out.close();
        self.turn()
    }

    pub(crate) fn server_goes(&mut self) -> Option<Outcome> {
        self.server_in.close();
        self.server_out.close();
        self.turn()
    }

    /// The server reads no more, but what it has said is still there.
    pub(crate) fn server_stops_reading(&mut self) {
        self.server_out.close();
    }

    /// Bytes of memory that the gate holds for this session.
    pub(crate) fn memory(&self) -> usize {
        let Self { client, server, .. } = self;
        client.inbox.capacity()
            + client.outbox.capacity()
            + server.inbox.capacity()
            + server.outbox.capacity()
    }
}
