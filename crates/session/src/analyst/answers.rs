//! What the gate answers by itself in a session that asks many stores: at most one row.

use wire::frame::{self, Column, Format, NO_MODIFIER, TEXT_OID};
use wire::{Fields, Sqlstate};

/// OID of type `int8`.
const INT8_OID: u32 = 20;
/// OID of type `float8`.
const FLOAT8_OID: u32 = 701;
/// OID of type `void`.
const VOID_OID: u32 = 2278;

/// Of what type a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Real,
    Void,
}

/// A column of an answer.
pub(super) type Named = (String, Kind);

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Real(f64),
}

/// An answer of the gate's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// Its columns; none where it returns no row.
    pub(super) columns: Vec<Named>,
    /// The values of its one row.
    pub(super) row: Vec<Cell>,
    /// Of CommandComplete; empty for EmptyQueryResponse.
    pub(super) tag: String,
    /// A warning ahead of it.
    pub(super) warning: Option<Fields>,
}

impl Kind {
    fn oid(self) -> u32 {
        match self {
            Self::Text => TEXT_OID,
            Self::Integer => INT8_OID,
            Self::Real => FLOAT8_OID,
            Self::Void => VOID_OID,
        }
    }

    fn length(self) -> i16 {
        match self {
            Self::Void => 4,
            other => frame::type_length(other.oid()),
        }
    }
}

impl Cell {
    fn bytes(&self, format: i16) -> Option<Vec<u8>> {
        let binary = format == Format::Binary.code();
        Some(match self {
            Self::Null => return None,
            Self::Text(text) => text.clone().into_bytes(),
            Self::Integer(number) if binary => number.to_be_bytes().to_vec(),
            Self::Integer(number) => number.to_string().into_bytes(),
            Self::Real(number) if binary => number.to_be_bytes().to_vec(),
            Self::Real(number) => number.to_string().into_bytes(),
        })
    }
}

impl Answer {
    /// Only a command tag.
    pub(super) fn tag(tag: impl Into<String>) -> Self {
        Self { tag: tag.into(), ..Self::default() }
    }

    /// One row of one text.
    pub(super) fn text(column: &str, value: Option<String>, tag: &str) -> Self {
        Self {
            columns: vec![(column.to_owned(), Kind::Text)],
            row: vec![value.map_or(Cell::Null, Cell::Text)],
            tag: tag.to_owned(),
            warning: None,
        }
    }

    /// With a warning ahead of it.
    pub(super) fn warning(mut self, code: Sqlstate, message: &str) -> Self {
        self.warning = Some(Fields::notice(code, message).with_severity(wire::Severity::Warning));
        self
    }

    /// As a simple query is answered.
    pub(super) fn write_simple(&self, out: &mut Vec<u8>) {
        if !self.columns.is_empty() {
            write_described(&self.columns, &[], out);
        }
        self.write_executed(&[], out);
    }

    /// As an Execute is answered.
    pub(super) fn write_executed(&self, formats: &[i16], out: &mut Vec<u8>) {
        if let Some(fields) = &self.warning {
            fields.encode_notice(out);
        }
        if !self.columns.is_empty() {
            let cells: Vec<Option<Vec<u8>>> =
                self.row.iter().enumerate().map(|(at, cell)| cell.bytes(format_of(formats, at))).collect();
            let cells: Vec<Option<&[u8]>> = cells.iter().map(Option::as_deref).collect();
            frame::data_row(out, &cells);
        }
        if self.tag.is_empty() {
            frame::empty_query(out);
        } else {
            frame::command_complete(out, &self.tag);
        }
    }
}

/// The format of column `at`: none given means text, one means that for all.
pub(super) fn format_of(formats: &[i16], at: usize) -> i16 {
    match formats {
        [] => Format::Text.code(),
        [all] => *all,
        each => each.get(at).copied().unwrap_or_default(),
    }
}

/// RowDescription of columns of the gate's own, NoData where there are none.
pub(super) fn write_described(columns: &[Named], formats: &[i16], out: &mut Vec<u8>) {
    if columns.is_empty() {
        return frame::no_data(out);
    }
    let columns: Vec<Column<'_>> = columns
        .iter()
        .enumerate()
        .map(|(at, (name, kind))| Column {
            name,
            oid: kind.oid(),
            length: kind.length(),
            modifier: NO_MODIFIER,
            format: format_of(formats, at),
        })
        .collect();
    frame::row_description_of(out, &columns);
}

/// RowDescription of what home described, NoData where it returns no rows.
pub(super) fn write_home(columns: Option<&[fanout::ColumnDescribed]>, formats: &[i16], out: &mut Vec<u8>) {
    let Some(columns) = columns else { return frame::no_data(out) };
    let columns: Vec<Column<'_>> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| Column {
            name: &column.name,
            oid: column.oid,
            length: column.length,
            modifier: column.modifier,
            format: format_of(formats, at),
        })
        .collect();
    frame::row_description_of(out, &columns);
}
