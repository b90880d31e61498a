//! What was measured, round by round: ratios are formed within a round, where the machine's noise is shared.

use crate::stats::{median, spread_percent};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Values by what was done (`8 prepared`) and to whom (`gate`), one for each round.
#[derive(Debug, Default)]
pub(crate) struct Rounds(BTreeMap<(String, String), Vec<f64>>);

impl Rounds {
    pub(crate) fn add(&mut self, work: &str, target: &str, value: f64) {
        self.0.entry((work.to_owned(), target.to_owned())).or_default().push(value);
    }

    fn values(&self, work: &str, target: &str) -> &[f64] {
        self.0.get(&(work.to_owned(), target.to_owned())).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn median(&self, work: &str, target: &str) -> f64 {
        median(self.values(work, target))
    }

    pub(crate) fn spread_percent(&self, work: &str, target: &str) -> f64 {
        spread_percent(self.values(work, target))
    }

    /// The greatest value of any round.
    pub(crate) fn most(&self, work: &str, target: &str) -> Option<f64> {
        self.values(work, target).iter().copied().reduce(f64::max)
    }

    /// The median over rounds of one target's value divided by another's in the same round.
    pub(crate) fn ratio(&self, work: &str, of: &str, to: &str) -> f64 {
        self.ratio_of((work, of), (work, to))
    }

    /// The same for two kinds of work, each done to a target of its own.
    pub(crate) fn ratio_of(&self, of: (&str, &str), to: (&str, &str)) -> f64 {
        let pairs = self.values(of.0, of.1).iter().zip(self.values(to.0, to.1));
        median(&pairs.map(|(above, below)| above / below).collect::<Vec<_>>())
    }

    /// Median and spread as a table shows them.
    pub(crate) fn cell(&self, work: &str, target: &str, digits: usize) -> String {
        if self.values(work, target).is_empty() {
            return "–".to_owned();
        }
        let (middle, spread) = (self.median(work, target), self.spread_percent(work, target));
        format!("{middle:.digits$} ±{spread:.0} %")
    }
}

impl Serialize for Rounds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut works: BTreeMap<&str, BTreeMap<&str, &[f64]>> = BTreeMap::new();
        for ((work, target), values) in &self.0 {
            works.entry(work).or_default().insert(target, values);
        }
        works.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_formed_within_each_round() {
        let mut rounds = Rounds::default();
        // The machine is three times as slow in the second round, for both.
        for (gate, relay) in [(2.2, 2.0), (6.6, 6.0), (2.2, 2.0)] {
            rounds.add("8 simple", "gate", gate);
            rounds.add("8 simple", "relay", relay);
        }
        assert!((rounds.ratio("8 simple", "gate", "relay") - 1.1).abs() < 1e-12);
        assert_eq!(rounds.median("8 simple", "gate"), 2.2);
        assert_eq!(rounds.cell("8 simple", "gate", 1), "2.2 ±100 %");
        assert_eq!(rounds.cell("8 simple", "nobody", 1), "–");
    }
}
