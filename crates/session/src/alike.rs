//! Values that many sessions have alike, each of them kept once.

use dashmap::DashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// Entries below which nobody looks for those that are out of use.
const FEW: usize = 256;

/// Values that sessions share. One that no session has any more is forgotten, at the latest when there are
/// twice as many entries as after the last look.
#[derive(Debug)]
pub(crate) struct Alike<T: ?Sized> {
    known: DashMap<u64, Weak<T>>,
    hasher: RandomState,
    /// Entries after the last look.
    kept: AtomicUsize,
}

impl<T: ?Sized> Default for Alike<T> {
    fn default() -> Self {
        Self { known: DashMap::new(), hasher: RandomState::new(), kept: AtomicUsize::new(0) }
    }
}

impl<T: ?Sized + Eq + Hash> Alike<T> {
    /// The value that the others have which have an equal one.
    pub(crate) fn share(&self, value: Arc<T>) -> Arc<T> {
        let key = self.hasher.hash_one(&*value);
        let known = self.known.get(&key).and_then(|known| known.upgrade());
        match known {
            Some(known) if known == value => return known,
            Some(_) => return value, // two values of one hash: this one is not shared
            None => drop(self.known.insert(key, Arc::downgrade(&value))),
        }
        if self.known.len() > FEW.max(2 * self.kept.load(Ordering::Relaxed)) {
            self.known.retain(|_, known| known.strong_count() > 0);
            self.kept.store(self.known.len(), Ordering::Relaxed);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_kept_once_for_as_long_as_somebody_has_them() {
        let alike: Alike<[u32]> = Alike::default();
        let first = alike.share(Arc::new([1, 2]));
        assert!(Arc::ptr_eq(&first, &alike.share(Arc::new([1, 2]))));
        assert!(!Arc::ptr_eq(&first, &alike.share(Arc::new([2, 1]))));
        let weak = Arc::downgrade(&first);
        drop(first);
        assert!(weak.upgrade().is_none(), "a value outlives those that had it");
        assert_eq!(*alike.share(Arc::new([1, 2])), [1, 2]);
    }

    #[test]
    fn what_nobody_has_any_more_is_forgotten() {
        let alike: Alike<str> = Alike::default();
        let kept = alike.share("kept".into());
        for number in 0..10 * FEW {
            alike.share(number.to_string().into());
        }
        assert!(alike.known.len() <= FEW + 1, "{} entries for one value", alike.known.len());
        assert!(Arc::ptr_eq(&kept, &alike.share("kept".into())));
    }
}
