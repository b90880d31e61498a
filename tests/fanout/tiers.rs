//! Each tier, forced, answers as the oracle does or says that it cannot; and each answers enough.

use crate::agreement::{Oracle, Tally, is_refused};
use crate::corpus;
use crate::reply::{Form, ask};
use crate::stage::Stage;

/// Asks the whole corpus at one tier, of which at least `least` queries must be answered. What is marked for the
/// tier must be among them.
async fn holds_at(tier: &str, form: Form, least: usize) {
    let stage = Stage::start().await;
    let mut oracle = Oracle::of(&stage).await;
    let mut analyst = stage.analyst(tier).await;
    let mut tally = Tally::default();
    for case in &corpus::all() {
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
    let answered: usize = tally.counts().0;
    assert!(corpus::part().is_some() || answered >= least, "{answered} answered at {tier}");
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
