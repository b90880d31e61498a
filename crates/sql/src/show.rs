//! What a store's values say of a partition's schema, with `public` where its true name stands.
//!
//! The true name is looked for as a whole identifier. Text has no NUL byte in Postgres, so a value with
//! one is binary: there the name is looked for inside arrays and records alone, whose lengths are then
//! written anew. They are recognised by their own structure, every length of which must add up.

mod path;

use memchr::memmem;

/// What the client calls the schema.
const SHOWN: &[u8] = b"public";

/// The names that are not the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The partition's schema, shown as `public`.
    pub schema: &'a str,
    /// The schema of extensions, left out of search paths, to which the gate has added it.
    pub extensions: &'a str,
}

/// Arrays and records inside each other are followed this deep: each layer may be read twice.
const MAX_DEPTH: u8 = 4;

/// Most dimensions that an array has (`MAXDIM`).
const MAX_DIMENSIONS: usize = 6;

/// Bytes at the head of a file that `COPY` writes in binary format ("File Header").
const COPY_SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// A value, text or binary, in the client's names; `None`: as it is.
#[must_use]
pub fn show(value: &[u8], names: Shown) -> Option<Vec<u8>> {
    inside(value, names, 0)
}

/// A piece of a `COPY … TO STDOUT`, rows in text or binary format, in the client's names; `None`:
/// as it is. The server never cuts a row in two.
#[must_use]
pub fn show_copied(piece: &[u8], names: Shown) -> Option<Vec<u8>> {
    memmem::find(piece, names.schema.as_bytes())?;
    match memchr::memchr(0, piece) {
        Some(_) => copied_rows(piece, names),
        None => text(piece, names),
    }
}

/// Whether the name stands in these bytes at all: cheap, and no reason yet to change anything.
#[must_use]
pub fn mentions(bytes: &[u8], schema: &str) -> bool {
    memmem::find(bytes, schema.as_bytes()).is_some()
}

/// Where `schema` stands in `text` as a whole identifier.
pub fn occurrences<'a>(text: &'a [u8], schema: &'a str) -> impl Iterator<Item = usize> + 'a {
    memmem::find_iter(text, schema.as_bytes())
        .filter(|&at| !continues_before(&text[..at]) && !continues_behind(&text[at + schema.len()..]))
}

fn inside(value: &[u8], names: Shown, depth: u8) -> Option<Vec<u8>> {
    memmem::find(value, names.schema.as_bytes())?;
    if memchr::memchr(0, value).is_none() {
        return text(value, names);
    }
    if depth >= MAX_DEPTH {
        return None;
    }
    array(value, names, depth).or_else(|| record(value, names, depth))
}

fn text(value: &[u8], names: Shown) -> Option<Vec<u8>> {
    let mut shown = Vec::new();
    let mut read = 0;
    for at in occurrences(value, names.schema) {
        shown.extend_from_slice(&value[read..at]);
        shown.extend_from_slice(SHOWN);
        read = at + names.schema.len();
    }
    if read == 0 {
        return None;
    }
    shown.extend_from_slice(&value[read..]);
    path::leave_out(&mut shown, names.extensions);
    Some(shown)
}

/// Does the last character of `before` belong to the identifier that follows it? `\n` and its like, as
/// JSON and `COPY` write them, do not.
fn continues_before(before: &[u8]) -> bool {
    let Some(&last) = before.last() else { return false };
    if last.is_ascii() {
        let backslashes = before[..before.len() - 1].iter().rev().take_while(|&&b| b == b'\\').count();
        let escape = b"bfnrtv".contains(&last) && backslashes % 2 == 1;
        return is_word(char::from(last)) && !escape;
    }
    let tail = &before[before.len().saturating_sub(4)..];
    let characters = (0..tail.len()).filter_map(|from| std::str::from_utf8(&tail[from..]).ok());
    is_word(characters.flat_map(|text| text.chars().next_back()).next().unwrap_or(char::from(last)))
}

