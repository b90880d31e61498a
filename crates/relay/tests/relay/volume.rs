//! Bodies larger than any memory one would give a session pass through buffers of fixed size.

use crate::front::NamedFront;
use relay::{Ledger, Limits, Outcome, Relay};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use testkit::frames;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wire::Peer;

/// Most memory of all four buffers while bytes stream, in bytes.
const MOST_MEMORY: usize = 512 * 1024;

/// Writes taken between two looks at the buffers.
const WRITES_PER_LOOK: usize = 64;

/// Says `head`, then so many zeros, then `tail`, once it was told enough; counts what it is told.
struct Source {
    starts_at: usize,
    head: Vec<u8>,
    zeros: usize,
    tail: Vec<u8>,
    taken: usize,
    writes: usize,
}

impl Source {
    fn new(starts_at: usize, head: Vec<u8>, zeros: usize, tail: Vec<u8>) -> Peer<Self> {
        Peer::new(Self { starts_at, head, zeros, tail, taken: 0, writes: 0 })
    }
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken < self.starts_at {
            return Poll::Pending;
        }
        if self.head.is_empty() && self.zeros > 0 {
            let now = self.zeros.min(buf.remaining());
            buf.initialize_unfilled_to(now);
            buf.advance(now);
            self.zeros -= now;
            return Poll::Ready(Ok(()));
        }
        let this = &mut *self;
        let text = if this.head.is_empty() { &mut this.tail } else { &mut this.head };
        if text.is_empty() {
            return Poll::Pending;
        }
        let now = text.len().min(buf.remaining());
        buf.put_slice(&text[..now]);
        text.drain(..now);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Source {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes += 1;
        if self.writes.is_multiple_of(WRITES_PER_LOOK) {
            return Poll::Pending; // the test looks at the buffers, and polls again
        }
        self.taken += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Relays until `done`, and says how much memory was held at most.
fn run(
    client: &mut Peer<Source>,
    server: &mut Peer<Source>,
    done: impl Fn(&Source, &Source) -> bool,
) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut ledger = Ledger::default();
    let mut front = NamedFront::default();
    let mut relay = Relay::new(Limits { statement_bytes: 1 << 20, free_bytes: 1 << 20 });
    let mut most = 0;
    while !done(&client.stream, &server.stream) {
        match relay.poll(&mut context, client, server, &mut ledger, &mut front) {
            Poll::Pending | Poll::Ready(Outcome::SafePoint) => {}
            Poll::Ready(other) => panic!("{other:?}"),
        }
        let held = [client.inbox.capacity(), client.outbox.capacity()];
        most = most.max(held.iter().sum::<usize>() + server.inbox.capacity() + server.outbox.capacity());
    }
    most
}

fn header(tag: u8, body: usize) -> Vec<u8> {
    frames::message_of_length(tag, i32::try_from(body + 4).expect("below 2 GB"), b"")
}

#[test]
fn a_row_of_200_megabytes_passes_through_buffers_of_fixed_size() {
    const ROW: usize = 200_000_000;
    let tail = [frames::command_complete("SELECT 1"), frames::ready(b'I')].concat();
    let whole = 5 + ROW + tail.len();
    let mut client = Source::new(0, frames::query("r"), 0, Vec::new());
    let mut server = Source::new(1, header(b'D', ROW), ROW, tail);
    let most = run(&mut client, &mut server, |client, _| client.taken == whole);
    assert!(most <= MOST_MEMORY, "{most} bytes");
}

#[test]
fn copy_data_of_a_gigabyte_passes_through_buffers_of_fixed_size() {
    const DATA: usize = 0x3fff_ffff;
    let question = frames::query("i");
    let head = [question.clone(), header(b'd', DATA)].concat();
    let whole = head.len() + DATA + frames::copy_done().len();
    let mut client = Source::new(0, head, DATA, frames::copy_done());
    let mut server = Source::new(1, frames::message(b'G', &[0, 0, 0]), 0, Vec::new());
    let most = run(&mut client, &mut server, |_, server| server.taken == whole);
    assert!(most <= MOST_MEMORY, "{most} bytes");
}
