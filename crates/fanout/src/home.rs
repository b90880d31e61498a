//! Home, spoken to: one leased connection and one transaction, in pipelined exchanges.

use crate::Asker;
use crate::error;
use pool::{CancelSlot, Database, Lease, Pools, Prepared};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use wire::frame::{self, HEADER_BYTES, Header, backend};
use wire::{Fields, Severity};

/// Stands for parameters of a connection that are being changed: no session has it.
const UNKNOWN_PARAMETERS: u64 = u64::MAX;

/// Ends a statement's transaction. Locks that a function of the service's own took for the session are let go of too: the
/// connection serves others next.
const END: &str = "ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()";

/// Notices of home's that wait to be told, and the longest in bytes: what goes beyond is not.
const MAX_NOTICES: usize = 100;
const MAX_NOTICE_BYTES: usize = 64 * 1024;

/// How long a connection that is given back waits for a cancel request that is on its way to it.
const CANCEL_GRACE: Duration = Duration::from_millis(200);

/// How long a dropped statement's cancel requests wait, each after the one before.
const CANCEL_PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(100), Duration::from_millis(500)];

/// A connection to home, leased for one statement. Dropped in the middle of a query, it cancels the query.
pub(crate) struct Home {
    lease: Lease,
    watch: Watch,
    label: Box<str>,
    /// The transaction's state, as last reported.
    status: u8,
    doubted: bool,
    notices: Vec<Fields>,
}

/// Cancels what runs when it is dropped before the end was seen.
struct Watch {
    cancel: Arc<CancelSlot>,
    /// ReadyForQuery messages that were asked for and have not come.
    awaited: usize,
    limit: Duration,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.awaited == 0 {
            return;
        }
        let (cancel, limit) = (Arc::clone(&self.cancel), self.limit);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(cancel_until_heard(cancel, limit));
        }
    }
}

/// A server forgets a cancel that comes between two queries, or before it has read the first: it is told again.
/// The connection serves nobody else any more.
async fn cancel_until_heard(cancel: Arc<CancelSlot>, limit: Duration) {
    for pause in CANCEL_PAUSES {
        tokio::time::sleep(pause).await;
        let sent = tokio::time::timeout(limit, cancel.announce().send()).await;
        tracing::debug!(ok = matches!(sent, Ok(Ok(()))), "cancelled a statement on home");
    }
}

impl Home {
    /// Leases a connection and brings it to the asker's parameters.
    pub(crate) async fn of(pools: &Arc<Pools>, asker: &Asker) -> Result<Self, Box<Fields>> {
        let mut lease =
            pools.lease(&asker.home, asker.session).await.map_err(|error| error::no_home(&error))?;
        if lease.server.facts.applied != asker.fingerprint {
            lease.server.facts.applied = UNKNOWN_PARAMETERS;
            let set_up = if asker.set_up.is_empty() { "RESET ALL" } else { &*asker.set_up };
            lease.run(set_up).await.map_err(|error| error::set_up(&asker.home.label, error))?;
            lease.server.facts.applied = asker.fingerprint;
        }
        let cancel = Arc::clone(&lease.server.cancel);
        let watch = Watch { cancel, awaited: 0, limit: pools.settings().connect_timeout };
        Ok(Self {
            lease,
            watch,
            label: asker.home.label.clone(),
            status: b'I',
            doubted: false,
            notices: Vec::new(),
        })
    }

    /// What it reports by ParameterStatus.
    pub(crate) fn reported(&self) -> Vec<(String, String)> {
        self.lease.server.facts.parameters.to_vec()
    }

    /// The statements that it keeps.
    pub(crate) fn prepared_statements(&mut self) -> &mut Prepared {
        &mut self.lease.server.facts.prepared
    }

    /// What its database is like, once it was asked.
    pub(crate) fn database(&mut self) -> &mut Option<Arc<Database>> {
        &mut self.lease.server.facts.database
    }

