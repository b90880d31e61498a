//! Every way of saying whom a session is for leads to that user's store and to no other.

use crate::house::House;
use std::sync::{Arc, Mutex, PoisonError};
use testkit::Client;
use testkit::frames::{bind, execute, parse, query, sync};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const WHOSE: &str = "SELECT name FROM whose";

async fn whose(client: &mut Client) -> String {
    client.simple(WHOSE).await.expect("an answer").value().unwrap_or("nobody's").to_owned()
}

#[tokio::test]
async fn a_user_login_is_its_own_user_and_an_unbound_service_login_is_at_home() {
    let house = House::with(2).await;
    assert_eq!(whose(&mut house.user("alice").await).await, "alice");
    assert_eq!(whose(&mut house.user("bob").await).await, "bob");
    assert_eq!(whose(&mut house.service().await).await, "home");
}

#[tokio::test]
async fn set_reset_and_their_kin_bind_a_service_session() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    for (sql, expected) in [
        ("SET stuffgate.user = 'alice'", "alice"),
        ("SET SESSION stuffgate.user TO bob", "bob"),
        ("RESET stuffgate.user", "home"),
        ("SELECT set_config('stuffgate.user', 'alice', false)", "alice"),
        ("RESET ALL", "home"),
        ("SELECT pg_catalog.set_config('stuffgate.user', 'bob', false)", "bob"),
        ("DISCARD ALL", "home"),
        ("SET LOCAL stuffgate.user = 'alice'", "home"),
    ] {
        let answer = client.simple(sql).await.expect("an answer");
        assert!(answer.errors.is_empty(), "{sql}: {:?}", answer.errors);
        assert_eq!(whose(&mut client).await, expected, "after {sql}");
    }
}

#[tokio::test]
async fn the_start_up_packet_and_a_tag_bind() {
    let house = House::with(2).await;
    let mut client = house.client("svc", &[("options", "-c stuffgate.user=alice")]).await.expect("a session");
    assert_eq!(whose(&mut client).await, "alice");
    let tagged = client.simple("SELECT name FROM whose /*stuffgate.user='bob'*/").await.expect("an answer");
    assert_eq!(tagged.value(), Some("bob"));
    assert_eq!(whose(&mut client).await, "alice", "a tag held longer than its statement");
}

#[tokio::test]
async fn set_local_binds_one_transaction_whose_begin_waited() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    for end in ["COMMIT", "ROLLBACK"] {
        assert_eq!(client.simple("BEGIN").await.expect("an answer").status, 'T');
        let set = client.simple("SET LOCAL stuffgate.user = 'alice'").await.expect("an answer");
        assert_eq!((set.tags.as_slice(), set.status), (["SET".to_owned()].as_slice(), 'T'));
        assert_eq!(whose(&mut client).await, "alice");
        assert_eq!(client.simple(end).await.expect("an answer").status, 'I');
        assert_eq!(whose(&mut client).await, "home");
    }
    let all =
        "BEGIN; SET LOCAL stuffgate.user = 'bob'; SELECT name FROM whose; COMMIT; SELECT name FROM whose";
    assert_eq!(client.simple(all).await.expect("an answer").column(), ["bob", "home"]);
}

#[tokio::test]
async fn frameworks_bind_with_parameters() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    client.simple("BEGIN").await.expect("an answer");
    let set = client
        .extended("SELECT set_config($1, $2, $3)", &[Some("stuffgate.user"), Some("alice"), Some("true")])
        .await
        .expect("an answer");
    assert_eq!(set.value(), Some("alice"), "{:?}", set.errors);
    assert_eq!(client.extended(WHOSE, &[]).await.expect("an answer").value(), Some("alice"));
    client.simple("COMMIT").await.expect("an answer");
    assert_eq!(whose(&mut client).await, "home");
    let set = client
        .extended("SELECT set_config('stuffgate.user', $1, false) AS x", &[Some("bob")])
        .await
        .expect("an answer");
    assert_eq!(set.value(), Some("bob"));
    assert_eq!(whose(&mut client).await, "bob");
}

