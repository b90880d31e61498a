//! What is told of coverage: the warning under an answer, and the error in its place.

use model::{Coverage, Outcome};
use std::fmt::Write as _;
use wire::{Fields, Severity, sqlstate};

/// Most users who are named for one outcome.
const MAX_NAMED: usize = 3;

/// Where everything about the last fan-out can be read.
const LOOK_AT_LEGS: &str = "SELECT * FROM stuffgate.legs";

/// The WARNING that goes before CommandComplete; none where all that were asked are part of the answer.
#[must_use]
pub fn warning(coverage: &Coverage) -> Option<Fields> {
    let fields = Fields::new(Severity::Warning, sqlstate::WARNING, summary(coverage));
    if coverage.asked() == 0 {
        let detail = "No user has granted the service access to a store for fan-outs.";
        return Some(fields.with_detail(detail).with_hint("A user grants it: stuffgate grant USER SERVICE."));
    }
    (!coverage.is_full()).then(|| fields.with_detail(missing(coverage)).with_hint(LOOK_AT_LEGS))
}

/// Whether there may be an answer: at least one store has to be part of it, and at least `min_coverage` of
/// those that were asked.
pub(crate) fn check(coverage: &Coverage, min_coverage: f64) -> Result<(), Box<Fields>> {
    let answered = coverage.count(Outcome::Ok);
    if coverage.asked() == 0 {
        return Ok(());
    }
    let message = if answered == 0 {
        format!("none of {} stores answered the fan-out", coverage.asked())
    } else if coverage.share() < min_coverage {
        format!("{}, fewer than fanout.min_coverage = {min_coverage} demands", summary(coverage))
    } else {
        return Ok(());
    };
    let fields = Fields::error(sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
    Err(Box::new(fields.with_detail(missing(coverage)).with_hint(LOOK_AT_LEGS)))
}

fn summary(coverage: &Coverage) -> String {
    format!("fan-out covered {} of {} stores", coverage.count(Outcome::Ok), coverage.asked())
}

/// `2 unreachable (alice, bob), 1 schema (carol).`, the commonest first.
fn missing(coverage: &Coverage) -> String {
    let mut outcomes: Vec<(Outcome, usize)> = Outcome::ALL
        .into_iter()
        .filter(|outcome| *outcome != Outcome::Ok)
        .map(|outcome| (outcome, coverage.count(outcome)))
        .filter(|(_, count)| *count > 0)
        .collect();
    outcomes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut text = String::new();
    for (at, (outcome, count)) in outcomes.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{count} {} ({})", outcome.as_str(), named(coverage, *outcome, *count));
    }
    let first = coverage.legs.iter().find_map(|leg| {
        let outcome = outcomes.first()?.0;
        (leg.outcome == outcome).then(|| leg.message.as_ref().map(|message| (&leg.user, message)))?
    });
    match first {
        Some((user, message)) => format!("{text}. {user}: {message}"),
        None => format!("{text}."),
    }
}

fn named(coverage: &Coverage, outcome: Outcome, count: usize) -> String {
    let legs = coverage.legs.iter().filter(|leg| leg.outcome == outcome);
    let mut names: Vec<&str> = legs.take(MAX_NAMED).map(|leg| leg.user.as_str()).collect();
    if count > MAX_NAMED {
        names.push("…");
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::LegReport;
    use std::time::Duration;

    fn covered(outcomes: &[(&str, Outcome)]) -> Coverage {
        let leg = |(user, outcome): &(&str, Outcome)| LegReport {
            user: user.parse().expect("a name"),
            outcome: *outcome,
            sqlstate: None,
            message: (*outcome != Outcome::Ok).then(|| format!("{} it is", outcome.as_str())),
            rows: None,
            bytes: None,
            elapsed: Duration::ZERO,
        };
        Coverage { legs: outcomes.iter().map(leg).collect(), elapsed: Duration::ZERO }
    }

    #[test]
    fn the_warning_counts_by_outcome_and_names_the_first() {
        use Outcome::{Ok, Schema, Unreachable};
        assert_eq!(warning(&covered(&[("a", Ok)])), None);
        let lost = [("b", Unreachable), ("c", Schema), ("d", Schema), ("e", Schema), ("f", Schema)];
        let told = warning(&covered(&[&[("a", Ok)], &lost[..]].concat())).expect("a warning");
        assert_eq!(told.message, "fan-out covered 1 of 6 stores");
        assert_eq!(told.detail.as_deref(), Some("4 schema (c, d, e, …), 1 unreachable (b). c: schema it is"));
        assert_eq!((told.severity, told.code), (Severity::Warning, sqlstate::WARNING));
        let nobody = warning(&covered(&[])).expect("a warning");
        assert_eq!(nobody.message, "fan-out covered 0 of 0 stores");
    }

    #[test]
    fn below_the_minimum_and_without_any_answer_there_is_an_error() {
        use Outcome::{Cancelled, Ok};
        let half = covered(&[("a", Ok), ("b", Cancelled)]);
        assert!(check(&half, 0.5).is_ok());
        assert!(check(&half, 0.51).is_err_and(|error| error.message.contains("1 of 2")));
        assert!(check(&covered(&[("b", Cancelled)]), 0.0).is_err());
        assert!(check(&covered(&[]), 1.0).is_ok(), "an empty union is an answer");
    }
}
