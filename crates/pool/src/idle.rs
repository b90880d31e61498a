//! Which pool's connection has been idle longest: the one that makes room when the budget is spent.

use crate::Key;
use crate::server::Server;
use crate::state::Pool;
use dashmap::DashMap;
use model::ServiceId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Pools with idle connections, ordered by when the longest idle one of each was last used. Nothing is
/// done here when a connection is used: a pool stands at or before its place, which is looked up when it
/// comes first. Locked before a pool is, never after.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    order: Mutex<Order>,
}

/// A pool's place in the order.
type Rank = (Instant, Key);

#[derive(Debug, Default)]
struct Order {
    all: BTreeMap<Rank, ServiceId>,
    by_service: HashMap<ServiceId, BTreeSet<Rank>>,
}

impl Idle {
    /// Notes that `pool` has connections that have been idle since then, as it says of itself.
    pub(crate) fn list(&self, pool: &Pool, since: Instant) {
        self.lock().insert((since, pool.key()), pool.service());
        // It may have ended, and have been forgotten, in between.
        if pool.listed() != Some(since) {
            self.lock().remove((since, pool.key()), pool.service());
        }
    }

    /// Forgets a pool that has ended.
    pub(crate) fn forget(&self, pool: &Pool) {
        if let Some(since) = pool.unlist() {
            self.lock().remove((since, pool.key()), pool.service());
        }
    }

    /// Takes out the connection that has been idle longest, of all or of one service's.
    pub(crate) fn take_oldest(
        &self,
        of: Option<ServiceId>,
        pools: &DashMap<Key, Arc<Pool>>,
    ) -> Option<(Arc<Pool>, Box<Server>)> {
        let mut order = self.lock();
        loop {
            let (rank, service) = order.first(of)?;
            order.remove(rank, service);
            let (since, key) = rank;
            let Some(pool) = pools.get(&key).map(|pool| Arc::clone(&pool)) else { continue };
            let (taken, next) = pool.take_idle_listed(since);
            if let Some(next) = next {
                order.insert((next, key), service);
            }
            if let Some(server) = taken {
                return Some((pool, server));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Order {
    fn first(&self, of: Option<ServiceId>) -> Option<(Rank, ServiceId)> {
        match of {
            None => self.all.first_key_value().map(|(rank, service)| (*rank, *service)),
            Some(service) => Some((*self.by_service.get(&service)?.first()?, service)),
        }
    }

    fn insert(&mut self, rank: Rank, service: ServiceId) {
        self.all.insert(rank, service);
        self.by_service.entry(service).or_default().insert(rank);
    }

    fn remove(&mut self, rank: Rank, service: ServiceId) {
        self.all.remove(&rank);
        if let Some(own) = self.by_service.get_mut(&service) {
            own.remove(&rank);
            if own.is_empty() {
                self.by_service.remove(&service);
            }
        }
    }
}
