//! How a client is told what a fan-out asked and what it got; pure.

use super::answers::{Answer, Cell, Kind, Named};
use model::{Coverage, Outcome};
use std::time::Duration;
use wire::{Fields, Severity, sqlstate};

/// The parameter that drivers may read after each statement.
pub(super) const PARAMETER: &str = "stuffgate.coverage";

/// Names of stores that a warning has for each outcome.
const MAX_NAMES: usize = 3;

/// Every outcome that there was, with its count: `asked=100 ok=97 timeout=3`.
pub(super) fn compact(coverage: &Coverage) -> String {
    let counts = Outcome::ALL.into_iter().map(|outcome| (outcome, coverage.count(outcome)));
    let counts = counts.filter(|(outcome, count)| *outcome == Outcome::Ok || *count > 0);
    let counts: String = counts.map(|(outcome, count)| format!(" {}={count}", outcome.as_str())).collect();
    format!("asked={}{counts}", coverage.asked())
}

/// What is missing, with the first names: `timeout: 2 (bob, carol); schema: 1 (dave).`
pub(super) fn missing(coverage: &Coverage) -> String {
    let missing = Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Ok);
    let missing: Vec<String> = missing.filter_map(|outcome| one(coverage, outcome)).collect();
    format!("{}.", missing.join("; "))
}

fn one(coverage: &Coverage, outcome: Outcome) -> Option<String> {
    let count = coverage.count(outcome);
    if count == 0 {
        return None;
    }
    let names = coverage.legs.iter().filter(|leg| leg.outcome == outcome).map(|leg| leg.user.as_str());
    let mut names: Vec<&str> = names.take(MAX_NAMES).collect();
    if count > MAX_NAMES {
        names.push("…");
    }
    Some(format!("{}: {count} ({})", outcome.as_str(), names.join(", ")))
}

/// The warning ahead of an answer that not all stores are part of.
pub(super) fn warning(coverage: &Coverage) -> Option<Fields> {
    if coverage.is_full() {
        return None;
    }
    let (ok, asked) = (coverage.count(Outcome::Ok), coverage.asked());
    let message = format!("fan-out covered {ok} of {asked} stores");
    let fields = Fields::notice(sqlstate::WARNING, message).with_severity(Severity::Warning);
    let hint = "SELECT * FROM stuffgate.legs says what became of each; SHOW stuffgate.coverage counts.";
    Some(fields.with_detail(missing(coverage)).with_hint(hint))
}

/// The columns of `SHOW stuffgate.coverage`.
pub(super) fn columns() -> Vec<Named> {
    let integer = |name: &str| (name.to_owned(), Kind::Integer);
    let counts = Outcome::ALL.into_iter().map(|outcome| integer(outcome.as_str()));
    let last = [("percent".to_owned(), Kind::Real), ("elapsed_ms".to_owned(), Kind::Real)];
    std::iter::once(integer("asked")).chain(counts).chain(last).collect()
}

/// Its one row: of the session's last fan-out, zeros where there was none.
pub(super) fn shown(coverage: Option<&Coverage>) -> Answer {
    let none = Coverage::default();
    let known = coverage.unwrap_or(&none);
    let integer = |count: usize| Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    let counts = Outcome::ALL.into_iter().map(|outcome| integer(known.count(outcome)));
    let last = match coverage {
        Some(known) => [Cell::Real(percent(known)), Cell::Real(milliseconds(known.elapsed))],
        None => [Cell::Null, Cell::Null],
    };
    let row = std::iter::once(integer(known.asked())).chain(counts).chain(last).collect();
    Answer { columns: columns(), row, tag: "SHOW".to_owned(), warning: None }
}

/// With two digits behind the point, rounded down: only full coverage is 100.
fn percent(coverage: &Coverage) -> f64 {
    (coverage.share() * 10_000.0).floor() / 100.0
}

/// With three digits behind the point.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::LegReport;

    fn coverage(outcomes: &[(&str, Outcome)]) -> Coverage {
        let leg = |(user, outcome): &(&str, Outcome)| LegReport {
            user: user.parse().expect("a name"),
            outcome: *outcome,
            sqlstate: None,
            message: None,
            rows: 0,
            bytes: 0,
            elapsed: Duration::ZERO,
        };
        Coverage { legs: outcomes.iter().map(leg).collect(), elapsed: Duration::from_micros(1_234_567) }
    }

    #[test]
    fn what_is_missing_is_counted_and_named() {
        use Outcome::{Ok, Schema, Timeout};
        let all = [("a", Ok), ("b", Timeout), ("c", Timeout), ("d", Timeout), ("e", Timeout), ("f", Schema)];
        let coverage = coverage(&all);
        assert_eq!(compact(&coverage), "asked=6 ok=1 schema=1 timeout=4");
        let warning = warning(&coverage).expect("a warning");
        assert_eq!(warning.message, "fan-out covered 1 of 6 stores");
        assert_eq!(warning.detail.as_deref(), Some("schema: 1 (f); timeout: 4 (b, c, d, …)."));
        let shown = shown(Some(&coverage));
        assert_eq!(shown.row.len(), shown.columns.len());
        assert_eq!(shown.row.first(), Some(&Cell::Integer(6)));
        assert_eq!(shown.row.get(11..), Some(&[Cell::Real(16.66), Cell::Real(1234.567)][..]));
    }

    #[test]
    fn full_coverage_is_no_warning_and_none_at_all_is_shown_as_such() {
        let full = coverage(&[("a", Outcome::Ok)]);
        assert_eq!((warning(&full), compact(&full).as_str()), (None, "asked=1 ok=1"));
        assert_eq!(compact(&Coverage::default()), "asked=0 ok=0");
        assert_eq!(shown(None).row.last(), Some(&Cell::Null));
        assert_eq!(percent(&full), 100.0);
    }
}
