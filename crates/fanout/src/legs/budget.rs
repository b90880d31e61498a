//! What one statement may hold in memory, counted over all its legs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that the legs of one statement hold.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

/// More than the statement may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent;

/// A part of it; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn of(limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit })
    }

    /// Nothing of it yet.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        Held { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Held {
    /// Nothing yet of the same budget.
    pub(crate) fn another(&self) -> Self {
        self.budget.hold()
    }

    /// Holds `bytes` from now on, more or fewer than before.
    ///
    /// # Errors
    /// [`Spent`]: it holds what it held before.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Spent> {
        let Budget { used, limit } = &*self.budget;
        if let Some(more) = bytes.checked_sub(self.bytes) {
            let before = used.fetch_add(more, Ordering::Relaxed);
            if before.saturating_add(more) > *limit {
                used.fetch_sub(more, Ordering::Relaxed);
                return Err(Spent);
            }
        } else {
            used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_together_never_exceeds_the_limit_and_comes_back() {
        let budget = Budget::of(100);
        let (mut one, mut two) = (budget.hold(), budget.hold());
        assert_eq!(one.resize(60), Ok(()));
        assert_eq!(two.resize(41), Err(Spent));
        assert_eq!(two.resize(40), Ok(()));
        assert_eq!(one.resize(10), Ok(()));
        assert_eq!(two.resize(90), Ok(()));
        drop(one);
        assert_eq!(two.resize(101), Err(Spent));
        assert_eq!(two.resize(usize::MAX), Err(Spent));
        assert_eq!(two.resize(100), Ok(()));
        drop(two);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}
