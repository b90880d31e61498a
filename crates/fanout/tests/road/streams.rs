//! Rows that pass through the gate: the same as home would have, in order, whole or not at all.

use crate::bed::{Answer, Bed};
use bytes::Bytes;
use fanout::{Asker, Event, Settings, Values};
use model::Outcome;
use sql::fanout::Tier;
use std::time::Duration;
use wire::Fields;

/// Rows of the longest store: some five megabytes, far more than a leg keeps.
const MANY: usize = 50_000;

/// Ann has many rows, ben a few hundred, cem three.
fn unequal(number: usize) -> String {
    let rows = [MANY, 300, 3][number];
    format!(
        "INSERT INTO todos (title, done, hours, mood, at) SELECT \
         CASE n % 7 WHEN 0 THEN 'É ' WHEN 1 THEN 'a' ELSE 'Zz' END || repeat('x', (n % 90)::int), n % 3 = 0, \
         CASE n % 11 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' WHEN 3 THEN 1.5 \
         WHEN 4 THEN 1.50 ELSE (n % 997) * 10.0 ^ ((n % 40)::int - 20) END, \
         (ARRAY['sad', 'ok', NULL]::mood[])[n % 3 + 1], \
         CASE WHEN n % 5 > 0 THEN '2020-01-01Z'::timestamptz + n * interval '7 hours' END \
         FROM generate_series({number}, {number} + {rows} - 1) n"
    )
}

async fn at(bed: &Bed, tier: Tier, sql: &str, parameters: &[Option<&str>]) -> Answer {
    let answer = bed.ask_as(&bed.at(tier), sql, parameters).await;
    answer.unwrap_or_else(|error| panic!("{sql} at {}: {error}", tier.as_str()))
}

fn cut(answer: &Answer) -> Vec<String> {
    answer.lines().into_iter().take(5).collect()
}

#[tokio::test]
async fn every_kept_order_is_that_of_home_over_all_rows() {
    let bed = Bed::with(unequal).await;
    for sql in [
        "SELECT id, _store FROM todos ORDER BY id, _store COLLATE \"C\"",
        "SELECT hours, id FROM todos ORDER BY hours DESC, id DESC, _store COLLATE \"C\" DESC",
        "SELECT hours FROM todos ORDER BY hours NULLS FIRST, id, _store COLLATE \"C\"",
        "SELECT id, at FROM todos ORDER BY at DESC NULLS LAST, done, id, _store COLLATE \"C\"",
        "SELECT title, mood FROM todos WHERE NOT done ORDER BY title COLLATE \"C\", id, _store COLLATE \"C\"",
        "SELECT -id, title FROM todos ORDER BY 1, done LIMIT 700 OFFSET 30",
        "SELECT id FROM todos ORDER BY id DESC LIMIT 3 OFFSET 49999",
        "SELECT id FROM todos ORDER BY id OFFSET 50290",
        "SELECT id FROM todos ORDER BY id LIMIT 0",
        "SELECT a.id, b.title FROM todos a JOIN todos b ON a._store = b._store AND b.id = a.id \
         WHERE a.id < 400 ORDER BY a.id, a._store COLLATE \"C\"",
        "SELECT a.id, l._store, l.* FROM todos a LEFT JOIN lists l ON l._store = a._store \
         ORDER BY a.id DESC, a._store COLLATE \"C\" LIMIT 50",
    ] {
        let (t0, t3) = (at(&bed, Tier::Stream, sql, &[]).await, at(&bed, Tier::Gather, sql, &[]).await);
        assert!(t0.lines() == t3.lines(), "{sql}: {:?} … and {:?} …", cut(&t0), cut(&t3));
        assert_eq!((t0.tag, t0.names, t0.oids), (t3.tag, t3.names, t3.oids), "{sql}");
        assert!(t0.coverage.expect("stores were asked").is_full(), "{sql}");
    }
}

#[tokio::test]
async fn rows_in_no_order_are_all_there_once() {
    let bed = Bed::with(unequal).await;
    for (sql, parameters) in [
        ("SELECT *, _store FROM todos", &[][..]),
        ("SELECT t.id + $1, upper(t.title) FROM todos t WHERE t.id % $2 = 0", &[Some("7"), Some("3")][..]),
        ("SELECT id, $1::text, CURRENT_DATE IS NULL FROM todos WHERE done", &[None][..]),
        ("SELECT id FROM todos WHERE false", &[][..]),
    ] {
        let [mut t0, mut t3] =
            [at(&bed, Tier::Stream, sql, parameters).await, at(&bed, Tier::Gather, sql, parameters).await];
        for answer in [&mut t0, &mut t3] {
            answer.rows.sort();
        }
        assert!(t0.lines() == t3.lines(), "{sql}: {:?} … and {:?} …", cut(&t0), cut(&t3));
        assert_eq!((t0.tag, t0.names, t0.oids), (t3.tag, t3.names, t3.oids), "{sql}");
    }
}

