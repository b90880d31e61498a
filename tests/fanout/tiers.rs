//! Each tier, forced, answers as the oracle does or says that it cannot; and each answers enough.

use crate::agreement::{Oracle, Tally, is_refused};
use crate::corpus::{self, Case};
use crate::data::STORES;
use crate::reply::{Form, ask};
use crate::stage::{PATIENT, SCHEMA, Stage};
use stuffgate_tests::WorldPlan;

/// Subjects in which aggregates are put together from parts.
const COMBINED: [&str; 4] = ["aggregates", "float_aggregates", "statistics", "ordered_sets"];

/// Asks the whole corpus at one tier, of which at least `least` queries must be answered. What is marked for the
/// tier must be among them.
async fn holds_at(tier: &str, form: Form, least: usize) {
    let answered = agrees(&Stage::start().await, &corpus::all(), tier, form).await;
    assert!(corpus::part().is_some() || answered >= least, "{answered} answered at {tier}");
}

/// Asks all of it and tells how many were answered.
async fn agrees(stage: &Stage, cases: &[Case], tier: &str, form: Form) -> usize {
    let mut oracle = Oracle::of(stage).await;
    let mut analyst = stage.analyst(tier).await;
    let mut tally = Tally::default();
    for case in cases {
        let form = if case.forms().contains(&form) { form } else { Form::Text };
        let wanted = oracle.ask(case, form).await;
        let got = ask(&mut analyst, form, &case.sql, &case.given()).await;
        let got = got.unwrap_or_else(|error| panic!("{error}: {}\n{}", case.sql, stage.world.gate.log()));
        if is_refused(&wanted, &got) && case.tiers.iter().any(|marked| marked == tier) {
            tally.differ(case, tier, &format!("must be answered at this tier\n      {:?}", got.error));
        }
        tally.take(case, tier, &wanted, &got);
    }
    tally.demand_agreement();
    tally.counts().0
}

#[tokio::test]
async fn gathering_answers_nearly_everything_and_as_the_oracle_does() {
    holds_at("t3", Form::Simple, 870).await;
}

#[tokio::test]
async fn combining_partial_aggregates_comes_to_what_the_oracle_answers() {
    holds_at("t2", Form::Binary, 500).await;
}

#[tokio::test]
async fn folding_partial_aggregates_first_changes_no_answer() {
    holds_at("t1", Form::Text, 420).await;
}

#[tokio::test]
async fn rows_that_stream_are_the_oracles_rows_in_its_order() {
    holds_at("t0", Form::Binary, 180).await;
}

#[tokio::test]
async fn aggregates_are_combined_by_the_newest_postgres_as_well() {
    let plan = WorldPlan::default().users(STORES.map(|(name, _)| name)).majors([18]).settings(PATIENT);
    let stage = Stage::of(plan, |_| SCHEMA.to_owned()).await;
    let mut cases = corpus::newer();
    cases.extend(corpus::all().into_iter().filter(|case| COMBINED.contains(&case.subject.as_str())));
    for tier in ["t2", "t3"] {
        agrees(&stage, &cases, tier, Form::Text).await;
    }
}
