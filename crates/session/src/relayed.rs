//! A session with a leased server: how the lease is taken, relayed over, and given back.

use crate::block::Block;
use crate::error;
use crate::front::{SessionFront, UNKNOWN_PARAMETERS, tag_fits};
use crate::life::{End, LastRoute, Segment, Session};
use crate::look::SchemaNames;
use crate::room::FREE_MESSAGE_BYTES;
use crate::route::Route;
use crate::sessions::EndReason;
use crate::stateful;
use model::{LoginKind, Name};
use pool::{Lease, LeaseError, Reported};
use relay::{ClientFault, Ledger, Limits, Outcome, Relay, Reply, ServerFault, Status};
use sql::{BindTag, Effects};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use wire::Fields;
use wire::frame::{self, Header};

/// How long a connection that is coming back waits for a cancel request that is on its way to it.
const CANCEL_GRACE: Duration = Duration::from_millis(200);

/// Unhandled bytes that a client may send ahead while its session waits for a lease.
const MAX_AHEAD_BYTES: usize = 64 * 1024;

/// A leased server and all that is tracked of it.
pub(crate) struct Leased {
    pub(crate) lease: Lease,
    pub(crate) ledger: Ledger,
    pub(crate) relay: Relay,
    pub(crate) route: Arc<Route>,
    /// Whom it is for, as bound; `None` for home and for `user` logins.
    pub(crate) user: Option<Name>,
    strangers: bool,
    /// The server has said farewell: nothing needs to be added.
    pub(crate) farewell: bool,
    /// The transaction was ended, and with it a binding, before the segment's Sync.
    pub(crate) unbound: bool,
    /// The block that was open when the segment began has ended in it.
    block_over: bool,
    /// Names in a statement that make it suspect of changing session state unseen.
    stateful: Arc<[Box<str>]>,
}

impl Leased {
    /// Whether a statement names code of the store's own that may change session state.
    pub(crate) fn is_stateful(&self, text: &[u8]) -> bool {
        stateful::concerns(&self.stateful, text)
    }

    /// Whether what was executed has to fail by an error that the gate tells.
    pub(crate) fn fails_by(&self, fields: &Fields) -> bool {
        self.status() != Status::Failed && !error::leaves_usable(fields)
    }

    /// The server's transaction status, as far as it has been answered.
    pub(crate) fn status(&self) -> Status {
        match self.ledger.status() {
            Status::Failed if self.block_over => Status::Idle,
            status => status,
        }
    }

    pub(crate) fn names(&self) -> Option<&SchemaNames> {
        self.route.names.as_ref()
    }
}

/// A client's search path in the partition's names.
fn search_path(path: &str, route: &Route) -> String {
    let mapped = route.names.as_ref().and_then(|names| sql::map_search_path(path, &names.as_names()));
    mapped.unwrap_or_else(|| path.to_owned())
}

/// Why a server is lost.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Its connection ended.
    Gone(Option<std::io::Error>),
    /// It broke the protocol.
    Broke(ServerFault),
    /// It refused what the gate itself sent.
    Hidden,
}

/// Why no lease was taken.
pub(crate) enum NoLease {
    /// The statement fails with this.
    Refused(Box<Fields>),
    /// The session is over.
    End(End),
}

impl From<Fields> for NoLease {
    fn from(fields: Fields) -> Self {
        Self::Refused(Box::new(fields))
    }
}

/// What one turn of relaying came to.
pub(crate) enum Turn {
    /// A safe point; the last ReadyForQuery is in the client's outbox.
    SafePoint,
    /// The client's next message is the gate's to handle.
    Held,
    /// A part of a simple query is over.
    PartDone,
}

impl Session {
    /// Leases a server for a statement with this tag, sets it up, and sends a deferred `BEGIN`.
    pub(crate) async fn take_lease(&mut self, tag: Option<&BindTag>) -> Result<(), NoLease> {
        self.follow_tag(tag)?;
        let idle = match self.idle_lease()? {
            Some((route, lease)) => match self.stateful_if_set_up(&lease) {
                Some(stateful) => {
                    self.begin_lease(route, lease, stateful);
                    return Ok(());
                }
                None => Some((route, lease)),
            },
            None => None,
        };
        Box::pin(self.take_lease_in_time(idle)).await
    }

