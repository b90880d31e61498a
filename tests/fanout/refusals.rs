//! What cannot be answered exactly is refused, before any store is asked; what looks like it is answered all the same.

use crate::agreement::{Oracle, Tally};
use crate::corpus::{self, Case};
use crate::reply::{Form, Reply, ask};
use crate::stage::Stage;

fn cases() -> (Vec<Case>, Vec<Case>) {
    corpus::read("refusals", include_str!("corpus/refusals.sql"))
        .into_iter()
        .partition(|case| !case.refused.is_empty())
}

#[tokio::test]
async fn what_fan_out_cannot_answer_is_refused_and_leaves_no_trace() {
    let stage = Stage::start().await;
    let (refused, _) = cases();
    assert!(refused.len() >= 40, "{}", refused.len());
    let before = stage.world.direct("alice", STATE);
    let mut analyst = stage.analyst("auto").await;
    let mut wrong = Vec::new();
    for case in &refused {
        for form in Form::ALL {
            let reply = ask(&mut analyst, form, &case.sql, &[]).await;
            let reply =
                reply.unwrap_or_else(|error| panic!("{error}: {}\n{}", case.sql, stage.world.gate.log()));
            if let Some(said) = unlike_refusal(case, &reply) {
                wrong.push(format!("{} {form:?}\n   {said}", case.sql));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), refused.len() * 3, wrong.join("\n"));
    assert_eq!(stage.world.direct("alice", STATE), before);
}

/// What a statement that slipped through would change.
const STATE: &str = "SELECT count(*), count(done), sum(hours::int8), (SELECT last_value FROM todos_n_seq), \
    (SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = current_schema()::regnamespace) \
    FROM todos";

fn unlike_refusal(case: &Case, reply: &Reply) -> Option<String> {
    if !reply.rows.is_empty() || reply.copy.is_some() {
        return Some(format!("answered: {:?} {:?}", reply.rows, reply.tags));
    }
    if !case.refused.iter().any(|code| code == reply.code()) {
        return Some(format!("{:?} instead of {:?}", reply.error, case.refused));
    }
    (reply.status != "I").then(|| format!("the session is in state {}", reply.status))
}

#[tokio::test]
async fn what_no_store_can_say_alone_is_gathered_and_right() {
    let stage = Stage::start().await;
    let mut oracle = Oracle::of(&stage).await;
    let (_, gathered) = cases();
    assert!(gathered.len() >= 10);
    let mut tally = Tally::default();
    for tier in ["auto", "t0", "t1", "t2", "t3"] {
        let mut analyst = stage.analyst(tier).await;
        for case in &gathered {
            let wanted = oracle.ask(case, Form::Text).await;
            let got = ask(&mut analyst, Form::Text, &case.sql, &[]).await.unwrap();
            tally.take(case, tier, &wanted, &got);
        }
    }
    tally.demand_agreement();
    let (answered, _) = tally.counts();
    assert!(answered >= 2 * gathered.len(), "{answered} answered");
}