#[tokio::test]
async fn the_binding_can_be_asked_for() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    client.simple("SET stuffgate.user = 'alice'").await.expect("an answer");
    let shown = client.simple("SHOW stuffgate.user").await.expect("an answer");
    assert_eq!(shown.value(), Some("alice"));
    let asked = client.simple("SELECT current_setting('stuffgate.user', true)").await.expect("an answer");
    assert_eq!(asked.value(), Some("alice"));
    let shown =
        client.extended("SELECT current_setting('stuffgate.user', true)", &[]).await.expect("an answer");
    assert_eq!(shown.value(), Some("alice"));
}

#[tokio::test]
async fn a_transaction_that_touched_a_store_stays_with_it_and_usable() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    client.simple("BEGIN; SET LOCAL stuffgate.user = 'alice'").await.expect("an answer");
    assert_eq!(whose(&mut client).await, "alice");
    for sql in [
        "SET LOCAL stuffgate.user = 'bob'",
        "SET stuffgate.user = 'bob'",
        "SELECT set_config('stuffgate.user', 'bob', true)",
        "SELECT 1 /*stuffgate.user='bob'*/",
    ] {
        let refused = client.simple(sql).await.expect("an answer");
        assert_eq!((refused.code(), refused.status), ("25001", 'T'), "{sql}");
        assert_eq!(whose(&mut client).await, "alice", "after {sql}");
    }
    assert_eq!(client.simple("COMMIT").await.expect("an answer").tags, ["COMMIT"]);
}

#[tokio::test]
async fn a_failed_bind_in_a_transaction_lets_nothing_run_elsewhere() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    client.simple("BEGIN").await.expect("an answer");
    let refused = client.simple("SET LOCAL stuffgate.user = 'nobody'").await.expect("an answer");
    assert_eq!((refused.code(), refused.status), ("28000", 'E'));
    let refused = client.simple(WHOSE).await.expect("an answer");
    assert_eq!((refused.code(), refused.status), ("25P02", 'E'));
    let refused = client.extended(WHOSE, &[]).await.expect("an answer");
    assert_eq!((refused.code(), refused.status), ("25P02", 'E'));
    let ended = client.simple("COMMIT").await.expect("an answer");
    assert_eq!((ended.tags.as_slice(), ended.status), (["ROLLBACK".to_owned()].as_slice(), 'I'));
    assert_eq!(whose(&mut client).await, "home");
}

#[tokio::test]
async fn a_rolled_back_set_is_taken_back() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    client.simple("BEGIN; SET stuffgate.user = 'alice'").await.expect("an answer");
    assert_eq!(whose(&mut client).await, "alice");
    client.simple("ROLLBACK").await.expect("an answer");
    assert_eq!(whose(&mut client).await, "home");
    client.simple("BEGIN; SET stuffgate.user = 'alice'").await.expect("an answer");
    assert_eq!(whose(&mut client).await, "alice");
    client.simple("COMMIT").await.expect("an answer");
    assert_eq!(whose(&mut client).await, "alice");
}

#[tokio::test]
async fn statements_of_one_message_are_honoured_in_order() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    let all = "SET stuffgate.user = 'alice'; SELECT name FROM whose; SET stuffgate.user = 'bob'; \
               SELECT name FROM whose; RESET stuffgate.user; SELECT name FROM whose";
    let answer = client.simple(all).await.expect("an answer");
    assert_eq!(answer.column(), ["alice", "bob", "home"], "{:?}", answer.errors);
    let stops = "SET stuffgate.user = 'alice'; SELECT 1/0; SET stuffgate.user = 'bob'";
    assert_eq!(client.simple(stops).await.expect("an answer").code(), "22012");
    assert_eq!(whose(&mut client).await, "home", "the implicit transaction was not rolled back as a whole");
}

