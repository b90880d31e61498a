//! Who stops listening stops the statement, on home and in every store.

use crate::bed::Bed;
use bytes::Bytes;
use fanout::{Event, Values};
use std::time::{Duration, Instant};

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);

async fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it never came to be: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

#[tokio::test]
async fn a_statement_that_is_dropped_ends_on_home() {
    let bed = Bed::with(|_| String::new()).await;
    let described =
        bed.describe("SELECT count(*) FROM generate_series(1, 1000000000) n").await.expect("valid");
    // Whatever it is doing when it is dropped.
    for after in [0, 1, 2, 3, 5, 8, 13, 21, 100] {
        let run = bed.fanout.run(bed.asker.clone(), described.clone(), Values::default());
        tokio::time::sleep(Duration::from_millis(after)).await;
        drop(run);
        until("it has ended", || bed.at_home().is_empty()).await;
    }
    let answer = bed.ask("SELECT 1").await;
    assert_eq!(answer.lines(), ["1"], "home is as usable as before");
}

#[tokio::test]
async fn locks_that_a_function_takes_on_home_end_with_the_statement() {
    let bed = Bed::with(|_| "INSERT INTO todos (title) VALUES ('one')".to_owned()).await;
    let keep = "CREATE FUNCTION keep(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql \
                AS 'BEGIN PERFORM pg_advisory_lock(n); RETURN n; END'; GRANT EXECUTE ON FUNCTION keep TO PUBLIC";
    let _ = bed.sql("home", keep);
    assert_ne!(bed.ask("SELECT keep(id) FROM todos").await.lines(), Vec::<String>::new());
    let left = bed.sql("home", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
    assert_eq!(left.trim(), "0");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_statement_up() {
    let bed = Bed::with(|_| String::new()).await;
    let sql = "SELECT generate_series(1, 100000000), repeat('x', 1000)";
    let described = bed.describe(sql).await.expect("valid");
    let mut run = bed.fanout.run(bed.asker.clone(), described, Values::default());
    let first = run.events.recv().await.expect("rows");
    let Event::Rows { messages, count } = first else { panic!("rows come first, not {first:?}") };
    assert!(count > 0 && messages.len() < 256 * 1024, "{count} rows in {} bytes", messages.len());
    until("home waits for its client", || bed.at_home() == "active ClientWrite").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bed.at_home(), "active ClientWrite");
    assert!(run.events.len() <= 4, "{} events wait", run.events.len());
    drop(run);
    until("it has ended", || bed.at_home().is_empty()).await;
}

#[tokio::test]
async fn values_and_parameters_have_to_be_as_many() {
    let bed = Bed::with(|_| String::new()).await;
    let described = bed.describe("SELECT count(*) FROM todos WHERE id = $1").await.expect("valid");
    assert_eq!(described.parameters, [23]);
    for (given, code) in [(0, Some("08P01")), (1, None), (2, Some("08P01"))] {
        let parameters = vec![Some(Bytes::from_static(b"1")); given];
        let values = Values { parameters, ..Values::default() };
        let ended = bed.run(&bed.asker, described.clone(), values).await;
        assert_eq!(ended.err().map(|error| error.code.to_string()).as_deref(), code, "{given} values");
    }
}

#[tokio::test]
async fn a_home_that_hangs_is_waited_for_no_longer_than_stores_are() {
    let bed = Bed::with(|_| String::new()).await;
    let mut asker = bed.asker.clone();
    asker.settings.deadline = Duration::from_millis(300);
    let described = bed.fanout.describe(&asker, "SELECT count(*) FROM todos", &[]).await.expect("valid");
    tokio::time::sleep(Duration::from_millis(200)).await; // its transaction is over
    bed.server.pause();
    let began = Instant::now();
    let asked = bed.fanout.describe(&asker, "SELECT 1", &[]).await.map(|_| ()).expect_err("no answer");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    // The connection was closed, and a new one is waited for as long as any.
    let ran = bed.run(&asker, described, Values::default()).await.map(|_| ()).expect_err("no answer");
    bed.server.resume();
    for error in [asked, ran] {
        assert_eq!(error.code.as_str(), "08006", "{error}");
    }
    // It is left alone for a moment after a failure.
    let began = Instant::now();
    while bed.ask_as(&bed.asker, "SELECT count(*) FROM todos", &[]).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "it never came back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
