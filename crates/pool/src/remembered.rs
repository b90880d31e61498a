//! What pools knew of their stores' code when they ended, for pools to come.

use crate::code::Names;
use crate::{Key, Place};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most pools of which something is remembered, about 100 bytes each.
const MAX_REMEMBERED: usize = 16 * 1024;

/// Most names that are remembered of one pool; nearly all have none.
const MAX_REMEMBERED_NAMES: usize = 8;

/// What ended pools knew. A pool whose last connection made room for another's learns nothing new by being
/// made again: it would know the same still, had it kept an idle connection. So what it knew is good for as
/// long as an idle connection is, and no longer.
#[derive(Debug)]
pub(crate) struct Remembered {
    keep: Duration,
    hasher: RandomState,
    generations: Mutex<Generations>,
}

/// The older one is forgotten as a whole when the younger one is full.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, Fact>,
    old: HashMap<Key, Fact>,
}

#[derive(Debug)]
struct Fact {
    /// Which database, as a hash.
    database: u64,
    known: Names,
}

impl Remembered {
    /// Nothing yet; facts are kept for `keep` after they were read.
    pub(crate) fn for_as_long_as(keep: Duration) -> Self {
        Self { keep, hasher: RandomState::new(), generations: Mutex::default() }
    }

    /// Takes what an ended pool knew.
    pub(crate) fn keep(&self, place: &Place, known: Names) {
        if known.names.len() > MAX_REMEMBERED_NAMES || known.read_at.elapsed() >= self.keep {
            return;
        }
        let fact = Fact { database: self.database(place), known };
        let mut generations = self.lock();
        if generations.young.len() >= MAX_REMEMBERED / 2 {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(place.key, fact);
    }

    /// Gives what is remembered to a pool that begins. Nothing if its database is another by now.
    pub(crate) fn take(&self, place: &Place) -> Option<Names> {
        let fact = self.lock().remove(place.key)?;
        let good = fact.database == self.database(place) && fact.known.read_at.elapsed() < self.keep;
        good.then_some(fact.known)
    }

    /// Forgets what a pool knew.
    pub(crate) fn forget(&self, key: Key) {
        self.lock().remove(key);
    }

    /// Forgets what is too old.
    pub(crate) fn sweep(&self, now: Instant) {
        let young_enough = |fact: &Fact| now.saturating_duration_since(fact.known.read_at) < self.keep;
        let mut generations = self.lock();
        generations.young.retain(|_, fact| young_enough(fact));
        generations.old.retain(|_, fact| young_enough(fact));
        generations.young.shrink_to_fit();
        generations.old.shrink_to_fit();
    }

    fn database(&self, place: &Place) -> u64 {
        let endpoint = &place.endpoint;
        self.hasher.hash_one((&endpoint.host, endpoint.port, &endpoint.database, &place.role))
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn remove(&mut self, key: Key) -> Option<Fact> {
        let old = self.old.remove(&key);
        self.young.remove(&key).or(old)
    }
}
