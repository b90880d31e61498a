//! Rows of many stores in one order: what of a row decides it, and the row without it.
//!
//! A store sends its rows sorted, with the values that they are sorted by in hidden columns at the end, in
//! binary. Each row's values become one string of bytes that compares as the row does: values are turned over
//! once, and merging is `memcmp`, whatever the types.

use bytes::{BufMut, BytesMut};
use sql::fanout::{Comparison, SortKey};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use wire::frame::{Reader, backend::DATA_ROW};

/// A row that is not what was asked for: too few values, or one that its type does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row has values that its columns cannot have")]
pub(crate) struct BadRow;

/// Before a key's bytes: where NULL stands, and where values do.
const NULL_FIRST: u8 = 0;
const VALUE: u8 = 1;
const NULL_LAST: u8 = 2;

/// Reads the body of a DataRow with `shown` columns and one hidden for each of `order`, and writes to `key` bytes
/// that compare as the row does.
///
/// # Errors
/// [`BadRow`]; `key` is then of no use.
pub(crate) fn read(body: &[u8], shown: usize, order: &[SortKey], key: &mut Vec<u8>) -> Result<(), BadRow> {
    let mut reader = Reader::new(body);
    if reader.u16().map(usize::from) != Some(shown + order.len()) {
        return Err(BadRow);
    }
    for _ in 0..shown {
        reader.value().ok_or(BadRow)?;
    }
    key.clear();
    for sort in order {
        put(*sort, reader.value().ok_or(BadRow)?, key)?;
    }
    if reader.rest().is_empty() { Ok(()) } else { Err(BadRow) }
}

/// Appends a DataRow of the first `shown` columns of a row that could be [read](read()).
pub(crate) fn cut(body: &[u8], shown: usize, out: &mut BytesMut) {
    let mut reader = Reader::new(body);
    let _count = reader.u16();
    let values = reader.rest();
    for _ in 0..shown {
        let _ = reader.value();
    }
    let values = values.get(..values.len() - reader.rest().len()).unwrap_or_default();
    // Never more than the message that it was cut from, whose length and count were read from such fields.
    let length = u32::try_from(4 + 2 + values.len()).unwrap_or(u32::MAX);
    out.reserve(1 + 4 + 2 + values.len());
    out.put_u8(DATA_ROW);
    out.put_u32(length);
    out.put_u16(u16::try_from(shown).unwrap_or(u16::MAX));
    out.put_slice(values);
}

/// One value as bytes that no other value's are a prefix of.
fn put(sort: SortKey, value: Option<&[u8]>, key: &mut Vec<u8>) -> Result<(), BadRow> {
    let Some(value) = value else {
        key.push(if sort.nulls_first { NULL_FIRST } else { NULL_LAST });
        return Ok(());
    };
    key.push(VALUE);
    let start = key.len();
    match sort.by {
        Comparison::Signed => put_signed(value, key)?,
        Comparison::Bytes => put_bytes(value, key),
        Comparison::Numeric => put_numeric(value, key)?,
    }
    if sort.descending {
        turn_round(key, start);
    }
    Ok(())
}

fn turn_round(key: &mut [u8], start: usize) {
    key.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
}

fn put_signed(value: &[u8], key: &mut Vec<u8>) -> Result<(), BadRow> {
    let ([first, rest @ ..], 2 | 4 | 8) = (value, value.len()) else { return Err(BadRow) };
    key.push(first ^ 0x80);
    key.extend_from_slice(rest);
    Ok(())
}