    /// Its version of Postgres.
    pub(crate) fn major(&self) -> u32 {
        let parameters = &self.lease.server.facts.parameters;
        let version = parameters.iter().find(|(name, _)| name == "server_version").map(|(_, value)| value);
        let digits =
            |text: &String| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
        version.and_then(digits).unwrap_or_default()
    }

    /// The schema epoch of its statements.
    pub(crate) fn epoch(&self) -> u32 {
        self.lease.epoch()
    }

    /// Where messages are written to. Nothing is sent before an answer is waited for.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        self.lease.server.facts.unnamed = None;
        self.lease.server.peer.outbox.buffer()
    }

    /// Waits until no more than `limit` bytes are written and not sent.
    pub(crate) async fn relieve(&mut self, limit: usize) -> Result<(), Box<Fields>> {
        while self.lease.server.peer.outbox.len() > limit {
            let Self { lease, label, .. } = self;
            let peer = &mut lease.server.peer;
            let before = peer.outbox.len();
            let turn = |cx: &mut Context<'_>| {
                if let Poll::Ready(sent) = peer.poll_send(cx) {
                    return Poll::Ready(sent.map(|()| 1));
                }
                match peer.poll_fill(cx) {
                    Poll::Pending if peer.outbox.len() < before => Poll::Ready(Ok(1)),
                    filled => filled,
                }
            };
            match poll_fn(turn).await {
                Ok(0) => return Err(error::home_closed(label)),
                Ok(_) => {}
                Err(error) => return Err(error::home_broke(label, &error)),
            }
        }
        Ok(())
    }

    /// Writes a simple query.
    pub(crate) fn query(&mut self, sql: &str) {
        frame::query(self.out(), sql);
        self.watch.awaited += 1;
    }

    /// Writes a Sync.
    pub(crate) fn sync(&mut self) {
        frame::sync(self.out());
        self.watch.awaited += 1;
    }

    /// Notices that came since this was last asked for.
    pub(crate) fn take_notices(&mut self) -> Vec<Fields> {
        std::mem::take(&mut self.notices)
    }

    /// Whether it can be spoken to: nothing is on its way, whatever state the transaction is in.
    pub(crate) fn is_usable(&self) -> bool {
        self.watch.awaited == 0
    }

    /// Tells it to stop what it is doing; its answer says that it has.
    pub(crate) async fn cancel(&mut self) {
        let sent = tokio::time::timeout(self.watch.limit, self.watch.cancel.announce().send()).await;
        tracing::debug!(ok = matches!(sent, Ok(Ok(()))), "cancelled a statement on home");
    }

    /// It may lack prepared statements that it is thought to hold: it is closed in the end.
    pub(crate) fn doubt(&mut self) {
        self.doubted = true;
    }

    /// Runs one simple query for its effect.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<(), Box<Fields>> {
        self.query(sql);
        self.until_quiet().await
    }

    /// Waits for one ReadyForQuery and shows what comes before it.
    ///
    /// # Errors
    /// The first that home sent; the connection is then as usable as its transaction. Any other is the
    /// connection's own, which must be dropped.
    pub(crate) async fn until_ready(&mut self, mut on: impl FnMut(u8, &[u8])) -> Result<(), Box<Fields>> {
        let mut refused = None;
        loop {
            let header = self.next().await?;
            match header.tag {
                backend::READY_FOR_QUERY => {
                    self.take_ready(header);
                    return refused.map_or(Ok(()), Err);
                }
                backend::ERROR_RESPONSE => {
                    let error = self.take_error(header);
                    refused = refused.or(Some(error));
                }
                tag => {
                    on(tag, self.body(header));
                    self.consume(header);
                }
            }
        }
    }

    /// Waits for everything that was asked for. The first error, if there was one.
    pub(crate) async fn until_quiet(&mut self) -> Result<(), Box<Fields>> {
        let mut refused = Ok(());
        while self.watch.awaited > 0 {
            let one = self.until_ready(|_, _| {}).await;
            refused = refused.and(one);
        }
        refused
    }

    /// Waits until a whole message is there; what has nothing to do with any query is dealt with.
    pub(crate) async fn next(&mut self) -> Result<Header, Box<Fields>> {
        loop {
            let unread = self.lease.server.peer.inbox.unread();
            let header = Header::peek(unread).map_err(|fault| error::home_broke(&self.label, &fault))?;
            match header {
                Some(header) if unread.len() >= header.total() => match header.tag {
                    backend::PARAMETER_STATUS | backend::NOTIFICATION_RESPONSE => self.note_parameter(header),
                    backend::NOTICE_RESPONSE => {
                        if self.notices.len() < MAX_NOTICES && header.total() <= MAX_NOTICE_BYTES {
                            let fields = Fields::decode(self.body(header));
                            self.notices.push(fields);
                        }
                        self.consume(header);
                    }
                    _ => return Ok(header),
                },
                _ => self.fill().await?,
            }
        }
    }

    /// The body of a message that is there.
    pub(crate) fn body(&self, header: Header) -> &[u8] {
        self.message(header).get(HEADER_BYTES..).unwrap_or_default()
    }

    /// A message that is there, header and all.
    pub(crate) fn message(&self, header: Header) -> &[u8] {
        self.lease.server.peer.inbox.unread().get(..header.total()).unwrap_or_default()
    }

    /// Done with a message.
    pub(crate) fn consume(&mut self, header: Header) {
        self.lease.server.peer.inbox.consume(header.total());
    }

    /// Takes a ReadyForQuery.
    pub(crate) fn take_ready(&mut self, header: Header) {
        self.status = self.body(header).first().copied().unwrap_or(b'E');
        self.consume(header);
        self.watch.awaited = self.watch.awaited.saturating_sub(1);
    }

    /// Takes an ErrorResponse. A session survives the end of its connection to home.
    pub(crate) fn take_error(&mut self, header: Header) -> Box<Fields> {
        let fields = Fields::decode(self.body(header));
        self.consume(header);
        Box::new(fields.with_severity(Severity::Error))
    }

    /// Ends the transaction and gives the connection back, if home confirms that nothing is left.
    pub(crate) async fn finish(mut self) {
        let limit = self.watch.limit;
        let is_clean =
            matches!(tokio::time::timeout(limit, self.end()).await, Ok(Ok(()))) && self.status == b'I';
        let cancel = Arc::clone(&self.lease.server.cancel);
        let is_quiet = cancel.is_quiet() || tokio::time::timeout(CANCEL_GRACE, cancel.quiet()).await.is_ok();
        if is_clean && is_quiet && !self.doubted {
            self.lease.give_back();
        }
    }

    async fn end(&mut self) -> Result<(), Box<Fields>> {
        if self.until_quiet().await.is_err() && !self.is_usable() {
            return Err(error::home_closed(&self.label));
        }
        if self.status == b'I' { Ok(()) } else { self.run(END).await }
    }

    fn note_parameter(&mut self, header: Header) {
        if header.tag == backend::PARAMETER_STATUS {
            let body = self.body(header);
            let pair = frame::cstr(body).and_then(|(name, rest)| {
                let (value, _) = frame::cstr(rest)?;
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                Some((text(name), text(value)))
            });
            if let Some((name, value)) = pair {
                self.lease.server.facts.note_parameter(&name, &value);
            }
        }
        self.consume(header);
    }

    /// Sends what is owed while it reads what comes: neither side ever waits for the other in vain.
    async fn fill(&mut self) -> Result<(), Box<Fields>> {
        let peer = &mut self.lease.server.peer;
        let turn = |cx: &mut Context<'_>| {
            if let Poll::Ready(Err(error)) = peer.poll_send(cx) {
                return Poll::Ready(Err(error));
            }
            peer.poll_fill(cx)
        };
        match poll_fn(turn).await {
            Ok(0) => Err(error::home_closed(&self.label)),
            Ok(_) => Ok(()),
            Err(error) => Err(error::home_broke(&self.label, &error)),
        }
    }
}
