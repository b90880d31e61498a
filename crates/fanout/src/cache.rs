//! Statements that were prepared lately, for whoever sends the same text again.

use crate::prepare::Prepared;
use model::ServiceId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most statements that are remembered.
const MAX_STATEMENTS: usize = 512;

/// Longest text that is remembered, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// What home's judgement depends on, besides its catalog: that is compared with each use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) service: ServiceId,
    /// Of the session's parameters.
    pub(crate) fingerprint: u64,
    pub(crate) text: String,
    pub(crate) types: Vec<u32>,
}

/// Prepared statements. When there is no more room, all are forgotten: those in use are soon back.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<Key, Arc<Prepared>>>);

impl Cache {
    /// The statement, whatever home's catalog was then.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Prepared>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Remembers a statement.
    pub(crate) fn put(&self, key: Key, prepared: Arc<Prepared>) {
        if key.text.len() > MAX_TEXT_BYTES {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_STATEMENTS && !known.contains_key(&key) {
            known.clear();
        }
        known.insert(key, prepared);
    }

    /// Forgets a statement: home takes it no more.
    pub(crate) fn forget(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