/// A zero byte is followed by 255, the end is two zeros: so `a` stands before `a\0`, and both before `ab`.
fn put_bytes(value: &[u8], key: &mut Vec<u8>) {
    for &byte in value {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend_from_slice(&[0, 0]);
}

/// Kinds of numeric values, in their order: `NaN` is the largest.
const MINUS_INFINITY: u8 = 0;
const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;
const PLUS_INFINITY: u8 = 4;
const NAN: u8 = 5;

/// Digits of numeric values have base 10,000 (src/backend/utils/adt/numeric.c, `numeric_send`).
const BASE: u16 = 10_000;

/// The kind; then, for what has digits, the power of the first and the digits, each one more than it is so
/// that the end is less than any; all turned round for what is negative. The scale for display is no part.
fn put_numeric(value: &[u8], key: &mut Vec<u8>) -> Result<(), BadRow> {
    let mut reader = Reader::new(value);
    let mut next = || reader.u16().ok_or(BadRow);
    let (count, weight, sign, _scale) = (next()?, next()?, next()?, next()?);
    let digits = reader.rest();
    if digits.len() != usize::from(count) * 2 {
        return Err(BadRow);
    }
    let kind = match sign {
        0x0000 => POSITIVE,
        0x4000 => NEGATIVE,
        0xc000 => NAN,
        0xd000 => PLUS_INFINITY,
        0xf000 => MINUS_INFINITY,
        _ => return Err(BadRow),
    };
    if kind != POSITIVE && kind != NEGATIVE {
        key.push(kind);
        return Ok(());
    }
    put_digits(kind, weight.cast_signed(), digits, key)
}

fn put_digits(kind: u8, weight: i16, digits: &[u8], key: &mut Vec<u8>) -> Result<(), BadRow> {
    let digits = digits.as_chunks::<2>().0;
    let zeros = digits.iter().take_while(|digit| **digit == [0, 0]).count();
    let used = digits.iter().rposition(|digit| *digit != [0, 0]).map_or(zeros, |last| last + 1);
    let Some(digits @ [_, ..]) = digits.get(zeros..used) else {
        key.push(ZERO);
        return Ok(());
    };
    key.push(kind);
    let start = key.len();
    // Wider than the field: leading zeros that a store may send are taken off it.
    let weight = i64::from(weight) - i64::try_from(zeros).map_err(|_| BadRow)?;
    key.extend_from_slice(&(weight.cast_unsigned() ^ (1 << 63)).to_be_bytes());
    for digit in digits {
        let digit = u16::from_be_bytes(*digit);
        if digit >= BASE {
            return Err(BadRow);
        }
        key.extend_from_slice(&(digit + 1).to_be_bytes());
    }
    key.extend_from_slice(&[0, 0]);
    if kind == NEGATIVE {
        turn_round(key, start);
    }
    Ok(())
}

/// The legs that have a row to offer, first by their rows' keys.
#[derive(Debug, Default)]
pub(crate) struct Heads(BinaryHeap<Head>);

/// A leg's next row.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    key: Vec<u8>,
    leg: usize,
}

impl Ord for Head {
    /// Reversed: the heap has its largest on top. Legs break ties, so that equal rows do not alternate.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then_with(|| other.leg.cmp(&self.leg))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Heads {
    /// `leg` offers a row with this key. A leg offers one row at a time.
    pub(crate) fn push(&mut self, leg: usize, key: Vec<u8>) {
        self.0.push(Head { key, leg });
    }

    /// The leg whose row is next.
    pub(crate) fn first(&self) -> Option<usize> {
        self.0.peek().map(|head| head.leg)
    }

    /// The first leg's row has been taken: `next` writes its next row's key over the old one and says
    /// whether there is a row. If not, the leg is out; as it is with an error.
    ///
    /// # Errors
    /// What `next` returns.
    pub(crate) fn advance<E>(&mut self, next: impl FnOnce(&mut Vec<u8>) -> Result<bool, E>) -> Result<(), E> {
        let Some(mut top) = self.0.peek_mut() else { return Ok(()) };
        let there_is = next(&mut top.key);
        if !matches!(there_is, Ok(true)) {
            PeekMut::pop(top);
        }
        there_is.map(drop)
    }
}

#[cfg(test)]
mod tests;
