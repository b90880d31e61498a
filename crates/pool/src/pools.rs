//! All pools: how a lease is found, waited for, dialed, and how idle connections go.

use crate::budget::Budget;
use crate::dialer::Dialer;
use crate::handoff::Handoff;
use crate::idle::Idle;
use crate::remembered::Remembered;
use crate::reported::Lists;
use crate::slot::Slot;
use crate::state::{Checkout, Failure, Pool};
use crate::{Budgets, Credentials, Key, Lease, LeaseError, Place};
use dashmap::DashMap;
use model::ServiceId;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// Bounds of waiting and keeping.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections.
    pub budgets: Budgets,
    /// Longest wait for a lease, from asking to having it.
    pub wait_timeout: Duration,
    /// Longest time for one attempt to connect and log in.
    pub connect_timeout: Duration,
    /// How long a connection may be idle before it is closed.
    pub idle_timeout: Duration,
    /// Longest time a reset may take before the connection is closed instead.
    pub reset_timeout: Duration,
    /// Sessions that may wait for one store.
    pub max_waiters: usize,
    /// Prepared statements kept per server connection.
    pub prepared_statements: usize,
    /// Whether stores may be at loopback or private addresses.
    pub addresses: wire::dial::AddressPolicy,
}

/// All pools of a gate. Shared by reference.
pub struct Pools {
    map: DashMap<Key, Arc<Pool>>,
    budget: Arc<Budget>,
    idle: Idle,
    remembered: Remembered,
    reported: Lists,
    dialer: Dialer,
    settings: Settings,
}

/// One pool at a moment, for the admin console.
#[derive(Clone, Debug)]
pub struct PoolReport {
    /// Which.
    pub key: Key,
    /// What it is called in messages.
    pub label: String,
    /// On whose account it counts.
    pub service: ServiceId,
    /// Idle connections.
    pub idle: usize,
    /// Connections leased or being made.
    pub active: usize,
    /// Sessions waiting.
    pub waiting: usize,
    /// The last failure, while the breaker is open.
    pub failing: Option<String>,
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pools").field("pools", &self.map.len()).finish_non_exhaustive()
    }
}

impl Pools {
    /// No pool yet.
    #[must_use]
    pub fn new(settings: Settings, credentials: Arc<dyn Credentials>) -> Arc<Self> {
        Arc::new(Self {
            map: DashMap::new(),
            budget: Budget::new(settings.budgets),
            idle: Idle::default(),
            remembered: Remembered::for_as_long_as(settings.idle_timeout),
            reported: Lists::default(),
            dialer: Dialer::new(credentials, settings.addresses),
            settings,
        })
    }

