//! Answers over three stores are what one Postgres would answer over all their rows.

use crate::bed::Bed;
use model::Outcome;

/// Rows of a store: as many todos as its number and one more, some alike.
fn some_rows(number: usize) -> String {
    (0..=number)
        .map(|row| {
            format!(
                "INSERT INTO todos (title, done, hours, mood, tags) VALUES ('t{row}', {}, {number}.5{}, 'ok', '{{a,b}}');",
                row % 2 == 1,
                "0".repeat(row)
            )
        })
        .collect()
}

#[tokio::test]
async fn a_statement_is_described_and_its_rows_come_from_everybody() {
    let bed = Bed::with(some_rows).await;
    bed.sql("home", "INSERT INTO todos (title) VALUES ('of home''s own: they do not count')");
    for sql in [
        "SELECT title, done, count(*), sum(hours) AS s FROM todos GROUP BY 1, 2 ORDER BY 1",
        "  /* a comment */ SELECT title, done, count(*), sum(hours) AS s FROM public.todos GROUP BY 1, 2 ORDER BY 1;",
    ] {
        let answer = bed.ask(sql).await;
        assert_eq!(answer.names, ["title", "done", "count", "s"]);
        assert_eq!(answer.oids, [25, 16, 20, 1700]);
        assert_eq!(answer.lines(), ["t0|f|3|4.5", "t1|t|2|4.00", "t2|f|1|2.500"]);
        assert_eq!(answer.tag, "SELECT 3");
        let coverage = answer.coverage.expect("stores were asked");
        assert_eq!((coverage.asked(), coverage.count(Outcome::Ok)), (3, 3));
    }
}

#[tokio::test]
async fn home_judges_the_clients_own_text() {
    let bed = Bed::with(|_| String::new()).await;
    for (sql, code, position) in [
        ("SELEC 1", "42601", Some(1)),
        ("SELECT nothing FROM todos", "42703", Some(8)),
        ("  SELECT\n count(*) FROM no_such_table", "42P01", Some(25)),
        ("SELECT title + 1 FROM todos", "42883", Some(14)),
        ("INSERT INTO todos (title) VALUES ('x')", "0A000", None),
        ("SELECT random() FROM todos", "0A000", None),
    ] {
        let error = bed.describe(sql).await.map(|_| ()).expect_err(sql);
        assert_eq!((error.code.as_str(), error.position), (code, position), "{sql}: {error}");
    }
}

#[tokio::test]
async fn what_needs_no_store_is_homes_alone() {
    let bed = Bed::with(some_rows).await;
    for (sql, line) in [
        ("SELECT 1 + 1", "2"),
        ("SHOW timezone", "UTC"),
        ("SELECT relname FROM pg_class WHERE relname = 'todos'", "todos"),
        ("SELECT now() = transaction_timestamp()", "t"),
    ] {
        let answer = bed.ask(sql).await;
        assert_eq!(answer.lines(), [line], "{sql}");
        assert!(answer.coverage.is_none(), "{sql}");
    }
}

#[tokio::test]
async fn views_subqueries_and_windows_are_answered_over_all_rows() {
    let bed = Bed::with(some_rows).await;
    let answer = bed.ask("SELECT count(*), sum(doubled(hours)) FROM todos WHERE NOT done").await;
    assert_eq!(answer.lines(), ["4|14.000"]);
    let answer = bed
        .ask("SELECT title, row_number() OVER (ORDER BY title, hours) FROM todos ORDER BY 2 LIMIT 2")
        .await;
    assert_eq!(answer.lines(), ["t0|1", "t0|2"]);
    let answer = bed.ask("SELECT count(*) FROM todos a WHERE hours > (SELECT avg(hours) FROM todos)").await;
    assert_eq!(answer.lines(), ["3"]);
    let answer =
        bed.ask("SELECT mood, array_agg(tags ORDER BY id) FROM todos WHERE id = 3 GROUP BY mood").await;
    assert_eq!(answer.lines(), ["ok|{{a,b}}"]);
}

#[tokio::test]
async fn a_poisoned_store_is_left_out_and_named() {
    let bed = Bed::with(some_rows).await;
    bed.sql("ben", "ALTER TABLE todos ALTER title DROP NOT NULL; UPDATE todos SET title = NULL WHERE id = 1");
    bed.sql("cem", "ALTER TABLE todos DROP COLUMN hours CASCADE");
    let answer = bed.ask("SELECT count(*), sum(hours) FROM todos").await;
    let coverage = answer.coverage.clone().expect("stores were asked");
    let outcomes: Vec<(&str, Outcome)> =
        coverage.legs.iter().map(|leg| (leg.user.as_str(), leg.outcome)).collect();
    assert_eq!(outcomes[2], ("cem", Outcome::Schema), "{coverage:?}");
    assert_eq!(answer.lines(), ["3|3.50"], "{coverage:?}");
}

#[tokio::test]
async fn copy_and_explain_and_parameters() {
    let bed = Bed::with(some_rows).await;
    let answer = bed
        .ask("COPY (SELECT title, count(*) FROM todos GROUP BY 1 ORDER BY 1) TO STDOUT (FORMAT csv, HEADER)")
        .await;
    assert_eq!((answer.copied.as_str(), answer.tag.as_str()), ("title,count\nt0,3\nt1,2\nt2,1\n", "COPY 3"));
    let answer = bed.ask("EXPLAIN SELECT count(*) FROM todos").await;
    assert_eq!(answer.names, ["QUERY PLAN"]);
    assert!(
        answer.lines().iter().any(|line| line.contains("Stores: 3 (ann, ben, cem)")),
        "{:?}",
        answer.lines()
    );
    let answer = bed
        .ask_as(
            &bed.asker,
            "SELECT count(*) FROM todos WHERE title = $1 AND hours > $2",
            &[Some("t0"), Some("1")],
        )
        .await
        .expect("an answer");
    assert_eq!(answer.lines(), ["2"]);
    let error =
        bed.ask_as(&bed.asker, "SELECT $1::int FROM todos", &[Some("no number")]).await.expect_err("22P02");
    assert_eq!(error.code.as_str(), "22P02", "{error}");
}
