//! The loop of one session: what the client says next, and who handles it.

use crate::block::Block;
use crate::error;
use crate::local::Company;
use crate::prepared::{BindBody, BindHead, Parse, Portal, kind_and_name, names_parameter_late, portal_name};
use crate::relayed::{Leased, NoLease, Turn};
use crate::route::Route;
use crate::sessions::{EndReason, Registration};
use crate::state::State;
use model::Name;
use relay::{ClientFault, Reply};
use sql::{BindTag, Scan};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use wire::frame::{self, HEADER_BYTES, Header, frontend};
use wire::{Fields, Peer, Stream};

/// How long a client may take to accept the last words of its session.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Largest message, other than a statement, that is read whole while no server is leased, in bytes.
const MAX_BIND_HEAD_BYTES: usize = 16 * 1024;

/// Leases after which a session goes to its store's worker: one that runs a statement and leaves, as where
/// nobody pools, would pay for the move and have nothing of it.
const LEASES_BEFORE_MOVING: u8 = 2;

/// Why a session is over.
#[derive(Debug)]
pub(crate) enum End {
    /// The client said so, or the server has told it already.
    Quit,
    /// The client went away.
    Gone,
    /// The client is told this.
    Told(Box<Fields>),
    /// The server was lost; the client is told this.
    Lost(Box<Fields>),
}

/// One session, logged in.
pub(crate) struct Session {
    pub(crate) client: Peer<Stream>,
    pub(crate) state: State,
    pub(crate) leased: Option<Box<Leased>>,
    /// Among the living; dropped with the session, on whatever path.
    pub(crate) handle: Registration,
    /// Tells sessions apart over the whole life of the gate.
    pub(crate) number: u64,
    /// What has come of an extended-query segment while no server was leased.
    pub(crate) segment: Segment,
    /// An error was told in such a segment: everything up to Sync is dropped.
    pub(crate) skipping: bool,
    /// Where its last statements went.
    pub(crate) last_route: Option<Box<LastRoute>>,
    /// Its place among the clients that the gate takes; free once all else is gone.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

/// Where a session's statements went, and what that was found by.
pub(crate) struct LastRoute {
    /// The directory's version.
    pub(crate) version: u64,
    /// Whom it was for.
    pub(crate) user: Option<Name>,
    pub(crate) route: Arc<Route>,
}

/// Extended-query messages up to Sync, as far as the gate has answered them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// None has come since the last Sync.
    Closed,
    /// Some have come, but no Execute.
    Open,
    /// Something was executed.
    Executed,
}

impl Segment {
    /// What the segment is to its next statement.
    pub(crate) fn company(self) -> Company {
        match self {
            Self::Closed => Company::None,
            Self::Open => Company::Segment,
            Self::Executed => Company::Pipeline,
        }
    }
}

/// Where the client's next message goes.
enum Destination {
    /// To the gate.
    Gate,
    /// To a server.
    Server,
    /// It must be read whole to tell.
    Unknown,
}

/// Who handles a message while no server is leased.
#[derive(Debug, PartialEq, Eq)]
enum Nature {
    /// The gate.
    Local,
    /// A server, which a tag may choose.
    Server(Option<BindTag>),
    /// It must be read whole to tell.
    Gather,
}

impl Session {
    /// Runs the session to its end.
    ///
    /// An idle session waits in here, and has room for all that is awaited on the way. What is rare and large
    /// is boxed therefore, and waiting is written as polling.
    ///
    /// One that is not `settled` yet is returned once it is worth moving, with the worker that it belongs to.
    pub(crate) async fn run(mut self: Box<Self>, settled: bool) -> Option<(Box<Self>, Handle)> {
        let mut leases_left = if settled { 0 } else { LEASES_BEFORE_MOVING };
        let end = loop {
            let leased = self.leased.is_some();
            let turn = if leased { self.leased_turn().await } else { self.ready_turn().await };
            if let Err(end) = turn {
                break end;
            }
            if leases_left > 0 && leased && self.leased.is_none() {
                leases_left -= 1;
                if leases_left == 0
                    && let Some(worker) = self.elsewhere()
                {
                    return Some((self, worker));
                }
            }
        };
        Box::pin(self.leave(end)).await;
        None
    }

