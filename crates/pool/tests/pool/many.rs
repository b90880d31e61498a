//! Many stores and a budget for few connections.

use crate::world::*;
use model::Sealed;
use pool::{Budgets, Place, Pools};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wire::scram::Keys;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_stores_in_turn_leave_no_more_behind_than_the_budget_allows() {
    const STORES: i64 = 10_000;
    const ALLOWED: usize = 200;
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets = Budgets { total: ALLOWED, per_service: ALLOWED, per_store: 2 };
    let pools = pools(settings);
    for number in 0..STORES {
        let place = place(number, store.port());
        pools.lease(&place, 1).await.expect("a lease").give_back();
        assert!(pools.connections() <= ALLOWED);
    }
    assert_eq!((pools.connections(), pools.report().len()), (ALLOWED, ALLOWED));
    // Those that were used last are the ones that are still there.
    let oldest = pools.report()[0].key;
    assert_eq!(oldest, place(STORES - i64::try_from(ALLOWED).expect("small"), 0).key);
    assert_nothing_leaks(&pools).await;
}

/// Touches every store once, `hands` at a time, each held for a moment; the longest wait for a lease.
async fn touch_all(pools: &Arc<Pools>, places: Vec<Arc<Place>>, hands: u64) -> Duration {
    let next = Arc::new(AtomicUsize::new(0));
    let places = Arc::new(places);
    let sessions = (0..hands).map(|session| {
        let (pools, places, next) = (Arc::clone(pools), Arc::clone(&places), Arc::clone(&next));
        tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = Instant::now();
                let mut lease = pools.lease(place, session).await.expect("nobody is refused");
                longest = longest.max(asked.elapsed());
                lease.run("SELECT 1").await.expect("an answer");
                lease.give_back();
            }
            longest
        })
    });
    let mut longest = Duration::ZERO;
    for session in sessions.collect::<Vec<_>>() {
        longest = longest.max(session.await.expect("no panic"));
    }
    longest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_stores_of_a_real_server_in_turn_starve_nobody() {
    const STORES: i64 = 300;
    const ALLOWED: usize = 8;
    let server = postgres();
    let verifier = Keys::derive("pencil", b"0123456789abcdef", 4096).verifier();
    let roles =
        (0..STORES).map(|number| format!("CREATE ROLE store_{number} LOGIN PASSWORD '{verifier}';\n"));
    server.sql("postgres", &roles.collect::<String>()).expect("roles");
    let store = |number: i64| {
        let place = place_of(number % 3, number, server.port());
        let credential = Sealed::from_text("pencil");
        Arc::new(Place { role: format!("store_{number}").into(), credential, allow_trust: false, ..place })
    };
    let mut settings = settings();
    // A wait is refused after 10 s; a store's turn comes long before.
    settings.budgets = Budgets { total: ALLOWED, per_service: ALLOWED / 2, per_store: 2 };
    let pools = pools(settings);
    for round in 0..2 {
        let longest = touch_all(&pools, (0..STORES).map(store).collect(), 4 * ALLOWED as u64).await;
        assert!(pools.connections() <= ALLOWED);
        assert!(longest < settings.wait_timeout / 2, "somebody waited {longest:?} in round {round}");
    }
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn who_waits_for_the_budget_is_served_in_the_order_of_coming_whatever_the_store() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets.total = 1;
    let pools = pools(settings);
    let places: Vec<_> = [9, 2, 7, 4, 1].iter().map(|number| place(*number, store.port())).collect();
    let mut lease = pools.lease(&place(0, store.port()), 0).await.expect("a lease");
    let mut waiting = Vec::new();
    for place in &places {
        let asking = (Arc::clone(&pools), Arc::clone(place));
        waiting.push(tokio::spawn(async move { asking.0.lease(&asking.1, 1).await }));
        until("it waits", || counts(&pools, place).1 == 1).await;
    }
    while !waiting.is_empty() {
        lease.give_back();
        lease = waiting.remove(0).await.expect("no panic").expect("its turn");
        assert!(waiting.iter().all(|later| !later.is_finished()), "somebody overtook");
    }
    drop(lease);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn what_is_known_of_a_stores_code_outlives_its_last_connection_as_long_as_it_is_certain() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets.total = 1;
    let pools = pools(settings);
    let (known, other) = (place(1, store.port()), place(2, store.port()));
    let evict = async || pools.lease(&other, 1).await.expect("room is made").give_back();
    let names: Arc<[Box<str>]> = ["touch".into()].into();

    let lease = pools.lease(&known, 1).await.expect("a lease");
    assert!(lease.stateful().is_none(), "nobody has looked yet");
    lease.note_stateful(lease.epoch(), Arc::clone(&names));
    lease.give_back();
    evict().await;
    let lease = pools.lease(&known, 1).await.expect("a lease");
    assert_eq!(lease.stateful(), Some(Arc::clone(&names)), "read again for nothing");

    // Code may have changed in a transaction that nobody saw the end of.
    drop(lease);
    assert!(pools.lease(&known, 1).await.expect("a lease").stateful().is_none(), "not certain");

    // Another database under the same grant.
    let lease = pools.lease(&known, 1).await.expect("a lease");
    lease.note_stateful(lease.epoch(), Arc::clone(&names));
    lease.give_back();
    evict().await;
    let mut moved = place_of(1, 1, store.port());
    moved.endpoint.database = "elsewhere".into();
    let lease = pools.lease(&Arc::new(moved), 1).await.expect("a lease");
    assert!(lease.stateful().is_none(), "it was read elsewhere");
    drop(lease);

    // Long after: as an idle connection would have gone, so does what it stood for.
    let lease = pools.lease(&known, 1).await.expect("a lease");
    lease.note_stateful(lease.epoch(), names);
    lease.give_back();
    evict().await;
    pools.sweep(Instant::now() + settings.idle_timeout);
    assert!(pools.lease(&known, 1).await.expect("a lease").stateful().is_none(), "too old");
    assert_nothing_leaks(&pools).await;
}
