//! An answer as aligned columns, for people.

use super::Printer;
use super::coverage::Coverage;
use crate::talk::Column;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr as _;

/// What stands for NULL.
const NULL: &str = "NULL";

/// Types whose values stand at the right (`pg_type`): int8, int2, int4, oid, float4, float8, money, numeric.
const TO_THE_RIGHT: [u32; 8] = [20, 21, 23, 26, 700, 701, 790, 1700];

/// Prints all rows at the end, when their widths are known.
pub(super) struct Table<'a> {
    out: &'a mut (dyn Write + Send),
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, columns: Vec::new(), rows: Vec::new() }
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| width(&shown(&column.name))).collect();
        for row in &self.rows {
            for (known, cell) in widths.iter_mut().zip(row) {
                *known = width(cell).max(*known);
            }
        }
        widths
    }

    fn lines(&mut self) -> io::Result<()> {
        let widths = self.widths();
        let headings: Vec<String> = self
            .columns
            .iter()
            .zip(&widths)
            .map(|(column, width)| centred(&shown(&column.name), *width))
            .collect();
        writeln!(self.out, " {}", headings.join(" | ").trim_end())?;
        let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(self.out, "{}", dashes.join("+"))?;
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns).zip(&widths);
            let cells: Vec<String> = cells
                .map(|((cell, column), wide)| {
                    let space = " ".repeat(wide.saturating_sub(width(cell)));
                    if TO_THE_RIGHT.contains(&column.oid) { space + cell } else { cell.clone() + &space }
                })
                .collect();
            writeln!(self.out, " {}", cells.join(" | ").trim_end())?;
        }
        let ending = if self.rows.len() == 1 { "" } else { "s" };
        writeln!(self.out, "({} row{ending})", self.rows.len())
    }
}

impl Printer for Table<'_> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        self.columns = columns;
        Ok(())
    }

    fn row(&mut self, row: &[Option<&[u8]>]) -> io::Result<()> {
        let text = |bytes: &[u8]| shown(&String::from_utf8_lossy(bytes));
        self.rows.push(row.iter().map(|cell| cell.map_or_else(|| NULL.to_owned(), text)).collect());
        Ok(())
    }

    fn end(&mut self, tag: &str, coverage: Option<&Coverage>) -> io::Result<()> {
        if self.columns.is_empty() {
            writeln!(self.out, "{tag}")?;
        } else {
            self.lines()?;
        }
        match coverage {
            Some(coverage) => coverage.print(self.out),
            None => Ok(()),
        }
    }
}

/// A value on one line, with nothing in it that a terminal would obey: it may be anybody's.
pub(super) fn shown(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// Cells that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

fn centred(text: &str, wide: usize) -> String {
    let space = wide.saturating_sub(width(text));
    format!("{}{text}{}", " ".repeat(space / 2), " ".repeat(space - space / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_stand_at_the_right() {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out);
        let column = |name: &str, oid| Column { name: name.to_owned(), oid };
        table.columns(vec![column("whose", 25), column("n", 20)]).expect("printed");
        table.row(&[Some("日本".as_bytes()), Some(b"7")]).expect("printed");
        table.row(&[None, Some(b"1000")]).expect("printed");
        table.end("SELECT 2", None).expect("printed");
        let wanted = " whose |  n\n-------+------\n 日本  |    7\n NULL  | 1000\n(2 rows)\n";
        assert_eq!(String::from_utf8(out).expect("UTF-8"), wanted);
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(shown("a\nb\u{1b}[2J"), "a\\nb\\u{1b}[2J");
    }

    #[test]
    fn a_command_without_rows_is_its_tag() {
        let mut out = Vec::new();
        Table::new(&mut out).end("SET", None).expect("printed");
        assert_eq!(out, b"SET\n");
    }
}
