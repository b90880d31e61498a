//! Numbered rows kept as bytes, neighbours together in one piece of memory.

use dashmap::DashMap;
use serde::{Deserialize, Serialize, Serializer};

/// Rows whose numbers differ in their last four bits only share a block.
const BLOCK_BITS: u32 = 4;
const BLOCK_ROWS: usize = 1 << BLOCK_BITS;

/// Rows by number. A row costs its bytes, one or two more for its length, and a sixteenth of an entry of a
/// hash table and of an allocation. Readers see a row as it was or as it is, never anything between.
#[derive(Default)]
pub(crate) struct Packed {
    blocks: DashMap<i64, Box<[u8]>>,
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packed").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

impl Packed {
    /// What `read` makes of a row's bytes. The row's block is locked meanwhile.
    pub(crate) fn read<T>(&self, number: i64, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let block = self.blocks.get(&block_of(number))?;
        let row = Block::of(&block).0[slot_of(number)].0;
        if row.is_empty() { None } else { read(row) }
    }

    /// Puts what `change` makes of a row's bytes in their place; no bytes mean no row, before and after.
    pub(crate) fn change(&self, number: i64, change: impl FnOnce(&[u8]) -> Vec<u8>) {
        let mut entry = self.blocks.entry(block_of(number)).or_default();
        let mut block = Block::of(&entry);
        let row = change(block.0[slot_of(number)].0);
        block.0[slot_of(number)] = Bytes(&row);
        let changed = block.to_bytes();
        *entry = changed;
        if entry.is_empty() {
            drop(entry);
            self.blocks.remove_if(&block_of(number), |_, block| block.is_empty());
        }
    }

    /// Puts a row where the number's last one was.
    pub(crate) fn put(&self, number: i64, row: Vec<u8>) {
        self.change(number, |_| row);
    }

    /// Takes a row away.
    pub(crate) fn remove(&self, number: i64) {
        self.change(number, |_| Vec::new());
    }

    /// The numbers of all rows at this moment, rising.
    pub(crate) fn numbers(&self) -> Vec<i64> {
        let mut numbers = Vec::new();
        for block in &self.blocks {
            let rows = (0_i64..).zip(Block::of(&block).0).filter(|(_, row)| !row.0.is_empty());
            numbers.extend(rows.map(|(slot, _)| (block.key() << BLOCK_BITS) | slot));
        }
        numbers.sort_unstable();
        numbers
    }
}

fn block_of(number: i64) -> i64 {
    number >> BLOCK_BITS
}

fn slot_of(number: i64) -> usize {
    usize::try_from(number.rem_euclid(1 << BLOCK_BITS)).unwrap_or_default()
}

/// The rows of one block; a row that is not there has no bytes.
#[derive(Default, Serialize, Deserialize)]
struct Block<'a>(#[serde(borrow)] [Bytes<'a>; BLOCK_ROWS]);

impl<'a> Block<'a> {
    /// What [`Block::to_bytes`] made; nothing is a block without rows.
    fn of(bytes: &'a [u8]) -> Self {
        postcard::from_bytes(bytes).unwrap_or_default()
    }

    fn to_bytes(&self) -> Box<[u8]> {
        let rows: usize = self.0.iter().map(|row| row.0.len()).sum();
        if rows == 0 {
            return Box::default();
        }
        to_bytes(self, rows + 2 * BLOCK_ROWS).into_boxed_slice()
    }
}

/// Bytes that are written and read as they are, and borrowed.
#[derive(Clone, Copy, Default, Deserialize)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A value as bytes; `about` how many. Memory is all that this can want, so it does not fail.
pub(crate) fn to_bytes(value: &impl Serialize, about: usize) -> Vec<u8> {
    postcard::to_extend(value, Vec::with_capacity(about)).unwrap_or_default()
}

/// A value from the bytes that [`to_bytes`] made of it.
pub(crate) fn from_bytes<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(packed: &Packed, number: i64) -> Option<Vec<u8>> {
        packed.read(number, |row| Some(row.to_vec()))
    }

    #[test]
    fn rows_of_one_block_and_of_many_are_kept_apart() {
        let packed = Packed::default();
        let long = vec![7; 70_000];
        let numbers = [-17, -1, 0, 1, 15, 16, 1 << 40, i64::MAX, i64::MIN];
        for number in numbers {
            packed.put(number, number.to_le_bytes().to_vec());
        }
        packed.put(15, long.clone());
        for number in numbers {
            let expected = if number == 15 { long.clone() } else { number.to_le_bytes().to_vec() };
            assert_eq!(row(&packed, number), Some(expected), "row {number}");
        }
        assert_eq!(row(&packed, 2), None);
        assert_eq!(row(&packed, 1 << 20), None);
        let mut rising = numbers;
        rising.sort_unstable();
        assert_eq!(packed.numbers(), rising);
    }

    #[test]
    fn what_is_removed_leaves_nothing_behind() {
        let packed = Packed::default();
        packed.put(1, vec![1]);
        packed.put(2, vec![2]);
        packed.remove(1);
        assert_eq!((row(&packed, 1), row(&packed, 2)), (None, Some(vec![2])));
        packed.remove(2);
        packed.remove(3);
        assert!(packed.blocks.is_empty());
    }
}
