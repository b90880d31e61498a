//! What a gate says that a session's last fan-out covered, and how it is printed.

use super::table::shown;
use crate::cli::{Exit, Failure};
use crate::talk::{TalkError, Told, query};
use std::io::{self, Write};
use wire::{Peer, Stream};

/// Most stores that are named.
const MAX_NAMED: usize = 20;

/// Columns of `SHOW stuffgate.coverage` that count no outcome.
const NOT_OUTCOMES: [&str; 4] = ["asked", "ok", "percent", "elapsed_ms"];

/// A row, by the names of its columns.
type Named = Vec<(String, Option<String>)>;

/// What a fan-out covered.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    totals: Named,
    /// The legs of stores that are not in the answer.
    missing: Vec<Named>,
}

impl Coverage {
    /// Asks for that of the session's last fan-out; `None` where no store was asked.
    pub(super) async fn ask(peer: &mut Peer<Stream>) -> Result<Option<Self>, Failure> {
        let Some(totals) = rows(peer, "SHOW stuffgate.coverage").await?.into_iter().next() else {
            return Ok(None);
        };
        let mut coverage = Self { totals, missing: Vec::new() };
        if coverage.number("asked") == 0 {
            return Ok(None);
        }
        if !coverage.is_full() {
            let mut legs = rows(peer, "SELECT * FROM stuffgate.legs").await?;
            legs.retain(|leg| value(leg, "outcome") != Some("ok"));
            coverage.missing = legs;
        }
        Ok(Some(coverage))
    }

    /// Whether all stores that were asked are in the answer.
    pub(super) fn is_full(&self) -> bool {
        self.number("ok") == self.number("asked")
    }

    /// `SHOW stuffgate.coverage`, and the legs that are not in the answer, for programs.
    pub(super) fn json(&self) -> serde_json::Value {
        let object = |row: &Named| {
            row.iter().map(|(name, value)| (name.clone(), json(name, value.as_deref()))).collect()
        };
        let mut totals: serde_json::Map<_, _> = object(&self.totals);
        let missing: Vec<serde_json::Map<_, _>> = self.missing.iter().map(object).collect();
        totals.insert("missing".to_owned(), missing.into());
        totals.into()
    }

    /// One line, and one for each of the first stores that are not in the answer.
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.one_line())?;
        let cell = |leg: &Named, name: &str| shown(value(leg, name).unwrap_or_default());
        for leg in self.missing.iter().take(MAX_NAMED) {
            let parts = ["user", "outcome", "sqlstate", "message"].map(|name| cell(leg, name));
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            writeln!(out, "  {}", parts.join("  "))?;
        }
        if let Some(more @ 1..) = self.missing.len().checked_sub(MAX_NAMED) {
            writeln!(out, "  and {more} more: SELECT * FROM stuffgate.legs")?;
        }
        Ok(())
    }

    fn one_line(&self) -> String {
        let outcomes = self.totals.iter().filter(|(name, _)| !NOT_OUTCOMES.contains(&name.as_str()));
        let counts: Vec<String> = outcomes
            .filter_map(|(name, value)| {
                value.as_deref().filter(|value| *value != "0").map(|value| format!("{value} {name}"))
            })
            .collect();
        let why = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
        let elapsed = value(&self.totals, "elapsed_ms")
            .map(|time| format!(" in {} ms", shown(time)))
            .unwrap_or_default();
        format!("Covered {} of {} stores{elapsed}{}", self.number("ok"), self.number("asked"), shown(&why))
    }

    fn number(&self, name: &str) -> u64 {
        value(&self.totals, name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

fn value<'a>(row: &'a Named, name: &str) -> Option<&'a str> {
    row.iter().find(|(column, _)| column == name).and_then(|(_, value)| value.as_deref())
}

/// Counts are numbers; everything else is a text.
fn json(name: &str, value: Option<&str>) -> serde_json::Value {
    let is_text = ["user", "outcome", "sqlstate", "message"].contains(&name);
    let number = || value.and_then(|value| value.parse::<serde_json::Number>().ok());
    match value {
        Some(_) if !is_text && number().is_some() => number().into(),
        value => value.into(),
    }
}

async fn rows(peer: &mut Peer<Stream>, sql: &str) -> Result<Vec<Named>, Failure> {
    let (mut names, mut rows) = (Vec::new(), Vec::new());
    let done = query(peer, sql, |told| {
        match told {
            Told::Columns(columns) => names = columns.into_iter().map(|column| column.name).collect(),
            Told::Row(row) => {
                let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                rows.push(names.iter().cloned().zip(row.into_iter().map(|value| value.map(text))).collect());
            }
            Told::Complete(_) | Told::Notice(_) | Told::Parameter(..) => {}
        }
        Ok(())
    });
    done.await.map_err(|error: TalkError| Failure::new(Exit::Failed, error.to_string()).at(sql))?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<const N: usize>(row: [(&str, &str); N]) -> Named {
        row.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).to_vec()
    }

    fn partial() -> Coverage {
        let totals = named([
            ("asked", "4"),
            ("ok", "2"),
            ("unreachable", "1"),
            ("timeout", "1"),
            ("elapsed_ms", "12.5"),
        ]);
        let leg = |user: &str| named([("user", user), ("outcome", "timeout"), ("message", "no\nanswer")]);
        Coverage { totals, missing: vec![leg("bob"), leg("carol")] }
    }

    #[test]
    fn what_is_missing_is_counted_and_named() {
        let mut out = Vec::new();
        partial().print(&mut out).expect("printed");
        let said = String::from_utf8(out).expect("UTF-8");
        let wanted = "Covered 2 of 4 stores in 12.5 ms: 1 unreachable, 1 timeout\n  bob  timeout  no\\nanswer\n  carol  timeout  no\\nanswer\n";
        assert_eq!(said, wanted);
        assert!(!partial().is_full());
    }

    #[test]
    fn programs_are_told_numbers_as_numbers() {
        let json = partial().json();
        assert_eq!((&json["asked"], &json["elapsed_ms"]), (&4.into(), &12.5.into()));
        assert_eq!(json["missing"][1]["user"], "carol");
    }

    #[test]
    fn of_many_missing_stores_the_first_are_named() {
        let mut coverage = partial();
        coverage.missing = (0..MAX_NAMED + 3).map(|at| named([("user", &format!("u{at}"))])).collect();
        let mut out = Vec::new();
        coverage.print(&mut out).expect("printed");
        assert!(String::from_utf8(out).expect("UTF-8").contains("and 3 more"));
    }
}
