//! What one message costs on its way through the relay: memory to memory, no kernel in between.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use relay::{Desk, Front, Ledger, Limits, Outcome, Relay, ServerFault, Status, Verdict};
use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use testkit::frames;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wire::Peer;

/// Bytes of rows in one round.
const ROUND_BYTES: usize = 1 << 20;

/// Lets everything pass.
struct Open;

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
struct Tape<'a> {
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
struct Exchange<'a> {
    client: Peer<Tape<'a>>,
    server: Peer<Tape<'a>>,
    ledger: Ledger,
    relay: Relay,
}

impl<'a> Exchange<'a> {
    fn new(asked: &'a [u8], answered: &'a [u8]) -> Self {
        Self {
            client: Peer::new(Tape { text: asked, at: asked.len() }),
            server: Peer::new(Tape { text: answered, at: answered.len() }),
            ledger: Ledger::default(),
            relay: Relay::new(Limits { statement_bytes: 1 << 20, free_bytes: 1 << 20 }),
        }
    }

    fn poll(&mut self) -> Poll<Outcome> {
        let mut context = Context::from_waker(Waker::noop());
        let Self { client, server, ledger, relay } = self;
        relay.poll(&mut context, client, server, ledger, &mut Open)
    }

    /// The client asks, the server answers, a safe point is reached, the answer is sent.
    fn run(&mut self) {
        self.client.stream.at = 0;
        assert!(self.poll().is_pending());
        self.server.stream.at = 0;
        assert!(matches!(self.poll(), Poll::Ready(Outcome::SafePoint)));
        assert!(self.poll().is_pending());
    }
}

fn rows(c: &mut Criterion) {
    for size in [30, 100, 1000] {
        let row = frames::data_row(&[Some(&"x".repeat(size - 11))]);
        assert_eq!(row.len(), size);
        let count = ROUND_BYTES / size;
        let answer = [row.repeat(count), frames::command_complete("SELECT"), frames::ready(b'I')].concat();
        let question = frames::query("select");
        let mut exchange = Exchange::new(&question, &answer);
        let mut group = c.benchmark_group("rows");
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("of {size} bytes"), |b| b.iter(|| exchange.run()));
        group.finish();
    }
}

fn transactions(c: &mut Criterion) {
    let asked = [
        frames::bind("", "P0_4", &[Some("12345")]),
        frames::describe(b'P', ""),
        frames::execute("", 0),
        frames::sync(),
    ]
    .concat();
    let answered = [
        frames::message(b'2', &[]),
        frames::row_description(&["abalance"]),
        frames::data_row(&[Some("-4711")]),
        frames::command_complete("SELECT 1"),
        frames::ready(b'I'),
    ]
    .concat();
    let mut exchange = Exchange::new(&asked, &answered);
    c.bench_function("bind, describe, execute, sync", |b| b.iter(|| exchange.run()));
    let (asked, answered) = (
        frames::query("SELECT abalance FROM pgbench_accounts WHERE aid = 12345"),
        [
            frames::row_description(&["abalance"]),
            frames::data_row(&[Some("-4711")]),
            frames::command_complete("SELECT 1"),
            frames::ready(b'I'),
        ]
        .concat(),
    );
    let mut exchange = Exchange::new(&asked, &answered);
    c.bench_function("simple query", |b| b.iter(|| exchange.run()));
}

criterion_group!(benches, rows, transactions);
criterion_main!(benches);
