//! Which row has a name: an index that keeps numbers only and looks at the rows.

use crate::packed::{Packed, to_bytes};
use std::hash::{BuildHasher, RandomState};

/// Lists of numbers. A million names make some sixty in each, of which one in 256 is looked at in vain.
const LISTS: u64 = 1 << 14;

/// Numbers of rows by their names. The names are the rows': whoever asks brings a way to see them.
#[derive(Debug, Default)]
pub(crate) struct Names {
    lists: Packed,
    hasher: RandomState,
}

/// Where a name is: a list, and a mark that most others in it do not have.
#[derive(Clone, Copy)]
struct Spot {
    list: i64,
    mark: u8,
}

impl Names {
    /// What `look` makes of the row that has the name; of several the one that was added last.
    pub(crate) fn find<T>(&self, name: &str, mut look: impl FnMut(i64) -> Option<T>) -> Option<T> {
        let spot = self.spot_of(name);
        self.lists.read(spot.list, |list| {
            Entries(list).filter(|(mark, _)| *mark == spot.mark).find_map(|(_, number)| look(number))
        })
    }

    /// A row that was called `old`, if it was there, is called `new` from now on.
    pub(crate) fn rename(&self, old: Option<&str>, new: &str, number: i64) {
        self.add(new, number);
        if let Some(old) = old.filter(|old| *old != new) {
            self.remove(old, number);
        }
    }

    fn add(&self, name: &str, number: i64) {
        let spot = self.spot_of(name);
        let entry = (spot.mark, number);
        self.lists.change(spot.list, |list| listed(std::iter::once(entry).chain(others(list, entry))));
    }

    /// Forgets that the row has that name.
    pub(crate) fn remove(&self, name: &str, number: i64) {
        let spot = self.spot_of(name);
        self.lists.change(spot.list, |list| listed(others(list, (spot.mark, number))));
    }

    /// The hash is keyed, so that nobody can fill one list with names of their choice.
    fn spot_of(&self, name: &str) -> Spot {
        let hash = self.hasher.hash_one(name);
        Spot { list: (hash % LISTS).cast_signed(), mark: hash.to_be_bytes()[0] }
    }
}

fn listed(entries: impl Iterator<Item = (u8, i64)>) -> Vec<u8> {
    entries.flat_map(|entry| to_bytes(&entry, 5)).collect()
}

fn others(list: &[u8], entry: (u8, i64)) -> impl Iterator<Item = (u8, i64)> {
    Entries(list).filter(move |other| *other != entry)
}

/// The marks and numbers of a list.
struct Entries<'a>(&'a [u8]);

impl Iterator for Entries<'_> {
    type Item = (u8, i64);

    fn next(&mut self) -> Option<(u8, i64)> {
        let (entry, rest) = postcard::take_from_bytes(self.0).ok()?;
        self.0 = rest;
        Some(entry)
    }
}
