//! Which prepared statements one server connection holds: bounded, least recently used out first.

use std::collections::HashMap;

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
    /// The statement's name on the server: `sg`, the hash in hexadecimal, `_`, and the epoch.
    #[must_use]
    pub fn name(&self) -> StatementName {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut name = StatementName { bytes: [0; MAX_NAME_BYTES], length: 0 };
        name.push(b"sg");
        for byte in self.hash.to_be_bytes() {
            name.push(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        name.push(b"_");
        let mut power = 1_000_000_000;
        while power > 1 && self.epoch / power == 0 {
            power /= 10;
        }
        while power > 0 {
            name.push(&[DIGITS[(self.epoch / power % 10) as usize]]);
            power /= 10;
        }
        name
    }
}

/// Longest name that a statement can have on a server, in bytes.
const MAX_NAME_BYTES: usize = "sg".len() + 32 + "_".len() + 10;

/// A statement's name on a server. It is written for every Bind, so it takes no allocation.
#[derive(Clone, Copy, Debug)]
pub struct StatementName {
    bytes: [u8; MAX_NAME_BYTES],
    length: usize,
}

impl StatementName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_ref()).unwrap_or_default()
    }

    fn push(&mut self, more: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + more.len()) {
            room.copy_from_slice(more);
            self.length += more.len();
        }
    }
}

impl AsRef<[u8]> for StatementName {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The statements of one server connection, each with when it was used last.
#[derive(Debug)]
pub struct Prepared {
    used: HashMap<StatementId, u64>,
    clock: u64,
    limit: usize,
}

impl Prepared {
    /// Room for `limit` statements, at least one.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { used: HashMap::new(), clock: 0, limit: limit.max(1) }
    }

    /// Whether the server holds it; if so it is now the most recently used.
    pub fn touch(&mut self, id: StatementId) -> bool {
        let Some(at) = self.used.get_mut(&id) else { return false };
        self.clock += 1;
        *at = self.clock;
        true
    }

    /// Notes a new one. What must be closed on the server to stay within the limit is returned: it is looked
    /// for among all, which is little beside the Parse that a new one takes.
    pub fn insert(&mut self, id: StatementId) -> Option<StatementId> {
        if self.touch(id) {
            return None;
        }
        let full = self.used.len() >= self.limit;
        let oldest = if full { self.used.iter().min_by_key(|(_, at)| **at).map(|(id, _)| *id) } else { None };
        if let Some(oldest) = &oldest {
            self.used.remove(oldest);
        }
        self.clock += 1;
        self.used.insert(id, self.clock);
        oldest
    }

    /// Forgets one.
    pub fn remove(&mut self, id: StatementId) {
        self.used.remove(&id);
    }

    /// Forgets all: the server has dropped them.
    pub fn clear(&mut self) {
        self.used.clear();
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
    fn a_name_tells_hash_and_epoch_whatever_they_are() {
        for (hash, epoch) in [(0, 0), (1, 9), (0xabc, 10), (u128::MAX, 1_000_000_000), (u128::MAX, u32::MAX)]
        {
            let name = StatementId { hash, epoch }.name();
            assert_eq!(name.as_str(), format!("sg{hash:032x}_{epoch}"));
        }
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
