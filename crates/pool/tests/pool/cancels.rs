//! A cancel never hits who uses the connection next.

use crate::world::*;
use std::sync::Arc;
use testkit::{FakeStore, Peer};

#[tokio::test]
async fn a_cancel_ends_the_query_it_means() {
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    let mut lease = pools.lease(&place, 1).await.expect("a lease");
    let slot = Arc::clone(&lease.server.cancel);
    let known = pid(&mut lease).await;
    let cancelled = async {
        let running =
            format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {known} AND query LIKE '%sleep%'");
        until("it runs", || server.sql("postgres", &running).expect("an answer").trim() == "1").await;
        slot.announce().send().await.expect("sent");
    };
    let (ran, ()) = tokio::join!(lease.run("SELECT pg_sleep(60)"), cancelled);
    assert!(ran.expect_err("it was cancelled").to_string().contains("cancel"));
    assert!(lease.server.cancel.is_quiet());
}

#[tokio::test]
async fn a_cancel_on_its_way_keeps_the_connection_from_reuse_until_it_has_landed() {
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    let lease = pools.lease(&place, 1).await.expect("a lease");
    let in_flight = lease.server.cancel.announce();
    lease.give_back();
    assert_eq!(pools.connections(), 0, "it was kept for somebody else");
    drop(in_flight);

    let lease = pools.lease(&place, 1).await.expect("a lease");
    let slot = Arc::clone(&lease.server.cancel);
    let in_flight = slot.announce();
    assert!(!slot.is_quiet());
    let (sent, ()) = tokio::join!(in_flight.send(), slot.quiet());
    sent.expect("sent");
    lease.give_back();
    assert_eq!(pools.connections(), 1, "it has landed");
    let mut next = pools.lease(&place, 2).await.expect("a lease");
    next.run("SELECT pg_sleep(0.01)").await.expect("not cancelled");
    drop(next);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_cancel_that_was_given_up_half_way_keeps_the_connection_from_reuse_for_good() {
    // Login on the first connection; the second, the cancel's, is never answered.
    let script = |mut peer: Peer| async move {
        let start = peer.accept_start_up().await?;
        if start.number(0) == testkit::frames::CANCEL_CODE {
            return peer.rest().await.map(drop);
        }
        let welcome = [
            testkit::frames::authentication(0, &[]),
            testkit::frames::backend_key(4711, b"key!"),
            testkit::frames::ready(b'I'),
        ];
        peer.send(&welcome.concat()).await?;
        peer.rest().await.map(drop)
    };
    let store = FakeStore::start(script).await.expect("a port");
    let pools = pools(settings());
    let place = place(1, store.port());
    let lease = pools.lease(&place, 1).await.expect("a lease");
    let mut sending = Box::pin(lease.server.cancel.announce().send());
    let mut arrived = false;
    while !arrived {
        let pending =
            std::future::poll_fn(|cx| std::task::Poll::Ready(sending.as_mut().poll(cx).is_pending()));
        assert!(pending.await, "nobody answers");
        tokio::task::yield_now().await;
        arrived = store.accepted() == 2;
    }
    drop(sending);
    assert!(lease.server.cancel.is_quiet(), "nobody waits for it any more");
    lease.give_back();
    assert_eq!(pools.connections(), 0, "the request may still arrive");
    assert_nothing_leaks(&pools).await;
}
