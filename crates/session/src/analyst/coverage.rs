//! How a client is told what a fan-out asked and what it got; pure.

use super::answers::{Answer, Cell, Kind, Named};
use model::{Coverage, Outcome};
use std::time::Duration;

/// The parameter that drivers may read after each statement.
pub(super) const PARAMETER: &str = "stuffgate.coverage";

/// Every outcome that there was, with its count: `asked=100 ok=97 timeout=3`.
pub(super) fn compact(coverage: &Coverage) -> String {
    let counts = Outcome::ALL.into_iter().map(|outcome| (outcome, coverage.count(outcome)));
    let counts = counts.filter(|(outcome, count)| *outcome == Outcome::Ok || *count > 0);
    let counts: String = counts.map(|(outcome, count)| format!(" {}={count}", outcome.as_str())).collect();
    format!("asked={}{counts}", coverage.asked())
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
            rows: None,
            bytes: None,
            elapsed: Duration::ZERO,
        };
        Coverage { legs: outcomes.iter().map(leg).collect(), elapsed: Duration::from_micros(1_234_567) }
    }

    #[test]
    fn every_outcome_is_counted() {
        use Outcome::{Ok, Schema, Timeout};
        let all = [("a", Ok), ("b", Timeout), ("c", Timeout), ("d", Timeout), ("e", Timeout), ("f", Schema)];
        let coverage = coverage(&all);
        assert_eq!(compact(&coverage), "asked=6 ok=1 schema=1 timeout=4");
        let shown = shown(Some(&coverage));
        assert_eq!(shown.row.len(), shown.columns.len());
        assert_eq!(shown.row.first(), Some(&Cell::Integer(6)));
        assert_eq!(shown.row.get(11..), Some(&[Cell::Real(16.66), Cell::Real(1234.567)][..]));
    }

    #[test]
    fn only_full_coverage_is_all_of_it_and_none_at_all_is_shown_as_such() {
        let full = coverage(&[("a", Outcome::Ok)]);
        assert_eq!(compact(&full), "asked=1 ok=1");
        assert_eq!(compact(&Coverage::default()), "asked=0 ok=0");
        assert_eq!(shown(None).row.last(), Some(&Cell::Null));
        assert_eq!(percent(&full), 100.0);
    }
}
