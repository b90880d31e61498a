//! A text and where things are in it: the parser counts lines and columns, edits need bytes.

use sqlparser::tokenizer::{Location, Span};
use std::ops::Range;

/// Text with the starts of its lines.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    text: String,
    lines: Vec<usize>,
}

impl Source {
    pub(crate) fn new(text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The byte at a line and column, both counted from 1; the columns are characters.
    pub(crate) fn offset(&self, at: Location) -> Option<usize> {
        let line = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let start = *self.lines.get(line)?;
        let rest = self.text.get(start..)?;
        let within = if rest.get(..column).is_some_and(str::is_ascii) {
            column
        } else {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).nth(column)?
        };
        Some(start + within)
    }

    /// The bytes of a span.
    pub(crate) fn range(&self, span: Span) -> Option<Range<usize>> {
        let range = self.offset(span.start)?..self.offset(span.end)?;
        (range.start < range.end).then_some(range)
    }

    /// The text with some of its ranges replaced; ranges must not overlap.
    pub(crate) fn edited(&self, edits: &mut Vec<(Range<usize>, String)>) -> String {
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(self.text.len() + 64 * edits.len());
        let mut done = 0;
        for (range, new) in edits.iter() {
            out.push_str(self.text.get(done..range.start).unwrap_or_default());
            out.push_str(new);
            done = range.end;
        }
        out.push_str(self.text.get(done..).unwrap_or_default());
        out
    }
}
