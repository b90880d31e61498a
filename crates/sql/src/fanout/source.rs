//! A text and where things are in it: the parser counts lines and columns, edits need bytes.

use sqlparser::tokenizer::{Location, Span};
use std::ops::Range;

/// Text with the starts of its lines and characters.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    text: String,
    /// The first byte of each line, or its first character where there are characters of several bytes.
    lines: Vec<usize>,
    /// The byte of each character and of the end; empty if every character is one byte.
    characters: Vec<usize>,
}

impl Source {
    pub(crate) fn new(text: String) -> Self {
        if text.is_ascii() {
            let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
            return Self { text, lines, characters: Vec::new() };
        }
        let characters = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let ends = text.chars().enumerate().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self { text, lines, characters }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The byte at a line and column, both counted from 1; the columns are characters.
    pub(crate) fn offset(&self, at: Location) -> Option<usize> {
        let line = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let at = self.lines.get(line)?.checked_add(column)?;
        if self.characters.is_empty() {
            Some(at).filter(|at| *at <= self.text.len())
        } else {
            self.characters.get(at).copied()
        }
    }

    /// The bytes of a span.
    pub(crate) fn range(&self, span: Span) -> Option<Range<usize>> {
        let range = self.offset(span.start)?..self.offset(span.end)?;
        (range.start < range.end).then_some(range)
    }

    /// The text with some of its ranges replaced; ranges must not overlap.
    pub(crate) fn edited(&self, edits: &mut [(Range<usize>, String)]) -> String {
        edited(&self.text, edits)
    }
}

/// A text with some of its ranges replaced; ranges must not overlap.
pub(crate) fn edited(text: &str, edits: &mut [(Range<usize>, String)]) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + 64 * edits.len());
    let mut done = 0;
    for (range, new) in edits.iter() {
        out.push_str(text.get(done..range.start).unwrap_or_default());
        out.push_str(new);
        done = range.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}
