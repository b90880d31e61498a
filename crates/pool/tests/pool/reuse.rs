//! Which connection a lease gets.

use crate::world::*;
use pool::Lease;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{FakeStore, Peer, frames};

#[tokio::test]
async fn a_connection_that_was_given_back_is_used_again() {
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    let mut first = pools.lease(&place, 1).await.expect("a lease");
    assert!(!first.was_strangers());
    let known = pid(&mut first).await;
    first.give_back();
    assert_eq!(counts(&pools, &place), (1, 0, 0));
    let mut again = pools.lease(&place, 1).await.expect("a lease");
    assert!(!again.was_strangers());
    assert_eq!(pid(&mut again).await, known);
    again.give_back();
    let mut other = pools.try_lease(&place, 2).expect("an idle one");
    assert!(other.was_strangers());
    assert_eq!(pid(&mut other).await, known);
    assert_eq!(pools.connections(), 1);
    assert!(pools.try_lease(&place, 1).is_none(), "nothing is idle");
    drop(other);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_session_gets_its_own_last_connection_and_others_the_most_recently_used() {
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    let mut leases = Vec::new();
    let mut pids = Vec::new();
    for session in 1..=3 {
        let mut lease = pools.lease(&place, session).await.expect("a lease");
        pids.push(pid(&mut lease).await);
        leases.push(lease);
    }
    leases.into_iter().for_each(Lease::give_back);
    for (session, wanted) in [(1, 0), (2, 1), (3, 2), (9, 2)] {
        let mut lease = pools.lease(&place, session).await.expect("a lease");
        assert_eq!(pid(&mut lease).await, pids[wanted], "session {session}");
        lease.give_back();
    }
    let mut newest = pools.lease(&place, 10).await.expect("a lease");
    assert_eq!(pid(&mut newest).await, pids[2]);
}

#[tokio::test]
async fn a_dropped_lease_closes_its_connection() {
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    drop(pools.lease(&place, 1).await.expect("a lease"));
    assert_eq!(pools.connections(), 0);
    assert!(pools.report().is_empty());
    let backends = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' \
                    AND pid <> pg_backend_pid()";
    until("the server has noticed", || server.sql("postgres", backends).expect("an answer").trim() == "0")
        .await;
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_not_handed_out() {
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    let mut lease = pools.lease(&place, 1).await.expect("a lease");
    let killed = pid(&mut lease).await;
    lease.give_back();
    server.sql("postgres", &format!("SELECT pg_terminate_backend({killed}, 10000)")).expect("killed");
    tokio::task::yield_now().await; // the runtime hears of it
    let mut lease = pools.lease(&place, 1).await.expect("a lease");
    assert_ne!(pid(&mut lease).await, killed);
    assert_eq!(pools.connections(), 1);
    drop(lease);
    assert_nothing_leaks(&pools).await;
}

#[test]
fn a_connection_goes_to_the_worker_that_leases_it_and_each_worker_takes_its_own_first() {
    let worker = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (here, there) = (worker(), worker());
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    let use_once = async |session| {
        let mut lease = pools.lease(&place, session).await.expect("a lease");
        let used = pid(&mut lease).await;
        lease.give_back();
        used
    };
    let first = here.block_on(use_once(1));
    // Nobody runs the other runtime meanwhile: it need not be woken for what is used here.
    assert_eq!(there.block_on(use_once(2)), first);
    assert_eq!(here.block_on(use_once(1)), first);
    let kept = here.block_on(pools.lease(&place, 1)).expect("a lease");
    let second = there.block_on(use_once(2));
    assert_ne!(second, first);
    kept.give_back();
    assert_eq!(there.block_on(use_once(1)), second, "it was this session's last, and is watched here");
    assert_eq!(here.block_on(use_once(2)), first);
    here.block_on(assert_nothing_leaks(&pools));
}

#[test]
fn a_connection_that_died_on_its_way_to_another_worker_is_not_handed_out() {
    let worker = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (here, there) = (worker(), worker());
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    let mut lease = here.block_on(pools.lease(&place, 1)).expect("a lease");
    let killed = here.block_on(pid(&mut lease));
    lease.give_back();
    server.sql("postgres", &format!("SELECT pg_terminate_backend({killed}, 10000)")).expect("killed");
    let mut lease = there.block_on(pools.lease(&place, 2)).expect("a lease");
    assert_ne!(there.block_on(pid(&mut lease)), killed);
}

#[tokio::test]
async fn a_connection_on_which_something_came_while_idle_is_not_handed_out() {
    let (send, sent) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (told, tells) = (Arc::clone(&send), Arc::clone(&sent));
    let script = move |mut peer: Peer| {
        let (told, tells) = (Arc::clone(&told), Arc::clone(&tells));
        async move {
            let_in(&mut peer).await?;
            told.notified().await;
            peer.send(&frames::ready(b'I')).await?;
            tells.notify_one();
            peer.rest().await.map(drop)
        }
    };
    let store = FakeStore::start(script).await.expect("a port");
    let pools = pools(settings());
    let place = place(1, store.port());
    pools.lease(&place, 1).await.expect("a lease").give_back();
    send.notify_one();
    sent.notified().await;
    assert!(pools.try_lease(&place, 1).is_none());
    assert_eq!(pools.connections(), 0);
    let other = pools.lease(&place, 1).await.expect("a lease");
    assert_eq!(store.accepted(), 2);
    drop(other);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_connection_with_something_unread_or_unsent_is_not_reused() {
    let store = obliging_store().await;
    let pools = pools(settings());
    let place = place(1, store.port());
    let mut lease = pools.lease(&place, 1).await.expect("a lease");
    lease.server.peer.inbox.extend(b"x");
    lease.give_back();
    assert_eq!(pools.connections(), 0);
    let mut lease = pools.lease(&place, 1).await.expect("a lease");
    lease.server.peer.outbox.buffer().push(b'x');
    lease.give_back();
    assert_eq!(pools.connections(), 0);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_retired_pool_closes_its_idle_connections_now_and_the_leased_ones_when_they_come_back() {
    let store = obliging_store().await;
    let pools = pools(settings());
    let place = place(1, store.port());
    let (idle, leased) = (pools.lease(&place, 1).await, pools.lease(&place, 2).await);
    idle.expect("a lease").give_back();
    pools.retire(place.key);
    assert_eq!((pools.connections(), counts(&pools, &place)), (1, (0, 1, 0)));
    let fresh = pools.lease(&place, 3).await.expect("a lease");
    leased.expect("a lease").give_back();
    assert_eq!(pools.connections(), 1);
    fresh.give_back();
    assert_eq!(counts(&pools, &place), (1, 0, 0), "one of after the change stays");
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_changed_place_is_connected_to_anew() {
    let (old, new) = (obliging_store().await, obliging_store().await);
    let pools = pools(settings());
    let (before, after) = (place(1, old.port()), place(1, new.port()));
    let leased = pools.lease(&before, 1).await.expect("a lease");
    pools.lease(&before, 2).await.expect("a lease").give_back();
    let moved = pools.lease(&after, 1).await.expect("a lease");
    assert_eq!((old.accepted(), new.accepted(), pools.connections()), (2, 1, 2));
    leased.give_back();
    moved.give_back();
    assert_eq!(counts(&pools, &after), (1, 0, 0));
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn idle_connections_go_after_their_time_and_the_pool_with_them() {
    let store = obliging_store().await;
    let pools = pools(settings());
    let place = place(1, store.port());
    pools.lease(&place, 1).await.expect("a lease").give_back();
    pools.sweep(Instant::now());
    assert_eq!(counts(&pools, &place), (1, 0, 0));
    pools.sweep(Instant::now() + settings().idle_timeout + Duration::from_secs(1));
    assert_eq!((pools.connections(), pools.report().len()), (0, 0));
}

#[tokio::test]
async fn a_connection_handed_to_a_waiter_is_looked_at_like_an_idle_one() {
    let script = |mut peer: Peer| async move {
        let_in(&mut peer).await?;
        peer.expect(b'Q').await?;
        peer.end().await?;
        peer.rest().await.map(drop)
    };
    let store = FakeStore::start(script).await.expect("a port");
    let mut settings = settings();
    settings.budgets.per_store = 1;
    let pools = pools(settings);
    let place = place(1, store.port());
    let mut broken = pools.lease(&place, 1).await.expect("a lease");
    let waiting = tokio::spawn({
        let (pools, place) = (Arc::clone(&pools), Arc::clone(&place));
        async move { pools.lease(&place, 2).await }
    });
    until("somebody waits", || counts(&pools, &place).2 == 1).await;
    wire::frame::query(broken.server.peer.outbox.buffer(), "goodbye");
    broken.server.peer.send().await.expect("sent");
    while broken.server.peer.stream.is_quiet() {
        tokio::task::yield_now().await;
    }
    broken.give_back();
    let lease = waiting.await.expect("no panic").expect("a lease");
    assert_eq!(store.accepted(), 2, "a fresh connection");
    drop(lease);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn that_no_code_changes_session_state_is_remembered_over_changes_of_tables_alone() {
    let (server, pools) = (postgres(), pools(settings()));
    let lease = pools.lease(&place(1, server.port()), 1).await.expect("a lease");
    let none: Arc<[Box<str>]> = Arc::new([]);
    let learn = |names: &Arc<[Box<str>]>| lease.note_stateful(lease.epoch(), Arc::clone(names));
    learn(&none);
    lease.schema_changed(true);
    assert_eq!(lease.stateful(), Some(Arc::clone(&none)), "tables");
    lease.schema_changed(false);
    assert_eq!(lease.stateful(), None, "functions");
    learn(&none);
    lease.doubt_stateful();
    assert_eq!(lease.stateful(), Some(Arc::clone(&none)), "until the schema changes");
    lease.schema_changed(true);
    assert_eq!(lease.stateful(), None, "unseen");
    learn(&["f".into()].into());
    lease.schema_changed(true);
    assert_eq!(lease.stateful(), None, "a view may have come that calls f");
}
