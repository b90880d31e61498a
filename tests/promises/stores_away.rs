//! A store that is away is an error for its own sessions, quickly, and nothing to anybody else's.

use std::time::{Duration, Instant};
use stuffgate_tests::testkit::frames;
use stuffgate_tests::testkit::scratch::Stop;
use stuffgate_tests::{SERVICE, Servers, World, WorldPlan};

fn world() -> World {
    let settings = "[pool]\nconnect_timeout_ms = 1000\nwait_timeout_ms = 2000\nreset_timeout_ms = 1000";
    WorldPlan::default().users(["alice", "bob"]).servers(Servers::Each).settings(settings).start()
}

#[tokio::test]
async fn a_stopped_store_is_08006_and_its_return_is_noticed() {
    let mut world = world();
    let mut alice = world.connect("alice").await;
    alice.simple("CREATE TABLE t AS SELECT 42 AS n").await.unwrap();
    world.server("alice").stop(Stop::Fast).unwrap();

    let mut service = world.connect(SERVICE).await;
    service.simple("SET stuffgate.user = 'alice'").await.unwrap();
    let answer = service.simple("SELECT n FROM t").await.unwrap();
    assert!(["08006", "57P03"].contains(&answer.code()), "{answer:?}");
    assert!(answer.rows.is_empty() && !answer.errors[0].hint().is_empty(), "{answer:?}");
    service.simple("SET stuffgate.user = 'bob'").await.unwrap();
    assert_eq!(service.simple("SELECT 1").await.unwrap().value(), Some("1"));

    world.server("alice").start_again().unwrap();
    let mut service = world.connect(SERVICE).await;
    service.simple("SET stuffgate.user = 'alice'").await.unwrap();
    let session = tokio::sync::Mutex::new(service);
    world
        .until(async || session.lock().await.simple("SELECT n FROM t").await.unwrap().value() == Some("42"))
        .await;
}

#[tokio::test]
async fn a_store_that_hangs_slows_nobody_elses_session() {
    let mut world = world();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    bob.simple("SELECT 1").await.unwrap();
    world.server("alice").pause();
    alice.send(&frames::query("SELECT 1")).await.unwrap();
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(bob.simple("SELECT 1").await.unwrap().value(), Some("1"));
        let mut another = world.connect("bob").await;
        assert_eq!(another.simple("SELECT 2").await.unwrap().value(), Some("2"));
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    world.server("alice").resume();
    assert_eq!(alice.answer().await.unwrap().value(), Some("1"));
}

#[tokio::test]
async fn a_store_that_dies_in_a_transaction_ends_it_with_an_error() {
    let mut world = world();
    let mut alice = world.connect("alice").await;
    alice.simple("CREATE TABLE t (n int)").await.unwrap();
    alice.simple("BEGIN; INSERT INTO t VALUES (1)").await.unwrap();
    world.server("alice").stop(Stop::Kill).unwrap();
    alice.send(&frames::query("COMMIT")).await.unwrap();
    let said = alice.rest().await.unwrap();
    let text = String::from_utf8_lossy(&said);
    assert!(text.contains("08006") || text.contains("57P0"), "{text:?}");
    world.server("alice").start_again().unwrap();
    world.until(async || world.try_connect("alice", &[]).await.is_ok()).await;
    let mut alice = world.connect("alice").await;
    assert_eq!(alice.simple("SELECT count(*) FROM t").await.unwrap().value(), Some("0"));
}

#[tokio::test]
async fn a_store_with_too_few_connections_says_so_and_waits_have_a_bound() {
    let settings = "[pool]\nper_store = 1\nwait_timeout_ms = 300";
    let world = WorldPlan::default().users(["alice"]).settings(settings).start();
    let mut holder = world.connect("alice").await;
    holder.simple("BEGIN; SELECT 1").await.unwrap();
    let mut second = world.connect(SERVICE).await;
    second.simple("SET stuffgate.user = 'alice'").await.unwrap();
    let answer = second.simple("SELECT 2").await.unwrap();
    assert_eq!(answer.code(), "53300", "{answer:?}");
    holder.simple("COMMIT").await.unwrap();
    assert_eq!(second.simple("SELECT 2").await.unwrap().value(), Some("2"));
}
