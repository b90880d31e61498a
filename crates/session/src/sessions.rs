//! The sessions that live now: how a cancel request, a revocation or the gate's end reaches one.

use crate::gate::Gate;
use crate::route::Caller;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand;
use dashmap::DashMap;
use model::{GrantId, LoginId};
use pool::CancelSlot;
use std::ops::Deref;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wire::greet::CancelKey;

/// Why a session is to end, in rising order: a later reason replaces an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EndReason {
    /// The gate ends: at the next safe point.
    Draining = 1,
    /// The gate ends and the time for transactions is over.
    Shutdown = 2,
    /// An operator ended it.
    Operator = 3,
    /// Its grant was revoked, or its login or user disabled, removed or expired.
    Revoked = 4,
}

impl EndReason {
    fn from_u8(value: u8) -> Option<Self> {
        [Self::Draining, Self::Shutdown, Self::Operator, Self::Revoked]
            .into_iter()
            .find(|reason| *reason as u8 == value)
    }
}

/// Where a cancel request for a session has to go now.
#[derive(Debug, Default)]
enum Working {
    /// Nothing runs: a cancel is ignored, as Postgres does.
    #[default]
    Idle,
    /// It waits for a lease, or asks many stores; set once it is cancelled.
    Waiting(bool),
    /// It has a server.
    Leased(Arc<CancelSlot>, Option<GrantId>),
}

/// What others may know of, and do to, one session.
#[derive(Debug)]
pub struct Handle {
    /// Number, also the process of its cancel key.
    pub process: u32,
    caller: Arc<Caller>,
    secret: CancelSecret,
    end: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    working: Working,
    waker: Option<Waker>,
}

/// What a client has to know to cancel: protocol 3.0 has room for 4 bytes, 3.2 for more.
pub(crate) struct CancelSecret {
    bytes: [u8; 32],
    length: u8,
}

impl CancelSecret {
    /// `length` random bytes, at most 32; `None` if there are none to be had.
    pub(crate) fn random(length: u8) -> Option<Self> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).ok()?;
        Some(Self { bytes, length })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&self.bytes)
    }
}

impl std::fmt::Debug for CancelSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CancelSecret")
    }
}

impl Handle {
    /// The login's row.
    #[must_use]
    pub fn login(&self) -> LoginId {
        self.caller.login
    }

    /// The login's name.
    #[must_use]
    pub fn login_name(&self) -> &str {
        self.caller.name.as_str()
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        self.caller.service_name.as_str()
    }

    pub(crate) fn secret(&self) -> &[u8] {
        self.secret.bytes()
    }

    /// Why it is to end, if it is.
    #[must_use]
    pub fn end_reason(&self) -> Option<EndReason> {
        EndReason::from_u8(self.end.load(Ordering::Acquire))
    }

    /// Tells it to end. Nothing happens if it was told something weightier before.
    pub fn end(&self, reason: EndReason) {
        self.end.fetch_max(reason as u8, Ordering::AcqRel);
        self.wake();
    }

    /// Whether it has a server now.
    #[must_use]
    pub fn is_working(&self) -> bool {
        !matches!(self.lock().working, Working::Idle)
    }

    /// Ready once there is a reason to end above `known`. Remembers one waker, the last.
    pub(crate) fn poll_end(&self, context: &mut Context<'_>, known: Option<EndReason>) -> Poll<EndReason> {
        if let Some(reason) = self.end_reason().filter(|reason| Some(*reason) > known) {
            return Poll::Ready(reason);
        }
        self.remember(context);
        match self.end_reason() {
            Some(reason) if Some(reason) > known => Poll::Ready(reason),
            _ => Poll::Pending,
        }
    }

    /// Ready once a cancel has come while it waits for a lease or asks many stores.
    pub(crate) fn poll_cancelled(&self, context: &mut Context<'_>) -> Poll<()> {
        self.remember(context);
        match self.lock().working {
            Working::Waiting(true) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    pub(crate) fn waiting(&self) {
        self.lock().working = Working::Waiting(false);
    }

    pub(crate) fn leased(&self, cancel: &Arc<CancelSlot>, grant: Option<GrantId>) {
        self.lock().working = Working::Leased(Arc::clone(cancel), grant);
    }

    /// From here on no cancel finds the server that the session had.
    pub(crate) fn idle(&self) {
        self.lock().working = Working::Idle;
    }

    fn remember(&self, context: &Context<'_>) {
        let mut state = self.lock();
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
    }

    fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sessions that live now.
#[derive(Debug, Default)]
pub struct Sessions {
    live: DashMap<u32, Arc<Handle>>,
    next: AtomicU32,
}

/// Keeps a session among the living until dropped, on whatever path.
pub(crate) struct Registration {
    gate: Arc<Gate>,
    handle: Arc<Handle>,
}

impl Deref for Registration {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Registration {
    /// Makes a session known.
    pub(crate) fn of(gate: &Arc<Gate>, caller: Arc<Caller>, secret: CancelSecret) -> Self {
        Self { gate: Arc::clone(gate), handle: gate.sessions.register(caller, secret) }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.gate.sessions.live.remove(&self.handle.process);
    }
}

impl Sessions {
    fn register(&self, caller: Arc<Caller>, secret: CancelSecret) -> Arc<Handle> {
        loop {
            // Never 0, positive as an int32, and skipping those that still live after a wrap.
            let process = self.next.fetch_add(1, Ordering::Relaxed) % 0x7fff_fffe + 1;
            if let dashmap::Entry::Vacant(place) = self.live.entry(process) {
                let handle = Arc::new(Handle {
                    process,
                    caller,
                    secret,
                    end: AtomicU8::new(0),
                    state: Mutex::default(),
                });
                place.insert(Arc::clone(&handle));
                return handle;
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.live.len()
    }

    /// All of them at this moment, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Handle>> {
        self.live.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// Cancels what the session of that key runs, or its wait for a lease. Found in one step; a wrong
    /// key does nothing, and nothing says so. Returns once the store has acted on it, or, where many are asked,
    /// once the session knows.
    pub async fn cancel(&self, key: &CancelKey) {
        let Some(handle) = self.live.get(&key.process).map(|entry| Arc::clone(&entry)) else { return };
        if verify_slices_are_equal(handle.secret(), &key.secret).is_err() {
            return;
        }
        let in_flight = {
            let mut state = handle.lock();
            match &mut state.working {
                Working::Idle => return,
                Working::Waiting(cancelled) => {
                    *cancelled = true;
                    None
                }
                // Announced under the lock: the session cannot let go of the server in between.
                Working::Leased(slot, _) => Some(slot.announce()),
            }
        };
        match in_flight {
            None => handle.wake(),
            Some(in_flight) => {
                if let Err(error) = in_flight.send().await {
                    tracing::debug!(session = key.process, %error, "a cancel request did not arrive");
                }
            }
        }
    }

    /// Ends the sessions that live by a grant, or are using it now.
    pub fn end_grant(&self, grant: GrantId) {
        for handle in self.all() {
            let using = matches!(handle.lock().working, Working::Leased(_, Some(leased)) if leased == grant);
            if using || handle.caller.grant == Some(grant) {
                handle.end(EndReason::Revoked);
            }
        }
    }

    /// Ends the sessions of every login that `gone` says may no longer be used.
    pub fn end_logins(&self, gone: impl Fn(LoginId) -> bool) {
        for handle in self.all() {
            if gone(handle.login()) {
                handle.end(EndReason::Revoked);
            }
        }
    }

    /// Tells all sessions to end.
    pub fn end_all(&self, reason: EndReason) {
        for handle in self.all() {
            handle.end(reason);
        }
    }
}
