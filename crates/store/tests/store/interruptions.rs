//! Every piece of work, cut off at every point and done again, comes to the same.

use crate::bed::{ADMIN, Bed, end_of, grant, on_each_major};
use model::Partition;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use store::{Admin, GrantPlan};

/// Drops what it drives at the `steps`-th time that it would go on.
struct CutOff<'a, T> {
    work: Pin<&'a mut dyn Future<Output = T>>,
    steps: usize,
}

impl<T> Future for CutOff<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.steps == 0 {
            return Poll::Ready(None);
        }
        self.steps -= 1;
        self.work.as_mut().poll(cx).map(Some)
    }
}

/// Runs the work until it is cut off, then again to its end: over the same connection, or a new one as
/// after the gate was killed. Whether it ended before it could be cut off.
async fn cut_off<T>(bed: &Bed, steps: usize, work: impl AsyncFn(&Admin) -> T) -> (bool, T) {
    let mut admin = bed.admin().await;
    let first = {
        let future = pin!(work(&admin));
        CutOff { work: future, steps }.await
    };
    if steps.is_multiple_of(2) {
        admin = bed.admin().await;
    }
    (first.is_some(), work(&admin).await)
}

/// Grants and revokes, each cut off after more and more steps until there is nothing left to cut off.
async fn cut_off_everywhere(bed: &Bed, plan: &GrantPlan, stride: usize) {
    store::provision(&bed.admin().await, plan).await.unwrap();
    let granted = bed.imprint(&plan.database);
    store::revoke(&bed.admin().await, &end_of(plan)).await.unwrap();
    let revoked = bed.imprint(&plan.database);
    bed.forget_todo();
    for steps in (1..).step_by(stride) {
        let plan = GrantPlan { operation: format!("grant {steps}"), ..plan.clone() };
        let (all_granted, result) =
            cut_off(bed, steps, async |admin| store::provision(admin, &plan).await).await;
        result.unwrap_or_else(|error| panic!("granting again after {steps} steps: {error}"));
        assert_eq!(bed.imprint(&plan.database), granted, "granted after {steps} steps");
        let end = end_of(&plan);
        let (all_revoked, result) = cut_off(bed, steps, async |admin| store::revoke(admin, &end).await).await;
        result.unwrap_or_else(|error| panic!("revoking again after {steps} steps: {error}"));
        assert_eq!(bed.imprint(&plan.database), revoked, "revoked after {steps} steps");
        if all_granted && all_revoked {
            assert!(steps > 20, "{steps} steps only");
            println!("cut off after up to {steps} steps");
            return;
        }
        bed.forget_todo();
    }
}

#[test]
fn a_schema_partition() {
    on_each_major(&async |bed| {
        let plan = GrantPlan { extensions: vec!["citext".into()], ..grant("todo") };
        cut_off_everywhere(bed, &plan, 1).await;
    });
}

#[test]
fn a_database_partition() {
    on_each_major(&async |bed| {
        let plan = GrantPlan { database: "todo_db".into(), partition: Partition::Database, ..grant("todo") };
        cut_off_everywhere(bed, &plan, 3).await;
    });
}

#[test]
fn a_server_that_dies_in_between_is_as_if_nothing_had_begun() {
    on_each_major(&async |bed| {
        let admin = bed.admin().await;
        let terminate =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ADMIN}'");
        let before = bed.imprint(ADMIN);
        let plan = grant("todo");
        let first = {
            let work = pin!(store::provision(&admin, &plan));
            CutOff { work, steps: 5 }.await
        };
        assert!(first.is_none());
        bed.su("postgres", &terminate);
        let error = store::provision(&admin, &grant("todo")).await.expect_err("the connection is gone");
        assert!(error.is_worth_retrying(), "{error}");
        assert_eq!(bed.imprint(ADMIN), before);
        store::provision(&bed.admin().await, &grant("todo")).await.unwrap();
    });
}