    /// The worker that its store lives on, where that is another than this.
    fn elsewhere(&self) -> Option<Handle> {
        self.home().and_then(|key| self.state.gate.workers.elsewhere(key)).cloned()
    }

    /// Says the last words, and lets go of the server.
    pub(crate) async fn leave(&mut self, end: End) {
        if let End::Told(fields) | End::Lost(fields) = &end {
            fields.encode_error(self.client.outbox.buffer());
        }
        if !matches!(end, End::Gone) {
            let _told = tokio::time::timeout(LAST_WORDS, self.client.send()).await;
        }
        self.release().await;
        if let End::Lost(fields) = &end {
            tracing::info!(session = self.handle.process, reason = %fields.message, "server lost");
        }
    }

    async fn leased_turn(&mut self) -> Result<(), End> {
        match self.relay().await? {
            Turn::SafePoint => self.at_safe_point().await?,
            Turn::Held => self.handle_held().await?,
            Turn::PartDone => {}
        }
        if self.leased.is_some() {
            self.end_if_draining()?;
        }
        Ok(())
    }

    /// A gate that ends takes no further transaction.
    fn end_if_draining(&self) -> Result<(), End> {
        match self.handle.end_reason() {
            Some(reason) if self.known_end() < Some(reason) => Err(End::Told(Box::new(error::ended(reason)))),
            _ => Ok(()),
        }
    }

    /// No server is leased: one message of the client.
    async fn ready_turn(&mut self) -> Result<(), End> {
        self.flush().await?;
        self.state.room = None;
        let header = self.next_header().await?;
        match header.tag {
            frontend::TERMINATE => return Err(End::Quit),
            frontend::SYNC => return self.sync().await,
            frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL => {
                return self.drop_message(header.total()).await;
            }
            _ if self.skipping => return self.drop_message(header.total()).await,
            frontend::FLUSH => return self.drop_message(header.total()).await,
            frontend::QUERY
            | frontend::PARSE
            | frontend::BIND
            | frontend::DESCRIBE
            | frontend::EXECUTE
            | frontend::CLOSE
            | frontend::FUNCTION_CALL => {}
            tag => return Err(End::Told(Box::new(error::client_fault(ClientFault::UnknownTag(tag))))),
        }
        if needed(header) == header.total()
            && !self.has_room(header)
            && !Box::pin(self.finds_room(header)).await?
        {
            return Ok(());
        }
        self.await_message(header, needed(header)).await?;
        let destination = match self.destination(header) {
            Ok(destination) => destination,
            Err(refused) => return Box::pin(self.go_without(header, refused)).await,
        };
        match destination {
            Destination::Gate => self.handle_held().await,
            Destination::Server => match self.take_lease(None).await {
                Ok(()) => Ok(()),
                Err(no_lease) => Box::pin(self.go_without(header, no_lease)).await,
            },
            Destination::Unknown => Box::pin(self.gather(header)).await,
        }
    }

    /// Who handles the client's next message. The session is bound to whom its tag names, and what was seen
    /// in its text is kept for the front, which judges it next.
    fn destination(&mut self, header: Header) -> Result<Destination, NoLease> {
        let scan = self.scan(header);
        match self.nature(header, scan) {
            Nature::Local => Ok(Destination::Gate),
            Nature::Gather => Ok(Destination::Unknown),
            Nature::Server(tag) => {
                self.follow_tag(tag.as_ref())?;
                self.state.scanned = scan;
                Ok(Destination::Server)
            }
        }
    }

    /// Handles a message that must be read whole to tell what it is.
    async fn gather(&mut self, header: Header) -> Result<(), End> {
        if !self.finds_room(header).await? {
            return Ok(());
        }
        self.await_message(header, header.total()).await?;
        let taken = match self.destination(header) {
            Ok(Destination::Server) => self.take_lease(None).await,
            Ok(Destination::Gate | Destination::Unknown) => return self.handle_held().await,
            Err(refused) => Err(refused),
        };
        match taken {
            Ok(()) => Ok(()),
            Err(no_lease) => self.go_without(header, no_lease).await,
        }
    }