    /// The same where something has to be awaited.
    async fn take_lease_in_time(&mut self, idle: Option<(Arc<Route>, Lease)>) -> Result<(), NoLease> {
        let (route, mut lease) = match idle {
            Some(idle) => idle,
            None => self.lease().await?,
        };
        match self.set_up(&mut lease, &route).await {
            Ok(stateful) => {
                self.begin_lease(route, lease, stateful);
                Ok(())
            }
            Err(fields) => {
                self.handle.idle();
                Err(fields.into())
            }
        }
    }

    fn begin_lease(&mut self, route: Arc<Route>, mut lease: Lease, stateful: Arc<[Box<str>]>) {
        let mut strangers = lease.was_strangers();
        self.tell_parameters(&lease, &route);
        self.state.reset_untold = false;
        drop(self.state.underway.take_fallen());
        self.segment = Segment::Closed; // the ledger has it from here on
        let mut ledger = Ledger::default();
        if strangers && self.state.asks_sequences() {
            // Behind this session's own statements nobody could tell whose value `currval` has.
            frame::query(lease.server.peer.outbox.buffer(), "DISCARD SEQUENCES");
            ledger.expect_hidden(Reply::Query);
            lease.server.facts.unnamed = None;
            strangers = false;
        }
        if let Block::Deferred(waiting) = std::mem::take(&mut self.state.block) {
            frame::query(lease.server.peer.outbox.buffer(), waiting.text());
            ledger.expect_hidden(Reply::Query);
            lease.server.facts.unnamed = None;
        }
        let limits = Limits {
            statement_bytes: self.state.gate.limits.statement_bytes,
            free_bytes: FREE_MESSAGE_BYTES,
        };
        self.leased = Some(Box::new(Leased {
            lease,
            ledger,
            relay: Relay::new(limits),
            route,
            user: self.state.binding.effective().cloned(),
            strangers,
            farewell: false,
            unbound: false,
            block_over: false,
            stateful,
        }));
    }

    /// A server for whom the session is for now. A grant that is withdrawn while its server is being
    /// waited for is not used: whoever withdraws it either finds the lease announced, or has changed
    /// the directory before the version is compared here.
    async fn lease(&mut self) -> Result<(Arc<Route>, Lease), NoLease> {
        loop {
            let version = self.state.gate.directory.version();
            let route = self.route()?;
            let lease = self.wait_for_lease(&route).await?;
            if let Some(announced) = self.announce(version, route, lease) {
                return Ok(announced);
            }
        }
    }

    /// The same, if a server for it is idle now.
    fn idle_lease(&mut self) -> Result<Option<(Arc<Route>, Lease)>, NoLease> {
        let version = self.state.gate.directory.version();
        let route = self.route()?;
        let lease = self.state.gate.pools.try_lease(&route.place, self.number);
        Ok(lease.and_then(|lease| self.announce(version, route, lease)))
    }

    /// A lease that may be used, once it is announced.
    fn announce(&mut self, version: u64, route: Arc<Route>, lease: Lease) -> Option<(Arc<Route>, Lease)> {
        self.handle.leased(&lease.server.cancel, route.grant);
        if self.state.gate.directory.version() == version || self.is_current(&route) {
            return Some((route, lease));
        }
        self.handle.idle();
        None
    }

    fn is_current(&mut self, route: &Route) -> bool {
        self.route().is_ok_and(|now| now.place == route.place)
    }

    /// What [`Session::set_up`] comes to, where nothing has to be done for it.
    fn stateful_if_set_up(&self, lease: &Lease) -> Option<Arc<[Box<str>]>> {
        lease.stateful().filter(|_| lease.server.facts.applied == self.state.parameters.fingerprint())
    }

    /// Brings a fresh lease to the session's parameters, and learns behind which names of the store's
    /// own code state may change.
    async fn set_up(&self, lease: &mut Lease, route: &Route) -> Result<Arc<[Box<str>]>, Fields> {
        if lease.server.facts.applied != self.state.parameters.fingerprint() {
            Box::pin(self.set_parameters(lease, route)).await?;
        }
        match lease.stateful() {
            Some(known) => Ok(known),
            None => Box::pin(stateful::names(lease))
                .await
                .map_err(|error| error::parameters_refused(&route.place.label, &error)),
        }
    }

