//! Figures that counted instructions are held against.

use crate::Error;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How far a count may be from its figure, in percent, either way: a count that has become much better
/// is to be written down, or what was won could be lost again unseen.
pub const TOLERANCE_PERCENT: u64 = 2;

/// Instructions of one round, case by case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The C library and the valgrind that they were counted with.
    pub made_with: String,
    /// By the case's name.
    pub counts: BTreeMap<String, u64>,
}

/// What became of every case.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    lines: Vec<Line>,
    /// Old and new, when they differ.
    tools: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Line {
    name: String,
    before: Option<u64>,
    now: Option<u64>,
}

impl Baseline {
    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = "# Instructions of one round of each case, counted by callgrind.\n\
                        # Renewed by `STUFFGATE_WRITE_BASELINE=1 tests/instructions`.\n"
            .to_owned();
        let mut top = toml::Table::new();
        top.insert("made_with".to_owned(), self.made_with.clone().into());
        let counts = self.counts.iter().map(|(name, count)| {
            (name.clone(), toml::Value::Integer(i64::try_from(*count).unwrap_or(i64::MAX)))
        });
        top.insert("instructions".to_owned(), toml::Value::Table(counts.collect()));
        text.push_str(&top.to_string());
        text
    }

    /// Reads what [`Baseline::to_text`] wrote.
    ///
    /// # Errors
    /// [`Error::Unexpected`] when it is something else.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let bad = |what: &str| Error::Unexpected(format!("the file of instructions: {what}"));
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| bad(&error.to_string()))?;
        let made_with = table.get("made_with").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let counts = table.get("instructions").and_then(toml::Value::as_table);
        let counts =
            counts.ok_or_else(|| bad("it has no table `instructions`"))?.iter().map(|(name, count)| {
                let count = count.as_integer().and_then(|count| u64::try_from(count).ok());
                Ok((name.clone(), count.ok_or_else(|| bad(name))?))
            });
        Ok(Self { made_with, counts: counts.collect::<Result<_, Error>>()? })
    }

    /// Holds counts of now against these.
    #[must_use]
    pub fn compare(&self, now: &Self) -> Verdict {
        let names: BTreeSet<&String> = self.counts.keys().chain(now.counts.keys()).collect();
        let lines = names.into_iter().map(|name| Line {
            name: name.clone(),
            before: self.counts.get(name).copied(),
            now: now.counts.get(name).copied(),
        });
        let tools =
            (self.made_with != now.made_with).then(|| (self.made_with.clone(), now.made_with.clone()));
        Verdict { lines: lines.collect(), tools }
    }
}

impl Verdict {
    /// Whether every case has a figure and keeps to it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.lines.iter().all(Line::is_good)
    }
}

impl Line {
    /// In percent, when there are both.
    fn change(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a percentage")]
        let (before, now) = (self.before? as f64, self.now? as f64);
        Some((now / before - 1.0) * 100.0)
    }

    fn is_good(&self) -> bool {
        self.before.zip(self.now).is_some_and(|(before, now)| {
            before > 0 && before.abs_diff(now).saturating_mul(100) <= before.saturating_mul(TOLERANCE_PERCENT)
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        writeln!(f, "{:<44} {:>9} {:>9}", "instructions of one round", "before", "now")?;
        for line in &self.lines {
            write!(f, "{:<44} {:>9} {:>9}", line.name, figure(line.before), figure(line.now))?;
            match line.change() {
                Some(change) if line.is_good() => writeln!(f, " {change:>+6.1} %")?,
                Some(change) if change > 0.0 => writeln!(f, " {change:>+6.1} %  MORE")?,
                Some(change) => writeln!(f, " {change:>+6.1} %  FEWER: renew the file")?,
                None => writeln!(f, "  one of the two is missing: renew the file")?,
            }
        }
        if let (false, Some((before, now))) = (self.is_good(), &self.tools) {
            writeln!(
                f,
                "counted with {now}, the file was made with {before}: that alone may be the difference"
            )?;
        }
        Ok(())
    }
}

/// The total of a report of callgrind's.
pub(super) fn summary(report: &str) -> Result<u64, Error> {
    let line = report.lines().rev().find_map(|line| line.strip_prefix("summary: "));
    let total = line.and_then(|total| total.split_whitespace().next()?.parse().ok());
    total.filter(|total| *total > 0).ok_or_else(|| {
        Error::Unexpected("callgrind counted nothing: is there no `counted` in the bench?".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(counts: &[(&str, u64)]) -> Baseline {
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Baseline { made_with: "a, b".to_owned(), counts }
    }

    #[test]
    fn two_percent_either_way_are_borne_and_no_more() {
        let before = baseline(&[("query", 10_000)]);
        for (now, good) in [(10_000, true), (10_200, true), (9_800, true), (10_201, false), (9_799, false)] {
            let verdict = before.compare(&baseline(&[("query", now)]));
            assert_eq!(verdict.is_good(), good, "{now}");
        }
    }

    #[test]
    fn a_case_without_a_figure_is_refused_and_so_is_a_figure_without_a_case() {
        let (one, two) = (baseline(&[("a", 1)]), baseline(&[("a", 1), ("b", 2)]));
        assert!(!one.compare(&two).is_good());
        assert!(!two.compare(&one).is_good());
        assert!(two.compare(&two).is_good());
        assert!(!baseline(&[("a", 0)]).compare(&one).is_good());
    }

    #[test]
    fn what_is_written_is_read() {
        let written = baseline(&[("simple query", 1234), ("bind, execute", 5)]);
        assert_eq!(Baseline::from_text(&written.to_text()).ok(), Some(written));
        assert!(Baseline::from_text("made_with = 'a'").is_err());
        assert!(Baseline::from_text("[instructions]\na = -1").is_err());
    }

    #[test]
    fn a_report_that_counted_nothing_is_no_report() {
        assert_eq!(summary("events: Ir\nsummary: 4711\n\n").ok(), Some(4711));
        assert!(summary("summary: 0\n").is_err());
        assert!(summary("events: Ir\n").is_err());
    }

    #[test]
    fn other_tools_are_named_where_figures_are_missed() {
        let before = baseline(&[("a", 100)]);
        let now = Baseline { made_with: "c".to_owned(), ..baseline(&[("a", 200)]) };
        let said = before.compare(&now).to_string();
        assert!(said.contains("counted with c, the file was made with a, b"), "{said}");
        assert!(!before.compare(&before).to_string().contains("counted with"));
    }
}
