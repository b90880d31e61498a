//! Whatever a client legally sends, and however bytes are cut: it sees what Postgres would have shown it,
//! and a safe point is told exactly when there is one.

use crate::front::NamedFront;
use crate::pipe::{End, Pipe};
use crate::postgres::Postgres;
use proptest::prelude::*;
use relay::{Ledger, Limits, Outcome, Relay};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use testkit::frames;
use wire::Peer;

/// One extended-query message, with what follows it.
#[derive(Clone, Debug)]
enum Extended {
    Parse(char),
    Bind(char),
    DescribeStatement(char),
    DescribePortal(char),
    Execute {
        kind: char,
        synced: bool,
        copies: Vec<usize>,
        fails: bool,
    },
    Close(char),
    Flush,
    /// A Bind with a body of so many bytes.
    LargeBind(char, usize),
}

/// What a client does without waiting for anything.
#[derive(Clone, Debug)]
enum Unit {
    /// A simple query; for every copy in it, the lengths of its CopyData and whether it ends in CopyFail.
    Query {
        script: String,
        copies: Vec<(Vec<usize>, bool)>,
    },
    Segment {
        messages: Vec<Extended>,
        synced: bool,
    },
    Call(bool),
    /// Copy data that nobody asked for.
    Late(usize),
}

fn copy(out: &mut Vec<u8>, lengths: &[usize], fails: bool) {
    for length in lengths {
        out.extend(frames::copy_data(&vec![b'c'; *length]));
    }
    out.extend(if fails { frames::copy_fail("no more") } else { frames::copy_done() });
}

impl Extended {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Parse(kind) => out.extend(frames::parse(&kind.to_string(), "text")),
            Self::Bind(kind) => out.extend(frames::bind("r", &kind.to_string(), &[Some("value"), None])),
            Self::LargeBind(kind, length) => {
                let value = "v".repeat(*length);
                out.extend(frames::bind("r", &kind.to_string(), &[Some(&value)]));
            }
            Self::DescribeStatement(kind) => out.extend(frames::describe(b'S', &kind.to_string())),
            Self::DescribePortal(kind) => out.extend(frames::describe(b'P', &kind.to_string())),
            Self::Execute { kind, synced, copies, fails } => {
                out.extend(frames::execute(&kind.to_string(), 0));
                if matches!(kind, 'i' | 'x') {
                    if *synced {
                        out.extend(frames::sync());
                    }
                    copy(out, copies, *fails);
                }
            }
            Self::Close(kind) => out.extend(frames::close(b'S', &kind.to_string())),
            Self::Flush => out.extend(frames::flush()),
        }
    }
}

impl Unit {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Query { script, copies } => {
                out.extend(frames::query(script));
                let wanted = script.chars().filter(|kind| matches!(kind, 'i' | 'x')).count();
                for (lengths, fails) in copies.iter().cycle().take(wanted) {
                    copy(out, lengths, *fails);
                }
            }
            Self::Segment { messages, synced } => {
                messages.iter().for_each(|message| message.write(out));
                if *synced {
                    out.extend(frames::sync());
                }
            }
            Self::Call(fails) => {
                let oid = u8::from(*fails);
                out.extend(frames::message(b'F', &[0, 0, 0, oid, 0, 0, 0, 0, 0, 0]));
            }
            Self::Late(length) => copy(out, &[*length], false),
        }
    }

    fn holds(&self) -> bool {
        matches!(self, Self::Segment { messages, .. } if messages.iter().any(|m| matches!(m, Extended::Parse('H'))))
    }
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![4 => 0..50_usize, 1 => 0..20_000_usize], 0..4)
}

