//! Asks gate and oracle the same and tells where they differ.

use crate::compare::difference;
use crate::corpus::Case;
use crate::reply::{Form, Reply, ask};
use crate::stage::Stage;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use stuffgate_tests::testkit::Client;

/// SQLSTATE by which a tier says that it cannot answer.
pub(crate) const NOT_HERE: &str = "0A000";
/// Differences that a failed test shows in full.
const SHOWN: usize = 60;

/// Two sessions with the oracle: one sees the tables as they are, one with `_store`.
pub(crate) struct Oracle {
    public: Client,
    stores: Client,
}

impl Oracle {
    pub(crate) async fn of(stage: &Stage) -> Self {
        Self { public: stage.oracle("public").await, stores: stage.oracle("stores").await }
    }

    pub(crate) async fn ask(&mut self, case: &Case, form: Form) -> Reply {
        let session = if case.schema() == "stores" { &mut self.stores } else { &mut self.public };
        ask(session, form, case.for_oracle(), &case.given()).await.unwrap()
    }

    /// Runs a statement, such as SET, in both.
    pub(crate) async fn set(&mut self, sql: &str) {
        for session in [&mut self.public, &mut self.stores] {
            assert_eq!(session.simple(sql).await.unwrap().errors, []);
        }
    }
}

impl Case {
    /// Its parameters.
    pub(crate) fn given(&self) -> Vec<Option<&str>> {
        self.values.iter().flatten().map(Option::as_deref).collect()
    }

    /// The forms it can be sent in.
    pub(crate) fn forms(&self) -> &'static [Form] {
        if self.values.is_some() { &Form::ALL[1..] } else { &Form::ALL }
    }
}

/// What a run of many comparisons came to.
#[derive(Default)]
pub(crate) struct Tally {
    /// Answered, and refused, by subject.
    pub(crate) by_subject: BTreeMap<String, (usize, usize)>,
    differences: Vec<String>,
    refusals: Vec<String>,
}

impl Tally {
    /// Notes one comparison.
    pub(crate) fn take(&mut self, case: &Case, how: &str, oracle: &Reply, gate: &Reply) {
        let counts = self.by_subject.entry(case.subject.clone()).or_default();
        if is_refused(oracle, gate) {
            counts.1 += 1;
            self.refusals.push(format!("refused {how}: {}\n   {:?}", case.sql, gate.error));
            return;
        }
        counts.0 += 1;
        if let Some(difference) = difference(oracle, gate, case.open) {
            self.differ(case, how, &difference);
        }
    }

    /// Notes a difference.
    pub(crate) fn differ(&mut self, case: &Case, how: &str, difference: &str) {
        let given = case.values.as_ref().map_or_else(String::new, |values| format!("   with {values:?}\n"));
        self.differences.push(format!("{} {how}:\n   {}\n{given}   {difference}\n", case.subject, case.sql));
    }

    /// How many were answered, and how many refused.
    pub(crate) fn counts(&self) -> (usize, usize) {
        self.by_subject.values().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }

    /// Fails if there was any difference.
    pub(crate) fn demand_agreement(&self) {
        let (answered, refused) = self.counts();
        let mut told = format!("{answered} answered, {refused} refused, {} differ\n", self.differences.len());
        for (subject, (answered, refused)) in &self.by_subject {
            let _ = writeln!(told, "  {subject}: {answered} answered, {refused} refused");
        }
        println!("{told}{}", self.refusals.join("\n"));
        let shown: String = self.differences.iter().take(SHOWN).cloned().collect();
        assert!(self.differences.is_empty(), "{told}\n{shown}");
    }
}

/// Whether the gate said that it does not answer this, where the oracle did.
pub(crate) fn is_refused(oracle: &Reply, gate: &Reply) -> bool {
    gate.code() == NOT_HERE && oracle.code() != NOT_HERE
}