#[tokio::test]
async fn a_limit_is_kept_whatever_comes_first_and_every_store_is_ok() {
    let bed = Bed::with(unequal).await;
    for (limit, offset, rows) in [
        (Some("10"), None, 10),
        (Some("7"), Some("50290"), 7),
        (Some("7"), Some("50300"), 3),
        (None, Some("50303"), 0),
    ] {
        let sql = "SELECT id FROM todos LIMIT $1 OFFSET $2";
        let answer = at(&bed, Tier::Stream, sql, &[limit, offset]).await;
        assert_eq!((answer.rows.len(), answer.tag), (rows, format!("SELECT {rows}")), "{limit:?} {offset:?}");
        assert!(answer.coverage.expect("stores were asked").is_full());
    }
    for (limit, code) in [("-1", "2201W"), ("x", "22P02")] {
        let sql = "SELECT id FROM todos LIMIT $1";
        let refused = bed.ask_as(&bed.at(Tier::Stream), sql, &[Some(limit)]).await;
        assert_eq!(refused.expect_err("no bound").code.as_str(), code);
    }
}

#[tokio::test]
async fn more_long_legs_than_may_be_open_are_answered_by_home() {
    let bed = Bed::with(|number| unequal(usize::from(number == 2))).await;
    let mut asker = bed.at(Tier::Stream);
    asker.settings.concurrency = 1;
    let sql = "SELECT id, hours FROM todos ORDER BY id, _store COLLATE \"C\"";
    let answer = bed.ask_as(&asker, sql, &[]).await.expect("an answer");
    assert_eq!(answer.rows.len(), 2 * MANY + 300);
    assert!(answer.lines() == at(&bed, Tier::Gather, sql, &[]).await.lines());
}

#[tokio::test]
async fn an_error_of_a_value_is_homes_to_raise_and_ends_what_has_begun() {
    let bed = Bed::with(unequal).await;
    let error = async |sql: &str| bed.ask_as(&bed.at(Tier::Stream), sql, &[]).await.expect_err("no answer");
    let at_once = error("SELECT 1 / (id - id) FROM todos").await;
    assert_eq!((at_once.code.as_str(), at_once.message.as_str()), ("22012", "division by zero"));
    let (rows, end) = events(&bed, &bed.at(Tier::Stream), "SELECT id, 1 / (id - 40000) FROM todos").await;
    let midway = end.expect_err("no answer");
    assert_eq!((midway.code.as_str(), midway.message.as_str()), ("22012", "division by zero"));
    assert_eq!(midway.detail.as_deref(), Some("Met in the store of ann."));
    assert!(rows > 0, "rows had passed");
}

/// Rows that came before the end, and the end.
async fn events(bed: &Bed, asker: &Asker, sql: &str) -> (u64, Result<String, Box<Fields>>) {
    let described = bed.fanout.describe(asker, sql, &[]).await.expect("valid");
    let mut run = bed.fanout.run(asker.clone(), described, Values::default());
    let mut rows = 0;
    while let Some(event) = run.events.recv().await {
        match event {
            Event::Rows { count, .. } => rows += count,
            Event::End(end) => return (rows, end.map(|done| done.tag).map_err(|failure| failure.fields)),
            _ => {}
        }
    }
    panic!("no end was told")
}

/// How many legs are in `database`.
fn legs(bed: &Bed, database: &str) -> String {
    bed.sql("postgres", &format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND datname = '{database}' AND state <> 'idle'"
    ))
}

fn terminate(bed: &Bed, database: &str) {
    let sql = format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'reader' AND datname = '{database}'"
    );
    assert!(bed.sql("postgres", &sql).contains('t'), "there is a leg to end");
}

#[tokio::test]
async fn a_store_that_is_lost_before_its_rows_count_is_left_out_and_named() {
    let bed = Bed::with(unequal).await;
    let hold = std::process::Command::new(bed.server.binaries().program("psql"))
        .args(["-X", "-c", "BEGIN", "-c", "LOCK TABLE todos", "-c", "SELECT pg_sleep(60)"])
        .arg(bed.server.superuser_url("ben"))
        .stdout(std::process::Stdio::null())
        .spawn();
    let mut hold = hold.expect("psql");
    until(|| {
        bed.sql("ben", "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock'").trim() == "1"
    })
    .await;
    let asker = bed.at(Tier::Stream);
    let asking = bed.ask_as(&asker, "SELECT id FROM todos", &[]);
    let losing = async {
        until(|| legs(&bed, "ben").trim() == "1").await;
        terminate(&bed, "ben");
    };
    let (answer, ()) = tokio::join!(asking, losing);
    hold.kill().and_then(|()| hold.wait()).expect("it ends");
    let answer = answer.expect("an answer without ben");
    assert_eq!(answer.rows.len(), MANY + 3);
    let coverage = answer.coverage.expect("stores were asked");
    assert_eq!((coverage.count(Outcome::Ok), coverage.count(Outcome::Unreachable)), (2, 1));
}