#[tokio::test]
async fn mismatches_are_errors_and_never_guesses() {
    let house = House::with(2).await;
    let mut alice = house.user("alice").await;
    for sql in ["SET stuffgate.user = 'bob'", "SELECT 1 /*stuffgate.user='bob'*/"] {
        assert_eq!(alice.simple(sql).await.expect("an answer").code(), "28000", "{sql}");
    }
    assert!(alice.simple("SET stuffgate.user = 'alice'").await.expect("an answer").errors.is_empty());
    let mut service = house.service().await;
    service.simple("BEGIN").await.expect("an answer");
    let two =
        "SELECT name FROM whose /*stuffgate.user='alice'*/; SELECT name FROM whose /*stuffgate.user='bob'*/";
    let answer = service.simple(two).await.expect("an answer");
    assert_eq!((answer.column().as_slice(), answer.code()), (["alice"].as_slice(), "25001"));
    service.simple("ROLLBACK").await.expect("an answer");
    let conflict = "SELECT 1 /*stuffgate.user='alice'*/ /*stuffgate.user='bob'*/";
    assert_eq!(service.simple(conflict).await.expect("an answer").code(), "22023");
}

#[tokio::test]
async fn savepoints_wait_with_their_begin_for_the_statement_that_binds() {
    let house = House::with(2).await;
    let mut one = house.service().await;
    for (user, binds) in
        [("alice", "SET LOCAL stuffgate.user = 'alice'"), ("bob", "SELECT 1 /*stuffgate.user='bob'*/")]
    {
        let insert = format!("INSERT INTO whose VALUES ('{user} again')");
        let script = ["BEGIN", "SAVEPOINT \"S 1\"", "SAVEPOINT s2", binds, &insert];
        for sql in script.into_iter().chain(["ROLLBACK TO \"S 1\"", "RELEASE \"S 1\""]) {
            let answer = one.simple(sql).await.expect("an answer");
            assert!(answer.errors.is_empty(), "{sql}: {:?}", answer.errors);
        }
        let seen = one.simple("SELECT string_agg(name, ', ') FROM whose").await.expect("an answer");
        assert_eq!(seen.value(), Some(user));
        one.simple("COMMIT").await.expect("an answer");
    }
    for sql in ["BEGIN", "SAVEPOINT a", "COMMIT AND CHAIN", "SELECT 1", "ROLLBACK"] {
        let answer = one.simple(sql).await.expect("an answer");
        assert!(answer.errors.is_empty(), "{sql}: {:?}", answer.errors);
    }
}

#[tokio::test]
async fn a_pinned_server_goes_with_the_binding_that_led_to_it() {
    let house = House::with(2).await;
    for pins in [
        "CREATE TEMP TABLE mine (i int)",
        "LISTEN news",
        "SELECT pg_advisory_lock(1)",
        "DO 'BEGIN NULL; END'",
        "PREPARE p AS SELECT 1",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    ] {
        let mut client = house.service().await;
        client.simple("BEGIN; SET LOCAL stuffgate.user = 'alice'").await.expect("an answer");
        let pinned = client.simple(pins).await.expect("an answer");
        assert!(pinned.errors.is_empty(), "{pins}: {:?}", pinned.errors);
        client.simple("COMMIT").await.expect("an answer");
        assert_eq!(whose(&mut client).await, "home", "after {pins} in a transaction of alice's");
        client.simple("SET stuffgate.user = 'alice'").await.expect("an answer");
        client.simple(pins).await.expect("an answer");
        client.simple("RESET ALL").await.expect("an answer");
        assert_eq!(whose(&mut client).await, "home", "after {pins} and RESET ALL");
        let tagged = format!("/*stuffgate.user='bob'*/ {pins}");
        client.simple(&tagged).await.expect("an answer");
        assert_eq!(whose(&mut client).await, "home", "after {pins} with bob's tag");
    }
    let mut alice = house.user("alice").await;
    let locks = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(alice.simple(locks).await.expect("an answer").value(), Some("0"));
}

