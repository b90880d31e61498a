//! Stores that are down, hang or refuse, and what others notice of it.

use crate::world::*;
use pool::LeaseError;
use scratch::Stop;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{FakeStore, Peer};

#[tokio::test]
async fn a_stopped_store_fails_fast_and_serves_again_soon_after_it_is_started() {
    let (mut server, pools) = (postgres(), pools(settings()));
    let place = place(7, server.port());
    pools.lease(&place, 1).await.expect("a lease").give_back();
    server.stop(Stop::Fast).expect("stopped");
    tokio::task::yield_now().await; // the runtime hears of it
    let refused = pools.lease(&place, 1).await.expect_err("it is down");
    assert!(matches!(refused, LeaseError::Refused { .. }), "{refused:?}");
    let began = Instant::now();
    let mut fast = 0;
    for session in 0..1000 {
        let refused = pools.lease(&place, session).await.expect_err("it is down");
        assert!(refused.to_string().contains("store 7"), "{refused}");
        fast += usize::from(matches!(refused, LeaseError::Unreachable { .. }));
    }
    assert!(fast >= 980, "the store was tried {} times", 1000 - fast);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let failing = report_of(&pools, &place).expect("it is remembered").failing.expect("as failing");
    assert!(failing.contains("cannot be connected to"), "{failing}");
    server.start_again().expect("started");
    let end = Instant::now() + Duration::from_secs(10);
    let lease = loop {
        match pools.lease(&place, 1).await {
            Ok(lease) => break lease,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(report_of(&pools, &place).expect("a pool").failing, None);
    drop(lease);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_hangs_is_given_up_in_time_and_slows_no_other_store() {
    let (hanging, healthy) = (postgres(), postgres());
    let mut settings = settings();
    settings.connect_timeout = Duration::from_millis(1500);
    let pools = pools(settings);
    let (stuck, fine) = (place(1, hanging.port()), Arc::new(place_of(2, 2, healthy.port())));
    pools.lease(&stuck, 1).await.expect("a lease").give_back();
    pools.retire(stuck.key);
    hanging.pause();
    let asking: Vec<_> = (0..20)
        .map(|session| {
            let (pools, stuck) = (Arc::clone(&pools), Arc::clone(&stuck));
            tokio::spawn(async move { pools.lease(&stuck, session).await.map(drop) })
        })
        .collect();
    until("some dial and some wait", || counts(&pools, &stuck) == (0, 4, 16)).await;
    for session in 0..100 {
        let began = Instant::now();
        let mut lease = pools.lease(&fine, session).await.expect("the healthy store");
        pid(&mut lease).await;
        lease.give_back();
        assert!(began.elapsed() < settings.connect_timeout, "{:?}", began.elapsed());
    }
    let began = Instant::now();
    for asked in asking {
        let refused = asked.await.expect("no panic").expect_err("it hangs");
        assert!(
            matches!(refused, LeaseError::TimedOut { .. } | LeaseError::Unreachable { .. }),
            "{refused:?}"
        );
    }
    assert!(began.elapsed() < Duration::from_secs(4), "those who waited were told together");
    hanging.resume();
    let end = Instant::now() + Duration::from_secs(10);
    while let Err(error) = pools.lease(&stuck, 1).await {
        assert!(Instant::now() < end, "{error}");
        tokio::task::yield_now().await;
    }
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_store_that_takes_the_wait_for_a_dial_of_ours_is_not_blamed() {
    // Nobody answers; the wait is over long before the time that a dial may take.
    let silent =
        FakeStore::start(|mut peer: Peer| async move { peer.rest().await.map(drop) }).await.expect("a port");
    let store = obliging_store().await;
    let mut settings = settings();
    settings.wait_timeout = Duration::from_millis(300);
    settings.connect_timeout = Duration::from_secs(30);
    settings.budgets.total = 1;
    let pools = pools(settings);
    let (silent, fine) = (place(1, silent.port()), place(2, store.port()));
    let held = pools.lease(&fine, 1).await.expect("a lease");
    let refused = pools.lease(&silent, 1).await.expect_err("no budget");
    assert!(matches!(refused, LeaseError::BudgetSpent { .. }));
    assert!(report_of(&pools, &silent).is_none(), "no pool is kept for a dial that never began");
    drop(held);
    let refused = pools.lease(&silent, 1).await.expect_err("nobody answers");
    assert!(matches!(refused, LeaseError::TimedOut { .. }), "{refused:?}");
    assert!(report_of(&pools, &silent).expect("a pool").failing.is_some(), "it had all the time there was");
}

#[tokio::test]
async fn a_refused_login_and_a_secret_that_does_not_open_are_told_apart() {
    let (server, pools) = (postgres(), pools(settings()));
    let mut wrong = place_of(1, 1, server.port());
    wrong.credential = model::Sealed::from_text("another secret");
    let refused = pools.lease(&Arc::new(wrong), 1).await.expect_err("the wrong secret");
    let LeaseError::Refused { reason, .. } = &refused else { panic!("{refused:?}") };
    assert!(matches!(**reason, wire::dial::DialError::Auth(_)), "{reason}");
    let mut broken = place_of(1, 2, server.port());
    broken.credential = model::Sealed::from_text("broken");
    let refused = pools.lease(&Arc::new(broken), 1).await.expect_err("it does not open");
    assert!(matches!(refused, LeaseError::Credential { .. }), "{refused:?}");
    assert!(refused.to_string().contains("store 2"));
    assert_eq!(pools.connections(), 0);
}

#[tokio::test]
async fn a_corrected_place_is_tried_at_once() {
    let (server, pools) = (postgres(), pools(settings()));
    let mut wrong = place_of(1, 1, server.port());
    wrong.credential = model::Sealed::from_text("another secret");
    let wrong = Arc::new(wrong);
    assert!(pools.lease(&wrong, 1).await.is_err());
    assert!(matches!(pools.lease(&wrong, 1).await, Err(LeaseError::Unreachable { .. })));
    drop(pools.lease(&place(1, server.port()), 1).await.expect("it is right now"));
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn keys_that_the_store_has_changed_under_us_are_derived_anew() {
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    drop(pools.lease(&place, 1).await.expect("a lease"));
    // The same password gets another salt: what was derived for the old one is worth nothing.
    let again = format!("ALTER ROLE postgres PASSWORD '{}'", place.credential.as_text());
    server.sql("postgres", &again).expect("changed");
    drop(pools.lease(&place, 1).await.expect("a lease"));
    assert_nothing_leaks(&pools).await;
}
