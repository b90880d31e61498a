//! Sessions that leave at any moment take nothing with them.

use crate::world::*;
use pool::{Budgets, Lease, LeaseError, Place, Pools};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::{Error, FakeStore, Peer, frames};

/// Small random numbers (xorshift; Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// A store that closes the connection on every so many-th who comes.
async fn moody_store(every: usize) -> FakeStore {
    let come = Arc::new(AtomicUsize::new(1));
    let script = move |mut peer: Peer| {
        let turn = come.fetch_add(1, Ordering::Relaxed);
        async move {
            peer.patience(PATIENCE * 10);
            if turn.is_multiple_of(every) {
                return Err(Error::Closed);
            }
            let_in(&mut peer).await?;
            loop {
                peer.frame().await?;
                peer.send(&[frames::command_complete("DONE"), frames::ready(b'I')].concat()).await?;
            }
        }
    };
    FakeStore::start(script).await.expect("a port")
}

fn tight() -> Arc<Pools> {
    let mut settings = settings();
    settings.budgets = Budgets { total: 4, per_service: 3, per_store: 2 };
    settings.wait_timeout = Duration::from_secs(15);
    pools(settings)
}

fn places(port: u16) -> Vec<Arc<Place>> {
    (1..=4).map(|number| Arc::new(place_of(1 + number % 2, number, port))).collect()
}

type Asking = Pin<Box<dyn Future<Output = Result<Lease, LeaseError>> + Send>>;

fn ask(pools: &Arc<Pools>, place: &Arc<Place>, session: u64) -> Asking {
    let (pools, place) = (Arc::clone(pools), Arc::clone(place));
    Box::pin(async move { pools.lease(&place, session).await })
}

/// Random steps: ask, poll, leave, give back, drop, retire.
async fn wander(pools: &Arc<Pools>, places: &[Arc<Place>], seed: u64, steps: usize) {
    let mut dice = Dice(seed | 1);
    let mut asking: Vec<Asking> = Vec::new();
    let mut leases: Vec<Lease> = Vec::new();
    for _ in 0..steps {
        match dice.below(12) {
            0..=2 if asking.len() < 12 => {
                let place = &places[dice.below(places.len())];
                asking.push(ask(pools, place, dice.below(6) as u64));
            }
            3..=7 if !asking.is_empty() => {
                let at = dice.below(asking.len());
                let polled =
                    std::future::poll_fn(|cx| std::task::Poll::Ready(asking[at].as_mut().poll(cx))).await;
                if let std::task::Poll::Ready(outcome) = polled {
                    drop(asking.swap_remove(at));
                    leases.extend(outcome);
                }
            }
            8 if !asking.is_empty() => drop(asking.swap_remove(dice.below(asking.len()))),
            9 | 10 if !leases.is_empty() => leases.swap_remove(dice.below(leases.len())).give_back(),
            11 if !leases.is_empty() && dice.below(3) == 0 => {
                drop(leases.swap_remove(dice.below(leases.len())));
            }
            11 if dice.below(20) == 0 => pools.retire(places[dice.below(places.len())].key),
            _ => tokio::task::yield_now().await,
        }
        assert!(pools.connections() <= 4, "over the budget");
    }
}

#[tokio::test]
async fn leases_dropped_at_any_poll_leave_no_count_behind() {
    let store = obliging_store().await;
    for seed in 0..60 {
        let pools = tight();
        wander(&pools, &places(store.port()), seed * 7919 + 1, 400).await;
        assert_nothing_leaks(&pools).await;
        assert!(pools.report().is_empty());
    }
}

#[tokio::test]
async fn leases_dropped_at_any_poll_of_a_moody_store_leave_no_count_behind() {
    let store = moody_store(5).await;
    for seed in 0..60 {
        let pools = tight();
        wander(&pools, &places(store.port()), seed * 104_729 + 1, 400).await;
        assert_nothing_leaks(&pools).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_on_many_threads_that_leave_at_any_time_leave_nothing_and_stall_nobody() {
    let store = obliging_store().await;
    let pools = tight();
    let places = places(store.port());
    let sessions: Vec<_> = (0..24_u64)
        .map(|session| {
            let (pools, places) = (Arc::clone(&pools), places.clone());
            tokio::spawn(async move {
                let mut dice = Dice(session * 7919 + 17);
                let mut served = 0;
                for _ in 0..150 {
                    let place = &places[dice.below(places.len())];
                    let patience = Duration::from_micros(dice.below(3000) as u64);
                    let leased = match dice.below(3) {
                        0 => Ok(pools.lease(place, session).await),
                        _ => tokio::time::timeout(patience, pools.lease(place, session)).await,
                    };
                    let Ok(leased) = leased else { continue };
                    // Whoever is patient is served: nobody holds a lease for long.
                    let mut lease = leased.expect("a lease within its patience");
                    served += 1;
                    match dice.below(4) {
                        0 => drop(lease),
                        1 => {
                            lease.run("SELECT 1").await.expect("an answer");
                            lease.give_back();
                        }
                        _ => lease.give_back(),
                    }
                }
                served
            })
        })
        .collect();
    let mut served = 0;
    for session in sessions {
        served += session.await.expect("no panic");
    }
    assert!(served >= 24 * 30, "{served} served");
    assert_nothing_leaks(&pools).await;
    assert!(pools.report().is_empty());
}