#[tokio::test]
async fn what_is_pipelined_behind_the_end_of_a_binding_goes_where_the_session_belongs() {
    let house = House::with(2).await;
    let mut client = house.service().await;
    let segment = |sql: &str| [parse("", sql), bind("", "", &[]), execute("", 0), sync()].concat();
    let tagged = format!("{WHOSE} /*stuffgate.user='bob'*/");
    let pipelines = [
        ([query(&tagged), query(WHOSE)].concat(), 2, vec!["bob", "home"]),
        ([segment(&tagged), segment(WHOSE)].concat(), 2, vec!["bob", "home"]),
        ([segment(&tagged), query(WHOSE)].concat(), 2, vec!["bob", "home"]),
        (
            [
                query("BEGIN"),
                query("SET LOCAL stuffgate.user = 'alice'"),
                query(WHOSE),
                query("COMMIT"),
                query(WHOSE),
            ]
            .concat(),
            5,
            vec!["alice", "home"],
        ),
        (
            [
                segment("BEGIN"),
                segment("SET LOCAL stuffgate.user = 'alice'"),
                segment(WHOSE),
                segment("COMMIT"),
                segment(WHOSE),
            ]
            .concat(),
            5,
            vec!["alice", "home"],
        ),
        (
            [
                query("SET stuffgate.user = 'alice'"),
                query("BEGIN"),
                query(WHOSE),
                query("RESET ALL"),
                query("COMMIT"),
                query(WHOSE),
            ]
            .concat(),
            6,
            vec!["alice", "home"],
        ),
        (
            [query("BEGIN; SET stuffgate.user = 'alice'"), query(WHOSE), query("ROLLBACK"), query(WHOSE)]
                .concat(),
            4,
            vec!["alice", "home"],
        ),
    ];
    for (at, (bytes, ends, expected)) in pipelines.into_iter().enumerate() {
        client.send(&bytes).await.expect("sent");
        let mut seen = Vec::new();
        for _ in 0..ends {
            let answer = client.answer().await.expect("an answer");
            assert!(answer.errors.is_empty(), "pipeline {at}: {:?}", answer.errors);
            seen.extend(answer.column().into_iter().map(str::to_owned));
        }
        assert_eq!(seen, expected, "pipeline {at}");
    }
}

/// What was read at a time, in order, from whoever connects to a port that leads on to `to`.
async fn overhear(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((scratch::HOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((gate, _)) = listener.accept().await {
            let noted = Arc::clone(&noted);
            tokio::spawn(async move {
                let (mut from, mut back) = gate.into_split();
                let server = TcpStream::connect((scratch::HOST, to)).await.expect("the server");
                let (mut answers, mut on) = server.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
                let mut bytes = vec![0; 16 * 1024];
                while let Ok(read @ 1..) = from.read(&mut bytes).await {
                    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
                    noted.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                    on.write_all(&bytes[..read]).await.expect("passed on");
                }
            });
        }
    });
    (port, heard)
}

#[tokio::test]
async fn begin_travels_with_the_first_statement_also_where_the_binding_ends_with_the_transaction() {
    let house = House::with(2).await;
    let (port, heard) = overhear(house.server.port()).await;
    house.move_stores(port);
    let mut client = house.service().await;
    for user in ["alice", "bob", "alice"] {
        client.simple("BEGIN").await.expect("an answer");
        client.simple(&format!("SET LOCAL stuffgate.user = '{user}'")).await.expect("an answer");
        assert_eq!(whose(&mut client).await, user);
        client.simple("COMMIT").await.expect("an answer");
    }
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let begun: Vec<&String> = heard.iter().filter(|text| text.contains("BEGIN")).collect();
    assert_eq!(begun.len(), 3);
    assert!(begun.iter().all(|text| text.contains(WHOSE)), "{begun:?}");
}