/// Does the first character of `behind` belong to the identifier that ends before it?
fn continues_behind(behind: &[u8]) -> bool {
    let Some(&first) = behind.first() else { return false };
    let character = behind[..behind.len().min(4)].utf8_chunks().next().and_then(|c| c.valid().chars().next());
    is_word(character.unwrap_or(char::from(first)))
}

/// Quotation marks of other languages (`»`) are no part of an identifier, though the server would take
/// them for one.
fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

/// An array: dimensions, whether there are NULLs, element type, length and lower bound of each
/// dimension, then each element behind its length (`array_send`).
fn array(value: &[u8], names: Shown, depth: u8) -> Option<Vec<u8>> {
    let mut reader = Reader(value);
    let dimensions = usize::try_from(reader.word()?).ok()?;
    let has_nulls = reader.word()?;
    if dimensions > MAX_DIMENSIONS || !matches!(has_nulls, 0 | 1) {
        return None;
    }
    reader.word()?;
    let mut count: usize = usize::from(dimensions > 0);
    for _ in 0..dimensions {
        count = count.checked_mul(usize::try_from(reader.word()?).ok()?)?;
        reader.word()?;
    }
    let mut shown = Rebuilt::new(value, reader);
    for _ in 0..count {
        shown.element(&mut reader, names, depth)?;
    }
    shown.done(reader)
}

/// A record: the number of its fields, then for each its type and its value behind its length
/// (`record_send`).
fn record(value: &[u8], names: Shown, depth: u8) -> Option<Vec<u8>> {
    let mut reader = Reader(value);
    let count = usize::try_from(reader.word()?).ok()?;
    let mut shown = Rebuilt::new(value, reader);
    for _ in 0..count {
        shown.bytes.extend_from_slice(reader.take(4)?);
        shown.element(&mut reader, names, depth)?;
    }
    shown.done(reader)
}

/// Rows in binary format: the number of fields, each behind its length; ahead of the first row a
/// header, and behind the last one -1 ("Binary Format").
fn copied_rows(piece: &[u8], names: Shown) -> Option<Vec<u8>> {
    let mut reader = Reader(piece);
    if piece.starts_with(COPY_SIGNATURE) {
        reader.take(COPY_SIGNATURE.len() + 4)?;
        let extension = usize::try_from(reader.word()?).ok()?;
        reader.take(extension)?;
    }
    let mut shown = Rebuilt::new(piece, reader);
    while !reader.0.is_empty() {
        let count = reader.take(2)?;
        shown.bytes.extend_from_slice(count);
        let count = i16::from_be_bytes(count.try_into().ok()?);
        for _ in 0..count {
            shown.element(&mut reader, names, 0)?;
        }
    }
    shown.done(reader)
}

/// A binary value that is written anew, piece by piece.
struct Rebuilt {
    bytes: Vec<u8>,
    changed: bool,
}

impl Rebuilt {
    /// What `reader` has read of `value` stays as it is.
    fn new(value: &[u8], reader: Reader<'_>) -> Self {
        Self { bytes: value[..value.len() - reader.0.len()].to_vec(), changed: false }
    }

    /// One value behind its length, -1 for NULL. `None`: it is not there.
    fn element(&mut self, reader: &mut Reader<'_>, names: Shown, depth: u8) -> Option<()> {
        let length = reader.word()?;
        let Ok(bytes) = usize::try_from(length) else {
            self.bytes.extend_from_slice(&length.to_be_bytes());
            return (length == -1).then_some(());
        };
        let element = reader.take(bytes)?;
        let shown = inside(element, names, depth + 1);
        self.changed |= shown.is_some();
        let element = shown.as_deref().unwrap_or(element);
        self.bytes.extend_from_slice(&i32::try_from(element.len()).ok()?.to_be_bytes());
        self.bytes.extend_from_slice(element);
        Some(())
    }

    fn done(self, reader: Reader<'_>) -> Option<Vec<u8>> {
        (self.changed && reader.0.is_empty()).then_some(self.bytes)
    }
}

/// What has not been read of a binary value.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn word(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }
}
