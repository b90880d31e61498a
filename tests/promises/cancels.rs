//! A cancel request ends the query it is meant for, and never another one.

use stuffgate_tests::testkit::{Client, frames};
use stuffgate_tests::{SERVICE, World, WorldPlan};

const LONG: &str = "SELECT pg_sleep(60)";

/// Begins a long query and waits until the store runs it.
async fn begin_long(world: &World, session: &mut Client, user: &str) {
    session.send(&frames::query(LONG)).await.unwrap();
    world.until(async || running(world, user) == "1\n").await;
}

fn running(world: &World, user: &str) -> String {
    world.direct(
        user,
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'",
    )
}

#[tokio::test]
async fn a_running_query_is_cancelled_and_the_session_goes_on() {
    for world in WorldPlan::default().start_in_each_kind() {
        let mut session = world.connect("alice").await;
        begin_long(&world, &mut session, "alice").await;
        session.cancel(world.gate.port()).await.unwrap();
        assert_eq!(session.answer().await.unwrap().code(), "57014");
        assert_eq!(session.simple("SELECT 1").await.unwrap().value(), Some("1"));
    }
}

#[tokio::test]
async fn a_guessed_or_foreign_key_cancels_nothing() {
    for world in WorldPlan::default().start_in_each_kind() {
        let mut victim = world.connect("alice").await;
        begin_long(&world, &mut victim, "alice").await;
        let mut other = world.connect("bob").await;
        let (pid, key) = victim.cancel_key.clone();
        let mut wrong = key.clone();
        wrong[0] ^= 1;
        for (pid, key) in [(pid, wrong), (pid, other.cancel_key.1.clone()), (other.cancel_key.0, key)] {
            Client::cancel_by_key(world.gate.port(), pid, &key).await.unwrap();
        }
        other.cancel(world.gate.port()).await.unwrap();
        assert_eq!(running(&world, "alice"), "1\n");
        assert_eq!(other.simple("SELECT 1").await.unwrap().value(), Some("1"));
        victim.cancel(world.gate.port()).await.unwrap();
        assert_eq!(victim.answer().await.unwrap().code(), "57014");
    }
}

#[tokio::test]
async fn a_cancel_between_queries_hits_neither_the_next_nor_another_session() {
    let world = WorldPlan::default().settings("[pool]\nper_store = 1").start();
    let mut session = world.connect("alice").await;
    let mut neighbour = world.connect("alice").await;
    for round in 0..50 {
        assert_eq!(session.simple("SELECT 1").await.unwrap().value(), Some("1"), "{round}");
        session.cancel(world.gate.port()).await.unwrap();
        assert_eq!(neighbour.simple("SELECT 2").await.unwrap().value(), Some("2"), "{round}");
        assert_eq!(session.simple("SELECT 3").await.unwrap().value(), Some("3"), "{round}");
    }
}

#[tokio::test]
async fn what_is_sent_after_a_cancel_request_has_ended_is_never_hit() {
    let world = World::start();
    let mut session = world.connect("alice").await;
    // Pinned, so the session's server can be hit while nothing runs on it.
    session.simple("CREATE TEMP TABLE kept (n int)").await.unwrap();
    for round in 0..50 {
        session.cancel(world.gate.port()).await.unwrap();
        let slept = session.simple("SELECT pg_sleep(0.02)").await.unwrap();
        assert_eq!(slept.value(), Some(""), "{round}");
    }
}

#[tokio::test]
async fn the_key_of_an_ended_session_cancels_nothing() {
    let world = WorldPlan::default().settings("[pool]\nper_store = 1").start();
    let mut first = world.connect("alice").await;
    first.simple("SELECT 1").await.unwrap();
    let (pid, key) = first.cancel_key.clone();
    first.send(&frames::terminate()).await.unwrap();
    first.rest().await.unwrap();
    let mut second = world.connect("alice").await;
    begin_long(&world, &mut second, "alice").await;
    Client::cancel_by_key(world.gate.port(), pid, &key).await.unwrap();
    assert_eq!(running(&world, "alice"), "1\n");
    second.cancel(world.gate.port()).await.unwrap();
    assert_eq!(second.answer().await.unwrap().code(), "57014");
}

#[tokio::test]
async fn a_query_that_waits_for_a_connection_can_be_cancelled() {
    for world in WorldPlan::default().settings("[pool]\nper_store = 1").start_in_each_kind() {
        let mut holder = world.connect("alice").await;
        holder.simple("BEGIN; SELECT 1").await.unwrap();
        let mut waiting = world.connect_with(SERVICE, &[("options", "-c stuffgate.user=bob")]).await;
        waiting.simple("SET stuffgate.user = 'alice'").await.unwrap();
        waiting.send(&frames::query("SELECT 2")).await.unwrap();
        let (pid, key) = waiting.cancel_key.clone();
        // A request that comes before the query has begun to wait is for nothing, so it is sent until it counts.
        let cancelling = async {
            loop {
                Client::cancel_by_key(world.gate.port(), pid, &key).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let answer =
            tokio::select! { answer = waiting.answer() => answer.unwrap(), () = cancelling => continue };
        assert_eq!(answer.code(), "57014");
        assert_eq!(holder.simple("SELECT 3; COMMIT").await.unwrap().value(), Some("3"));
        assert_eq!(waiting.simple("SELECT 4").await.unwrap().value(), Some("4"));
    }
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_query_with_it() {
    for world in WorldPlan::default().start_in_each_kind() {
        let mut session = world.connect("alice").await;
        begin_long(&world, &mut session, "alice").await;
        drop(session);
        world.until(async || running(&world, "alice") == "0\n").await;
    }
}
