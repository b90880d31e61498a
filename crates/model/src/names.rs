//! Which row has a name: an index that keeps numbers only and looks at the rows.

use crate::packed::{Packed, to_bytes};
use std::hash::{BuildHasher, RandomState};

/// Lists of numbers. A million names make fifteen in each, so that about eight rows are looked at.
const LISTS: u64 = 1 << 16;

/// Numbers of rows by their names. The names are the rows': whoever asks brings a way to see them.
#[derive(Debug, Default)]
pub(crate) struct Names {
    lists: Packed,
    hasher: RandomState,
}

impl Names {
    /// What `look` makes of the row that has the name; of several the one that was added last.
    pub(crate) fn find<T>(&self, name: &str, look: impl FnMut(i64) -> Option<T>) -> Option<T> {
        self.lists.read(self.list_of(name), |list| Numbers(list).find_map(look))
    }

    /// A row that was called `old`, if it was there, is called `new` from now on.
    pub(crate) fn rename(&self, old: Option<&str>, new: &str, number: i64) {
        self.add(new, number);
        if let Some(old) = old.filter(|old| *old != new) {
            self.remove(old, number);
        }
    }

    fn add(&self, name: &str, number: i64) {
        self.lists
            .change(self.list_of(name), |list| listed(std::iter::once(number).chain(others(list, number))));
    }

    /// Forgets that the row has that name.
    pub(crate) fn remove(&self, name: &str, number: i64) {
        self.lists.change(self.list_of(name), |list| listed(others(list, number)));
    }

    fn list_of(&self, name: &str) -> i64 {
        // Below 2^16: the lists are neighbours, and the hash is keyed, so that nobody can fill one of them.
        (self.hasher.hash_one(name) % LISTS).cast_signed()
    }
}

fn listed(numbers: impl Iterator<Item = i64>) -> Vec<u8> {
    numbers.flat_map(|number| to_bytes(&number, 4)).collect()
}

fn others(list: &[u8], number: i64) -> impl Iterator<Item = i64> {
    Numbers(list).filter(move |other| *other != number)
}

/// The numbers of a list.
struct Numbers<'a>(&'a [u8]);

impl Iterator for Numbers<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let (number, rest) = postcard::take_from_bytes(self.0).ok()?;
        self.0 = rest;
        Some(number)
    }
}