fn extended() -> impl Strategy<Value = Extended> {
    let parsed = proptest::sample::select("rrrreLLHWm".chars().collect::<Vec<_>>());
    let bound = proptest::sample::select("rrrreNNGWm".chars().collect::<Vec<_>>());
    let described = proptest::sample::select("rr0eW".chars().collect::<Vec<_>>());
    let executed = proptest::sample::select("rrr00zeixobmmsnpavW".chars().collect::<Vec<_>>());
    prop_oneof![
        parsed.prop_map(Extended::Parse),
        bound.clone().prop_map(Extended::Bind),
        (bound, 0..40_000_usize).prop_map(|(kind, length)| Extended::LargeBind(kind, length)),
        described.clone().prop_map(Extended::DescribeStatement),
        described.prop_map(Extended::DescribePortal),
        (executed, any::<bool>(), lengths(), proptest::bool::weighted(0.2))
            .prop_map(|(kind, synced, copies, fails)| Extended::Execute { kind, synced, copies, fails }),
        proptest::sample::select(vec!['r', 'M']).prop_map(Extended::Close),
        Just(Extended::Flush),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    let copies = proptest::collection::vec((lengths(), proptest::bool::weighted(0.2)), 1..3);
    prop_oneof![
        4 => ("[r0eixobbmmnpavW]{0,4}", copies).prop_map(|(script, copies)| Unit::Query { script, copies }),
        6 => (proptest::collection::vec(extended(), 0..7), proptest::bool::weighted(0.85))
            .prop_map(|(messages, synced)| Unit::Segment { messages, synced }),
        1 => any::<bool>().prop_map(Unit::Call),
        1 => (0..20_000_usize).prop_map(Unit::Late),
    ]
}

/// Small random numbers for the order of events (xorshift; Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// Tags of the messages in `bytes`, the last perhaps cut.
fn tags(bytes: &[u8]) -> Vec<u8> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + 5) {
        tags.push(header[0]);
        at += 1 + u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    }
    tags
}

fn readies(bytes: &[u8]) -> usize {
    tags(bytes).iter().filter(|tag| **tag == b'Z').count()
}

/// Whether the relay is to be polled again: it is polled no more often than it asked for.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Run {
    woken: Arc<Woken>,
    dice: Dice,
    to_send: Vec<u8>,
    sent: usize,
    got: Vec<u8>,
    postgres: Postgres,
    client_in: Pipe,
    client_out: Pipe,
    server_in: Pipe,
    server_out: Pipe,
    client: Peer<End>,
    server: Peer<End>,
    ledger: Ledger,
    relay: Relay,
    front: NamedFront,
    /// ReadyForQuery messages that were on their way to the client when a safe point was last told.
    told_at: usize,
    limit: usize,
}

impl Run {
    fn new(units: &[Unit], seed: u64, capacity: usize, row_bytes: usize) -> Self {
        let mut to_send = Vec::new();
        units.iter().for_each(|unit| unit.write(&mut to_send));
        let pipe = || Pipe::with_capacity(capacity);
        let (client_in, client_out, server_in, server_out) = (pipe(), pipe(), pipe(), pipe());
        Self {
            woken: Arc::new(Woken(AtomicBool::new(true))),
            dice: Dice(seed | 1),
            to_send,
            sent: 0,
            got: Vec::new(),
            postgres: Postgres::new(row_bytes),
            client: Peer::new(End { read: client_in.clone(), write: client_out.clone() }),
            server: Peer::new(End { read: server_in.clone(), write: server_out.clone() }),
            client_in,
            client_out,
            server_in,
            server_out,
            ledger: Ledger::default(),
            relay: Relay::new(Limits { statement_bytes: 1 << 20, free_bytes: 1 << 20 }),
            front: NamedFront::default(),
            told_at: 0,
            limit: capacity,
        }
    }

    /// Lets things happen in random order until nothing more does.
    fn run_out(&mut self) {
        loop {
            for _ in 0..20 {
                self.step();
            }
            let mut moved = false;
            for what in [0, 4, 1, 4, 2, 4, 3, 4] {
                let count = 1 + self.dice.below(self.limit);
                moved |= self.act(what, count);
            }
            if !moved {
                return;
            }
        }
    }

    fn step(&mut self) {
        let what = self.dice.below(5);
        let count =
            if self.dice.below(3) == 0 { 1 + self.dice.below(7) } else { 1 + self.dice.below(self.limit) };
        self.act(what, count);
    }

