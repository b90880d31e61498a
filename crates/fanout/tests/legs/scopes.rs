//! Who is asked: the grants that are live, and no store more.

use crate::world::{SERVICE, World, grant, in_partition, one, plan, postgres, statement, store, table};
use fanout::legs::Legs;
use model::{Change, Disclosure, GrantId, GrantState, Name, Outcome, ServiceId, User, UserId};
use sql::fanout::Discloses;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs().cast_signed()
}

async fn names(world: &World) -> Vec<String> {
    let scope = world.stores.scope(SERVICE, Discloses::Sums).await;
    assert_eq!((scope.len(), scope.is_empty()), (scope.stores().len(), scope.stores().is_empty()));
    scope.stores().iter().map(|store| store.user.to_string()).collect()
}

#[tokio::test]
async fn live_grants_are_asked_in_the_order_of_names() {
    let world = World::new();
    assert!(names(&world).await.is_empty());
    for (number, user) in [(1, "zoe"), (2, "alice"), (3, "bob"), (4, "carol"), (5, "dave"), (6, "erin")] {
        world.add(number, user, 1, "a");
    }
    let change = |number, change: fn(&mut model::Grant)| {
        let mut grant = grant(number);
        change(&mut grant);
        world.directory.apply(&Change::Grant(grant));
    };
    assert_eq!(names(&world).await, ["alice", "bob", "carol", "dave", "erin", "zoe"]);
    change(1, |grant| grant.state = GrantState::Pending);
    change(2, |grant| grant.state = GrantState::Revoked);
    change(3, |grant| grant.expires_at = Some(1));
    change(4, |grant| grant.service = ServiceId(2));
    let name: Name = "erin".parse().expect("a name");
    world.directory.apply(&Change::User(User { id: UserId(6), name, disabled: true }));
    assert_eq!(names(&world).await, ["dave", "erin", "zoe"]);
    // A grant that followed a revoked one counts once.
    let mut again = grant(20);
    again.user = UserId(2);
    world.directory.apply(&Change::Grant(again));
    assert_eq!(names(&world).await, ["alice", "dave", "erin", "zoe"]);
    world.directory.apply(&Change::GrantGone(GrantId(5)));
    assert_eq!(names(&world).await, ["alice", "erin", "zoe"]);
}

#[tokio::test]
async fn stores_that_took_longest_are_asked_first_and_those_that_failed_last() {
    let (server, world) = (postgres(&["a", "b", "c", "d"], "CREATE TABLE t (n int)"), World::new());
    let databases = ["a", "b", "c", "d"];
    for (number, (user, database)) in (1..).zip(["alice", "bob", "carol", "dave"].into_iter().zip(databases))
    {
        world.add(number, user, server.port(), database);
    }
    let order = async || {
        let mut asked = statement(plan("SELECT count(*) FROM t", &["bigint"], vec![table("t", &[])]));
        asked.settings.concurrency = 1;
        let scope = world.stores.scope(SERVICE, Discloses::Sums).await;
        let mut legs = Legs::start(&world.stores, scope, asked);
        let mut order = Vec::new();
        while let Some(finished) = legs.next().await {
            order.push(finished.report.user.to_string());
        }
        order
    };
    assert_eq!(order().await, ["alice", "bob", "carol", "dave"], "nobody has been asked yet");
    for (database, waits) in [("c", 0.3), ("b", 0.1)] {
        let slow = format!("DROP TABLE t; CREATE VIEW t AS SELECT 1 AS n FROM pg_sleep({waits})");
        in_partition(&server, database, &slow);
    }
    in_partition(&server, "a", "ALTER TABLE t RENAME TO elsewhere");
    order().await;
    // A change of the directory does not make it forget.
    world.directory.apply(&Change::Grant(grant(4)));
    assert_eq!(order().await, ["carol", "bob", "dave", "alice"]);
}

#[tokio::test]
async fn a_grant_that_expires_is_out_of_scope_though_nothing_else_changes() {
    let world = World::new();
    world.add(1, "alice", 1, "a");
    let mut short = grant(1);
    short.expires_at = Some(now() + 2);
    world.directory.apply(&Change::Grant(short));
    assert_eq!(names(&world).await, ["alice"]);
    let end = std::time::Instant::now() + crate::world::PATIENCE;
    while !names(&world).await.is_empty() {
        assert!(std::time::Instant::now() < end, "it never expires");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_class_of_a_grant_decides_before_its_store_is_asked() {
    let world = World::new();
    let classes = [Disclosure::None, Disclosure::Additive, Disclosure::Values, Disclosure::Rows];
    for (number, class) in (1..).zip(classes) {
        world.add(number, &format!("user-{number}"), 1, "a");
        let mut grant = grant(number);
        grant.fanout = class;
        world.directory.apply(&Change::Grant(grant));
    }
    let (none, other) = (Outcome::NotGranted, Outcome::Unreachable); // nobody listens on port 1
    for (discloses, wanted) in [
        (Discloses::Sums, [none, other, other, other]),
        (Discloses::Values, [none, none, other, other]),
        (Discloses::Rows, [none, none, none, other]),
    ] {
        let mut asked = one();
        let mut plan = (*asked.plan).clone();
        plan.discloses = discloses;
        asked.plan = plan.into();
        let all = world.ask(asked).await;
        let found: Vec<Outcome> = all.iter().map(|finished| finished.report.outcome).collect();
        assert_eq!(found, wanted, "{discloses:?}");
        let message = all[0].report.message.as_deref().expect("a message");
        assert!(message.contains("lets none through"), "{message}");
    }
}

#[tokio::test]
async fn readers_are_looked_for_once_for_as_long_as_the_grant_stays_as_it_is() {
    let world = World::new();
    for number in 1..=50 {
        world.add(number, &format!("user-{number:02}"), 1, "a");
    }
    let looked = || world.known.looked.load(Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(names(&world).await.len(), 50);
    }
    assert_eq!(looked(), 50);
    let scope = world.stores.scope(SERVICE, Discloses::Rows).await;
    let other = world.stores.scope(SERVICE, Discloses::Sums).await;
    assert!(
        std::ptr::eq(scope.stores(), other.stores()),
        "a directory that has not changed is not read again"
    );
    world.directory.apply(&Change::Store(store(7, 2, "b")));
    world.add(51, "user-51", 1, "a");
    assert_eq!(names(&world).await.len(), 51);
    assert_eq!(looked(), 51);
    let mut renewed = grant(7);
    renewed.credential = model::Sealed::from_text("renewed");
    world.directory.apply(&Change::Grant(renewed));
    assert_eq!(names(&world).await.len(), 51);
    assert_eq!(looked(), 52);
}
