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
        let row = Block::of(&block).row(slot_of(number));
        if row.is_empty() { None } else { read(row) }
    }

    /// Puts what `change` makes of a row's bytes in their place; no bytes mean no row, before and after.
    pub(crate) fn change(&self, number: i64, change: impl FnOnce(&[u8]) -> Vec<u8>) {
        let mut entry = self.blocks.entry(block_of(number)).or_default();
        *entry = Block::of(&entry).changed(slot_of(number), change);
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
            let lengths = (0_i64..).zip(Block::of(&block).lengths).filter(|(_, length)| *length > 0);
            numbers.extend(lengths.map(|(slot, _)| (block.key() << BLOCK_BITS) | slot));
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

/// The rows of a block, behind the lengths of all of them: whoever looks for one need not touch the others. A
/// row that is not there has no length, and a block without rows no bytes.
struct Block<'a> {
    lengths: [usize; BLOCK_ROWS],
    rows: &'a [u8],
}

impl<'a> Block<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let (lengths, rows) = postcard::take_from_bytes(bytes).unwrap_or_default();
        Self { lengths, rows }
    }

    fn row(&self, slot: usize) -> &'a [u8] {
        let start = self.start_of(slot);
        self.rows.get(start..start + self.lengths[slot]).unwrap_or_default()
    }

    fn start_of(&self, slot: usize) -> usize {
        self.lengths[..slot].iter().sum()
    }

    /// The block whose row in `slot` is what `change` makes of it.
    fn changed(mut self, slot: usize, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Box<[u8]> {
        let old = self.row(slot);
        let (before, after) = self.rows.split_at(self.start_of(slot).min(self.rows.len()));
        let after = after.get(old.len()..).unwrap_or_default();
        let row = change(old);
        self.lengths[slot] = row.len();
        if self.lengths == [0; BLOCK_ROWS] {
            return Box::default();
        }
        let lengths = to_bytes(&self.lengths, 2 * BLOCK_ROWS);
        [&lengths, before, &row, after].concat().into_boxed_slice()
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
    fn rows_are_what_a_plain_map_says_after_any_changes() {
        let (packed, mut plain) = (Packed::default(), std::collections::BTreeMap::new());
        let mut random = 1_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let [number, length, byte, kind, ..] = random.to_be_bytes();
            let number = i64::from(number % 40);
            if kind % 4 == 0 {
                packed.remove(number);
                plain.remove(&number);
            } else {
                let new = vec![byte; usize::from(length) + 1];
                packed.put(number, new.clone());
                plain.insert(number, new);
            }
            assert_eq!(row(&packed, number), plain.get(&number).cloned());
        }
        assert!((0..40).all(|number| row(&packed, number) == plain.get(&number).cloned()));
        assert_eq!(packed.numbers(), plain.into_keys().collect::<Vec<_>>());
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
