//! What is promised of answers that are kept: one refresh at a time, none lost, none at the same moment.

#![allow(clippy::expect_used, reason = "test code")]

mod common;

use common::{Scratch, endpoint, name, secret};
use registry::{Definition, Error, Kept, NewHome, Registry};

fn service(registry: &mut Registry, service: &str) {
    let home =
        NewHome { endpoint: endpoint("home.example.org"), role: "todo".into(), secret: secret("h0me") };
    registry.add_service(&name(service), Some(&home), &[]).expect("a service");
}

fn definition(every_s: i64) -> Definition {
    Definition {
        name: name("done"),
        service: name("todo"),
        statement: "SELECT count(*) FROM todos".to_owned(),
        every_s,
        min_coverage: 0.5,
        min_stores_per_group: 3,
    }
}

/// Far in the future of whatever was defined just now.
const LATER: i64 = 4_000_000_000;

const KEPT: Kept = Kept { as_of: LATER, asked: 4, ok: 3, rows: 2 };

#[test]
fn what_is_due_is_claimed_once_and_due_again_after_its_interval() {
    let (scratch, mut registry) = Scratch::new();
    service(&mut registry, "todo");
    let defined = registry.materialize(&definition(3600)).expect("defined");
    assert_eq!((defined.definition.clone(), defined.kept), (definition(3600), None));
    let claimed = registry.claim_refresh(LATER, 600).expect("a look").expect("it is due");
    assert!(scratch.open().claim_refresh(LATER, 600).expect("a look").is_none(), "two refresh it at a time");
    registry.note_refresh(&claimed, &Ok(KEPT), LATER).expect("noted");
    let known = registry.materialized(&name("done")).expect("known");
    assert_eq!((known.kept, known.tries, known.last_error), (Some(KEPT), 1, None));
    let late = known.due_at - LATER;
    assert!((3600..=3600 + 180).contains(&late), "{late}");
    assert!(registry.claim_refresh(LATER + 3599, 600).expect("a look").is_none());
}

#[test]
fn a_gate_that_dies_over_a_refresh_leaves_it_to_another() {
    let (scratch, mut registry) = Scratch::new();
    service(&mut registry, "todo");
    registry.materialize(&definition(3600)).expect("defined");
    registry.claim_refresh(LATER, 600).expect("a look").expect("it is due");
    assert!(scratch.open().claim_refresh(LATER + 600, 600).expect("a look").is_some());
}

#[test]
fn a_failed_refresh_says_why_keeps_the_old_answer_and_is_tried_soon() {
    let (_scratch, mut registry) = Scratch::new();
    service(&mut registry, "todo");
    registry.materialize(&definition(86_400)).expect("defined");
    let claimed = registry.claim_refresh(LATER, 600).expect("a look").expect("it is due");
    registry.note_refresh(&claimed, &Ok(KEPT), LATER).expect("noted");
    registry.refresh_now(&name("done")).expect("due");
    let claimed = registry.claim_refresh(LATER, 600).expect("a look").expect("it is due");
    registry.note_refresh(&claimed, &Err("é".repeat(5000)), LATER).expect("noted");
    let known = registry.materialized(&name("done")).expect("known");
    assert_eq!((known.kept, known.tries), (Some(KEPT), 2));
    assert_eq!(known.last_error.map(|error| error.chars().count()), Some(500));
    assert!(known.due_at <= LATER + 300 + 4320, "{}", known.due_at - LATER);
}

#[test]
fn what_is_defined_anew_during_a_refresh_stays_due() {
    let (_scratch, mut registry) = Scratch::new();
    service(&mut registry, "todo");
    registry.materialize(&definition(3600)).expect("defined");
    let claimed = registry.claim_refresh(LATER, 600).expect("a look").expect("it is due");
    registry.materialize(&definition(60)).expect("defined anew");
    registry.note_refresh(&claimed, &Ok(KEPT), LATER).expect("noted");
    assert!(registry.claim_refresh(LATER, 600).expect("a look").is_some(), "the new one waits an hour");
}

#[test]
fn a_name_is_one_answer_of_one_service_that_has_a_home() {
    let (_scratch, mut registry) = Scratch::new();
    service(&mut registry, "todo");
    service(&mut registry, "notes");
    registry.add_service(&name("homeless"), None, &[]).expect("a service");
    registry.materialize(&definition(60)).expect("defined");
    for other in ["notes", "homeless"] {
        let refused = registry.materialize(&Definition { service: name(other), ..definition(60) });
        assert!(matches!(refused, Err(Error::Conflict(_))), "{other}: {refused:?}");
    }
    for bad in
        [Definition { every_s: 0, ..definition(60) }, Definition { min_coverage: 1.1, ..definition(60) }]
    {
        assert!(matches!(registry.materialize(&bad), Err(Error::Invalid(_))), "{bad:?}");
    }
    registry.drop_materialized(&name("done")).expect("dropped");
    assert!(matches!(registry.drop_materialized(&name("done")), Err(Error::NotFound { .. })));
    registry.materialize(&definition(60)).expect("defined");
    registry.remove_service(&name("todo")).expect("removed");
    assert_eq!(registry.all_materialized().expect("a list"), []);
}
