//! What of a transcript through the gate differs from the one on plain Postgres, and whether it may.

use super::transcript::Transcript;
use crate::differences::Difference;
use std::fmt::Write as _;
use stuffgate_tests::Target;

/// One target's outcome.
pub(crate) struct Compared {
    /// Cases that read as on plain Postgres.
    pub(crate) equal: usize,
    /// Cases that plain Postgres saw.
    pub(crate) all: usize,
    /// What is wrong, for reading; empty when all is as it must be.
    pub(crate) wrong: String,
}

/// Compares case by case. `allowed` are the client's differences, of all targets.
pub(crate) fn compare(
    target: Target,
    plain: &Transcript,
    gate: &Transcript,
    allowed: &[&Difference],
) -> Compared {
    let may =
        |case: &str| allowed.iter().any(|difference| difference.target == target && difference.case == case);
    let (mut equal, mut wrong) = (0, String::new());
    for case in plain.names() {
        let same = plain.seen(case) == gate.seen(case);
        equal += usize::from(same);
        if same && may(case) {
            let _ = writeln!(wrong, "{case}, {}: listed as different, but it is not", target.word());
        }
        if !same && !may(case) {
            wrong += &side_by_side(case, target, [("plain", plain.seen(case)), ("gate", gate.seen(case))]);
        }
    }
    for case in gate.names().filter(|case| plain.seen(case).is_empty() && !may(case)) {
        wrong += &side_by_side(case, target, [("plain", &[]), ("gate", gate.seen(case))]);
    }
    Compared { equal, all: plain.names().count(), wrong }
}

/// Cases that fail on plain Postgres, and are not listed as such or listed for nothing.
pub(crate) fn failed_on_plain(plain: &Transcript, allowed: &[&Difference]) -> String {
    let listed = |case: &str| {
        allowed.iter().any(|difference| difference.target == Target::Plain && difference.case == case)
    };
    let mut wrong = String::new();
    for case in plain.names() {
        match (plain.failed(case), listed(case)) {
            (true, false) => {
                let _ =
                    writeln!(wrong, "{case}: fails on plain Postgres: {}", plain.seen(case).join("\n    "));
            }
            (false, true) => {
                let _ = writeln!(wrong, "{case}: listed as failing on plain Postgres, but it does not");
            }
            _ => {}
        }
    }
    wrong
}

/// Where the two users of one target do not see the same.
pub(crate) fn between_users(target: Target, first: &Transcript, second: &Transcript) -> String {
    let [one, other] = [target.logins()[0], target.logins()[1]];
    let names = first.names().chain(second.names().filter(|case| first.seen(case).is_empty()));
    names
        .filter(|case| first.seen(case) != second.seen(case))
        .map(|case| side_by_side(case, target, [(one, first.seen(case)), (other, second.seen(case))]))
        .collect()
}

/// The lines in which both differ: one by one where they have as many, else all but equal ones at both ends.
fn side_by_side(case: &str, target: Target, both: [(&str, &[String]); 2]) -> String {
    let [(one_is, one), (other_is, other)] = both;
    let mut text = format!("{case}, {}:\n", target.word());
    let mut show = |whose: &str, line: &str| {
        let _ = writeln!(text, "    {whose:<5} | {line}");
    };
    if one.len() == other.len() {
        for (line, another) in one.iter().zip(other).filter(|(line, another)| line != another) {
            show(one_is, line);
            show(other_is, another);
        }
        return text;
    }
    let equal = |(line, another): &(&String, &String)| line == another;
    let alike = one.iter().zip(other).take_while(equal).count();
    let ends = one[alike..].iter().rev().zip(other[alike..].iter().rev()).take_while(equal).count();
    for (whose, lines) in both {
        lines[alike..lines.len() - ends].iter().for_each(|line| show(whose, line));
    }
    let _ = writeln!(text, "    ({} lines, {} lines)", one.len(), other.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cases: &str) -> Transcript {
        Transcript::read(&format!("client: c 1\n{cases}")).unwrap()
    }

    const LISTED: Difference = Difference { test: "c", case: "copy", target: Target::Schema, reason: "" };

    #[test]
    fn a_difference_must_be_listed_and_a_listed_one_must_occur() {
        let (one, other) = (read("crud: 1\ncopy: 2"), read("crud: 1\ncopy: 3"));
        let compared = compare(Target::Schema, &one, &other, &[]);
        assert_eq!((compared.equal, compared.all), (1, 2));
        assert!(compared.wrong.contains("plain | 2\n    gate  | 3"), "{}", compared.wrong);
        assert_eq!(compare(Target::Schema, &one, &other, &[&LISTED]).wrong, "");
        assert_ne!(compare(Target::Database, &one, &other, &[&LISTED]).wrong, "");
        assert_ne!(compare(Target::Schema, &one, &one, &[&LISTED]).wrong, "");
    }

    #[test]
    fn a_case_that_only_one_of_them_has_is_a_difference() {
        let (one, other) = (read("crud: 1\ncopy: 2"), read("crud: 1"));
        assert_ne!(compare(Target::Schema, &one, &other, &[]).wrong, "");
        assert_ne!(compare(Target::Schema, &other, &one, &[]).wrong, "");
    }

    #[test]
    fn what_fails_everywhere_is_no_success() {
        let failing = read("crud: ERROR 42601 syntax");
        assert_eq!(compare(Target::Schema, &failing, &failing, &[]).wrong, "");
        assert_ne!(failed_on_plain(&failing, &[]), "");
        let listed = Difference { case: "crud", target: Target::Plain, ..LISTED };
        assert_eq!(failed_on_plain(&failing, &[&listed]), "");
        assert_ne!(failed_on_plain(&read("crud: 1"), &[&listed]), "");
    }
}
