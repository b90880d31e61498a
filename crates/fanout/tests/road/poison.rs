//! A store that sends what home's types do not have costs itself, and nobody else.

use crate::bed::{Answer, Bed};
use model::Outcome;
use sql::fanout::Tier;

/// Postgres 17 knows endless intervals, home's 15 does not.
const ENDLESS: &str =
    "INSERT INTO todos (title, hours, spent) VALUES ('a', 1, '1 hour'), ('b', 2, 'infinity')";

async fn bed() -> Bed {
    let mut bed = Bed::with(|_| {
        "INSERT INTO todos (title, hours, spent) VALUES ('a', 1, '1 hour'), ('b', 2, '2 hours')".into()
    })
    .await;
    bed.move_store(2, "ben", 17, ENDLESS);
    bed
}

fn outcomes(answer: &Answer) -> Vec<Outcome> {
    let coverage = answer.coverage.as_ref().expect("stores were asked");
    coverage.legs.iter().map(|leg| leg.outcome).collect()
}

#[tokio::test]
async fn it_is_found_among_the_others_and_named() {
    let bed = bed().await;
    for (tier, asker) in [("t3", bed.at(Tier::Gather)), ("auto", bed.asker.clone())] {
        let sql = "SELECT title, count(*), max(spent) FROM todos GROUP BY title ORDER BY title";
        let answer = bed.ask_as(&asker, sql, &[]).await.expect("an answer");
        assert_eq!(answer.lines(), ["a|2|01:00:00", "b|2|02:00:00"], "{tier}");
        assert_eq!(outcomes(&answer), [Outcome::Ok, Outcome::BadData, Outcome::Ok], "{tier}");
        let coverage = answer.coverage.expect("stores were asked");
        let told = &coverage.legs[1];
        assert_eq!(told.sqlstate.as_deref(), Some("22007"), "{told:?}");
        let answer = bed.ask_as(&asker, "SELECT count(*), sum(hours) FROM todos", &[]).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.lines(), ["6|9"], "{tier}: what it sent this time is as good as any");
        assert_eq!(outcomes(&answer), [Outcome::Ok; 3]);
    }
}

#[tokio::test]
async fn where_too_few_are_left_there_is_no_answer() {
    let bed = bed().await;
    let mut asker = bed.asker.clone();
    asker.settings.min_coverage = 0.9;
    let sql = "SELECT max(spent) FROM todos";
    let error = bed.ask_as(&asker, sql, &[]).await.map(|answer| answer.lines()).expect_err("2 of 3");
    assert_eq!(error.code.as_str(), "55000");
    assert!(error.message.contains("fan-out covered 2 of 3 stores"), "{error}");
    assert!(error.detail.as_deref().is_some_and(|detail| detail.contains("1 bad_data (ben)")), "{error:?}");
}

#[tokio::test]
async fn an_error_about_a_value_is_the_one_that_home_has_over_all_rows() {
    let bed = Bed::with(|number| format!("INSERT INTO todos (title, hours) VALUES ('a', {number})")).await;
    for (sql, code) in [
        ("SELECT 1 / hours FROM todos", "22012"),
        ("SELECT sum(1 / hours) FROM todos", "22012"),
        ("SELECT count(*) FROM todos WHERE 1 / hours > 0", "22012"),
        ("SELECT title::int FROM todos", "22P02"),
    ] {
        assert_eq!(bed.refused(sql).await.code.as_str(), code, "{sql}");
    }
    let answer = bed.ask("SELECT sum(1 / hours) FROM todos WHERE hours > 0").await;
    assert_eq!(answer.lines(), ["1.50000000000000000000"]);
}
