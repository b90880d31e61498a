//! One pool's state behind one short lock: idle connections, those in use, and who waits.

use crate::breaker::{Breaker, Verdict};
use crate::code::{Names, Stateful};
use crate::handoff::Handoff;
use crate::server::Server;
use crate::slot::Slot;
use crate::{Key, Place, PoolReport, Pools, Reported};
use model::ServiceId;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use wire::Sqlstate;

/// Sets of reported parameters that a pool remembers: sessions of one service mostly start alike.
const MAX_WELCOMES: usize = 8;

/// What a server reports of itself after login.
type Welcome = Arc<Reported>;

#[derive(Debug)]
struct Waiter {
    since: Instant,
    sender: oneshot::Sender<Handoff>,
}

#[derive(Debug)]
struct State {
    place: Arc<Place>,
    generation: u64,
    /// Longest idle first.
    idle: VecDeque<Box<Server>>,
    /// Where [`crate::idle::Idle`] has it: at or before when the longest idle one was last used.
    listed: Option<Instant>,
    /// Leased or being made.
    active: usize,
    /// Longest waiting first. Nobody waits while something is idle.
    waiters: VecDeque<Waiter>,
    breaker: Breaker,
    last_failure: Failure,
    /// What servers report after login, by fingerprint of the session parameters in force.
    welcomes: Vec<(u64, Welcome)>,
    stateful: Option<Stateful>,
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

/// What the last attempt to connect met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    /// The store's own, where it has answered.
    pub(crate) code: Option<Sqlstate>,
}

/// What asking a pool came to.
pub(crate) enum Checkout {
    /// An idle connection.
    Idle(Box<Server>),
    /// Room for one more.
    Dial(Slot),
    /// All in use: wait here.
    Wait(oneshot::Receiver<Handoff>),
    /// Too many wait already.
    QueueFull,
    /// The breaker is open; what the last attempt met.
    Failing(Failure),
    /// The pool has just ended: look it up again.
    Gone,
}

