//! Partial results: every tier answers as the others do, and what is added up in the gate is found out where home
//! refuses it.

use crate::bed::Bed;
use model::Outcome;
use sql::fanout::Tier;

/// Groups that some stores share, sums that have unlike scales.
fn some_rows(number: usize) -> String {
    (0..20)
        .map(|row| {
            let zeros = "0".repeat(row % 3);
            let group = (row * (number + 1)) % 7;
            let done = row % 2 == 0;
            format!("INSERT INTO todos (title, done, hours) VALUES ('g{group}', {done}, {row}.5{zeros});")
        })
        .collect()
}

#[tokio::test]
async fn every_tier_that_fits_has_the_same_answer() {
    let bed = Bed::with(some_rows).await;
    for (sql, fitting) in [
        ("SELECT title, count(*), sum(hours), avg(hours) FROM todos GROUP BY 1 ORDER BY 1", 3),
        ("SELECT count(*) FILTER (WHERE done), bool_and(done), sum(id) FROM todos", 3),
        ("SELECT title, max(hours) FROM todos GROUP BY 1 HAVING count(*) > 2 ORDER BY 2 DESC, 1 LIMIT 3", 2),
        ("SELECT _store, count(DISTINCT title) FROM todos GROUP BY 1 ORDER BY 1", 2),
        ("SELECT now() - now(), count(*) FROM todos WHERE at IS NULL", 2),
    ] {
        let wanted = bed.ask_as(&bed.at(Tier::Gather), sql, &[]).await.expect("gathering fits").lines();
        let mut answered = 0;
        for tier in [Tier::Fold, Tier::Combine, Tier::Gather] {
            match bed.ask_as(&bed.at(tier), sql, &[]).await {
                Ok(answer) => {
                    assert_eq!(answer.lines(), wanted, "{sql} at {tier:?}");
                    answered += 1;
                }
                Err(error) => assert_eq!(error.code.as_str(), "0A000", "{sql} at {tier:?}: {error}"),
            }
        }
        assert!(answered >= fitting, "{sql}: {answered} tiers");
        assert_eq!(bed.ask(sql).await.lines(), wanted, "{sql}");
    }
}

#[tokio::test]
async fn explain_says_what_is_chosen_and_why() {
    let bed = Bed::with(|_| String::new()).await;
    for (sql, line) in [
        (
            "SELECT title, count(*) FROM todos GROUP BY 1",
            "Fan-out: tier t1, the gate adds partial results up and home combines them",
        ),
        ("SELECT title FROM todos", "Fan-out: tier t0, rows are passed on as they come"),
        (
            "SELECT title, rank() OVER (ORDER BY hours) FROM todos",
            "Fan-out: tier t3, home runs the statement over the rows of all stores",
        ),
        ("SELECT 1", "Fan-out: no store is asked"),
    ] {
        let lines = bed.ask(&format!("EXPLAIN {sql}")).await.lines();
        assert_eq!(lines[0], line, "{lines:#?}");
        let none = line.ends_with("asked");
        assert_eq!(lines.iter().any(|line| line.starts_with("  Each store: SELECT")), !none, "{lines:#?}");
    }
}

#[tokio::test]
async fn a_copy_of_partial_results_is_made_without_parameters() {
    let bed = Bed::with(some_rows).await;
    let sql = "COPY (SELECT title, count(*), count(*) AS count, 'x' FROM todos WHERE title < 'g3' GROUP BY title \
               ORDER BY title DESC) TO STDOUT WITH (FORMAT csv, HEADER)";
    let mut answers = Vec::new();
    for tier in [Tier::Combine, Tier::Gather] {
        let answer = bed.ask_as(&bed.at(tier), sql, &[]).await.expect("an answer");
        assert_eq!(answer.tag, "COPY 3");
        answers.push(answer.copied);
    }
    assert!(answers[0].starts_with("title,count,count,?column?\ng2,"), "{}", answers[0]);
    assert_eq!(answers[0], answers[1]);
    let error = bed.refused("COPY (SELECT count(*) FROM todos WHERE id = $1) TO STDOUT").await;
    assert_eq!(error.code.as_str(), "42P02");
}

#[tokio::test]
async fn a_value_that_was_added_up_and_is_refused_is_found_out() {
    let rows = "INSERT INTO todos (title, hours, spent) VALUES ('a', 1, '1 hour')";
    let mut bed = Bed::with(|_| rows.into()).await;
    bed.move_store(3, "cem", 17, "INSERT INTO todos (title, hours, spent) VALUES ('a', 1, 'infinity')");
    let sql = "SELECT spent, count(*), sum(hours) FROM todos GROUP BY spent";
    for asker in [bed.at(Tier::Fold), bed.asker.clone()] {
        let answer = bed.ask_as(&asker, sql, &[]).await.expect("an answer");
        assert_eq!(answer.lines(), ["01:00:00|2|2"]);
        let coverage = answer.coverage.expect("stores were asked");
        assert_eq!(coverage.legs[2].outcome, Outcome::BadData, "{coverage:?}");
    }
}

#[tokio::test]
async fn groups_of_too_few_stores_are_not_shown() {
    let bed = Bed::with(|number| {
        format!("INSERT INTO todos (title, hours) VALUES ('all', 1), ('only {number}', 1)")
    })
    .await;
    let mut asker = bed.asker.clone();
    asker.min_stores_per_group = 2;
    let answer =
        bed.ask_as(&asker, "SELECT title, count(*) FROM todos GROUP BY 1", &[]).await.expect("an answer");
    assert_eq!(answer.lines(), ["all|3"]);
    for sql in ["SELECT title FROM todos", "SELECT title, rank() OVER () FROM todos"] {
        let error = bed.ask_as(&asker, sql, &[]).await.map(|answer| answer.lines()).expect_err("rows");
        assert_eq!(error.code.as_str(), "42501", "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_store_that_collates_otherwise_is_part_of_every_answer() {
    let rows = "INSERT INTO todos (title) SELECT 'title ' || n FROM generate_series(1, 50) n";
    let bed = Bed::with(|_| rows.into()).await;
    bed.collate_otherwise(2, rows);
    for _ in 0..5 {
        for (sql, lines) in [
            ("SELECT title FROM todos WHERE title LIKE '%1%'", 42),
            ("SELECT upper(title), title < 'title 3' FROM todos", 150),
            ("SELECT title FROM todos ORDER BY title", 150),
            ("SELECT max(title), count(*) FROM todos WHERE title > 'title 2'", 1),
            ("SELECT id FROM todos", 150),
        ] {
            let answer = bed.ask(sql).await;
            let coverage = answer.coverage.clone().expect("stores were asked");
            assert!(coverage.is_full(), "{sql}: {coverage:?}");
            assert_eq!(answer.lines().len(), lines, "{sql}");
        }
    }
}