    /// The bounds in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Server connections open or being made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.budget.used()
    }

    /// An idle connection to `place`, if there is one now: what [`Pools::lease`] would return without waiting.
    #[must_use]
    pub fn try_lease(self: &Arc<Self>, place: &Arc<Place>, session: u64) -> Option<Lease> {
        let pool = self.map.get(&place.key).map(|pool| Arc::clone(&pool))?;
        loop {
            let mut server = pool.checkout_idle(place, session)?;
            if server.settle_here() {
                return Some(Lease::new(Arc::clone(self), pool, server, session));
            }
            drop(server);
            pool.closed(self);
        }
    }

    /// A connection to `place`, by preference the one that `session` used last. Waits at most
    /// `wait_timeout`. Cancel-safe: whatever was reached is given up.
    ///
    /// # Errors
    /// See [`LeaseError`]; each names the place and what was waited for.
    pub async fn lease(self: &Arc<Self>, place: &Arc<Place>, session: u64) -> Result<Lease, LeaseError> {
        let asked = Instant::now();
        let deadline = asked + self.settings.wait_timeout;
        let mut turn = None;
        loop {
            let pool = self.pool(place);
            match pool.checkout(self, place, session, turn.take()) {
                Checkout::Idle(mut server) => {
                    if server.settle_here() {
                        return Ok(Lease::new(Arc::clone(self), pool, server, session));
                    }
                    drop(server);
                    pool.closed(self);
                }
                Checkout::Dial(slot) => return self.dial(slot, place, session, asked).await,
                Checkout::Wait(handed) => match timeout_at(deadline.into(), handed).await {
                    Ok(Ok(handoff)) => match self.accept(handoff, pool, session) {
                        Ok(lease) => return Ok(lease),
                        Err(place) => turn = Some(place),
                    },
                    // A dial has failed: ask again what that means.
                    Ok(Err(_)) => {}
                    Err(_) => return Err(self.store_busy(place, asked)),
                },
                Checkout::QueueFull => {
                    return Err(LeaseError::QueueFull {
                        place: place.label.to_string(),
                        limit: self.settings.max_waiters,
                    });
                }
                Checkout::Failing(Failure { reason, code }) => {
                    return Err(LeaseError::Unreachable { place: place.label.to_string(), reason, code });
                }
                Checkout::Gone => {}
            }
        }
    }

    /// Takes what was waited for. `Err`: it is the place alone.
    fn accept(
        self: &Arc<Self>,
        mut handoff: Handoff,
        pool: Arc<Pool>,
        session: u64,
    ) -> Result<Lease, Handoff> {
        if let Some(mut server) = handoff.take_server()
            && server.settle_here()
        {
            handoff.take();
            return Ok(Lease::new(Arc::clone(self), pool, server, session));
        }
        Err(handoff)
    }

    async fn dial(
        self: &Arc<Self>,
        slot: Slot,
        place: &Arc<Place>,
        session: u64,
        asked: Instant,
    ) -> Result<Lease, LeaseError> {
        let Settings { wait_timeout, connect_timeout, .. } = self.settings;
        let deadline = asked + wait_timeout;
        let permit = match self.budget.take(place.service) {
            Ok(permit) => permit,
            Err(handed) => {
                self.evict_for(place.service);
                let Ok(Ok(permit)) = timeout_at(deadline.into(), handed).await else {
                    return Err(LeaseError::BudgetSpent {
                        place: place.label.to_string(),
                        waited_ms: asked.elapsed().as_millis(),
                    });
                };
                permit
            }
        };
        let began = Instant::now();
        let until = deadline.min(began + connect_timeout);
        match timeout_at(until.into(), Box::pin(self.dialer.dial(place))).await {
            Ok(Ok(server)) => Ok(slot.filled(server, permit, session)),
            Ok(Err(error)) => {
                slot.failed(&error);
                Err(error)
            }
            Err(_) => {
                let waited_ms = asked.elapsed().as_millis();
                let error = LeaseError::TimedOut { place: place.label.to_string(), waited_ms };
                // A store is blamed only if it had its time: it may have been used up by waiting.
                if began.elapsed() >= connect_timeout.min(wait_timeout) / 2 {
                    slot.failed(&error);
                }
                Err(error)
            }
        }
    }

    fn store_busy(&self, place: &Place, asked: Instant) -> LeaseError {
        LeaseError::StoreBusy {
            place: place.label.to_string(),
            limit: self.settings.budgets.per_store,
            waited_ms: asked.elapsed().as_millis(),
        }
    }

    /// What a pool's servers report with these session parameters in force, if it remembers.
    #[must_use]
    pub fn welcome(&self, key: Key, applied: u64) -> Option<Arc<[(String, String)]>> {
        self.map.get(&key).and_then(|pool| pool.welcome(applied))
    }

    /// Closes the idle connections of a pool, and those in use once they come back: its grant was
    /// revoked or its credential rotated.
    pub fn retire(&self, key: Key) {
        let pool = self.map.get(&key).map(|entry| Arc::clone(&entry));
        if let Some(pool) = pool {
            drop(pool.retire());
            self.forget_if_empty(&pool);
        }
        self.remembered.forget(key);
    }

    /// Closes connections idle for too long and forgets pools that have nothing left. Called now and
    /// then by one task for all pools.
    pub fn sweep(&self, now: Instant) {
        let pools: Vec<Arc<Pool>> = self.map.iter().map(|entry| Arc::clone(&entry)).collect();
        for pool in pools {
            if let Some(then) = now.checked_sub(self.settings.idle_timeout) {
                drop(pool.take_idle_since(then));
            }
            self.forget_if_empty(&pool);
        }
        self.remembered.sweep(now);
    }

    /// Closes every idle connection: the gate is ending.
    pub fn close_idle(&self) {
        let pools: Vec<Arc<Pool>> = self.map.iter().map(|entry| Arc::clone(&entry)).collect();
        for pool in pools {
            drop(pool.retire());
            self.forget_if_empty(&pool);
        }
    }

    /// All pools at this moment, for the admin console.
    #[must_use]
    pub fn report(&self) -> Vec<PoolReport> {
        let mut reports: Vec<PoolReport> = self.map.iter().map(|pool| pool.report()).collect();
        reports.sort_by_key(|report| report.key);
        reports
    }

    /// Closes the longest idle connection that stands in the way of `service`.
    fn evict_for(&self, service: ServiceId) {
        let own_only = self.budget.short_of_own(service);
        if let Some((pool, evicted)) = self.idle.take_oldest(own_only.then_some(service), &self.map) {
            drop(evicted);
            self.forget_if_empty(&pool);
        }
    }

    pub(crate) fn reported(&self) -> &Lists {
        &self.reported
    }

    pub(crate) fn idle(&self) -> &Idle {
        &self.idle
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn forget_if_empty(&self, pool: &Arc<Pool>) {
        let ended =
            self.map.remove_if(&pool.key(), |_, there| Arc::ptr_eq(there, pool) && pool.end_if_empty());
        if ended.is_some() {
            self.idle.forget(pool);
            if let Some((place, known)) = pool.legacy() {
                self.remembered.keep(&place, known);
            }
        }
    }

    fn pool(&self, place: &Arc<Place>) -> Arc<Pool> {
        if let Some(pool) = self.map.get(&place.key) {
            return Arc::clone(&pool);
        }
        Arc::clone(
            &self.map.entry(place.key).or_insert_with(|| Pool::new(place, self.remembered.take(place))),
        )
    }
}
