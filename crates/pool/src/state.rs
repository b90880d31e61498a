//! One pool's state behind one short lock: idle connections, those in use, and who waits.

use crate::breaker::{Breaker, Verdict};
use crate::budget::Permit;
use crate::server::{CancelSlot, Facts, Server};
use crate::{Key, Lease, LeaseError, Place, PoolReport, Pools, Prepared, Settings};
use model::ServiceId;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;
use wire::Peer;

/// Sets of reported parameters that a pool remembers: sessions of one service mostly start alike.
const MAX_WELCOMES: usize = 8;

/// What a waiter is handed: a connection, or `None` for "ask again".
type Handed = Option<Box<Server>>;

#[derive(Debug)]
struct State {
    place: Arc<Place>,
    generation: u64,
    /// Longest idle first.
    idle: VecDeque<Box<Server>>,
    /// Leased or being made.
    active: usize,
    waiters: VecDeque<oneshot::Sender<Handed>>,
    breaker: Breaker,
    last_failure: String,
    /// What servers report after login, by fingerprint of the session parameters in force.
    welcomes: Vec<(u64, Arc<[(String, String)]>)>,
    gone: bool,
}

/// The connections of one role in one store.
#[derive(Debug)]
pub(crate) struct Pool {
    key: Key,
    service: ServiceId,
    epoch: AtomicU32,
    state: Mutex<State>,
}

/// What asking a pool came to.
pub(crate) enum Checkout {
    /// An idle connection.
    Idle(Box<Server>),
    /// Room for one more.
    Dial(Slot),
    /// All in use: wait here.
    Wait(oneshot::Receiver<Handed>),
    /// Too many wait already.
    QueueFull,
    /// The breaker is open; what the last attempt met.
    Failing(String),
    /// The pool has just ended: look it up again.
    Gone,
}

/// Room for one connection that is being made; given back on every path.
pub(crate) struct Slot {
    pool: Arc<Pool>,
    generation: u64,
    settings: Settings,
    settled: bool,
}

