//! The analyst's answers are the oracle's, whatever the query and however it is sent.

use crate::agreement::{Oracle, Tally, is_refused};
use crate::corpus::{self, Case};
use crate::reply::{Form, ask};
use crate::stage::Stage;

/// The part of the corpus that must be answered, not refused.
const ANSWERED_PERCENT: usize = 97;

#[tokio::test]
async fn every_query_of_the_corpus_is_one_that_postgres_takes() {
    let stage = Stage::start().await;
    let mut oracle = Oracle::of(&stage).await;
    let mut wrong = Vec::new();
    let cases = corpus::all();
    assert!(corpus::part().is_some() || cases.len() >= 350, "{} queries", cases.len());
    for case in &cases {
        let reply = oracle.ask(case, Form::Text).await;
        if (case.subject == "errors") != reply.error.is_some() {
            wrong.push(format!("{}: {}\n   {:?}", case.subject, case.sql, reply.error));
        }
    }
    println!("{} queries", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_postgres_leaves_open_is_known_of_every_query() {
    let stage = Stage::start().await;
    let mut oracle = Oracle::of(&stage).await;
    let mut first = Vec::new();
    for case in corpus::all() {
        first.push((oracle.ask(&case, Form::Text).await, case));
    }
    stage.turn_oracle_around().await;
    let mut tally = Tally::default();
    for (wanted, case) in &first {
        let got = oracle.ask(case, Form::Text).await;
        tally.take(case, "backwards", wanted, &got);
    }
    tally.demand_agreement();
}

/// Asks the whole corpus in one form, at the tier that the gate chooses.
async fn are_the_oracles(form: Form) {
    let stage = Stage::start().await;
    let mut oracle = Oracle::of(&stage).await;
    let mut analyst = stage.analyst("auto").await;
    let mut tally = Tally::default();
    for case in corpus::all().iter().filter(|case| case.forms().contains(&form)) {
        let wanted = oracle.ask(case, form).await;
        let got = ask(&mut analyst, form, &case.sql, &case.given()).await;
        let got = got.unwrap_or_else(|error| panic!("{error}: {}\n{}", case.sql, stage.world.gate.log()));
        must_be_answered(&mut tally, case, form, is_refused(&wanted, &got));
        tally.take(case, &format!("{form:?}"), &wanted, &got);
    }
    tally.demand_agreement();
    let (answered, refused) = tally.counts();
    assert!(
        corpus::part().is_some() || answered * 100 >= (answered + refused) * ANSWERED_PERCENT,
        "{answered} answered, {refused} refused"
    );
}

#[tokio::test]
async fn answers_to_simple_queries_are_the_oracles() {
    are_the_oracles(Form::Simple).await;
}

#[tokio::test]
async fn answers_to_extended_queries_in_text_are_the_oracles() {
    are_the_oracles(Form::Text).await;
}

#[tokio::test]
async fn answers_to_extended_queries_in_binary_are_the_oracles() {
    are_the_oracles(Form::Binary).await;
}

/// A query marked for a tier must not be refused where the gate may choose that tier itself.
fn must_be_answered(tally: &mut Tally, case: &Case, form: Form, refused: bool) {
    if refused && !case.tiers.is_empty() {
        tally.differ(case, &format!("{form:?}"), "must be answered");
    }
}
