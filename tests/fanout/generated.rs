//! Random queries are answered as the oracle answers them, at every tier that takes them.
//!
//! A change is judged by the same queries as the one before: those of [`SEED`]. To look for others, `STUFFGATE_SEED=…`
//! takes other ones and `STUFFGATE_CASES=…` more of them.

use crate::agreement::{Oracle, Tally, is_refused};
use crate::compare::difference;
use crate::generator::queries;
use crate::reply::{Form, ask};
use crate::stage::Stage;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::{Cell, RefCell};
use std::env;

const SEED: u64 = 5;
const CASES: u32 = 400;
const SHRINKS: u32 = 400;
/// The part of the queries that must be answered.
const ANSWERED_PERCENT: u32 = 97;
/// The part that must be answered without gathering.
const COMBINED_PERCENT: u32 = 15;
const TIERS: [(&str, Form); 5] = [
    ("auto", Form::Text),
    ("t3", Form::Simple),
    ("t2", Form::Binary),
    ("t1", Form::Text),
    ("t0", Form::Binary),
];

#[test]
fn random_queries_are_answered_as_the_oracle_answers_them() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stage = runtime.block_on(Stage::start());
    let oracle = RefCell::new(runtime.block_on(Oracle::of(&stage)));
    let analysts = TIERS
        .map(|(tier, form)| (tier, form, RefCell::new(runtime.block_on(stage.analyst(tier))), Cell::new(0)));
    let (seed, cases) = (number("STUFFGATE_SEED", SEED), number("STUFFGATE_CASES", CASES.into()));
    let cases = u32::try_from(cases).unwrap();
    println!("STUFFGATE_SEED={seed}");
    let mut runner = runner(seed, cases);
    let outcome = runner.run(&queries(), |query| {
        let case = query.case();
        for (tier, form, analyst, answered) in &analysts {
            let wanted = runtime.block_on(oracle.borrow_mut().ask(&case, *form));
            let got = runtime.block_on(ask(&mut analyst.borrow_mut(), *form, &case.sql, &[]));
            let got = got.map_err(|error| TestCaseError::fail(format!("{tier} {form:?}: {error}")))?;
            if is_refused(&wanted, &got) {
                continue;
            }
            answered.set(answered.get() + 1);
            if let Some(said) = difference(&wanted, &got, case.open) {
                return Err(TestCaseError::fail(format!("{tier} {form:?}: {said}")));
            }
        }
        Ok(())
    });
    let counts = analysts.each_ref().map(|(tier, .., answered)| (*tier, answered.get()));
    println!("{cases} queries; answered: {counts:?}");
    if let Err(TestError::Fail(why, query)) = outcome {
        panic!("STUFFGATE_SEED={seed}\n{}\n{why}\n{}", query.case().sql, tail(&stage.world.gate.log()));
    }
    outcome.unwrap();
    assert!(
        counts[0].1 * 100 >= cases * ANSWERED_PERCENT && counts[1].1 * 100 >= cases * ANSWERED_PERCENT,
        "{counts:?}"
    );
    assert!(counts[2].1 * 100 >= cases * COMBINED_PERCENT, "{counts:?}");
}

#[tokio::test]
async fn random_queries_are_ones_that_postgres_takes_and_leave_nothing_open() {
    let stage = Stage::start().await;
    let mut oracle = Oracle::of(&stage).await;
    let seed = number("STUFFGATE_SEED", SEED);
    println!("STUFFGATE_SEED={seed}");
    let mut runner = runner(seed, CASES);
    let mut first = Vec::new();
    for _ in 0..2 * CASES {
        let case = queries().new_tree(&mut runner).unwrap().current().case();
        first.push((oracle.ask(&case, Form::Text).await, case));
    }
    stage.turn_oracle_around().await;
    let mut tally = Tally::default();
    for (wanted, case) in &first {
        let got = oracle.ask(case, Form::Text).await;
        // What does not fit into a type may come up in any order; what is no SQL at all must not.
        if wanted.code().starts_with("22") && got.code().starts_with("22") {
            continue;
        }
        if let Some(error) = &wanted.error {
            tally.differ(case, "first", &format!("{error:?}"));
        }
        tally.take(case, "backwards", wanted, &got);
    }
    tally.demand_agreement();
}

fn runner(seed: u64, cases: u32) -> TestRunner {
    let config = Config { cases, max_shrink_iters: SHRINKS, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// The end of the gate's log.
fn tail(log: &str) -> &str {
    let from = log.len().saturating_sub(2_000);
    (from..=log.len()).find_map(|at| log.get(at..)).unwrap_or_default()
}
