//! Which prepared statements one server connection holds: bounded, least recently used out first.

use std::collections::{BTreeMap, HashMap};

/// A prepared statement's identity on servers: a keyed hash of its text and parameter types, and the
/// schema epoch it was parsed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatementId {
    /// Keyed hash of text and parameter types.
    pub hash: u128,
    /// The pool's schema epoch when the client sent its Parse: a statement that is parsed anew after
    /// DDL gets a plan of its own, as it would on plain Postgres.
    pub epoch: u32,
}

impl StatementId {
    /// The statement's name on the server.
    #[must_use]
    pub fn name(&self) -> String {
        format!("sg{:032x}_{}", self.hash, self.epoch)
    }
}

/// The statements of one server connection.
#[derive(Debug)]
pub struct Prepared {
    used: HashMap<StatementId, u64>,
    order: BTreeMap<u64, StatementId>,
    clock: u64,
    limit: usize,
}

impl Prepared {
    /// Room for `limit` statements, at least one.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { used: HashMap::new(), order: BTreeMap::new(), clock: 0, limit: limit.max(1) }
    }

    /// Whether the server holds it; if so it is now the most recently used.
    pub fn touch(&mut self, id: StatementId) -> bool {
        let Some(at) = self.used.get_mut(&id) else { return false };
        self.order.remove(at);
        self.clock += 1;
        *at = self.clock;
        self.order.insert(self.clock, id);
        true
    }

    /// Notes a new one. What must be closed on the server to stay within the limit is returned.
    pub fn insert(&mut self, id: StatementId) -> Option<StatementId> {
        if self.touch(id) {
            return None;
        }
        self.clock += 1;
        self.used.insert(id, self.clock);
        self.order.insert(self.clock, id);
        if self.used.len() <= self.limit {
            return None;
        }
        let (_, oldest) = self.order.pop_first()?;
        self.used.remove(&oldest);
        Some(oldest)
    }

    /// Forgets one.
    pub fn remove(&mut self, id: StatementId) {
        if let Some(at) = self.used.remove(&id) {
            self.order.remove(&at);
        }
    }

    /// Forgets all: the server has dropped them.
    pub fn clear(&mut self) {
        self.used.clear();
        self.order.clear();
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(hash: u128) -> StatementId {
        StatementId { hash, epoch: 0 }
    }

    #[test]
    fn the_least_recently_used_statement_makes_room() {
        let mut prepared = Prepared::with_limit(2);
        assert_eq!(prepared.insert(id(1)), None);
        assert_eq!(prepared.insert(id(2)), None);
        assert!(prepared.touch(id(1)));
        assert_eq!(prepared.insert(id(3)), Some(id(2)));
        assert!(!prepared.touch(id(2)));
        assert_eq!(prepared.len(), 2);
    }
}