impl Pool {
    pub(crate) fn new(place: &Arc<Place>) -> Arc<Self> {
        Arc::new(Self {
            key: place.key,
            service: place.service,
            epoch: AtomicU32::new(0),
            state: Mutex::new(State {
                place: Arc::clone(place),
                generation: 0,
                idle: VecDeque::new(),
                active: 0,
                waiters: VecDeque::new(),
                breaker: Breaker::default(),
                last_failure: String::new(),
                welcomes: Vec::new(),
                gone: false,
            }),
        })
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn service(&self) -> ServiceId {
        self.service
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn next_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn welcome(&self, applied: u64) -> Option<Arc<[(String, String)]>> {
        let state = self.lock();
        state.welcomes.iter().find(|(known, _)| *known == applied).map(|(_, found)| Arc::clone(found))
    }

    pub(crate) fn remember_welcome(&self, applied: u64, parameters: Arc<[(String, String)]>) {
        let mut state = self.lock();
        state.welcomes.retain(|(known, _)| *known != applied);
        state.welcomes.insert(0, (applied, parameters));
        state.welcomes.truncate(MAX_WELCOMES);
    }

    /// An idle connection (by preference the session's last, otherwise the most recently used), or
    /// what to do instead.
    pub(crate) fn checkout(
        self: &Arc<Self>,
        place: &Arc<Place>,
        session: u64,
        settings: &Settings,
    ) -> Checkout {
        let mut state = self.lock();
        if state.gone {
            return Checkout::Gone;
        }
        let stale = state.adopt(place);
        let checkout = self.checkout_from(&mut state, session, settings);
        drop(state);
        drop(stale); // closes sockets: not under the lock
        checkout
    }

    /// An idle connection, if there is one and nobody has waited longer.
    pub(crate) fn checkout_idle(&self, place: &Arc<Place>, session: u64) -> Option<Box<Server>> {
        let mut state = self.lock();
        if state.gone {
            return None;
        }
        let stale = state.adopt(place);
        let found = state.take_idle(session);
        drop(state);
        drop(stale); // closes sockets: not under the lock
        found
    }

    fn checkout_from(self: &Arc<Self>, state: &mut State, session: u64, settings: &Settings) -> Checkout {
        if let Some(server) = state.take_idle(session) {
            return Checkout::Idle(server);
        }
        if state.active < settings.budgets.per_store {
            return match state.breaker.ask(Instant::now()) {
                Verdict::Wait => Checkout::Failing(state.last_failure.clone()),
                Verdict::Go => {
                    state.active += 1;
                    Checkout::Dial(Slot {
                        pool: Arc::clone(self),
                        generation: state.generation,
                        settings: *settings,
                        settled: false,
                    })
                }
            };
        }
        state.waiters.retain(|waiter| !waiter.is_closed());
        if state.waiters.len() >= settings.max_waiters {
            return Checkout::QueueFull;
        }
        let (sender, receiver) = oneshot::channel();
        state.waiters.push_back(sender);
        Checkout::Wait(receiver)
    }

    /// A clean connection comes back: to whoever waits, to the idle ones, or it is closed.
    pub(crate) fn give_back(self: &Arc<Self>, pools: &Pools, mut server: Box<Server>) {
        server.since = Instant::now();
        let mut state = self.lock();
        if server.generation != state.generation || state.gone {
            drop(state);
            drop(server); // its permit goes to whoever waits for the budget
            return self.closed(pools);
        }
        while let Some(waiter) = state.waiters.pop_front() {
            match waiter.send(Some(server)) {
                Ok(()) => return, // stays active
                Err(Some(back)) => server = back,
                Err(None) => return,
            }
        }
        let wanted_elsewhere = {
            drop(state);
            pools.budget().wants(self.service)
        };
        if wanted_elsewhere {
            drop(server);
            return self.closed(pools);
        }
        let mut state = self.lock();
        if server.generation != state.generation || state.gone {
            drop(state);
            drop(server);
            return self.closed(pools);
        }
        state.active -= 1;
        state.idle.push_back(server);
        state.wake_one();
    }

    /// A connection that was counted as active has been, or is being, closed.
    pub(crate) fn closed(self: &Arc<Self>, pools: &Pools) {
        self.vacated();
        pools.forget_if_empty(self);
    }

    /// One active connection less: whoever waits may dial.
    fn vacated(&self) {
        let mut state = self.lock();
        state.active -= 1;
        state.wake_one();
    }

    /// Takes all idle connections out; those in use are closed when they come back.
    pub(crate) fn retire(&self) -> VecDeque<Box<Server>> {
        let mut state = self.lock();
        state.generation += 1;
        std::mem::take(&mut state.idle)
    }

    /// Takes out what has been idle since `then` or longer.
    pub(crate) fn take_idle_since(&self, then: Option<Instant>) -> Vec<Box<Server>> {
        let mut state = self.lock();
        let mut taken = Vec::new();
        while let Some(then) = then
            && state.idle.front().is_some_and(|server| server.since <= then)
        {
            taken.extend(state.idle.pop_front());
        }
        taken
    }

    /// When the longest idle connection was last used.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.lock().idle.front().map(|server| server.since)
    }

    /// Takes the longest idle connection out.
    pub(crate) fn take_oldest(&self) -> Option<Box<Server>> {
        self.lock().idle.pop_front()
    }

    /// Marks the pool as ended if nothing is left in it that is worth keeping.
    pub(crate) fn end_if_empty(&self) -> bool {
        let mut state = self.lock();
        state.waiters.retain(|waiter| !waiter.is_closed());
        let forgettable = state.breaker.is_closed() || state.breaker.is_stale(Instant::now());
        state.gone = state.active == 0 && state.idle.is_empty() && state.waiters.is_empty() && forgettable;
        state.gone
    }

    pub(crate) fn report(&self) -> PoolReport {
        let state = self.lock();
        PoolReport {
            key: self.key,
            label: state.place.label.to_string(),
            service: self.service,
            idle: state.idle.len(),
            active: state.active,
            waiting: state.waiters.iter().filter(|waiter| !waiter.is_closed()).count(),
            failing: (!state.breaker.is_closed()).then(|| state.last_failure.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes over a changed place; the old place's idle connections are returned to be closed.
    fn adopt(&mut self, place: &Arc<Place>) -> VecDeque<Box<Server>> {
        if Arc::ptr_eq(&self.place, place) || self.place == *place {
            return VecDeque::new();
        }
        self.place = Arc::clone(place);
        self.generation += 1;
        self.breaker = Breaker::default();
        self.welcomes.clear();
        std::mem::take(&mut self.idle)
    }

    /// An idle connection: by preference the session's last, otherwise the most recently used.
    fn take_idle(&mut self, session: u64) -> Option<Box<Server>> {
        let own = self.idle.iter().rposition(|server| server.last_session == session);
        let found = match own {
            Some(at) => self.idle.remove(at),
            None => self.idle.pop_back(),
        };
        self.active += usize::from(found.is_some());
        found
    }

    /// Has the longest waiter ask again.
    fn wake_one(&mut self) {
        while let Some(waiter) = self.waiters.pop_front() {
            if waiter.send(None).is_ok() {
                return;
            }
        }
    }
}

impl Slot {
    /// The connection was made.
    pub(crate) fn filled(
        mut self,
        pools: &Arc<Pools>,
        dialed: wire::dial::Server,
        permit: Permit,
        session: u64,
    ) -> Lease {
        self.settled = true;
        self.pool.lock().breaker.succeeded();
        let server = Server {
            peer: Peer::new(dialed.stream),
            cancel: Arc::new(CancelSlot::new(dialed.cancel)),
            facts: Facts {
                parameters: dialed.parameters,
                prepared: Prepared::with_limit(self.settings.prepared_statements),
                unnamed: None,
                applied: 0,
            },
            last_session: session,
            since: Instant::now(),
            generation: self.generation,
            _permit: permit,
        };
        Lease::new(Arc::clone(pools), Arc::clone(&self.pool), server, session)
    }

    /// The connection could not be made.
    pub(crate) fn failed(mut self, error: &LeaseError) {
        self.settled = true;
        {
            let mut state = self.pool.lock();
            state.breaker.failed(Instant::now());
            state.last_failure = reason_of(error);
            // Whoever waits for this store waits in vain: all hear of it now.
            state.waiters.clear();
        }
        self.pool.vacated();
    }
}

/// The reason without the place's label, which is put before it again.
fn reason_of(error: &LeaseError) -> String {
    match error {
        LeaseError::Refused { reason, .. } => reason.to_string(),
        LeaseError::TimedOut { waited_ms, .. } => format!("no answer within {waited_ms} ms"),
        other => other.to_string(),
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.settled {
            self.pool.lock().breaker.abandoned();
            self.pool.vacated();
        }
    }
}
