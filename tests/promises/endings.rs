//! The gate ends and reloads as an operator expects, and a killed one leaves nothing half done.

use rustix::process::Signal;
use stuffgate_tests::testkit::Answer;
use stuffgate_tests::{SERVICE, World, WorldPlan};

#[tokio::test]
async fn sigterm_lets_transactions_finish_and_takes_nobody_new() {
    let mut world = World::start();
    let mut idle = world.connect("alice").await;
    let mut busy = world.connect("bob").await;
    busy.simple("CREATE TABLE t (n int)").await.unwrap();
    busy.simple("BEGIN; INSERT INTO t VALUES (1)").await.unwrap();
    world.gate.signal(Signal::TERM);
    assert_eq!(Answer::of_bytes(&idle.rest().await.unwrap()).code(), "57P01");
    assert!(world.try_connect("alice", &[]).await.is_err());
    let answer = busy.simple("INSERT INTO t VALUES (2)").await;
    let answer = answer.unwrap_or_else(|error| panic!("{error}\n{}", world.gate.log()));
    assert_eq!(answer.tags, ["INSERT 0 1"]);
    assert_eq!(busy.simple("COMMIT").await.unwrap().tags, ["COMMIT"]);
    assert_eq!(Answer::of_bytes(&busy.rest().await.unwrap()).code(), "57P01");
    assert!(world.gate.wait().unwrap().success());
    assert_eq!(world.direct("bob", "SELECT count(*) FROM t"), "2\n");
}

#[tokio::test]
async fn transactions_that_go_on_are_ended_at_the_deadline() {
    let mut world = WorldPlan::default().settings("[session]\ndrain_timeout_ms = 300").start();
    let mut busy = world.connect("bob").await;
    busy.simple("BEGIN; SELECT 1").await.unwrap();
    world.gate.signal(Signal::TERM);
    assert_eq!(Answer::of_bytes(&busy.rest().await.unwrap()).code(), "57P01");
    assert!(world.gate.wait().unwrap().success());
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut world = WorldPlan::default().settings("[session]\ndrain_timeout_ms = 600000").start();
    let mut idle = world.connect("alice").await;
    let mut busy = world.connect("bob").await;
    busy.simple("BEGIN; SELECT 1").await.unwrap();
    world.gate.signal(Signal::TERM);
    idle.rest().await.unwrap();
    world.gate.signal(Signal::TERM);
    world.gate.wait().unwrap();
    busy.rest().await.unwrap();
}

#[tokio::test]
async fn changes_of_the_registry_reach_a_running_gate_within_a_second() {
    let world = World::start();
    world
        .gate
        .run(&["login", "add", "worker", "--kind", "service", "--service", SERVICE], Some("s"))
        .unwrap();
    let began = std::time::Instant::now();
    world.until(async || world.log_in("worker", "s", &[]).await.is_ok()).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    world.run(&["login", "remove", "worker"]);
    world.until(async || world.log_in("worker", "s", &[]).await.is_err()).await;
}

#[tokio::test]
async fn a_killed_gate_starts_again_and_serves_what_was_there() {
    let mut world = World::start();
    world.stamp().await;
    let mut session = world.connect("alice").await;
    session.simple("BEGIN; INSERT INTO owner VALUES ('lost')").await.unwrap();
    world.gate.kill();
    session.rest().await.unwrap();
    world.gate.start().unwrap();
    let mut session = world.connect("alice").await;
    assert_eq!(session.simple("SELECT name FROM owner").await.unwrap().column(), ["alice"]);
}
