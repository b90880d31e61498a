//! LIMIT and OFFSET over rows that pass in pieces.

use bytes::Bytes;
use wire::frame::Header;

/// Which of the rows that come are the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// To be left out yet.
    skip: u64,
    /// To be passed on yet; `None` is all.
    left: Option<u64>,
    passed: u64,
}

impl Window {
    pub(crate) fn new(offset: u64, limit: Option<u64>) -> Self {
        Self { skip: offset, left: limit, passed: 0 }
    }

    /// Whether no row that comes is the client's.
    pub(crate) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Rows that were passed on.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Whether the next row is the client's; counts it.
    pub(crate) fn takes_one(&mut self) -> bool {
        self.takes(1) == (0, 1)
    }

    /// What of `count` checked DataRow messages is the client's, and how many those are. The bytes are
    /// walked over only where a piece is cut.
    pub(crate) fn cut(&mut self, messages: &Bytes, count: u64) -> (Bytes, u64) {
        let (skipped, taken) = self.takes(count);
        if taken == count {
            return (messages.clone(), count);
        }
        let start = end_of(messages, 0, skipped);
        let end = end_of(messages, start, taken);
        (messages.slice(start..end), taken)
    }

    /// How many of the next rows are left out and how many are the client's.
    fn takes(&mut self, count: u64) -> (u64, u64) {
        let skipped = self.skip.min(count);
        let taken = (count - skipped).min(self.left.unwrap_or(u64::MAX));
        self.skip -= skipped;
        self.left = self.left.map(|left| left - taken);
        self.passed += taken;
        (skipped, taken)
    }
}

/// Where, counted from `start`, the first `count` messages end.
fn end_of(messages: &[u8], start: usize, count: u64) -> usize {
    let mut at = start;
    for _ in 0..count {
        let Ok(Some(header)) = Header::peek(messages.get(at..).unwrap_or_default()) else { break };
        at = (at + header.total()).min(messages.len());
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// DataRow messages of one column each, of different lengths.
    fn rows(from: usize, to: usize) -> Bytes {
        let mut out = Vec::new();
        for row in from..to {
            wire::frame::data_row(&mut out, &[Some("x".repeat(row % 7).as_bytes())]);
        }
        out.into()
    }

    proptest! {
        #[test]
        fn it_is_what_skip_and_take_are(
            pieces in prop::collection::vec(0..6_usize, 0..8),
            offset in 0..12_usize,
            limit in prop::option::of(0..12_usize),
        ) {
            let mut window = Window::new(offset as u64, limit.map(|limit| limit as u64));
            let (mut at, mut out) = (0, Vec::new());
            for piece in &pieces {
                let (part, count) = window.cut(&rows(at, at + piece), *piece as u64);
                prop_assert_eq!(count == 0, part.is_empty());
                out.extend_from_slice(&part);
                at += piece;
            }
            let end = limit.map_or(at, |limit| at.min(offset + limit));
            prop_assert_eq!(out, rows(offset.min(end), end));
            prop_assert_eq!(window.passed(), end.saturating_sub(offset) as u64);
            prop_assert_eq!(window.is_full(), limit == Some(end.saturating_sub(offset)));
        }
    }

    #[test]
    fn rows_are_taken_one_by_one_too() {
        let mut window = Window::new(1, Some(2));
        assert_eq!([(); 5].map(|()| window.takes_one()), [false, true, true, false, false]);
        assert_eq!(window.passed(), 2);
    }
}