/// Waits for a condition.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn a_store_that_is_lost_midway_ends_the_answer_in_an_error() {
    for sql in ["SELECT title FROM todos", "SELECT title FROM todos ORDER BY id"] {
        let bed = Bed::with(|number| unequal(number).replace(&MANY.to_string(), "300000")).await;
        let asker = bed.at(Tier::Stream);
        let described = bed.fanout.describe(&asker, sql, &[]).await.expect("valid");
        let mut run = bed.fanout.run(asker.clone(), described, Values::default());
        let (mut told, mut is_lost) = (0, false);
        let end = loop {
            match run.events.recv().await.expect("an end") {
                Event::Rows { count, .. } => {
                    told += count;
                    // The reader is slow: the store stands still until it has read on.
                    if !is_lost && told > 1_000 {
                        assert_eq!(legs(&bed, "ann").trim(), "1");
                        terminate(&bed, "ann");
                        is_lost = true;
                    }
                }
                Event::End(end) => break end,
                _ => {}
            }
        };
        let failure = end.expect_err("no answer");
        assert_eq!(failure.fields.code.as_str(), "58030", "{}", failure.fields);
        assert!(failure.fields.message.contains("ann"), "{}", failure.fields);
        assert!(told < 300_000);
        assert_eq!(failure.coverage.expect("stores were asked").count(Outcome::Unreachable), 1);
    }
}

/// Bytes of memory that this process has in use.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("on Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|size| size.parse::<usize>().ok()).expect("a number") * 1024
}

#[tokio::test]
async fn memory_is_that_of_legs_however_many_rows_wait_for_a_slow_client() {
    let bed = Bed::with(|number| unequal(number).replace(&MANY.to_string(), "300000")).await;
    for sql in ["SELECT title, hours FROM todos", "SELECT title, hours FROM todos ORDER BY id"] {
        let asker = Asker { settings: Settings { ..bed.at(Tier::Stream).settings }, ..bed.asker.clone() };
        let described = bed.fanout.describe(&asker, sql, &[]).await.expect("valid");
        let mut run = bed.fanout.run(asker, described, Values::default());
        let (mut rows, mut bytes, before, mut most) = (0, 0, resident(), 0);
        let end = loop {
            match run.events.recv().await.expect("an end") {
                Event::Rows { messages, count } => {
                    if bytes == 0 {
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                    rows += count;
                    bytes += messages.len();
                    most = most.max(resident());
                }
                Event::End(end) => break end,
                _ => {}
            }
        };
        assert_eq!(end.expect("an answer").tag, format!("SELECT {rows}"));
        assert_eq!(rows, 300_303);
        let grown = most.saturating_sub(before);
        assert!(bytes > 20_000_000 && grown < 8_000_000, "{sql}: {bytes} bytes passed, {grown} were held");
    }
}

#[tokio::test]
async fn binary_results_are_those_of_home() {
    let bed = Bed::with(unequal).await;
    let sql = "SELECT id, hours, mood, at, tags FROM todos ORDER BY hours, id, _store COLLATE \"C\" LIMIT $1";
    let mut answers = Vec::new();
    for tier in [Tier::Stream, Tier::Gather] {
        let asker = bed.at(tier);
        let described = bed.fanout.describe(&asker, sql, &[]).await.expect("valid");
        let parameters = vec![Some(Bytes::from_static(&[0, 0, 0, 0, 0, 0, 2, 0]))];
        let values = Values { parameters, formats: vec![1], results: vec![1] };
        answers.push(bed.run(&asker, described, values).await.expect("an answer"));
    }
    assert_eq!(answers[0].rows.len(), 512);
    assert!(answers[0].rows == answers[1].rows);
}

#[tokio::test]
async fn a_parameter_that_every_store_would_read_by_its_own_clock_is_refused() {
    let bed = Bed::with(|_| String::new()).await;
    for tier in [Tier::Stream, Tier::Gather] {
        let sql = "SELECT id FROM todos WHERE at < $1";
        let refused = bed.ask_as(&bed.at(tier), sql, &[Some("Today")]).await.expect_err("no moment");
        assert_eq!(refused.code.as_str(), "0A000", "{refused}");
        assert!(bed.ask_as(&bed.at(tier), sql, &[Some("2020-01-01")]).await.is_ok());
    }
}
