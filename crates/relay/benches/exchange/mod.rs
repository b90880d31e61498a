//! A client and a server in memory, who say the same again and again to one relay.

mod steps;

pub(crate) use steps::*;

use relay::{Desk, Front, Ledger, Limits, Outcome, Relay, ServerFault, Status, Verdict};
use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wire::Peer;

/// Lets everything pass.
pub(crate) struct Open;

impl Front for Open {
    fn admits(&mut self, _total: usize) -> bool {
        true
    }

    fn judge(&mut self, _: &[u8], _: usize, _: &mut Desk<'_>) -> Verdict {
        Verdict::Pass
    }
    fn failed(&mut self) {}
    fn ready(&mut self, _: Status) {}
    fn finished(&mut self, _: bool) {}
    fn marks_kept(&mut self, _: usize) {}
    fn marks_undone(&mut self, _: usize, _: bool) {}
    fn parameter(&mut self, _: &[u8], _: &[u8]) -> bool {
        true
    }
    fn report(&mut self, _: &[u8], _: u32) -> Option<Vec<u8>> {
        None
    }
    fn row(&mut self, _: &[u8]) -> Result<Option<Vec<u8>>, ServerFault> {
        Ok(None)
    }
}

/// Says the same text each time it is rewound, and takes everything.
pub(crate) struct Tape<'a> {
    text: &'a [u8],
    at: usize,
}

impl AsyncRead for Tape<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return Poll::Pending;
        }
        let now = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..now]);
        self.at += now;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tape<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(black_box(bytes).len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// One exchange after another over the same buffers.
pub(crate) struct Exchange<'a> {
    client: Peer<Tape<'a>>,
    server: Peer<Tape<'a>>,
    ledger: Ledger,
    relay: Relay,
    steps: &'a [Step],
}

/// What the client says, and what the server says to it.
pub(crate) type Step = (Vec<u8>, Vec<u8>);

impl<'a> Exchange<'a> {
    /// An exchange of these steps, the last of which brings a safe point.
    pub(crate) fn new(steps: &'a [Step]) -> Self {
        Self {
            client: Peer::new(Tape { text: &[], at: 0 }),
            server: Peer::new(Tape { text: &[], at: 0 }),
            ledger: Ledger::default(),
            relay: Relay::new(Limits { statement_bytes: 1 << 20, free_bytes: 1 << 20 }),
            steps,
        }
    }

    fn poll(&mut self) -> Poll<Outcome> {
        let mut context = Context::from_waker(Waker::noop());
        let Self { client, server, ledger, relay, .. } = self;
        relay.poll(&mut context, client, server, ledger, &mut Open)
    }

    /// The client asks, the server answers, at last a safe point is reached and the answer is sent.
    pub(crate) fn run(&mut self) {
        let steps = self.steps;
        for (number, (asked, answered)) in steps.iter().enumerate() {
            self.client.stream = Tape { text: asked, at: 0 };
            assert!(self.poll().is_pending());
            self.server.stream = Tape { text: answered, at: 0 };
            let outcome = self.poll();
            if number + 1 == steps.len() {
                assert!(matches!(outcome, Poll::Ready(Outcome::SafePoint)));
                assert!(self.poll().is_pending());
            } else {
                assert!(outcome.is_pending());
            }
        }
    }
}
