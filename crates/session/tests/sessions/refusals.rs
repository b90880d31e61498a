//! What the gate refuses fails the transaction it stands in, as an error of the server's own would.

use crate::house::House;
use testkit::frames::{bind, execute, parse, sync};
use testkit::{Answer, Client};

/// Statements that the gate itself refuses for a user's login in a schema partition, and with what.
const REFUSED: [(&str, &str); 7] = [
    ("SET stuffgate.nonsense = 1", "42704"),
    ("SHOW stuffgate.nonsense", "42704"),
    ("DROP SCHEMA public CASCADE", "0A000"),
    ("SET client_encoding = 'SJIS'", "0A000"),
    ("SELECT set_config('stuffgate.user', 'alice', true), 1", "0A000"),
    ("SET stuffgate.user = 'bob'", "28000"),
    ("DEALLOCATE missing", "26000"),
];

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Simple,
    Extended,
}

const PROTOCOLS: [Protocol; 2] = [Protocol::Simple, Protocol::Extended];

async fn run(client: &mut Client, protocol: Protocol, sql: &str) -> Answer {
    match protocol {
        Protocol::Simple => client.simple(sql).await,
        Protocol::Extended => client.extended(sql, &[]).await,
    }
    .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Status and SQLSTATE of each statement's answer.
async fn seen(client: &mut Client, protocol: Protocol, script: &[&str]) -> Vec<String> {
    let mut seen = Vec::new();
    for sql in script {
        let answer = run(client, protocol, sql).await;
        seen.push(format!("{}{}", answer.status, answer.code()));
    }
    seen
}

const ADD: &str = "INSERT INTO whose VALUES ('somebody')";
const COUNT: &str = "SELECT count(*) FROM whose";

#[tokio::test]
async fn a_refusal_fails_the_open_transaction_until_it_is_rolled_back() {
    let house = House::with(2).await;
    let mut client = house.user("alice").await;
    for (refused, code) in REFUSED {
        for protocol in PROTOCOLS {
            let script = ["BEGIN", ADD, refused, "SELECT 1", "COMMIT", "SELECT 1"];
            let expected = ["T", "T", &format!("E{code}"), "E25P02", "I", "I"];
            assert_eq!(seen(&mut client, protocol, &script).await, expected, "{refused} {protocol:?}");
            assert_eq!(run(&mut client, protocol, COUNT).await.value(), Some("1"), "{refused} {protocol:?}");
        }
    }
}

#[tokio::test]
async fn a_savepoint_leads_back_out_of_a_refusal() {
    let house = House::with(2).await;
    let mut client = house.user("alice").await;
    for (refused, code) in REFUSED {
        for protocol in PROTOCOLS {
            let script = [
                "BEGIN",
                "SAVEPOINT a",
                refused,
                "SELECT 1",
                "ROLLBACK TO a",
                ADD,
                "ROLLBACK TO a",
                "COMMIT",
            ];
            let expected = ["T", "T", &format!("E{code}"), "E25P02", "T", "T", "T", "I"];
            assert_eq!(seen(&mut client, protocol, &script).await, expected, "{refused} {protocol:?}");
            assert_eq!(run(&mut client, protocol, COUNT).await.value(), Some("1"), "{refused} {protocol:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_takes_back_what_its_message_or_pipeline_has_done() {
    let house = House::with(2).await;
    let mut client = house.user("alice").await;
    for refused in ["DROP SCHEMA public", "SET stuffgate.nonsense = 1"] {
        let answer = client.simple(&format!("{ADD}; {refused}; SELECT 'not run'")).await.expect("an answer");
        assert_eq!((answer.tags.as_slice(), answer.status), (&["INSERT 0 1".to_owned()][..], 'I'));
        assert!(answer.rows.is_empty() && !answer.code().is_empty(), "{answer:?}");
        assert_eq!(client.simple(COUNT).await.expect("an answer").value(), Some("1"), "{refused}");

        let pipeline = [
            parse("", ADD),
            bind("", "", &[]),
            execute("", 0),
            parse("", refused),
            bind("", "", &[]),
            execute("", 0),
            parse("", "SELECT 'not run'"),
            bind("", "", &[]),
            execute("", 0),
            sync(),
        ];
        client.send(&pipeline.concat()).await.expect("sent");
        let answer = client.answer().await.expect("an answer");
        assert!(answer.rows.is_empty() && answer.errors.len() == 1, "{answer:?}");
        assert_eq!(client.simple(COUNT).await.expect("an answer").value(), Some("1"), "{refused}");
    }
    let answer = client.simple("SELECT 1; SELECT \"refused by the gate\"").await.expect("an answer");
    assert_eq!(answer.code(), "42703", "the server's own words stay");
}

#[tokio::test]
async fn a_transaction_that_no_server_knows_fails_and_is_led_back_alike() {
    let house = House::with(2).await;
    let who = "SELECT name FROM whose";
    for protocol in PROTOCOLS {
        let mut client = house.service().await;
        let script = [
            "BEGIN",
            "SAVEPOINT a",
            "SET LOCAL stuffgate.user = 'alice'",
            "SAVEPOINT b",
            "SET stuffgate.user = 'nobody'",
            "SELECT 1",
            "ROLLBACK TO missing",
            "ROLLBACK TO b",
            "SHOW stuffgate.user",
        ];
        let expected = ["T", "T", "T", "T", "E28000", "E25P02", "E3B001", "T", "T"];
        assert_eq!(seen(&mut client, protocol, &script).await, expected, "{protocol:?}");
        assert_eq!(run(&mut client, protocol, who).await.value(), Some("alice"), "{protocol:?}");
        assert_eq!(run(&mut client, protocol, "ROLLBACK TO b").await.code(), "", "{protocol:?}");
        assert_eq!(run(&mut client, protocol, "COMMIT").await.status, 'I');

        let script =
            ["BEGIN", "SAVEPOINT a", "SET LOCAL stuffgate.user = 'alice'", "ROLLBACK TO SAVEPOINT a"];
        assert_eq!(seen(&mut client, protocol, &script).await, ["T"; 4], "{protocol:?}");
        assert_eq!(run(&mut client, protocol, who).await.value(), Some("home"), "{protocol:?}");
        run(&mut client, protocol, "ROLLBACK").await;
    }
}

#[tokio::test]
async fn binding_to_somebody_else_leaves_the_transaction_usable() {
    let house = House::with(2).await;
    for protocol in PROTOCOLS {
        let mut client = house.service().await;
        run(&mut client, protocol, "SET stuffgate.user = 'alice'").await;
        let script = ["BEGIN", ADD, "SET stuffgate.user = 'bob'", COUNT, "ROLLBACK"];
        let expected = ["T", "T", "T25001", "T", "I"];
        assert_eq!(seen(&mut client, protocol, &script).await, expected, "{protocol:?}");
    }
}

#[tokio::test]
async fn what_sets_up_a_transaction_waits_with_it_for_the_statement_that_binds() {
    let house = House::with(2).await;
    for protocol in PROTOCOLS {
        let mut client = house.service().await;
        for (set_up, asks, says) in [
            ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation", "serializable"),
            ("SET LOCAL TRANSACTION READ ONLY, DEFERRABLE", "SHOW transaction_read_only", "on"),
            ("SET CONSTRAINTS ALL DEFERRED", "SELECT name FROM whose", "alice"),
        ] {
            let script = ["BEGIN", set_up, "SAVEPOINT a", "SET LOCAL stuffgate.user = 'alice'"];
            assert_eq!(seen(&mut client, protocol, &script).await, ["T"; 4], "{set_up} {protocol:?}");
            assert_eq!(run(&mut client, protocol, asks).await.value(), Some(says), "{set_up} {protocol:?}");
            let who = run(&mut client, protocol, "SELECT name FROM whose").await;
            assert_eq!(who.value(), Some("alice"), "{set_up} {protocol:?}");
            run(&mut client, protocol, "COMMIT AND CHAIN").await;
            run(&mut client, protocol, "ROLLBACK").await;
        }
        // What a server would not take is the server's to refuse.
        for broken in ["BEGIN READ", "BEGIN ISOLATION LEVEL", "BEGIN; SET TRANSACTION SERIALIZABLE"] {
            let answer = client.simple(broken).await.expect("an answer");
            assert_eq!(answer.code(), "42601", "{broken}");
            client.simple("ROLLBACK").await.expect("an answer");
        }
    }
}
