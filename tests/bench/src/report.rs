//! What the bench found, in a shape that is written as Markdown, as JSON and as plots.

use serde::Serialize;

/// What one group of work found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// How it was measured, a sentence or two each.
    pub(crate) notes: Vec<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) plots: Vec<Plot>,
    /// What was measured in each round, by work and target.
    pub(crate) measured: serde_json::Value,
    /// Why it could not be measured, if it could not.
    pub(crate) failure: Option<String>,
}

/// Cells as they are shown.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A goal, and what was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) goal: String,
    pub(crate) measured: f64,
    pub(crate) unit: &'static str,
    pub(crate) bound: Bound,
    pub(crate) met: bool,
}

/// What is asked of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtMost(most) => measured <= most,
            Self::AtLeast(least) => measured >= least,
        }
    }

    fn limit(self) -> f64 {
        let (Self::AtMost(limit) | Self::AtLeast(limit)) = self;
        limit
    }
}

impl Verdict {
    /// `unit` is `×` for a ratio.
    pub(crate) fn new(goal: impl Into<String>, measured: f64, unit: &'static str, bound: Bound) -> Self {
        let met = measured.is_finite() && bound.holds(measured);
        Self { goal: goal.into(), measured, unit, bound, met }
    }

    /// `met`, or by how much it was missed.
    pub(crate) fn word(&self) -> String {
        let limit = self.bound.limit();
        if self.met {
            return "met".to_owned();
        }
        if limit == 0.0 || !self.measured.is_finite() {
            return "**missed**".to_owned();
        }
        format!("**missed by {:.1} %**", ((self.measured - limit) / limit * 100.0).abs())
    }

    /// The figure with its unit.
    pub(crate) fn figure(&self, value: f64) -> String {
        let digits = if value.abs() >= 100.0 || value == value.trunc() { 0 } else { 2 };
        format!("{value:.digits$} {}", self.unit).trim_end().to_owned()
    }

    /// What was asked for, as a table shows it.
    pub(crate) fn wanted(&self) -> String {
        let word = if matches!(self.bound, Bound::AtMost(_)) { "≤" } else { "≥" };
        format!("{word} {}", self.figure(self.bound.limit()))
    }
}

/// Lines over one axis.
#[derive(Debug, Serialize)]
pub(crate) struct Plot {
    /// File name without its ending.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) points: Vec<(f64, f64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_by_how_much_a_goal_was_missed() {
        let table = [
            (1.10, Bound::AtMost(1.10), "met"),
            (1.21, Bound::AtMost(1.10), "**missed by 10.0 %**"),
            (0.90, Bound::AtLeast(1.0), "**missed by 10.0 %**"),
            (1.00, Bound::AtLeast(1.0), "met"),
            (3.0, Bound::AtMost(0.0), "**missed**"),
            (f64::NAN, Bound::AtMost(1.0), "**missed**"),
        ];
        for (measured, bound, expected) in table {
            assert_eq!(Verdict::new("a goal", measured, "×", bound).word(), expected, "{measured} {bound:?}");
        }
    }

    #[test]
    fn a_figure_has_its_unit_and_no_needless_digits() {
        let verdict = Verdict::new("a goal", 1.234, "×", Bound::AtLeast(200.0));
        assert_eq!(verdict.figure(verdict.measured), "1.23 ×");
        assert_eq!(verdict.wanted(), "≥ 200 ×");
        assert_eq!(Verdict::new("a goal", 0.0, "", Bound::AtMost(0.0)).wanted(), "≤ 0");
    }
}
