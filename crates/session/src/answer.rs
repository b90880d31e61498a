//! What the gate answers by itself, as messages of the simple or the extended protocol.

use wire::frame::{self, Format, TEXT_OID};
use wire::{Fields, Sqlstate, sqlstate};

/// An answer of the gate's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The only column's name, if it answers with a row.
    pub(crate) column: Option<String>,
    /// That row's only value.
    pub(crate) value: Option<String>,
    /// Of CommandComplete; empty for EmptyQueryResponse.
    pub(crate) tag: String,
    /// A notice or warning ahead of it.
    pub(crate) notice: Option<Fields>,
}

impl Answer {
    /// Only a command tag.
    pub(crate) fn tag(tag: impl Into<String>) -> Self {
        Self { tag: tag.into(), ..Self::default() }
    }

    /// One row of one text.
    pub(crate) fn row(column: impl Into<String>, value: Option<String>, tag: &str) -> Self {
        Self { column: Some(column.into()), value, tag: tag.to_owned(), notice: None }
    }

    /// With a warning ahead of it.
    pub(crate) fn warning(mut self, code: Sqlstate, message: &str) -> Self {
        let fields = Fields::notice(code, message).with_severity(wire::Severity::Warning);
        self.notice = Some(fields);
        self
    }

    /// With a notice ahead of it.
    pub(crate) fn notice(mut self, code: &str, message: &str) -> Self {
        let code = Sqlstate::from_bytes(code.as_bytes()).unwrap_or(sqlstate::SUCCESSFUL_COMPLETION);
        self.notice = Some(Fields::notice(code, message));
        self
    }

    /// All of it, as a simple query is answered.
    pub(crate) fn write_simple(&self, out: &mut Vec<u8>) {
        self.write_notice(out);
        self.write_description(out);
        self.write_result(out);
    }

    /// As an Execute is answered.
    pub(crate) fn write_executed(&self, out: &mut Vec<u8>) {
        self.write_notice(out);
        self.write_result(out);
    }

    fn write_notice(&self, out: &mut Vec<u8>) {
        if let Some(fields) = &self.notice {
            fields.encode_notice(out);
        }
    }

    fn write_description(&self, out: &mut Vec<u8>) {
        if let Some(column) = &self.column {
            frame::row_description(out, &[(column, TEXT_OID)]);
        }
    }

    fn write_result(&self, out: &mut Vec<u8>) {
        if self.column.is_some() {
            frame::data_row(out, &[self.value.as_deref().map(str::as_bytes)]);
        }
        if self.tag.is_empty() {
            frame::empty_query(out);
        } else {
            frame::command_complete(out, &self.tag);
        }
    }
}

/// As a Describe of what will give an [`Answer`] with this column is answered.
pub(crate) fn write_described(column: Option<&str>, format: Format, out: &mut Vec<u8>) {
    match column {
        Some(column) => frame::row_description_in(out, &[(column, TEXT_OID)], format),
        None => frame::no_data(out),
    }
}