    /// There is no server for the client's next message.
    async fn go_without(&mut self, header: Header, no_lease: NoLease) -> Result<(), End> {
        self.state.scanned = None;
        match no_lease {
            NoLease::End(end) => Err(end),
            NoLease::Refused(fields) => self.refuse_unread(header, &fields).await,
        }
    }

    /// Whether there is room at once to read the client's next message whole.
    fn has_room(&mut self, header: Header) -> bool {
        let total = header.total();
        total <= self.state.gate.limits.statement_bytes && self.state.takes_room(total)
    }

    /// Whether there is room to read the client's next message whole; where not, it is refused.
    async fn finds_room(&mut self, header: Header) -> Result<bool, End> {
        match self.make_room(header).await {
            Ok(()) => Ok(true),
            Err(no_lease) => self.go_without(header, no_lease).await.map(|()| false),
        }
    }

    /// Tells an error for the client's next message, which nobody reads.
    async fn refuse_unread(&mut self, header: Header, fields: &Fields) -> Result<(), End> {
        self.drop_message(header.total()).await?;
        self.refuse(header.tag, fields).await
    }

    /// Tells an error for the message `tag`, which has been taken out of the inbox. A transaction that is
    /// open on the server fails by it, as it would by an error of the server's own.
    pub(crate) async fn refuse(&mut self, tag: u8, fields: &Fields) -> Result<(), End> {
        let simple = tag == frontend::QUERY || tag == frontend::FUNCTION_CALL;
        match &mut self.leased {
            Some(leased) if !simple && leased.fails_by(fields) => {
                frame::parse(leased.lease.server.peer.outbox.buffer(), "", error::REFUSED, &[]);
                leased.ledger.expect(Reply::Parse);
                leased.lease.server.facts.unnamed = None;
                self.state.underway.refuse_by(Box::new(fields.clone()));
            }
            Some(leased) if !simple => {
                fields.encode_error(self.client.outbox.buffer());
                leased.ledger.skip_to_sync();
            }
            _ if simple => {
                self.tell(fields).await?;
                self.say_ready();
            }
            _ => {
                fields.encode_error(self.client.outbox.buffer());
                self.state.fail_block();
                self.state.rolls_back |= self.state.block == Block::None;
                self.skipping = true;
                self.segment = Segment::Open;
            }
        }
        Ok(())
    }

    /// ReadyForQuery, while nothing is owed by a server.
    pub(crate) fn say_ready(&mut self) {
        if self.leased.is_none() && self.state.block == Block::None && self.segment == Segment::Closed {
            self.state.transaction_ended();
            self.tell_reset();
        }
        let status = match &self.leased {
            Some(leased) => leased.ledger.status(),
            None => self.state.local_status(),
        };
        frame::ready_for_query(self.client.outbox.buffer(), status.as_byte());
    }

    async fn sync(&mut self) -> Result<(), End> {
        self.client.inbox.consume(HEADER_BYTES);
        self.segment = Segment::Closed;
        self.skipping = false;
        self.say_ready();
        Ok(())
    }

    /// The gate handles the client's next message itself.
    async fn handle_held(&mut self) -> Result<(), End> {
        let header = self.next_header().await?;
        if self.leased.is_some() && !self.state.has_room_for(header.total()) {
            // The relay has left it unread for want of room, and looks at it again when there is some.
            Box::pin(self.finds_room(header)).await?;
            return Ok(());
        }
        self.state.scanned = None;
        self.await_message(header, header.total()).await?;
        if header.tag == frontend::QUERY {
            let message = self.take_message(header);
            return Box::pin(self.simple(message)).await;
        }
        match self.handle_extended(header) {
            Ok(()) if self.state.fan_out.is_on => Box::pin(self.fan_out()).await,
            Ok(()) => Ok(()),
            Err(fields) => Box::pin(self.refuse_by(header.tag, fields)).await,
        }
    }

    /// The client's next message, which is there.
    fn take_message(&mut self, header: Header) -> Vec<u8> {
        let message = self.client.inbox.unread().get(..header.total()).unwrap_or_default().to_vec();
        self.client.inbox.consume(header.total());
        message
    }

    fn handle_extended(&mut self, header: Header) -> Result<(), Box<Fields>> {
        let message = self.take_message(header);
        if self.leased.is_none() && self.segment == Segment::Closed {
            self.segment = Segment::Open;
        }
        let done = self.extended(&message);
        self.state.room = None;
        if done.is_ok() && self.leased.is_none() && header.tag == frontend::EXECUTE {
            self.segment = Segment::Executed;
        }
        done
    }

