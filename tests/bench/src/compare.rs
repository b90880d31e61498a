//! Loads that are held against each other: each in turn, round after round.

use crate::options::Options;
use crate::pgbench::{self, Load};
use crate::rounds::Rounds;
use crate::target::Target;
use anyhow::Result;
use testkit::scratch::Folder;

/// A load on a target.
pub(crate) struct Case<'c> {
    /// What is done, as tables and figures name it.
    pub(crate) work: String,
    pub(crate) target: &'c Target,
    pub(crate) load: Load<'c>,
}

/// What came of all cases.
#[derive(Default)]
pub(crate) struct Compared {
    /// CPU seconds per 100,000 transactions.
    pub(crate) costs: Rounds,
    /// Transactions per second.
    pub(crate) rates: Rounds,
}

/// Runs every case once in each round; nobody is always the first of a round.
pub(crate) fn interleave(
    group: &str,
    folder: &Folder,
    options: &Options,
    cases: &[Case<'_>],
) -> Result<Compared> {
    let mut compared = Compared::default();
    for round in 0..options.rounds() {
        eprintln!("bench: {group}, round {} of {}", round + 1, options.rounds());
        for step in 0..cases.len() {
            let case = &cases[(step + round) % cases.len()];
            let outcome = pgbench::run(folder, case.target, &case.load)?;
            compared.rates.add(&case.work, &case.target.name, outcome.rate);
            if let Some(cost) = outcome.cost() {
                compared.costs.add(&case.work, &case.target.name, cost);
            }
        }
    }
    Ok(compared)
}

impl Compared {
    /// A row for each case: work, target, CPU time, rate.
    pub(crate) fn rows(&self, cases: &[Case<'_>]) -> Vec<Vec<String>> {
        let row = |case: &Case<'_>| {
            let (work, name) = (case.work.as_str(), case.target.name.as_str());
            let (cost, rate) = (self.costs.cell(work, name, 2), self.rates.cell(work, name, 0));
            vec![work.to_owned(), name.to_owned(), cost, rate]
        };
        cases.iter().map(row).collect()
    }

    /// The heads of these rows.
    pub(crate) fn head() -> Vec<String> {
        ["work", "target", "CPU s per 100,000", "per second"].map(str::to_owned).to_vec()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "cpu_s_per_100k": self.costs, "tps": self.rates })
    }
}
