//! What came back for one round trip, sorted for assertions.

use crate::Frame;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Everything up to a `ReadyForQuery`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Rows of all statements, in order; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// `CommandComplete` tags, in order.
    pub tags: Vec<String>,
    /// Errors, in order.
    pub errors: Vec<Fields>,
    /// Notices, in order.
    pub notices: Vec<Fields>,
    /// `ParameterStatus` that came along.
    pub parameters: Vec<(String, String)>,
    /// What `CopyData` carried.
    pub copied: Vec<u8>,
    /// Status of the `ReadyForQuery`: `I`, `T` or `E`.
    pub status: char,
}

/// Fields of an error or notice by their type byte (PostgreSQL manual, "Error and Notice Message Fields").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub BTreeMap<char, String>);

impl Fields {
    /// Reads them from an `ErrorResponse` or `NoticeResponse`.
    #[must_use]
    pub fn of(frame: &Frame) -> Self {
        let field = |text: String| {
            let mut rest = text.chars();
            rest.next().map(|name| (name, rest.as_str().to_owned()))
        };
        Self(frame.texts(0).into_iter().filter_map(field).collect())
    }

    /// The SQLSTATE.
    #[must_use]
    pub fn code(&self) -> &str {
        self.get('C')
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        self.get('M')
    }

    /// The hint, or nothing.
    #[must_use]
    pub fn hint(&self) -> &str {
        self.get('H')
    }

    fn get(&self, name: char) -> &str {
        self.0.get(&name).map_or("", String::as_str)
    }
}

impl Answer {
    /// Sorts the messages of one round trip.
    #[must_use]
    pub fn of(frames: &[Frame]) -> Self {
        let mut answer = Self::default();
        for frame in frames {
            answer.take(frame);
        }
        answer
    }

    /// Sorts messages as they came off the wire; a message that is cut off is left out.
    #[must_use]
    pub fn of_bytes(all: &[u8]) -> Self {
        let (mut answer, mut left) = (Self::default(), all);
        while let Some((head, rest)) = left.split_first_chunk::<5>() {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let size = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(4);
            let Some((body, rest)) = rest.split_at_checked(size) else { break };
            answer.take(&Frame { tag: head[0], body: Bytes::copy_from_slice(body) });
            left = rest;
        }
        answer
    }

    /// The only value of the only row, when it came without an error.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        match (self.rows.as_slice(), self.errors.as_slice()) {
            ([row], []) if row.len() == 1 => row[0].as_deref(),
            _ => None,
        }
    }

    /// The first column of every row.
    #[must_use]
    pub fn column(&self) -> Vec<&str> {
        self.rows.iter().filter_map(|row| row.first()?.as_deref()).collect()
    }

    /// SQLSTATE of the first error, or nothing.
    #[must_use]
    pub fn code(&self) -> &str {
        self.errors.first().map_or("", Fields::code)
    }

    fn take(&mut self, frame: &Frame) {
        match frame.tag {
            b'D' => self.rows.push(row(frame)),
            b'C' => self.tags.extend(frame.texts(0)),
            b'E' => self.errors.push(Fields::of(frame)),
            b'N' => self.notices.push(Fields::of(frame)),
            b'd' => self.copied.extend(&frame.body),
            b'S' => {
                let mut texts = frame.texts(0).into_iter();
                self.parameters.extend(texts.next().zip(texts.next()));
            }
            b'Z' => self.status = frame.body.first().copied().map_or('?', char::from),
            _ => {}
        }
    }
}

fn row(frame: &Frame) -> Vec<Option<String>> {
    let mut rest = frame.body.get(2..).unwrap_or_default();
    let mut row = Vec::new();
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let size = usize::try_from(i32::from_be_bytes(*head)).ok();
        let value = size.and_then(|size| tail.get(..size));
        row.push(value.map(|value| String::from_utf8_lossy(value).into_owned()));
        rest = value.map_or(tail, |value| &tail[value.len()..]);
    }
    row
}
