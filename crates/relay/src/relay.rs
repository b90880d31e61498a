//! The loop that moves frames, as one hand-written future without allocation.

use crate::fault::{ClientFault, ServerFault};
use crate::ledger::Step;
use crate::{Desk, Front, Ledger, Reply, Verdict};
use std::io;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use wire::frame::{HEADER_BYTES, Header, backend, frontend};
use wire::{Outbox, Peer};

/// Unsent bytes at which a side is made to wait for the other.
const HIGH_WATER_BYTES: usize = 64 * 1024;

/// Longest portal and statement name together that a Bind may carry, in bytes.
const MAX_BIND_NAMES_BYTES: usize = 8 * 1024;

/// Longest ParameterStatus, error or notice that is read whole, in bytes; a longer error or notice
/// passes as it came, a longer ParameterStatus is a fault of the store.
const MAX_REPORT_BYTES: usize = 64 * 1024;

/// Bounds of one relay.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest Query or Parse message, in bytes: these must be read whole before they are judged.
    pub statement_bytes: usize,
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
            let listen = matches!(client_walk, Walk::Dry)
                || (matches!(client_walk, Walk::Held) && client.inbox.unread().len() < HIGH_WATER_BYTES);
            if listen && !progress {
                match client.poll_fill(cx) {
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

    fn walk_client<C, S>(
        &mut self,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Walk {
        loop {
            if self.holding && !ledger.is_skipping() {
                self.flush_once(server, ledger);
                return Walk::Held;
            }
            self.holding = false;
            if server.outbox.len() >= HIGH_WATER_BYTES {
                return Walk::Full;
            }
            if ledger.is_full() {
                self.flush_once(server, ledger);
                return Walk::Full;
            }
            if self.from_client.left > 0 {
                if !self.from_client.stream(client, &mut server.outbox) {
                    return Walk::Dry;
                }
                continue;
            }
            let header = match Header::peek(client.inbox.unread()) {
                Ok(Some(header)) => header,
                Ok(None) => return Walk::Dry,
                Err(fault) => return Walk::End(Outcome::ClientFault(fault.into())),
            };
            match self.client_message(header, client, server, ledger, front) {
                Some(walk) => return walk,
                None => self.flush_sent = false,
            }
        }
    }

    /// Handles the message at the head of the client's inbox; `None` if it is done with.
    fn client_message<C, S>(
        &mut self,
        header: Header,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Option<Walk> {
        let total = header.total();
        let skipping = ledger.is_skipping();
        let copying = matches!(header.tag, frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL);
        let malformed = |what| Some(Walk::End(Outcome::ClientFault(ClientFault::Malformed(what))));
        let (reply, tail) = match header.tag {
            frontend::TERMINATE => return Some(Walk::End(Outcome::Terminated)),
            frontend::SYNC | frontend::FLUSH if total != HEADER_BYTES => {
                return malformed("a Sync or Flush with a body");
            }
            // A server ignores both until the copy has ended, unless the copy has failed already: so
            // that nobody has to guess which, they are kept from it.
            frontend::SYNC | frontend::FLUSH if ledger.is_copying_in() => (None, Tail::Drop),
            _ if ledger.is_copying_in() && !copying => return malformed("not a copy message, during a copy"),
            _ if self.part && !copying => return Some(Walk::Held),
            frontend::SYNC => (Some(Reply::Sync), Tail::Forward),
            _ if skipping => (None, Tail::Drop),
            frontend::FLUSH => (None, Tail::Forward),
            frontend::COPY_DATA if ledger.may_copy_in() => (None, Tail::Forward),
            frontend::COPY_DONE | frontend::COPY_FAIL if ledger.may_copy_in() => {
                (Some(Reply::CopyEnd), Tail::Forward)
            }
            // Left over from a copy that has already failed; a server ignores them too.
            _ if copying => (None, Tail::Drop),
            frontend::QUERY | frontend::PARSE | frontend::DESCRIBE | frontend::EXECUTE | frontend::CLOSE => {
                if total > self.limits.statement_bytes {
                    return Some(Walk::End(Outcome::ClientFault(ClientFault::TooLong(total))));
                }
                return self.judge(header, total, client, server, ledger, front);
            }
            frontend::BIND => {
                return match bind_names_are_there(client.inbox.unread(), total) {
                    Ok(true) => self.judge(header, 0, client, server, ledger, front),
                    Ok(false) => Some(Walk::Dry),
                    Err(fault) => Some(Walk::End(Outcome::ClientFault(fault))),
                };
            }
            frontend::FUNCTION_CALL => return self.judge(header, 0, client, server, ledger, front),
            tag => return Some(Walk::End(Outcome::ClientFault(ClientFault::UnknownTag(tag)))),
        };
        if let Some(reply) = reply {
            ledger.expect(reply);
        }
        self.from_client = Streaming { left: total, tail };
        None
    }

    /// Shows a message to the front, once `whole` bytes of it are there.
    fn judge<C, S>(
        &mut self,
        header: Header,
        whole: usize,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Option<Walk> {
        let total = header.total();
        let unread = client.inbox.unread();
        if unread.len() < whole {
            return Some(Walk::Dry);
        }
        let message = unread.get(..total.min(unread.len())).unwrap_or_default();
        let mut desk = Desk { server: &mut server.outbox, ledger: &mut *ledger };
        match front.judge(message, total, &mut desk) {
            Verdict::Pass => {
                ledger.expect(reply_of(header.tag, message));
                self.from_client = Streaming { left: total, tail: Tail::Forward };
                None
            }
            Verdict::PassWatched => {
                ledger.expect_watched(reply_of(header.tag, message));
                self.from_client = Streaming { left: total, tail: Tail::Forward };
                None
            }
            Verdict::Sent { head } => {
                let head = head.min(message.len());
                client.inbox.consume(head);
                self.from_client = Streaming { left: total - head, tail: Tail::Forward };
                None
            }
            Verdict::Gather if total > self.limits.statement_bytes => {
                Some(Walk::End(Outcome::ClientFault(ClientFault::TooLong(total))))
            }
            Verdict::Gather if whole < total => self.judge(header, total, client, server, ledger, front),
            Verdict::Wait if !ledger.is_settled() => {
                self.flush_once(server, ledger);
                Some(Walk::Held)
            }
            Verdict::Gather | Verdict::Hold | Verdict::Wait => {
                self.holding = true;
                self.flush_once(server, ledger);
                Some(Walk::Held)
            }
        }
    }

    /// Has the server send what it holds back, so that waiting for it cannot last for ever.
    fn flush_once<S>(&mut self, server: &mut Peer<S>, ledger: &Ledger) {
        if ledger.segment_open() && !ledger.is_settled() && !self.flush_sent {
            wire::frame::flush(server.outbox.buffer());
            self.flush_sent = true;
        }
    }

    fn walk_server<C, S>(
        &mut self,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Walk {
        let mut run = 0; // bytes at the head of the inbox that pass as they came
        let end = loop {
            if self.from_server.left > 0 {
                if client.outbox.len() + run >= HIGH_WATER_BYTES {
                    break Walk::Full;
                }
                let now = self.from_server.left.min(server.inbox.unread().len() - run);
                self.from_server.left -= now;
                match self.from_server.tail {
                    Tail::Forward => run += now,
                    Tail::Drop => {
                        client.outbox.take(&mut server.inbox, std::mem::take(&mut run));
                        server.inbox.consume(now);
                    }
                }
                if self.from_server.left > 0 {
                    break Walk::Dry;
                }
            }
            if ledger.has_news() {
                client.outbox.take(&mut server.inbox, std::mem::take(&mut run));
                tell_news(ledger, front, client.outbox.buffer());
            }
            if ledger.hidden_failed() {
                break Walk::End(Outcome::HiddenFailed);
            }
            if let Some(outcome) = self.at_ready(ledger) {
                break Walk::End(outcome);
            }
            if client.outbox.len() + run >= HIGH_WATER_BYTES {
                break Walk::Full;
            }
            let rest = server.inbox.unread().get(run..).unwrap_or_default();
            let header = match Header::peek(rest) {
                Ok(Some(header)) => header,
                Ok(None) => break Walk::Dry,
                Err(fault) => break Walk::End(Outcome::ServerFault(fault.into())),
            };
            let returns = header.tag == backend::READY_FOR_QUERY && (self.part || ledger.settles_next());
            if returns && (self.from_client.left > 0 || server.is_sending()) {
                break Walk::Waiting;
            }
            match judge_reply(header, rest, ledger, front) {
                Ok(Judged::Stream { step, tail }) => {
                    self.from_server = Streaming { left: header.total(), tail };
                    self.ready |= step.ready;
                }
                Ok(Judged::Partial) => break Walk::Dry,
                Ok(Judged::Replace(with)) => {
                    client.outbox.take(&mut server.inbox, std::mem::take(&mut run));
                    client.outbox.buffer().extend_from_slice(&with);
                    server.inbox.consume(header.total());
                }
                Err(fault) => break Walk::End(Outcome::ServerFault(fault)),
            }
        };
        client.outbox.take(&mut server.inbox, run);
        end
    }

    /// What a ReadyForQuery that has just passed means for whoever called [`Relay::run`].
    fn at_ready(&mut self, ledger: &Ledger) -> Option<Outcome> {
        if !std::mem::take(&mut self.ready) {
            return None;
        }
        if self.part {
            self.part = false;
            return Some(Outcome::PartDone);
        }
        ledger.is_safe_point().then_some(Outcome::SafePoint)
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
fn gates(ledger: &Ledger) -> [bool; 4] {
    [ledger.is_full(), ledger.is_skipping(), ledger.segment_open(), ledger.is_settled()]
}

/// What to do with one message of the server.
enum Judged {
    /// Forward or drop all of it, as it comes.
    Stream { step: Step, tail: Tail },
    /// Too little of it is there.
    Partial,
    /// Send this in its place.
    Replace(Vec<u8>),
}

fn judge_reply(
    header: Header,
    rest: &[u8],
    ledger: &mut Ledger,
    front: &mut impl Front,
) -> Result<Judged, ServerFault> {
    let total = header.total();
    let message = rest.get(..total);
    let step = match (header.tag, message) {
        (backend::READY_FOR_QUERY, _) if total != 6 => {
            return Err(ServerFault::TooLong { tag: header.tag.into(), bytes: total });
        }
        (backend::READY_FOR_QUERY, None) => return Ok(Judged::Partial),
        (backend::READY_FOR_QUERY, Some(message)) => {
            ledger.receive_ready(message.last().copied().unwrap_or_default())?
        }
        (backend::PARAMETER_STATUS, _) if total > MAX_REPORT_BYTES => {
            return Err(ServerFault::TooLong { tag: header.tag.into(), bytes: total });
        }
        (backend::ERROR_RESPONSE | backend::NOTICE_RESPONSE, None) if total <= MAX_REPORT_BYTES => {
            return Ok(Judged::Partial);
        }
        (backend::PARAMETER_STATUS, None) => return Ok(Judged::Partial),
        (tag, _) => ledger.receive(tag)?,
    };
    let forward = match (header.tag, message) {
        (backend::PARAMETER_STATUS, Some(message)) => tell_parameter(message, front),
        (backend::ERROR_RESPONSE | backend::NOTICE_RESPONSE, Some(message)) if step.forward => {
            if let Some(with) = front.report(message) {
                return Ok(Judged::Replace(with));
            }
            true
        }
        _ => step.forward,
    };
    Ok(Judged::Stream { step, tail: if forward { Tail::Forward } else { Tail::Drop } })
}

fn tell_parameter(message: &[u8], front: &mut impl Front) -> bool {
    let body = message.get(HEADER_BYTES..).unwrap_or_default();
    let Some((name, rest)) = wire::frame::cstr(body) else { return false };
    let Some((value, _)) = wire::frame::cstr(rest) else { return false };
    front.parameter(name, value)
}

fn tell_news(ledger: &mut Ledger, front: &mut impl Front, out: &mut Vec<u8>) {
    for tag in ledger.due.drain(..) {
        wire::frame::write(out, tag, |_| {});
    }
    let kept = std::mem::take(&mut ledger.marks_kept);
    if kept > 0 {
        front.marks_kept(kept);
    }
    if let Some((count, first_failed)) = ledger.marks_undone.take() {
        front.marks_undone(count, first_failed);
    }
    for (token, ok) in ledger.parsed.drain(..) {
        front.parsed(token, ok);
    }
    for ok in ledger.finished.drain(..) {
        front.finished(ok);
    }
    if let Some(status) = ledger.told.take() {
        front.ready(status);
    }
}

/// What the server owes for a message that the front lets pass.
fn reply_of(tag: u8, message: &[u8]) -> Reply {
    let kind = message.get(HEADER_BYTES).copied();
    match tag {
        frontend::QUERY => Reply::Query,
        frontend::PARSE => Reply::Parse(None),
        frontend::BIND => Reply::Bind,
        frontend::EXECUTE => Reply::Execute,
        frontend::CLOSE => Reply::Close,
        frontend::DESCRIBE if kind == Some(b'S') => Reply::DescribeStatement,
        frontend::DESCRIBE => Reply::DescribePortal,
        _ => Reply::Call,
    }
}

/// Whether both names at the head of a Bind are there.
fn bind_names_are_there(unread: &[u8], total: usize) -> Result<bool, ClientFault> {
    let body = unread.get(HEADER_BYTES..total.min(unread.len())).unwrap_or_default();
    let names = body.iter().take(MAX_BIND_NAMES_BYTES).filter(|byte| **byte == 0).take(2).count();
    match names {
        2 => Ok(true),
        _ if body.len() >= MAX_BIND_NAMES_BYTES || unread.len() >= total => {
            Err(ClientFault::Malformed("the names in Bind"))
        }
        _ => Ok(false),
    }
}
