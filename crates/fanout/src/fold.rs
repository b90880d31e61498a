//! Partial rows with identical keys, added up before home sees them.
//!
//! What cannot be added here for certain is left as a row of its own: home groups and adds once more, so two
//! rows of one group are as good as one. Numeric sums are exact as long as they have 38 digits; longer ones,
//! `NaN` and the infinities are left to home. Memory is that of the groups, not of the rows; the caller asks
//! [`Folding::bytes`] and has the budget.

use crate::partial::Partial;
use sql::fanout::{Adding, Fold};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use wire::frame::Reader;

/// What a group costs beside its bytes: its place in the table, twice for the room that tables keep.
const GROUP_BYTES: usize = 2 * (size_of::<Box<[u8]>>() + size_of::<Sums>() + 1);

/// A row that has not the columns that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row has not the columns that were asked for")]
pub(crate) struct BadRow;

/// What a group has come to: one for each column that is added up.
type Sums = Box<[Option<Partial>]>;

/// Adds rows up, in text format.
#[derive(Debug)]
pub(crate) struct Folding {
    keys: usize,
    columns: Vec<Adding>,
    /// By the bytes of the keys as they stand in a row, lengths included.
    groups: HashMap<Box<[u8]>, Sums, RandomState>,
    /// Values of rows that could not be added, one row after the other.
    apart: Vec<u8>,
    /// What the row at hand would come to.
    sums: Vec<Option<Partial>>,
    bytes: usize,
}

impl Folding {
    /// Nothing yet.
    pub(crate) fn new(fold: &Fold) -> Self {
        Self {
            keys: fold.keys,
            columns: fold.columns.clone(),
            groups: HashMap::default(),
            apart: Vec::new(),
            sums: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes the body of a DataRow.
    ///
    /// # Errors
    /// [`BadRow`]; nothing was taken.
    pub(crate) fn add(&mut self, body: &[u8]) -> Result<(), BadRow> {
        let mut reader = Reader::new(body);
        if reader.u16().map(usize::from) != Some(self.keys + self.columns.len()) {
            return Err(BadRow);
        }
        let values = reader.rest();
        for _ in 0..self.keys {
            reader.value().ok_or(BadRow)?;
        }
        let partials = reader;
        for _ in &self.columns {
            reader.value().ok_or(BadRow)?;
        }
        if !reader.rest().is_empty() {
            return Err(BadRow);
        }
        let key = values.get(..values.len() - partials.rest().len()).unwrap_or_default();
        if self.fold(key, partials).is_none() {
            self.apart.extend_from_slice(values);
            self.bytes += values.len();
        }
        Ok(())
    }

    /// Adds the row to its group; `None`, and nothing was added, where a value of it cannot be.
    fn fold(&mut self, key: &[u8], mut partials: Reader<'_>) -> Option<()> {
        let group = self.groups.get_mut(key);
        self.sums.clear();
        for (at, adding) in self.columns.iter().enumerate() {
            let value = match partials.value()? {
                Some(text) => Some(Partial::read(*adding, text)?),
                None => None,
            };
            let before = group.as_ref().and_then(|group| group.get(at).copied().flatten());
            self.sums.push(match (before, value) {
                (Some(a), Some(b)) => Some(a.add(b, *adding)?),
                (one, None) | (None, one) => one,
            });
        }
        if let Some(group) = group {
            group.copy_from_slice(&self.sums);
        } else {
            self.bytes += key.len() + self.sums.len() * size_of::<Option<Partial>>() + GROUP_BYTES;
            self.groups.insert(key.into(), self.sums.as_slice().into());
        }
        Some(())
    }

    /// Bytes that are held, near enough.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Rows that are left.
    #[cfg(test)]
    fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Gives each row that is left to `each`: its values, in text format, in no order.
    pub(crate) fn finish(self, mut each: impl FnMut(&[Option<&[u8]>])) {
        let mut text = String::new();
        let mut ends: Vec<Option<(usize, usize)>> = Vec::new();
        for (key, sums) in &self.groups {
            text.clear();
            ends.clear();
            for sum in sums {
                let start = text.len();
                ends.push(sum.map(|sum| {
                    sum.put(&mut text);
                    (start, text.len())
                }));
            }
            let mut keys = Reader::new(key);
            let keys = (0..self.keys).map(|_| keys.value().flatten());
            let sums = ends.iter().map(|end| end.and_then(|(start, end)| text.as_bytes().get(start..end)));
            each(&keys.chain(sums).collect::<Vec<_>>());
        }
        let width = self.keys + self.columns.len();
        let mut apart = Reader::new(&self.apart);
        while !apart.rest().is_empty() {
            each(&(0..width).map(|_| apart.value().flatten()).collect::<Vec<_>>());
        }
    }
}

#[cfg(test)]
mod tests;