    async fn refuse_by(&mut self, tag: u8, fields: Box<Fields>) -> Result<(), End> {
        self.refuse(tag, &fields).await
    }

    /// What the scan finds in the client's next message, if that has a text.
    fn scan(&self, header: Header) -> Option<Scan> {
        let message = self.client.inbox.unread().get(..header.total())?;
        let text = match header.tag {
            frontend::QUERY => frame::cstr(message.get(HEADER_BYTES..)?)?.0,
            frontend::PARSE => Parse::read(message)?.text,
            _ => return None,
        };
        Some(self.state.gate.looks.scan(text))
    }

    fn nature(&self, header: Header, scan: Option<Scan>) -> Nature {
        let unread = self.client.inbox.unread();
        let message = unread.get(..header.total().min(unread.len())).unwrap_or_default();
        let whole = message.len() == header.total();
        let nature = match header.tag {
            frontend::QUERY => self.nature_of_query(message, scan),
            frontend::PARSE => self.nature_of_parse(message, scan),
            frontend::BIND => self.nature_of_bind(message, whole),
            frontend::DESCRIBE => self.nature_of_describe(message),
            frontend::EXECUTE => {
                let portal = portal_name(message).and_then(|name| self.state.names.portal(name));
                Some(match portal {
                    Some(Portal::Local { .. }) => Nature::Local,
                    _ => Nature::Server(None),
                })
            }
            frontend::CLOSE => Some(Nature::Local),
            _ => None,
        };
        match nature {
            // Whatever it is: in a failed block the gate answers it.
            Some(Nature::Server(_)) | None if self.state.is_failed() => Nature::Local,
            Some(nature) => nature,
            None => Nature::Server(None),
        }
    }

    fn nature_of_query(&self, message: &[u8], scan: Option<Scan>) -> Option<Nature> {
        let (text, _) = frame::cstr(message.get(HEADER_BYTES..)?)?;
        Some(match scan? {
            Scan::Plain => Nature::Server(None),
            Scan::Transaction(_) if self.state.step_is_local(false) => Nature::Local,
            Scan::Transaction(_) => Nature::Server(None),
            Scan::Look => {
                let look = self.state.look(text, None);
                let statements = &look.analysis.statements;
                if statements.iter().any(|statement| self.state.is_local(statement, false, None)) {
                    Nature::Local
                } else {
                    Nature::Server(statements.iter().find_map(|statement| statement.tag.clone()))
                }
            }
        })
    }

    fn nature_of_parse(&self, message: &[u8], scan: Option<Scan>) -> Option<Nature> {
        let scan = scan.filter(|scan| *scan != Scan::Plain)?;
        let statement = self.state.statement(&Parse::read(message)?, scan, 0);
        let late = statement.only().is_some_and(|only| names_parameter_late(&only.kind));
        if late || self.state.bind_is_local(&statement, &[], false, None) {
            return Some(Nature::Local);
        }
        Some(Nature::Server(statement.only().and_then(|only| only.tag.clone())))
    }

    fn nature_of_bind(&self, message: &[u8], whole: bool) -> Option<Nature> {
        let head = BindHead::read(message)?;
        let Some(statement) = self.state.names.statement(head.statement) else {
            return Some(Nature::Local);
        };
        let late = statement.only().is_some_and(|only| names_parameter_late(&only.kind));
        if late && !whole {
            return Some(Nature::Gather);
        }
        let values = if late { BindBody::read(message.get(head.bytes..)?)?.to_values() } else { Vec::new() };
        if self.state.bind_is_local(statement, &values, false, None) {
            return Some(if whole { Nature::Local } else { Nature::Gather });
        }
        Some(Nature::Server(statement.only().and_then(|only| only.tag.clone())))
    }

