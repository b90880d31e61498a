//! A user who revokes a service is rid of it at once, and keeps the data.

use std::time::{Duration, Instant};
use stuffgate_tests::testkit::scratch::Stop;
use stuffgate_tests::testkit::{Answer, Client};
use stuffgate_tests::{SERVICE, Servers, World, WorldPlan};

/// A withdrawn session ends within this time, the promise being one second after the registry knows.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Waits for the session's end without asking anything, and returns how it was told.
async fn told(session: &mut Client) -> Answer {
    let began = Instant::now();
    let said = session.rest().await.unwrap();
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    Answer::of_bytes(&said)
}

#[tokio::test]
async fn sessions_end_within_a_second_also_with_a_transaction_and_a_cursor_open() {
    for world in WorldPlan::default().start_in_each_kind() {
        let mut idle = world.connect("alice").await;
        idle.simple("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n").await.unwrap();
        let mut busy = world.connect("alice").await;
        busy.simple("BEGIN; DECLARE c CURSOR FOR SELECT n FROM t; INSERT INTO t VALUES (0)").await.unwrap();
        let mut other = world.connect("bob").await;
        world.run(&["revoke", "alice", SERVICE]);
        for session in [&mut idle, &mut busy] {
            assert_eq!(told(session).await.code(), "57P01");
        }
        assert!(world.try_connect("alice", &[]).await.is_err());
        assert_eq!(other.simple("SELECT 1").await.unwrap().value(), Some("1"));
        // The data stays with its owner; what was not committed does not.
        assert_eq!(world.direct("alice", "SELECT count(*), min(n) FROM t"), "1000|1\n");
        let roles = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'g\\_%' AND rolcanlogin";
        assert_eq!(world.on_server_of("alice", roles), "2\n", "bob's and carol's");
    }
}

#[tokio::test]
async fn a_service_session_loses_the_user_and_keeps_the_others() {
    for world in WorldPlan::default().start_in_each_kind() {
        world.stamp().await;
        let mut session = world.connect(SERVICE).await;
        session.simple("SET stuffgate.user = 'alice'").await.unwrap();
        assert_eq!(session.simple("SELECT name FROM owner").await.unwrap().value(), Some("alice"));
        world.run(&["revoke", "alice", SERVICE]);
        let session = &mut session;
        world
            .until(async || {
                let Ok(answer) =
                    world.connect(SERVICE).await.simple("/*stuffgate.user='alice'*/ SELECT 1").await
                else {
                    return false;
                };
                answer.code() == "28000"
            })
            .await;
        // Its own session either is refused or was ended; it does not read on.
        if let Ok(answer) = session.simple("SELECT name FROM owner").await {
            assert!(answer.rows.is_empty(), "{answer:?}");
        }
        let mut again = world.connect(SERVICE).await;
        again.simple("SET stuffgate.user = 'bob'").await.unwrap();
        assert_eq!(again.simple("SELECT name FROM owner").await.unwrap().value(), Some("bob"));
    }
}

#[tokio::test]
async fn revoked_and_granted_again_finds_the_data_again() {
    for world in WorldPlan::default().start_in_each_kind() {
        world.connect("alice").await.simple("CREATE TABLE t AS SELECT 42 AS n").await.unwrap();
        world.run(&["revoke", "alice", SERVICE]);
        world.until(async || world.try_connect("alice", &[]).await.is_err()).await;
        let kind = if world.schema("alice").is_empty() { "database" } else { "schema" };
        world.run(&["grant", "alice", SERVICE, "--partition", kind]);
        world.until(async || world.try_connect("alice", &[]).await.is_ok()).await;
        let answer = world.connect("alice").await.simple("SELECT n FROM t").await.unwrap();
        assert_eq!(answer.value(), Some("42"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_revocation_while_the_store_is_away_is_carried_out_when_it_is_back() {
    let mut world = WorldPlan::default().users(["alice", "bob"]).servers(Servers::Each).start();
    let logins = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'g\\_%' AND rolcanlogin";
    assert_eq!(world.on_server_of("alice", logins), "1\n");
    world.server("alice").stop(Stop::Fast).unwrap();
    let said = world.run(&["revoke", "alice", SERVICE]);
    assert!(said.contains("waits"), "{said}");
    world.until(async || world.try_connect("alice", &[]).await.is_err()).await;
    world.server("alice").start_again().unwrap();
    world.until(async || world.on_server_of("alice", logins) == "0\n").await;
}

#[tokio::test]
async fn a_rotated_secret_and_a_disabled_user_count_within_a_second() {
    let world = World::start();
    let mut session = world.connect("alice").await;
    world.gate.run(&["login", "rotate", "alice"], Some("another secret")).unwrap();
    world.until(async || world.log_in("alice", "another secret", &[]).await.is_ok()).await;
    assert!(world.try_connect("alice", &[]).await.is_err());
    assert_eq!(session.simple("SELECT 1").await.unwrap().value(), Some("1"), "open sessions go on");
    world.run(&["user", "disable", "alice"]);
    assert_eq!(told(&mut session).await.code(), "57P01");
}
