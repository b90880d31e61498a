//! Ten thousand stores and a budget for two hundred connections.

use crate::world::*;
use pool::Budgets;

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
