//! Statements of megabytes work, within a bound for the whole gate, and their memory is given back.

use std::time::{Duration, Instant};
use stuffgate_tests::testkit::{Client, frames};
use stuffgate_tests::{World, WorldPlan};

const MIB: usize = 1024 * 1024;

/// A world of alice alone with a small budget: room for one statement of a megabyte.
fn crowded() -> World {
    let settings = "[session]\nstatement_bytes = 1048576\nstatements_total_bytes = 2097152\n\
                    [pool]\nwait_timeout_ms = 300";
    WorldPlan::default().users(["alice"]).settings(settings).start()
}

fn alone() -> World {
    WorldPlan::default().users(["alice"]).start()
}

/// An INSERT as clients write that put their values into the text.
fn insert_of(bytes: usize) -> (String, usize) {
    let mut sql = String::with_capacity(bytes + 100);
    sql.push_str("INSERT INTO public.notes VALUES (0, 'public')");
    let mut rows = 1;
    while sql.len() < bytes {
        sql.push_str(&format!(",({rows},'set by a user of the public, temp')"));
        rows += 1;
    }
    (sql, rows)
}

async fn with_table(world: &World) -> Client {
    let mut session = world.connect("alice").await;
    session.patience(Duration::from_secs(60));
    let made = session.simple("CREATE TABLE public.notes (n int, t text)").await.unwrap();
    assert_eq!(made.errors, []);
    session
}

#[tokio::test]
async fn five_megabytes_are_taken_by_either_protocol_and_arrive_as_they_were() {
    let world = alone();
    let mut session = with_table(&world).await;
    let (sql, rows) = insert_of(5 * MIB);
    let begun = Instant::now();
    let answer = session.simple(&sql).await.unwrap();
    assert_eq!((answer.errors.as_slice(), &answer.tags[0]), (&[][..], &format!("INSERT 0 {rows}")));
    let answer = session.extended(&sql, &[]).await.unwrap();
    assert_eq!((answer.errors.as_slice(), &answer.tags[0]), (&[][..], &format!("INSERT 0 {rows}")));
    println!("two of 5 MiB took {:?}", begun.elapsed());
    let seen = "SELECT count(*), count(DISTINCT n), min(t), max(t) FROM notes";
    let expected = format!("{}|{rows}|public|set by a user of the public, temp\n", 2 * rows);
    assert_eq!(world.direct("alice", seen), expected);

    let value = "set public it's a word, ".repeat(5 * MIB / 24);
    let quoted = value.replace('\'', "''");
    let answer = session.simple(&format!("SELECT md5('{quoted}')")).await.unwrap();
    assert_eq!(answer.value(), Some(world.direct("alice", &format!("SELECT md5('{quoted}')")).trim()));
    let wrong = format!("SELECT '{quoted}', public.nothing");
    let answer = session.simple(&wrong).await.unwrap();
    assert_eq!(answer.code(), "42P01");
    let position = wrong.chars().count() - "public.nothing".len() + 1;
    assert_eq!(answer.errors[0].0[&'P'], position.to_string());
}

#[tokio::test]
async fn the_memory_of_a_long_statement_is_given_back() {
    let world = alone();
    let mut session = with_table(&world).await;
    session.simple("BEGIN").await.unwrap();
    let long = [format!("SELECT length('{}')", "x".repeat(40 * MIB)), insert_of(MIB).0];
    let (before, mut after) = (world.resident_bytes(), Vec::new());
    for _ in 0..3 {
        for sql in &long {
            assert_eq!(session.simple(sql).await.unwrap().errors, []);
            assert_eq!(session.extended(sql, &[]).await.unwrap().errors, []);
        }
        // The unnamed statement is the session's until the next one takes its place.
        session.extended("SELECT 1", &[]).await.unwrap();
        after.push(world.resident_bytes());
    }
    // What the C library keeps of freed memory, to use it again, is 64 MiB at most.
    assert!(after[2] < before + 72 * MIB, "{before} bytes before, {after:?} after, in the same transaction");
    assert!(after[2] < after[0] + 8 * MIB, "it grows: {after:?}");
}

