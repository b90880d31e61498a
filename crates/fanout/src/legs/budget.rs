//! What statements may hold in memory: one counted over all its legs, and all together.

use super::outcome::Fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are held, and how many may be.
#[derive(Debug)]
struct Count {
    used: AtomicUsize,
    limit: usize,
}

impl Count {
    fn of(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit }
    }

    /// Whether there was room for so many more, which are now counted.
    fn take(&self, more: usize) -> bool {
        let before = self.used.fetch_add(more, Ordering::Relaxed);
        let fits = before.checked_add(more).is_some_and(|after| after <= self.limit);
        if !fits {
            self.give_back(more);
        }
        fits
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Bytes that the statements of a gate hold, all together.
#[derive(Debug)]
pub(crate) struct GateBudget(Count);

impl GateBudget {
    pub(crate) fn of(limit: usize) -> Arc<Self> {
        Arc::new(Self(Count::of(limit)))
    }
}

/// Bytes that the legs of one statement hold.
#[derive(Debug)]
pub(crate) struct Budget {
    own: Count,
    gate: Arc<GateBudget>,
}

/// More than may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    /// By the statement.
    Statement,
    /// By all statements together.
    Gate,
}

impl From<Spent> for Fault {
    fn from(spent: Spent) -> Self {
        match spent {
            Spent::Statement => Self::limit("is left of what one statement may hold", "fanout.total_bytes"),
            Spent::Gate => Self::limit("is left of what all statements may hold", "fanout.gate_bytes"),
        }
    }
}

/// A part of it; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// What one statement may hold, of what all may.
    pub(crate) fn of(limit: usize, gate: &Arc<GateBudget>) -> Arc<Self> {
        Arc::new(Self { own: Count::of(limit), gate: Arc::clone(gate) })
    }

    /// Nothing of it yet.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        Held { budget: Arc::clone(self), bytes: 0 }
    }

    fn take(&self, more: usize) -> Result<(), Spent> {
        if !self.own.take(more) {
            return Err(Spent::Statement);
        }
        if !self.gate.0.take(more) {
            self.own.give_back(more);
            return Err(Spent::Gate);
        }
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        self.own.give_back(bytes);
        self.gate.0.give_back(bytes);
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
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.budget.take(more)?,
            None => self.budget.give_back(self.bytes - bytes),
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_together_never_exceeds_the_limit_and_comes_back() {
        let budget = Budget::of(100, &GateBudget::of(usize::MAX));
        let (mut one, mut two) = (budget.hold(), budget.hold());
        assert_eq!(one.resize(60), Ok(()));
        assert_eq!(two.resize(41), Err(Spent::Statement));
        assert_eq!(two.resize(40), Ok(()));
        assert_eq!(one.resize(10), Ok(()));
        assert_eq!(two.resize(90), Ok(()));
        drop(one);
        assert_eq!(two.resize(101), Err(Spent::Statement));
        assert_eq!(two.resize(usize::MAX), Err(Spent::Statement));
        assert_eq!(two.resize(100), Ok(()));
        drop(two);
        assert_eq!(budget.own.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_all_statements_hold_together_is_bounded_too() {
        let gate = GateBudget::of(100);
        let (one, two) = (Budget::of(80, &gate), Budget::of(80, &gate));
        let (mut first, mut second) = (one.hold(), two.hold());
        assert_eq!(first.resize(81), Err(Spent::Statement));
        assert_eq!(first.resize(80), Ok(()));
        assert_eq!(second.resize(21), Err(Spent::Gate));
        assert_eq!(two.own.used.load(Ordering::Relaxed), 0, "what did not fit is counted nowhere");
        assert_eq!(second.resize(20), Ok(()));
        drop((first, second));
        assert_eq!(gate.0.used.load(Ordering::Relaxed), 0);
    }
}