impl Pool {
    /// A pool without connections, and what the last one of that key knew of the store's code.
    pub(crate) fn new(place: &Arc<Place>, known: Option<Names>) -> Arc<Self> {
        Arc::new(Self {
            key: place.key,
            service: place.service,
            epoch: AtomicU32::new(0),
            state: Mutex::new(State {
                place: Arc::clone(place),
                generation: 0,
                idle: VecDeque::new(),
                listed: None,
                active: 0,
                waiters: VecDeque::new(),
                breaker: Breaker::default(),
                last_failure: Failure::default(),
                welcomes: Vec::new(),
                stateful: known.map(|known| Stateful::read_in(0, known)),
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

    pub(crate) fn stateful(&self) -> Option<Arc<[Box<str>]>> {
        let epoch = self.epoch();
        self.lock().stateful.as_ref()?.names(epoch)
    }

    pub(crate) fn note_stateful(&self, epoch: u32, names: Arc<[Box<str>]>) {
        let read = Names { names, read_at: Instant::now() };
        self.lock().stateful = Some(Stateful::read_in(epoch, read));
    }

    /// What an ended pool knows for certain of its store's code, and where that is.
    pub(crate) fn legacy(&self) -> Option<(Arc<Place>, Names)> {
        let state = self.lock();
        Some((Arc::clone(&state.place), state.stateful.as_ref()?.certain(self.epoch())?))
    }

    /// Code of the database's own may have changed unseen.
    pub(crate) fn doubt_stateful(&self) {
        if let Some(known) = &mut self.lock().stateful {
            known.doubt();
        }
    }

    /// Begins the next schema epoch. With `same_code`, no code has changed.
    pub(crate) fn next_epoch(&self, same_code: bool) {
        let mut state = self.lock();
        let ended = self.epoch.fetch_add(1, Ordering::AcqRel);
        if let Some(known) = &mut state.stateful {
            known.epoch_ended(ended, same_code);
        }
    }

    pub(crate) fn welcome(&self, applied: u64) -> Option<Welcome> {
        let state = self.lock();
        state.welcomes.iter().find(|(known, _)| *known == applied).map(|(_, found)| Arc::clone(found))
    }

    pub(crate) fn remember_welcome(&self, applied: u64, parameters: Welcome) {
        let mut state = self.lock();
        state.welcomes.retain(|(known, _)| *known != applied);
        state.welcomes.insert(0, (applied, parameters));
        state.welcomes.truncate(MAX_WELCOMES);
    }

    /// An idle connection (see [`State::take_idle`]), or what to do instead. `turn` is the place that was waited for, if one was.
    pub(crate) fn checkout(
        self: &Arc<Self>,
        pools: &Arc<Pools>,
        place: &Arc<Place>,
        session: u64,
        turn: Option<Handoff>,
    ) -> Checkout {
        let mut state = self.lock();
        if state.gone {
            return Checkout::Gone;
        }
        let stale = state.adopt(place);
        state.active -= usize::from(turn.is_some());
        let checkout = self.checkout_from(&mut state, pools, session);
        if let (Checkout::Failing(_), Some(_)) = (&checkout, &turn) {
            state.active += 1; // dropped below, it goes to the next
        } else if let Some(turn) = turn {
            turn.take();
        }
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

    fn checkout_from(self: &Arc<Self>, state: &mut State, pools: &Arc<Pools>, session: u64) -> Checkout {
        if let Some(server) = state.take_idle(session) {
            return Checkout::Idle(server);
        }
        let settings = pools.settings();
        if state.active < settings.budgets.per_store {
            return match state.breaker.ask(Instant::now()) {
                Verdict::Wait => Checkout::Failing(state.last_failure.clone()),
                Verdict::Go => {
                    state.active += 1;
                    Checkout::Dial(Slot::new(pools, self, state.generation))
                }
            };
        }
        state.forget_who_left();
        if state.waiters.len() >= settings.max_waiters {
            return Checkout::QueueFull;
        }
        let (sender, receiver) = oneshot::channel();
        state.waiters.push_back(Waiter { since: Instant::now(), sender });
        Checkout::Wait(receiver)
    }

    /// A clean connection comes back: to whoever has waited longest, here or for the budget, otherwise
    /// to the idle ones; one of an older generation is closed.
    pub(crate) fn give_back(self: &Arc<Self>, pools: &Arc<Pools>, mut server: Box<Server>) {
        let wanted_since = pools.budget().wanted_since(self.service);
        let mut state = self.lock();
        server.since = Instant::now(); // under the lock: the idle ones stay in order
        state.forget_who_left();
        let ours = state.waiters.front().map(|waiter| waiter.since);
        let others_first = wanted_since.is_some_and(|theirs| ours.is_none_or(|ours| theirs < ours));
        if server.generation != state.generation || state.gone || others_first {
            drop(state);
            drop(server); // its permit goes to whoever waits for the budget
            return self.closed(pools);
        }
        match self.hand_on(&mut state, pools, Some(server)) {
            Ok(()) | Err(None) => return,
            Err(Some(server)) => {
                state.active -= 1;
                state.idle.push_back(server);
            }
        }
        let newly_listed = state.list();
        drop(state);
        if let Some(since) = newly_listed {
            pools.idle().list(self, since);
        }
        // Who began to wait for the budget in between has looked for idle connections too early.
        if pools.budget().wanted_since(self.service).is_some() {
            drop(self.take_oldest());
            pools.forget_if_empty(self);
        }
    }

    /// A connection that was counted as active has been, or is being, closed: whoever has waited
    /// longest may dial in its place.
    pub(crate) fn closed(self: &Arc<Self>, pools: &Arc<Pools>) {
        let mut state = self.lock();
        if self.hand_on(&mut state, pools, None).is_err() {
            state.active -= 1;
        }
        drop(state);
        pools.forget_if_empty(self);
    }

    /// Hands a place that is counted as active to the longest waiter, with a connection or for one.
    /// `Err` if nobody waits.
    fn hand_on(
        self: &Arc<Self>,
        state: &mut State,
        pools: &Arc<Pools>,
        mut server: Option<Box<Server>>,
    ) -> Result<(), Option<Box<Server>>> {
        while let Some(waiter) = state.waiters.pop_front() {
            match waiter.sender.send(Handoff::new(pools, self, server)) {
                Ok(()) => return Ok(()),
                Err(back) => server = back.take(),
            }
        }
        Err(server)
    }

    /// A dial has come to a login.
    pub(crate) fn dial_succeeded(&self, generation: u64) {
        let mut state = self.lock();
        if state.generation == generation {
            state.breaker.succeeded();
        }
    }

    /// A dial has failed: whoever waits for this store would wait in vain, so all ask again now.
    pub(crate) fn dial_failed(&self, generation: u64, failure: Failure) {
        let mut state = self.lock();
        if state.generation == generation {
            state.breaker.failed(Instant::now());
            state.last_failure = failure;
            state.waiters.clear();
        }
    }

    /// A dial was given up before it came to anything.
    pub(crate) fn dial_abandoned(&self) {
        self.lock().breaker.abandoned();
    }

    /// Takes all idle connections out; those in use are closed when they come back.
    pub(crate) fn retire(&self) -> VecDeque<Box<Server>> {
        let mut state = self.lock();
        state.generation += 1;
        std::mem::take(&mut state.idle)
    }

    /// Takes out what has been idle since `then` or longer.
    pub(crate) fn take_idle_since(&self, then: Instant) -> VecDeque<Box<Server>> {
        let mut state = self.lock();
        let young = state.idle.partition_point(|server| server.since <= then);
        let rest = state.idle.split_off(young);
        std::mem::replace(&mut state.idle, rest)
    }

    /// Where it is listed, if it is.
    pub(crate) fn listed(&self) -> Option<Instant> {
        self.lock().listed
    }

    /// Is listed no more; where it was.
    pub(crate) fn unlist(&self) -> Option<Instant> {
        self.lock().listed.take()
    }

    /// Takes the longest idle connection out if it was last used at `listed` or before; and where the pool
    /// is to be listed from now on. Nothing if it was not listed there.
    pub(crate) fn take_idle_listed(&self, listed: Instant) -> (Option<Box<Server>>, Option<Instant>) {
        let mut state = self.lock();
        if state.listed != Some(listed) {
            return (None, None);
        }
        let due = state.idle.front().is_some_and(|server| server.since <= listed);
        let taken = if due { state.idle.pop_front() } else { None };
        state.listed = None;
        (taken, state.list())
    }

    /// Takes the longest idle connection out.
    pub(crate) fn take_oldest(&self) -> Option<Box<Server>> {
        self.lock().idle.pop_front()
    }

    /// Marks the pool as ended if nothing is left in it that is worth keeping.
    pub(crate) fn end_if_empty(&self) -> bool {
        let mut state = self.lock();
        state.forget_who_left();
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
            waiting: state.waiters.iter().filter(|waiter| !waiter.sender.is_closed()).count(),
            failing: (!state.breaker.is_closed()).then(|| state.last_failure.reason.clone()),
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
        self.stateful = None;
        std::mem::take(&mut self.idle)
    }

    /// An idle connection, by preference one that this runtime watches: of those the session's last,
    /// otherwise the most recently used.
    fn take_idle(&mut self, session: u64) -> Option<Box<Server>> {
        let here = Handle::current().id();
        let near = |server: &Server| server.runtime == here;
        let own = self.idle.iter().rposition(|server| near(server) && server.last_session == session);
        let found = match own.or_else(|| self.idle.iter().rposition(|server| near(server))) {
            Some(at) => self.idle.remove(at),
            None => self.idle.pop_back(),
        };
        self.active += usize::from(found.is_some());
        found
    }

    /// Notes that it is to be listed, if it is not yet and has a reason to; since when.
    fn list(&mut self) -> Option<Instant> {
        if self.listed.is_some() {
            return None;
        }
        self.listed = self.idle.front().map(|server| server.since);
        self.listed
    }

    fn forget_who_left(&mut self) {
        self.waiters.retain(|waiter| !waiter.sender.is_closed());
    }
}