    fn nature_of_describe(&self, message: &[u8]) -> Option<Nature> {
        let (kind, name) = kind_and_name(message)?;
        if kind != b'S' {
            let local = matches!(self.state.names.portal(name), Some(Portal::Local { .. }));
            return Some(if local { Nature::Local } else { Nature::Server(None) });
        }
        let Some(statement) = self.state.names.statement(name) else { return Some(Nature::Local) };
        let late = statement.only().is_some_and(|only| names_parameter_late(&only.kind));
        if late || self.state.bind_is_local(statement, &[], false, None) {
            return Some(Nature::Local);
        }
        Some(Nature::Server(statement.only().and_then(|only| only.tag.clone())))
    }

    /// Sends what the client is owed.
    async fn flush(&mut self) -> Result<(), End> {
        if self.client.outbox.is_empty() {
            return Ok(());
        }
        let known = self.known_end().or(Some(EndReason::Draining));
        poll_fn(|cx| {
            if let Poll::Ready(reason) = self.handle.poll_end(cx, known) {
                return Poll::Ready(Err(End::Told(Box::new(error::ended(reason)))));
            }
            match self.client.poll_send(cx) {
                Poll::Ready(Err(_)) if self.client.inbox.ends_in_farewell() => {
                    self.client.forget_owed();
                    Poll::Ready(Ok(()))
                }
                sent => sent.map_err(|_| End::Gone),
            }
        })
        .await
    }

    /// The next message's header. An idle session owns no buffer while it waits here.
    fn next_header(&mut self) -> impl Future<Output = Result<Header, End>> {
        poll_fn(|cx| {
            loop {
                match Header::peek(self.client.inbox.unread()) {
                    Ok(Some(header)) => return Poll::Ready(Ok(header)),
                    Ok(None) => ready!(self.poll_more(cx))?,
                    Err(fault) => {
                        return Poll::Ready(Err(End::Told(Box::new(error::client_fault(fault.into())))));
                    }
                }
            }
        })
    }

    /// Waits until `bytes` bytes of the message are there.
    fn await_message(&mut self, header: Header, bytes: usize) -> impl Future<Output = Result<(), End>> {
        poll_fn(move |cx| {
            let limit = self.state.gate.limits.statement_bytes;
            if bytes > limit {
                let fault = ClientFault::TooLong(header.total());
                return Poll::Ready(Err(End::Told(Box::new(error::client_fault(fault)))));
            }
            while self.client.inbox.unread().len() < bytes {
                if header.tag == frontend::BIND
                    && bytes < header.total()
                    && BindHead::read(self.client.inbox.unread()).is_some()
                {
                    return Poll::Ready(Ok(()));
                }
                ready!(self.poll_more(cx))?;
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Reads once; the client's going and the gate's ending are heard here.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let idle = self.client.inbox.is_empty();
        if idle {
            self.client.shrink();
        }
        if let Poll::Ready(reason) = self.handle.poll_end(cx, self.known_end()) {
            return Poll::Ready(Err(End::Told(Box::new(error::ended(reason)))));
        }
        if idle && self.client.stream.poll_read_ready(cx).is_pending() {
            return Poll::Pending; // no buffer before there is something to put in
        }
        match self.client.poll_fill(cx) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Err(End::Gone)),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
            Poll::Pending if idle => {
                self.client.shrink(); // it was a false alarm
                Poll::Pending
            }
            Poll::Pending => match &mut self.state.room {
                Some(room) => {
                    let limit = self.state.gate.pools.settings().wait_timeout;
                    room.poll_stalled(cx, self.client.inbox.unread().len(), limit)
                        .map(|()| Err(End::Told(Box::new(error::stalled()))))
                }
                None => Poll::Pending,
            },
        }
    }

    /// Takes a message of any length out of the stream without keeping it.
    fn drop_message(&mut self, total: usize) -> impl Future<Output = Result<(), End>> {
        let mut left = total;
        poll_fn(move |cx| {
            loop {
                let now = left.min(self.client.inbox.unread().len());
                self.client.inbox.consume(now);
                left -= now;
                if left == 0 {
                    return Poll::Ready(Ok(()));
                }
                ready!(self.poll_more(cx))?;
            }
        })
    }
}

/// How much of a message must be there before its nature can be told.
fn needed(header: Header) -> usize {
    match header.tag {
        frontend::BIND => header.total().min(MAX_BIND_HEAD_BYTES),
        frontend::FUNCTION_CALL => HEADER_BYTES,
        _ => header.total(),
    }
}