    fn act(&mut self, what: usize, count: usize) -> bool {
        match what {
            0 => {
                let end = self.to_send.len().min(self.sent + count);
                let now = self.client_in.put(&self.to_send[self.sent..end]);
                self.sent += now;
                now > 0
            }
            1 => {
                let bytes = self.server_out.take(count);
                self.postgres.read(&bytes);
                !bytes.is_empty()
            }
            2 => {
                let end = self.postgres.out.len().min(count);
                let now = self.server_in.put(&self.postgres.out[..end]);
                self.postgres.out.drain(..now);
                now > 0
            }
            3 => {
                let bytes = self.client_out.take(count);
                self.got.extend_from_slice(&bytes);
                !bytes.is_empty()
            }
            _ => self.poll(),
        }
    }

    fn poll(&mut self) -> bool {
        if !self.woken.0.swap(false, Ordering::Relaxed) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut context = Context::from_waker(&waker);
        let Self { relay, client, server, ledger, front, .. } = self;
        match relay.poll(&mut context, client, server, ledger, front) {
            Poll::Pending => return true,
            Poll::Ready(Outcome::SafePoint) => self.at_safe_point(),
            Poll::Ready(Outcome::Held) => self.at_held(),
            Poll::Ready(other) => panic!("{other:?}"),
        }
        self.woken.0.store(true, Ordering::Relaxed);
        true
    }

    fn at_safe_point(&mut self) {
        assert!(self.ledger.is_safe_point());
        assert!(!self.relay.is_mid_message(), "the client's message belongs to the server it was meant for");
        let unsent = self.client.outbox.len();
        assert!(unsent >= 6, "the ReadyForQuery of a safe point was sent before the safe point was told");
        self.told_at = self.got.len() + self.client_out.len() + unsent;
    }

    fn at_held(&mut self) {
        assert!(self.ledger.is_settled(), "control came back with replies owed");
        let unread = self.client.inbox.unread();
        assert_eq!(unread[..1], b"P"[..], "only a Parse is held here");
        let total = 1 + u32::from_be_bytes([unread[1], unread[2], unread[3], unread[4]]) as usize;
        self.client.inbox.consume(total);
        self.client.outbox.buffer().extend(frames::message(b'1', &[]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_client_sees_through_the_relay_what_postgres_says(
        units in proptest::collection::vec(unit(), 1..8),
        ends_synced: bool,
        seed: u64,
        capacity in prop_oneof![20..200_usize, 200..5_000_usize, 5_000..100_000_usize],
        row_bytes in prop_oneof![4 => 0..60_usize, 1 => 0..30_000_usize],
    ) {
        let mut units = units;
        if ends_synced {
            units.push(Unit::Segment { messages: Vec::new(), synced: true });
        }
        let mut run = Run::new(&units, seed, capacity, row_bytes);
        let mut direct = Postgres::new(row_bytes);
        direct.read(&run.to_send);
        run.run_out();

        prop_assert_eq!(run.sent, run.to_send.len(), "the client was not listened to");
        let (said, later) = (tags(&direct.out), tags(&direct.held));
        let got = tags(&run.got);
        prop_assert!(run.got.starts_with(&direct.out), "said {} got {}", said.escape_ascii(), got.escape_ascii());
        let most = [direct.out.clone(), direct.held.clone()].concat();
        prop_assert!(most.starts_with(&run.got), "more than {} and {}", said.escape_ascii(), later.escape_ascii());

        prop_assert_eq!(run.ledger.is_settled(), run.postgres.owes_nothing(), "settled");
        let held_open = units.iter().rev().take_while(|unit| {
            matches!(unit, Unit::Segment { synced: false, .. } | Unit::Late(_))
        });
        if !held_open.clone().any(Unit::holds) {
            prop_assert_eq!(run.ledger.is_safe_point(), direct.is_safe(), "safe point");
        }
        if run.ledger.is_safe_point() && readies(&run.got) > 0 {
            let told = readies(&run.got[..run.told_at]);
            prop_assert_eq!(told, readies(&run.got), "a safe point was not told");
        }
        if run.ledger.is_safe_point() {
            prop_assert_eq!(run.front.marks_told, run.front.marks, "marks");
        }
        if run.ledger.is_settled() {
            prop_assert_eq!(run.front.finished.len(), run.front.watched, "watched messages");
        }
    }
}