    /// Binds the session to whom a statement's tag names.
    pub(crate) fn follow_tag(&mut self, tag: Option<&BindTag>) -> Result<(), NoLease> {
        let Some(tag) = tag else { return Ok(()) };
        let text = match tag {
            BindTag::User(text) => text,
            BindTag::Conflict => return Err(error::bad_tag("It names two users.").into()),
            BindTag::Malformed => return Err(error::bad_tag("It cannot be read.").into()),
        };
        if let LoginKind::User(_) = self.state.caller.kind {
            if tag_fits(&self.state, Some(tag), None) {
                return Ok(());
            }
            return Err(error::not_yours(self.state.caller.name.as_str(), text).into());
        }
        let user: Name = text.parse().map_err(|_| NoLease::from(error::bad_user_name(text)))?;
        self.state
            .binding
            .tag(&user)
            .map_err(|_| error::bad_tag("An earlier statement of the transaction names another user.").into())
    }

    /// The route of whom the session is for now; looked up again only when the directory has changed.
    fn route(&mut self) -> Result<Arc<Route>, NoLease> {
        let version = self.state.gate.directory.version();
        let user = self.state.binding.effective();
        if let Some(last) = &self.last_route
            && last.version == version
            && last.user.as_ref() == user
            && !last.route.is_over()
        {
            return Ok(Arc::clone(&last.route));
        }
        let found = self.state.gate.route(&self.state.caller, user);
        let found = found.map_err(|error| NoLease::from(error::no_route(&error)))?;
        let last = LastRoute { version, user: user.cloned(), route: Arc::clone(&found) };
        match &mut self.last_route {
            Some(known) => **known = last,
            none => *none = Some(Box::new(last)),
        }
        Ok(found)
    }

    /// Waits for a lease.
    async fn wait_for_lease(&mut self, route: &Route) -> Result<Lease, NoLease> {
        let pools = Arc::clone(&self.state.gate.pools);
        let waiting = pools.lease(&route.place, self.number);
        let leased = self
            .heeding(async { waiting.await.map_err(|error: LeaseError| error::no_lease(&error).into()) })
            .await;
        if leased.is_err() {
            self.handle.idle();
        }
        leased
    }

    /// Has room for a long message that is the client's next, before more of it is read than has come.
    pub(crate) async fn make_room(&mut self, header: Header) -> Result<(), NoLease> {
        let total = header.total();
        let limits = self.state.gate.limits;
        if total > limits.statement_bytes {
            return Err(NoLease::End(End::Told(Box::new(error::client_fault(ClientFault::TooLong(total))))));
        }
        if self.state.takes_room(total) {
            return Ok(());
        }
        let wanted = self.state.gate.budget.take(total);
        let limit = self.state.gate.pools.settings().wait_timeout;
        let no_room = || NoLease::from(error::no_room(total));
        let room = self
            .heeding(
                async move { tokio::time::timeout(limit, wanted).await.ok().flatten().ok_or_else(no_room) },
            )
            .await;
        match &self.leased {
            Some(leased) => self.handle.leased(&leased.lease.server.cancel, leased.route.grant),
            None => self.handle.idle(),
        }
        self.state.room = Some(Box::new(room?));
        Ok(())
    }

