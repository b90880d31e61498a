//! Which stores one statement asks.

use super::outcome::Fault;
use model::{Disclosure, Grant, GrantId, Name, Outcome};
use pool::Place;
use sql::fanout::Discloses;
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A store that is asked, or that cannot be and is told of.
#[derive(Clone, Debug)]
pub struct InScope {
    /// Whose.
    pub user: Name,
    /// By which grant.
    pub grant: GrantId,
    pub(crate) class: Disclosure,
    pub(crate) expires_at: Option<i64>,
    pub(crate) place: Result<Arc<Place>, Fault>,
    /// The row that it was made from.
    pub(crate) row: Arc<Grant>,
    /// Microseconds that its last leg took; 0 if that was not ok, or there was none.
    pub(crate) took: Arc<AtomicU32>,
}

/// The stores of one statement, in the order of users' names: every live grant, whatever becomes of it.
#[derive(Clone, Debug)]
pub struct Scope {
    pub(crate) stores: Arc<[InScope]>,
    discloses: Discloses,
}

impl Scope {
    pub(crate) fn new(stores: Arc<[InScope]>, discloses: Discloses) -> Self {
        Self { stores, discloses }
    }

    /// The stores, each with a number that is its place here.
    #[must_use]
    pub fn stores(&self) -> &[InScope] {
        &self.stores
    }

    /// How many are asked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stores.len()
    }

    /// Whether nobody is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stores.is_empty()
    }

    /// The stores' numbers, in the order in which they are best asked where not all can be at a time: those first
    /// that took longest the last time, so that nobody waits for them in the end; and those last that were not ok,
    /// so that what hangs takes no healthy store's turn.
    pub(crate) fn slowest_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        let took = |index: &usize| self.stores.get(*index).map(|store| store.took.load(Ordering::Relaxed));
        order.sort_by_cached_key(|index| Reverse(took(index)));
        order
    }

    /// Where a store is reached, or why it is not asked.
    pub(crate) fn place(&self, index: usize) -> Result<&Arc<Place>, Fault> {
        let gone = || Fault::new(Outcome::Cancelled, "it is not in scope");
        let store = self.stores.get(index).ok_or_else(gone)?;
        if !allows(store.class, self.discloses) {
            let message = format!(
                "the grant lets {} through, and the statement discloses {}",
                store.class,
                word(self.discloses)
            );
            return Err(Fault::new(Outcome::NotGranted, message));
        }
        store.place.as_ref().map_err(Clone::clone)
    }
}

/// Whether a grant's class lets a query through.
fn allows(class: Disclosure, discloses: Discloses) -> bool {
    let needed = match discloses {
        Discloses::Sums => Disclosure::Additive,
        Discloses::Values => Disclosure::Values,
        Discloses::Rows => Disclosure::Rows,
    };
    class >= needed
}

fn word(discloses: Discloses) -> &'static str {
    match discloses {
        Discloses::Sums => "sums",
        Discloses::Values => "values",
        Discloses::Rows => "rows",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_lets_through_what_it_names_and_what_comes_before() {
        let table = [
            (Disclosure::None, [false, false, false]),
            (Disclosure::Additive, [true, false, false]),
            (Disclosure::Values, [true, true, false]),
            (Disclosure::Rows, [true, true, true]),
        ];
        for (class, wanted) in table {
            let found = [Discloses::Sums, Discloses::Values, Discloses::Rows].map(|what| allows(class, what));
            assert_eq!(found, wanted, "{class}");
        }
    }
}
