//! What a transaction set is kept or forgotten as the server has it, wherever in a pipeline it ends.

use crate::house::House;
use crate::twin::Twins;
use testkit::Client;
use testkit::frames::{bind, execute, parse, query, sync};

const ZONE: &str = "SET TimeZone = 'Asia/Tokyo'";

/// Statements of one pipeline, with one Sync behind the last.
fn pipeline(statements: &[&str]) -> Vec<Vec<u8>> {
    let one = |sql: &&str| [parse("", sql), bind("", "", &[]), execute("", 0)];
    statements.iter().flat_map(one).chain([sync()]).collect()
}

async fn says(client: &mut Client, sql: &str) -> String {
    client.simple(sql).await.expect("an answer").value().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn pipelines_that_fail_or_end_transactions_set_what_they_set_on_postgres() {
    const CHARACTERISTICS: &str =
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ";
    let pipelines: [&[&str]; 20] = [
        &[ZONE, "SELECT 1/0"],
        &["SELECT 1", ZONE, "SELECT 1/0"],
        &[ZONE, "SELEC"],
        &["SELECT set_config('TimeZone', 'Asia/Tokyo', false)", "SELECT 1/0"],
        &[CHARACTERISTICS, "SELECT 1/0"],
        &["SET search_path = pg_catalog", "SELECT 1/0"],
        &["BEGIN", ZONE, "COMMIT", "SELECT 1/0"],
        &["BEGIN", ZONE, "COMMIT", "SET TimeZone = 'Europe/Paris'", "SELECT 1/0"],
        &[ZONE, "COMMIT", "SELECT 1/0"],
        &[ZONE, "BEGIN", "ROLLBACK", "SET work_mem = '9MB'"],
        &["BEGIN", ZONE, "ROLLBACK", "SET work_mem = '9MB'"],
        &["ROLLBACK", ZONE],
        &[ZONE, "ROLLBACK"],
        &["RESET ALL", "ROLLBACK"],
        &["RESET ALL", "SELECT 1/0"],
        &["RESET TimeZone", "ROLLBACK", "SET work_mem = '9MB'"],
        &["SELECT 1", "RESET ALL", "ROLLBACK", ZONE],
        &["DISCARD ALL", ZONE, "SELECT 1/0"],
        &["DISCARD ALL", ZONE],
        &["SET TimeZone TO DEFAULT", "COMMIT AND CHAIN", "SELECT 1"],
    ];
    let mut twins = Twins::start(2).await;
    for statements in pipelines {
        for before in ["", "SET TimeZone = 'America/Lima'", "BEGIN; SELECT 1", "BEGIN; SELECT 1/0"] {
            let what = format!("{before}, then {statements:?}");
            twins.agree(&what, &[query("DISCARD ALL")]).await;
            let mut differ = Vec::new();
            differ.extend(twins.agree(&what, &[query(before)]).await);
            let differs = twins.agree(&what, &pipeline(statements)).await;
            if !statements.contains(&"DISCARD ALL") {
                differ.extend(differs); // the gate tells earlier what that has reset
            }
            differ.extend(twins.agree(&what, &[query("ROLLBACK")]).await);
            let mut other = twins.house.user("alice").await;
            says(&mut other, ZONE).await;
            for shows in ["TimeZone", "work_mem", "default_transaction_isolation"] {
                // Another session of the partition uses the same server.
                assert_eq!(says(&mut other, "SHOW TimeZone").await, "Asia/Tokyo", "{what}");
                differ.extend(twins.agree(&what, &[query(&format!("SHOW {shows}"))]).await);
            }
            assert_eq!(says(&mut other, "SHOW TimeZone").await, "Asia/Tokyo", "{what}");
            assert!(differ.is_empty(), "{}", differ.join("\n"));
        }
    }
}

#[tokio::test]
async fn what_a_failed_pipeline_set_is_in_force_for_nobody() {
    let house = House::with(1).await;
    let (mut one, mut other) = (house.user("alice").await, house.user("alice").await);
    says(&mut other, ZONE).await;
    for _ in 0..3 {
        assert_eq!(
            says(&mut one, "SHOW TimeZone").await,
            says(&mut one, "SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'").await
        );
        one.send(&pipeline(&[ZONE, "SELECT 1/0"]).concat()).await.expect("sent");
        assert_eq!(one.answer().await.expect("an answer").code(), "22012");
        assert_eq!(says(&mut other, "SHOW TimeZone").await, "Asia/Tokyo");
    }
}

#[tokio::test]
async fn a_binding_is_taken_back_with_the_pipeline_that_it_stood_in() {
    let house = House::with(1).await;
    let mut service = house.service().await;
    says(&mut service, "SET stuffgate.user = 'alice'").await;
    let bob = "SET stuffgate.user = 'bob'";
    for statements in [
        [bob, "SELECT 1/0"].as_slice(),
        &[bob, "SELECT name FROM whose", "SELECT 1/0"],
        &[bob, "SELEC"],
        &[bob, "SET stuffgate.nothing = 1"],
        &[bob, "SELECT 1", "ROLLBACK"],
    ] {
        service.send(&pipeline(statements).concat()).await.expect("sent");
        service.answer().await.expect("an answer");
        assert_eq!(says(&mut service, "SHOW stuffgate.user").await, "alice", "{statements:?}");
        assert_eq!(says(&mut service, "SELECT name FROM whose").await, "alice", "{statements:?}");
    }
    service.send(&pipeline(&[bob, "SELECT 1"]).concat()).await.expect("sent");
    service.answer().await.expect("an answer");
    assert_eq!(says(&mut service, "SELECT name FROM whose").await, "bob");
}

#[tokio::test]
async fn a_pinned_server_keeps_what_nobody_knows_of() {
    let house = House::with(1).await;
    let start = [("TimeZone", "America/Lima"), ("application_name", "start")];
    let unknown = "DO 'BEGIN SET work_mem = ''9MB''; SET application_name = ''unknown''; END'";
    for (before, resets) in [
        ("SELECT 1", "RESET TimeZone"),
        ("SET TimeZone = 'Asia/Tokyo'", "RESET TimeZone"),
        ("SET TimeZone = 'Asia/Tokyo'", "SET TimeZone TO DEFAULT"),
        ("PREPARE q AS SELECT 1", "DEALLOCATE ALL"),
        ("BEGIN; SET TimeZone = 'Asia/Tokyo'; COMMIT", "BEGIN; RESET TimeZone; COMMIT"),
    ] {
        let mut one = house.client("alice", &start).await.expect("a session");
        for sql in [unknown, before, resets] {
            let done = one.simple(sql).await.expect("an answer");
            assert!(done.errors.is_empty(), "{sql}: {:?}", done.errors);
        }
        assert_eq!(says(&mut one, "SHOW work_mem").await, "9MB", "{before}, {resets}");
        assert_eq!(says(&mut one, "SHOW application_name").await, "unknown", "{before}, {resets}");
        assert_eq!(says(&mut one, "SHOW TimeZone").await, "America/Lima", "{before}, {resets}");
        assert_eq!(says(&mut one, "RESET ALL; SHOW application_name").await, "");
        assert_eq!(says(&mut one, "SHOW application_name").await, "start");
    }
}

#[tokio::test]
async fn behind_a_rollback_in_a_pipeline_the_block_is_over() {
    let mut twins = Twins::start(1).await;
    let ends: [&[&str]; 3] = [
        &["ROLLBACK", "SELECT 1", "DEALLOCATE ALL", "EXECUTE p"],
        &["COMMIT", "DEALLOCATE ALL", "SELECT 2"],
        &["ROLLBACK", "BEGIN", "SET work_mem = '9MB'", "DEALLOCATE ALL", "COMMIT"],
    ];
    for statements in ends {
        twins
            .agree("known", &[parse("known", "SELECT 7"), sync(), query("BEGIN"), query("SELECT 1/0")])
            .await;
        let differs = twins.agree(&format!("{statements:?}"), &pipeline(statements)).await;
        assert!(differs.is_none(), "{}", differs.unwrap_or_default());
    }
    let again = "a statement of another name that the server has already";
    for end in [pipeline(&["ROLLBACK"]), vec![query("COMMIT")], vec![query("ROLLBACK")]] {
        twins.agree(again, &[parse("k", "SELECT 8"), sync(), query("BEGIN"), query("SELECT 1/0")]).await;
        let behind =
            [parse("l", "SELECT 8"), bind("", "l", &[]), execute("", 0), sync(), query("DEALLOCATE ALL")];
        let differs = twins.agree(again, &[end, behind.to_vec()].concat()).await;
        assert!(differs.is_none(), "{}", differs.unwrap_or_default());
    }
}

#[tokio::test]
async fn a_role_that_was_reset_is_not_set_again_on_another_server() {
    let house = House::with(1).await;
    let (mut one, mut other) = (house.user("alice").await, house.user("alice").await);
    let done = one.simple("SELECT set_config('role', current_user, false)").await.expect("an answer");
    assert_eq!(done.value(), Some("alice"), "{:?}", done.errors);
    assert_eq!(says(&mut one, "SHOW stuffgate.pinned").await, "role");
    let done = one.simple("RESET ROLE").await.expect("an answer");
    assert!(done.errors.is_empty(), "{:?}", done.errors);
    assert_eq!(says(&mut one, "SHOW stuffgate.pinned").await, "");
    for _ in 0..2 {
        assert_eq!(says(&mut other, "SET work_mem = '9MB'; SHOW role").await, "none");
        assert_eq!(says(&mut one, "SHOW role").await, "none");
    }
}

#[tokio::test]
async fn discard_all_comes_first_in_its_pipeline_or_not_at_all() {
    let mut twins = Twins::start(1).await;
    let before: [&[&str]; 3] = [&["SELECT 1"], &["LISTEN x"], &["PREPARE q AS SELECT 1"]];
    for first in before {
        for statements in [["DEALLOCATE ALL", "DISCARD ALL"], ["SELECT 1", "DISCARD ALL"]] {
            twins.agree("before", &pipeline(first)).await;
            let differs = twins.agree(&format!("{first:?}, {statements:?}"), &pipeline(&statements)).await;
            assert!(differs.is_none(), "{}", differs.unwrap_or_default());
        }
    }
    twins.agree("before", &pipeline(&["UNLISTEN *", "DEALLOCATE ALL"])).await;
    for statements in [["DEALLOCATE ALL", "DISCARD ALL"], ["SELECT 1", "DEALLOCATE ALL"]] {
        let differs = twins.agree(&format!("{statements:?}"), &pipeline(&statements)).await;
        assert!(differs.is_none(), "{}", differs.unwrap_or_default());
    }
}
