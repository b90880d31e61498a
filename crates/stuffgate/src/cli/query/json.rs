//! An answer as one JSON object: columns, rows as they come, coverage.

use super::Printer;
use super::coverage::Coverage;
use crate::talk::Column;
use std::io::{self, Write};

/// Most digits of a number that every reader of JSON keeps (IEEE 754 doubles have 15 for sure).
const SAFE_DIGITS: usize = 15;

/// Type numbers (`pg_type`): bool, int8, int2, int4, oid, json, float4, float8, numeric, jsonb.
const BOOL: u32 = 16;
const NUMBERS: [u32; 7] = [20, 21, 23, 26, 700, 701, 1700];
const JSON: [u32; 2] = [114, 3802];

/// Prints an object whose rows are objects.
pub(super) struct Json<'a> {
    out: &'a mut (dyn Write + Send),
    /// Each column's key, ready to be written, and its type.
    columns: Vec<(String, u32)>,
    rows: usize,
}

impl<'a> Json<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, columns: Vec::new(), rows: 0 }
    }
}

impl Printer for Json<'_> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        let mut keys: Vec<String> = Vec::new();
        for column in &columns {
            // An object has each key once; a second column of the name gets a number.
            let mut key = column.name.clone();
            let mut number = 1;
            while keys.contains(&key) {
                number += 1;
                key = format!("{}_{number}", column.name);
            }
            keys.push(key);
        }
        let written = keys.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        writeln!(self.out, "{{\"columns\": [{}],\n\"rows\": [", written.join(", "))?;
        self.columns = written.into_iter().zip(columns).map(|(key, column)| (key, column.oid)).collect();
        Ok(())
    }

    fn row(&mut self, row: &[Option<&[u8]>]) -> io::Result<()> {
        let mut cells = Vec::with_capacity(row.len());
        for ((key, oid), cell) in self.columns.iter().zip(row) {
            cells.push(format!("{key}: {}", value(*cell, *oid)?));
        }
        let before = if self.rows == 0 { "" } else { ",\n" };
        self.rows += 1;
        write!(self.out, "{before}{{{}}}", cells.join(", "))
    }

    fn end(&mut self, tag: &str, coverage: Option<&Coverage>) -> io::Result<()> {
        if self.columns.is_empty() && self.rows == 0 {
            self.columns(Vec::new())?;
        }
        let tag = serde_json::to_string(tag)?;
        let coverage = serde_json::to_string(&coverage.map(Coverage::json))?;
        writeln!(self.out, "\n],\n\"tag\": {tag},\n\"coverage\": {coverage}}}")
    }
}

/// Numbers that lose nothing are numbers, booleans are booleans, JSON is itself, the rest is text.
fn value(cell: Option<&[u8]>, oid: u32) -> io::Result<String> {
    let Some(bytes) = cell else { return Ok("null".to_owned()) };
    let text = String::from_utf8_lossy(bytes);
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    Ok(match oid {
        BOOL if text == "t" => "true".to_owned(),
        BOOL if text == "f" => "false".to_owned(),
        _ if NUMBERS.contains(&oid) && is_safe(&text) && is_json() => text.into_owned(),
        _ if JSON.contains(&oid) && is_json() => text.into_owned(),
        _ => serde_json::to_string(&text)?,
    })
}

/// Whether a number is a double to its last digit: 15 digits always are, as are the shortest forms of doubles.
fn is_safe(text: &str) -> bool {
    let digits = text.split(['e', 'E']).next().unwrap_or_default().bytes().filter(u8::is_ascii_digit).count();
    digits <= SAFE_DIGITS || text.parse::<f64>().is_ok_and(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_json_has_for_them_where_nothing_is_lost() {
        let table: [(Option<&str>, u32, &str); 15] = [
            (None, 25, "null"),
            (Some("t"), 16, "true"),
            (Some("f"), 16, "false"),
            (Some("42"), 20, "42"),
            (Some("-7"), 23, "-7"),
            (Some("9223372036854775807"), 20, "\"9223372036854775807\""),
            (Some("1.50"), 1700, "1.50"),
            (Some("1.2345678901234567890"), 1700, "\"1.2345678901234567890\""),
            (Some("0.30000000000000004"), 701, "0.30000000000000004"),
            (Some("NaN"), 701, "\"NaN\""),
            (Some("Infinity"), 1700, "\"Infinity\""),
            (Some("{\"a\": 1}"), 3802, "{\"a\": 1}"),
            (Some("t"), 25, "\"t\""),
            (Some("42"), 25, "\"42\""),
            (Some("a\"\n"), 25, "\"a\\\"\\n\""),
        ];
        for (text, oid, wanted) in table {
            assert_eq!(value(text.map(str::as_bytes), oid).expect("a value"), wanted);
        }
    }

    #[test]
    fn an_answer_is_one_object_whose_keys_are_unlike() {
        let mut out = Vec::new();
        let mut json = Json::new(&mut out);
        let column = |name: &str| Column { name: name.to_owned(), oid: 23 };
        json.columns(vec![column("n"), column("n"), column("n_2")]).expect("printed");
        json.row(&[Some(b"1"), None, Some(b"3")]).expect("printed");
        json.row(&[Some(b"4"), Some(b"5"), Some(b"6")]).expect("printed");
        json.end("SELECT 2", None).expect("printed");
        let read: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(read["columns"], serde_json::json!(["n", "n_2", "n_2_2"]));
        assert_eq!(read["rows"][1], serde_json::json!({"n": 4, "n_2": 5, "n_2_2": 6}));
        assert_eq!((&read["coverage"], &read["tag"]), (&serde_json::Value::Null, &"SELECT 2".into()));
    }

    #[test]
    fn an_answer_without_columns_is_an_object_too() {
        let mut out = Vec::new();
        Json::new(&mut out).end("SET", None).expect("printed");
        let read: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(read["rows"], serde_json::json!([]));
    }
}
