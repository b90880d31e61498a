//! An answer as comma-separated values, as Postgres's COPY writes them (RFC 4180).

use super::Printer;
use super::coverage::Coverage;
use crate::talk::Column;
use std::io::{self, Write};

/// Prints rows as they come.
pub(super) struct Csv<'a> {
    out: &'a mut (dyn Write + Send),
}

impl<'a> Csv<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out }
    }

    fn line<'v>(&mut self, cells: impl Iterator<Item = Option<&'v [u8]>>) -> io::Result<()> {
        let mut line = Vec::new();
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                line.push(b',');
            }
            match cell {
                None => {}
                Some(bytes) if needs_quotes(bytes) => {
                    line.push(b'"');
                    for byte in bytes {
                        // A quote is written twice.
                        line.extend(std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }));
                    }
                    line.push(b'"');
                }
                Some(bytes) => line.extend(bytes),
            }
        }
        line.push(b'\n');
        self.out.write_all(&line)
    }
}

/// An empty text is told from NULL by its quotes; a lone `\.` would end a COPY.
fn needs_quotes(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes == b"\\." || bytes.iter().any(|byte| b",\"\r\n".contains(byte))
}

impl Printer for Csv<'_> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        self.line(columns.iter().map(|column| Some(column.name.as_bytes())))
    }

    fn row(&mut self, row: &[Option<&[u8]>]) -> io::Result<()> {
        self.line(row.iter().copied())
    }

    fn end(&mut self, _tag: &str, _coverage: Option<&Coverage>) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_misread_is_quoted_and_null_is_nothing() {
        let mut out = Vec::new();
        let mut csv = Csv::new(&mut out);
        csv.columns(vec![Column { name: "a,b".to_owned(), oid: 25 }]).expect("printed");
        csv.row(&[Some(b"x"), None, Some(b""), Some("say \"é\"".as_bytes()), Some(b"1\n2")])
            .expect("printed");
        assert_eq!(out, "\"a,b\"\nx,,\"\",\"say \"\"é\"\"\",\"1\n2\"\n".as_bytes());
    }
}
