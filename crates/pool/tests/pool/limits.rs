//! How many connections there may be, and what happens to who asks for one more.

use crate::world::*;
use pool::{Lease, LeaseError, Place, Pools};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Short enough to be waited for.
const SHORT: Duration = Duration::from_millis(200);

fn ask(pools: &Arc<Pools>, place: &Arc<Place>, session: u64) -> JoinHandle<Result<Lease, LeaseError>> {
    let (pools, place) = (Arc::clone(pools), Arc::clone(place));
    tokio::spawn(async move { pools.lease(&place, session).await })
}

#[tokio::test]
async fn the_wait_for_a_busy_store_is_bounded_and_its_error_names_the_store() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.wait_timeout = SHORT;
    settings.budgets.per_store = 2;
    let pools = pools(settings);
    let place = place(7, store.port());
    let held =
        [pools.lease(&place, 1).await.expect("a lease"), pools.lease(&place, 2).await.expect("a lease")];
    let began = Instant::now();
    let refused = pools.lease(&place, 3).await.expect_err("all are in use");
    assert!(began.elapsed() >= SHORT && began.elapsed() < SHORT * 10, "{:?}", began.elapsed());
    assert!(matches!(refused, LeaseError::StoreBusy { limit: 2, .. }), "{refused:?}");
    assert!(refused.to_string().contains("store 7"), "{refused}");
    assert_eq!(store.accepted(), 2);
    drop(held);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn who_waits_is_served_in_order_and_nobody_overtakes() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets.per_store = 1;
    let pools = pools(settings);
    let place = place(1, store.port());
    let mut lease = pools.lease(&place, 0).await.expect("a lease");
    let mut waiting = Vec::new();
    for session in 1..=4 {
        waiting.push(ask(&pools, &place, session));
        until("one more waits", || counts(&pools, &place).2 == waiting.len()).await;
    }
    for (turn, next) in waiting.into_iter().enumerate() {
        // Given back or closed: the place is the next one's either way.
        if turn % 2 == 0 {
            lease.give_back();
        } else {
            drop(lease);
        }
        assert!(pools.try_lease(&place, 99).is_none(), "a newcomer overtook");
        let mut overtaking = Box::pin(pools.lease(&place, 99));
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(overtaking.as_mut().poll(cx).is_ready()));
        assert!(!polled.await, "a newcomer overtook");
        drop(overtaking);
        lease = next.await.expect("no panic").expect("a lease");
    }
    drop(lease);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn so_many_may_wait_and_no_more() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets.per_store = 1;
    settings.max_waiters = 2;
    let pools = pools(settings);
    let place = place(7, store.port());
    let lease = pools.lease(&place, 0).await.expect("a lease");
    let waiting = [ask(&pools, &place, 1), ask(&pools, &place, 2)];
    until("both wait", || counts(&pools, &place).2 == 2).await;
    let refused = pools.lease(&place, 3).await.expect_err("too many wait");
    assert!(matches!(refused, LeaseError::QueueFull { limit: 2, .. }), "{refused:?}");
    assert!(refused.to_string().contains("store 7"));
    // Who leaves makes room.
    waiting[0].abort();
    until("one has left", || counts(&pools, &place).2 == 1).await;
    let third = ask(&pools, &place, 3);
    until("another waits", || counts(&pools, &place).2 == 2).await;
    lease.give_back();
    let [_, second] = waiting;
    second.await.expect("no panic").expect("a lease").give_back();
    third.await.expect("no panic").expect("a lease").give_back();
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_services_share_holds_back_that_service_alone() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.wait_timeout = SHORT;
    settings.budgets.per_service = 2;
    let pools = pools(settings);
    let places = [1, 2, 3].map(|number| place(number, store.port()));
    let held = [pools.lease(&places[0], 1).await, pools.lease(&places[1], 2).await];
    let refused = pools.lease(&places[2], 3).await.expect_err("the share is used up");
    assert!(matches!(refused, LeaseError::BudgetSpent { .. }), "{refused:?}");
    assert!(refused.to_string().contains("store 3"), "{refused}");
    let other = Arc::new(place_of(2, 4, store.port()));
    let lease = pools.lease(&other, 4).await.expect("another service's");
    drop((held, lease));
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn the_longest_idle_connection_makes_room_for_another_store() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets.total = 3;
    let pools = pools(settings);
    let places: Vec<_> = (1..=4).map(|number| Arc::new(place_of(number, number, store.port()))).collect();
    for place in &places[..3] {
        pools.lease(place, 1).await.expect("a lease").give_back();
    }
    // The first is used once more: the second has been idle longest.
    pools.lease(&places[0], 1).await.expect("a lease").give_back();
    let lease = pools.lease(&places[3], 1).await.expect("room was made");
    let left: Vec<usize> = places.iter().map(|place| counts(&pools, place).0).collect();
    assert_eq!(left, [1, 0, 1, 0]);
    assert_eq!((pools.connections(), pools.report().len()), (3, 3), "the empty pool is forgotten");
    drop(lease);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_service_at_its_share_makes_room_out_of_its_own() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets.per_service = 2;
    let pools = pools(settings);
    let others = Arc::new(place_of(2, 9, store.port()));
    let places: Vec<_> = (1..=3).map(|number| place(number, store.port())).collect();
    pools.lease(&others, 1).await.expect("a lease").give_back();
    for place in &places[..2] {
        pools.lease(place, 1).await.expect("a lease").give_back();
    }
    let lease = pools.lease(&places[2], 1).await.expect("room was made");
    assert_eq!(counts(&pools, &others), (1, 0, 0), "another service paid");
    assert_eq!(counts(&pools, &places[0]), (0, 0, 0));
    drop(lease);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_connection_that_comes_back_goes_to_who_waits_for_the_budget() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets.total = 1;
    let pools = pools(settings);
    let (first, second) = (place(1, store.port()), place(2, store.port()));
    let lease = pools.lease(&first, 1).await.expect("a lease");
    let waiting = ask(&pools, &second, 2);
    until("it waits", || counts(&pools, &second).1 == 1).await;
    lease.give_back();
    let lease = waiting.await.expect("no panic").expect("a lease");
    assert_eq!((counts(&pools, &first), counts(&pools, &second)), ((0, 0, 0), (0, 1, 0)));
    drop(lease);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_busy_store_does_not_keep_the_budget_from_who_has_waited_longer() {
    let store = obliging_store().await;
    let mut settings = settings();
    settings.budgets = pool::Budgets { total: 1, per_service: 1, per_store: 1 };
    let pools = pools(settings);
    let (busy, patient) = (place(1, store.port()), place(2, store.port()));
    let lease = pools.lease(&busy, 1).await.expect("a lease");
    let first = ask(&pools, &patient, 2);
    until("it waits for the budget", || counts(&pools, &patient).1 == 1).await;
    let later = ask(&pools, &busy, 3);
    until("it waits for the store", || counts(&pools, &busy).2 == 1).await;
    lease.give_back();
    let lease = first.await.expect("no panic").expect("who waited longer");
    assert!(!later.is_finished());
    lease.give_back();
    drop(later.await.expect("no panic").expect("its turn"));
    assert_nothing_leaks(&pools).await;
}