#[tokio::test]
async fn a_statement_without_room_waits_and_is_refused_with_a_way_out() {
    let world = crowded();
    let mut first = with_table(&world).await;
    let mut second = world.connect("alice").await;
    // What others have prepared takes the room for as long as they like.
    for n in 0..3 {
        let text = format!("SELECT {n} /* {} */", "z".repeat(440_000));
        first.send(&[frames::parse(&format!("s{n}"), &text), frames::sync()].concat()).await.unwrap();
        assert_eq!(first.answer().await.unwrap().errors, []);
    }
    second.simple("BEGIN; INSERT INTO notes VALUES (-1, 'short')").await.unwrap();
    let sql = format!("SELECT length('{}')", "y".repeat(900_000));
    let begun = Instant::now();
    let refused = second.simple(&sql).await.unwrap();
    assert_eq!((refused.code(), refused.status), ("53200", 'E'), "{refused:?}");
    assert!(refused.errors[0].hint().contains("session.statements_total_bytes"), "{refused:?}");
    assert!(begun.elapsed() >= Duration::from_millis(300), "it did not wait");
    assert_eq!(second.simple("SELECT 1").await.unwrap().code(), "25P02");
    assert_eq!(second.simple("ROLLBACK").await.unwrap().errors, []);
    let refused = second.extended(&sql, &[]).await.unwrap();
    assert_eq!((refused.code(), refused.status), ("53200", 'I'));
    assert_eq!(second.simple("SELECT 'short'").await.unwrap().value(), Some("short"));

    let (waited, let_go) = tokio::join!(second.simple(&sql), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        first.simple("DEALLOCATE ALL").await
    });
    assert_eq!(let_go.unwrap().errors, []);
    assert_eq!(waited.unwrap().value(), Some("900000"), "it waits for room");
    assert_eq!(world.direct("alice", "SELECT count(*) FROM notes WHERE n < 0"), "0\n");
}

#[tokio::test]
async fn a_statement_that_stops_arriving_gives_its_room_up() {
    let world = crowded();
    let mut one = with_table(&world).await;
    let mut in_transaction = world.connect("alice").await;
    in_transaction.simple("BEGIN; SELECT 1").await.unwrap();
    let mut other = world.connect("alice").await;
    let sql = format!("SELECT length('{}')", "y".repeat(900_000));
    for stalls in [&mut one, &mut in_transaction] {
        stalls.send(&frames::query(&sql)[..500_000]).await.unwrap();
        let said = String::from_utf8_lossy(&stalls.rest().await.unwrap()).into_owned();
        assert!(said.contains("57P05") && said.contains("pool.wait_timeout_ms"), "{said}");
        assert_eq!(other.simple(&sql).await.unwrap().value(), Some("900000"));
    }
}

#[tokio::test]
async fn prepared_texts_count_until_they_are_closed() {
    let world = crowded();
    let mut session = with_table(&world).await;
    let text = |n: usize| format!("SELECT {n} /* {} */", "z".repeat(500_000));
    for n in 0..4 {
        let messages = [frames::parse(&format!("s{n}"), &text(n)), frames::sync()].concat();
        session.send(&messages).await.unwrap();
        session.answer().await.unwrap();
    }
    let messages = [frames::parse("more", &text(9)), frames::sync()].concat();
    session.send(&messages).await.unwrap();
    assert_eq!(session.answer().await.unwrap().code(), "53200");
    session.simple("DEALLOCATE ALL").await.unwrap();
    session.send(&messages).await.unwrap();
    assert_eq!(session.answer().await.unwrap().errors, []);
}

#[tokio::test]
async fn a_statement_over_the_limit_ends_its_session_only() {
    let world = crowded();
    let mut session = with_table(&world).await;
    session.send(&frames::message_of_length(b'Q', 1_048_577, b"SELECT 1")).await.unwrap();
    let said = String::from_utf8_lossy(&session.rest().await.unwrap()).into_owned();
    assert!(said.contains("54000") && said.contains("session.statement_bytes"), "{said}");
    assert_eq!(world.connect("alice").await.simple("SELECT 1").await.unwrap().value(), Some("1"));
}