    /// Waits for `wanted`, and for a cancel, the session's end, or the client's going meanwhile.
    async fn heeding<T>(&mut self, wanted: impl Future<Output = Result<T, NoLease>>) -> Result<T, NoLease> {
        self.handle.waiting();
        let mut wanted = Box::pin(wanted);
        let known = self.known_end();
        let mut listening = true;
        poll_fn(|cx| {
            if let Poll::Ready(done) = wanted.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            if self.handle.poll_cancelled(cx).is_ready() {
                return Poll::Ready(Err(error::cancelled().into()));
            }
            if let Poll::Ready(reason) = self.handle.poll_end(cx, known) {
                return Poll::Ready(Err(NoLease::End(End::Told(Box::new(error::ended(reason))))));
            }
            while listening && self.client.inbox.unread().len() < MAX_AHEAD_BYTES {
                match self.client.poll_fill(cx) {
                    // What it sent before it left is carried out.
                    Poll::Ready(Ok(0) | Err(_)) if self.client.inbox.ends_in_farewell() => listening = false,
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(NoLease::End(End::Gone))),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => break,
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Brings the server's parameters to the session's.
    pub(crate) async fn set_parameters(&self, lease: &mut Lease, route: &Route) -> Result<(), Fields> {
        let sql = self.state.parameters.sql(|path| search_path(path, route));
        lease.server.facts.applied = UNKNOWN_PARAMETERS;
        lease.run(&sql).await.map_err(|error| error::parameters_refused(&route.place.label, &error))?;
        lease.server.facts.applied = self.state.parameters.fingerprint();
        Ok(())
    }

    /// Brings parameters that fell back to the server's own defaults to those of the session's start. All
    /// else that a pinned server keeps stays, known to the gate or not.
    async fn restore(&self, fallen: &[String], lease: &mut Lease, route: &Route) -> Result<(), Fields> {
        let Some(sql) = self.state.parameters.restoring(fallen, |path| search_path(path, route)) else {
            return Ok(());
        };
        lease.run(&sql).await.map_err(|error| error::parameters_refused(&route.place.label, &error))
    }

    /// Tells the client what this server reports and the last one did not.
    pub(crate) fn tell_parameters(&mut self, lease: &Lease, route: &Route) {
        self.tell_reported(&lease.server.facts.parameters, route);
    }

    /// After a reset that no server was needed for: tells the client what servers report then, as far
    /// as the pool remembers it. The next lease tells the rest.
    pub(crate) fn tell_reset(&mut self) {
        if !std::mem::take(&mut self.state.reset_untold) {
            return;
        }
        let Ok(route) = self.route() else { return };
        let fingerprint = self.state.parameters.fingerprint();
        if let Some(known) = self.state.gate.pools.welcome(route.place.key, fingerprint) {
            self.tell_reported(&known, &route);
        }
    }

    fn tell_reported(&mut self, parameters: &Arc<Reported>, route: &Route) {
        let pathless = route.names.is_some();
        if self.state.told.has_heard(parameters, pathless) {
            return;
        }
        for (at, reported) in parameters.iter().enumerate() {
            if self.state.told.knows(at, reported) {
                continue;
            }
            let (name, value) = reported;
            if name != "search_path" || !pathless {
                frame::parameter_status(self.client.outbox.buffer(), name, value);
                self.state.told.note(name, value);
            }
        }
        self.state.told.hear(parameters, pathless);
    }

    /// The weightiest reason to end that does not interrupt what is going on.
    pub(crate) fn known_end(&self) -> Option<EndReason> {
        let busy = self.leased.as_ref().is_some_and(|leased| !leased.ledger.is_safe_point());
        (busy || self.state.block != Block::None).then_some(EndReason::Draining)
    }

    /// Relays until something else has to be done.
    pub(crate) async fn relay(&mut self) -> Result<Turn, End> {
        let deferred = self.state.block != Block::None;
        let Some(leased) = self.leased.as_deref() else { return Ok(Turn::Held) };
        let epoch = leased.lease.epoch();
        let outcome = poll_fn(|cx| self.poll_relay(cx, deferred, epoch)).await;
        self.turn(outcome)
    }

    /// One turn of the relay. The front is put together anew each time, so that no session keeps room
    /// for it in its future.
    fn poll_relay(
        &mut self,
        cx: &mut Context<'_>,
        deferred: bool,
        epoch: u32,
    ) -> Poll<Result<Outcome, Box<Fields>>> {
        let Self { client, state, leased, handle, .. } = self;
        let Some(leased) = leased.as_deref_mut() else { return Poll::Ready(Ok(Outcome::Held)) };
        // Looked at anew each time: one call may relay into a transaction.
        let busy = deferred || !leased.ledger.is_safe_point();
        if let Poll::Ready(reason) = handle.poll_end(cx, busy.then_some(EndReason::Draining)) {
            return Poll::Ready(Err(Box::new(error::ended(reason))));
        }
        let limit = state.gate.pools.settings().wait_timeout;
        let server = &mut *leased.lease.server;
        let mut front = SessionFront {
            state,
            facts: &mut server.facts,
            epoch,
            names: leased.route.names.as_ref(),
            user: leased.user.as_ref(),
            strangers: &mut leased.strangers,
            farewell: &mut leased.farewell,
            unbound: &mut leased.unbound,
            block_over: &mut leased.block_over,
            processes: (server.cancel.process(), handle.process),
            stateful: &leased.stateful,
        };
        let outcome = leased.relay.poll(cx, client, &mut server.peer, &mut leased.ledger, &mut front);
        if state.room.as_ref().is_some_and(|room| room.spent) && server.peer.outbox.len() < FREE_MESSAGE_BYTES
        {
            state.room = None;
        }
        if leased.ledger.is_settled() {
            state.underway.forget_texts();
        }
        if outcome.is_pending()
            && let Some(room) = &mut state.room
            && room.poll_stalled(cx, client.inbox.unread().len(), limit).is_ready()
        {
            return Poll::Ready(Err(Box::new(error::stalled())));
        }
        outcome.map(Ok)
    }

    fn turn(&self, outcome: Result<Outcome, Box<Fields>>) -> Result<Turn, End> {
        let Some(leased) = self.leased.as_deref() else { return Ok(Turn::Held) };
        let label = &leased.route.place.label;
        let lost = |fault| Err(End::Lost(Box::new(error::server_lost(label, &fault))));
        match outcome {
            Err(fields) => Err(End::Told(fields)),
            Ok(Outcome::SafePoint) => Ok(Turn::SafePoint),
            Ok(Outcome::Held) => Ok(Turn::Held),
            Ok(Outcome::PartDone) => Ok(Turn::PartDone),
            Ok(Outcome::Terminated) => Err(End::Quit),
            Ok(Outcome::ClientGone(_)) => Err(End::Gone),
            Ok(Outcome::ClientFault(fault)) => Err(End::Told(Box::new(error::client_fault(fault)))),
            Ok(Outcome::ServerGone(_)) if leased.farewell => Err(End::Quit),
            Ok(Outcome::ServerGone(error)) => lost(Fault::Gone(error)),
            Ok(Outcome::ServerFault(fault)) => lost(Fault::Broke(fault)),
            Ok(Outcome::HiddenFailed) => lost(Fault::Hidden),
        }
    }

    /// Does what a safe point asks for: the transaction's changes are settled, and the lease goes
    /// back unless the session is pinned to it. Nothing is sent to the client before that.
    pub(crate) async fn at_safe_point(&mut self) -> Result<(), End> {
        let Some(mut leased) = self.leased.take() else { return Ok(()) };
        self.state.settle_with(&mut leased.lease.server.facts, true);
        self.state.forget_transaction();
        let code_unknown = std::mem::take(&mut self.state.code_unknown);
        if std::mem::take(&mut self.state.schema_changed) {
            leased.lease.schema_changed(!code_unknown);
        } else if code_unknown {
            leased.lease.doubt_stateful();
        }
        let dropped = self.drop_pins_of_another(leased.user.as_ref());
        let fallen = self.state.underway.take_fallen();
        if self.state.pinned().is_some() {
            if !fallen.is_empty() {
                let restored = Box::pin(self.restore(&fallen, &mut leased.lease, &leased.route)).await;
                if let Err(fields) = restored {
                    return Err(End::Told(Box::new(fields.with_severity(wire::Severity::Fatal))));
                }
            }
            self.leased = Some(leased);
            return Ok(());
        }
        self.handle.idle();
        let quiet = {
            let cancel = &leased.lease.server.cancel;
            cancel.is_quiet() || Box::pin(tokio::time::timeout(CANCEL_GRACE, cancel.quiet())).await.is_ok()
        };
        let mut reusable = quiet && !leased.relay.is_mid_message();
        if reusable && (std::mem::take(&mut self.state.code_changed) || dropped) {
            // Session state is left on it, or new code was run before anybody could look at it.
            reusable = Box::pin(leased.lease.reset()).await.is_ok();
        }
        if reusable {
            leased.lease.give_back();
        }
        Ok(())
    }

    /// A server that the session is pinned to is kept for whom the session is for, never for anybody
    /// else: with the binding that led to it, its state goes. The client is told; whether it was so.
    fn drop_pins_of_another(&mut self, leased_for: Option<&Name>) -> bool {
        if !self.state.caller.may_bind() || self.state.binding.effective() == leased_for {
            return false;
        }
        let Some(reasons) = self.state.pinned() else { return false };
        self.state.pins = Effects::NONE;
        error::pins_dropped(&reasons).encode_notice(self.client.outbox.buffer());
        true
    }

    /// Lets go of the server at the session's end: a clean one is reset and reused, a busy one is
    /// cancelled and closed.
    pub(crate) async fn release(&mut self) {
        let Some(mut leased) = self.leased.take() else { return };
        let idle = leased.ledger.is_safe_point() && !leased.relay.is_mid_message() && !leased.farewell;
        if idle && leased.ledger.status() == Status::Idle {
            self.handle.idle();
            let quiet = tokio::time::timeout(CANCEL_GRACE, leased.lease.server.cancel.quiet()).await;
            if quiet.is_ok() && leased.lease.reset().await.is_ok() {
                leased.lease.give_back();
            }
            return;
        }
        if !leased.ledger.is_settled() {
            let cancel = leased.lease.server.cancel.announce();
            self.handle.idle();
            let limit = self.state.gate.pools.settings().connect_timeout;
            let sent = tokio::time::timeout(limit, cancel.send()).await;
            tracing::debug!(
                session = self.handle.process,
                ok = matches!(sent, Ok(Ok(()))),
                "cancelled on leaving"
            );
        }
    }
}
