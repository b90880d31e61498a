//! Every outcome, each by a real fault in a real store beside one that is well.

use crate::world::{
    World, active, idle, in_partition, one, outcome, plan, postgres, role, rows_of, statement, table, until,
};
use fanout::legs::Finished;
use model::{Change, GrantState, Outcome, StoreState, User, UserId};
use scratch::{Server, Stop};
use std::time::{Duration, Instant};

const TABLE: &str =
    "CREATE TABLE t (n int, body text); INSERT INTO t SELECT n, 'x' FROM generate_series(1, 10) n";

/// Alice's store, which something happens to, and Bob's, which must not notice.
async fn beside_bob(world: &World, asked: fanout::legs::Statement) -> Finished {
    let mut all = world.ask(asked).await;
    assert_eq!(all.len(), 2);
    let bob = all.pop().expect("bob's leg");
    assert_eq!((bob.report.user.as_str(), bob.report.outcome), ("bob", Outcome::Ok), "{:?}", bob.report);
    assert!(bob.results.is_some());
    let alice = all.pop().expect("alice's leg");
    assert_eq!(alice.results.is_some(), alice.report.outcome == Outcome::Ok);
    assert_eq!(alice.report.message.is_some(), alice.report.outcome != Outcome::Ok);
    alice
}

fn two() -> (Server, World) {
    let (server, world) = (postgres(&["a", "b"], TABLE), World::new());
    world.add(1, "alice", server.port(), "a");
    world.add(2, "bob", server.port(), "b");
    (server, world)
}

/// Waits until the store has ended Alice's connection.
async fn nothing_left(server: &Server) {
    let left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'r_a'";
    until("nothing of hers is left", || server.sql("a", left).expect("a count").trim() == "0").await;
}

fn sum() -> fanout::legs::Statement {
    statement(plan("SELECT sum(n) FROM t", &["bigint"], vec![table("t", &[("n", "integer")])]))
}

#[tokio::test]
async fn a_stopped_store_is_unreachable_and_ok_again_once_it_runs() {
    let (mut hers, (_server, world)) = (postgres(&["a"], TABLE), two());
    world.add(1, "alice", hers.port(), "a");
    assert_eq!(rows_of(&beside_bob(&world, sum()).await), [["55"]]);
    hers.stop(Stop::Fast).expect("stopped");
    let alice = beside_bob(&world, sum()).await;
    assert_eq!(outcome(&alice), (Outcome::Unreachable, Some("08006")));
    assert!(alice.report.message.expect("a message").contains("the store of alice"));
    // While its breaker is open, too.
    assert_eq!(outcome(&beside_bob(&world, sum()).await), (Outcome::Unreachable, Some("08006")));
    hers.start_again().expect("started");
    let end = Instant::now() + crate::world::PATIENCE;
    while beside_bob(&world, sum()).await.report.outcome != Outcome::Ok {
        assert!(Instant::now() < end, "it is never asked again");
    }
}

#[tokio::test]
async fn a_role_without_login_is_revoked_and_a_wrong_secret_is_auth_however_often_they_are_asked() {
    let (server, world) = two();
    let alter =
        |what: &str| server.sql("postgres", &format!("ALTER ROLE {} {what}", role("a"))).expect("altered");
    alter("NOLOGIN");
    for _ in 0..3 {
        assert_eq!(outcome(&beside_bob(&world, sum()).await), (Outcome::Revoked, Some("28000")));
    }
    alter("LOGIN PASSWORD 'another'");
    let end = Instant::now() + crate::world::PATIENCE;
    // The breaker's pause is over first.
    while outcome(&beside_bob(&world, sum()).await) == (Outcome::Revoked, Some("28000")) {
        assert!(Instant::now() < end, "it is never tried again");
    }
    for _ in 0..3 {
        assert_eq!(outcome(&beside_bob(&world, sum()).await), (Outcome::Auth, Some("28P01")));
    }
}

#[tokio::test]
async fn rights_that_were_taken_away_are_revoked_on_a_connection_that_is_open() {
    let (server, world) = two();
    assert_eq!(beside_bob(&world, sum()).await.report.outcome, Outcome::Ok);
    in_partition(&server, "a", "REVOKE SELECT ON t FROM r_a");
    assert_eq!(outcome(&beside_bob(&world, sum()).await), (Outcome::Revoked, Some("42501")));
    in_partition(&server, "a", "GRANT SELECT ON t TO r_a");
    assert_eq!(beside_bob(&world, sum()).await.report.outcome, Outcome::Ok);
}

#[tokio::test]
async fn a_store_that_is_not_migrated_is_schema() {
    let (server, world) = two();
    for (change, undo, wanted, says) in [
        ("ALTER TABLE t RENAME TO u", "ALTER TABLE u RENAME TO t", Some("42P01"), "does not exist"),
        ("ALTER TABLE t RENAME n TO m", "ALTER TABLE t RENAME m TO n", None, "there is no column \"n\""),
        ("ALTER TABLE t ALTER n TYPE bigint", "ALTER TABLE t ALTER n TYPE int", None, "of type bigint"),
        (
            "ALTER TABLE t ALTER n TYPE numeric",
            "ALTER TABLE t ALTER n TYPE int",
            None,
            "of type integer on home",
        ),
    ] {
        assert_eq!(beside_bob(&world, sum()).await.report.outcome, Outcome::Ok, "before {change}");
        in_partition(&server, "a", change);
        let alice = beside_bob(&world, sum()).await;
        assert_eq!(outcome(&alice), (Outcome::Schema, wanted), "{change}: {:?}", alice.report);
        assert!(
            alice.report.message.as_ref().is_some_and(|message| message.contains(says)),
            "{:?}",
            alice.report
        );
        in_partition(&server, "a", undo);
    }
    assert_eq!(rows_of(&beside_bob(&world, sum()).await), [["55"]]);
}

#[test]
fn a_table_that_is_locked_is_a_timeout_and_the_query_is_cancelled() {
    let (server, world) = two();
    let url = server.port();
    let hold = std::thread::scope(|threads| {
        let locked = threads.spawn(|| {
            in_partition(
                &server,
                "a",
                "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(5); COMMIT",
            );
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'p_todo.t'::regclass";
        runtime.block_on(until("the table is locked", || {
            server.sql("a", waiting).expect("a count").trim() == "1"
        }));
        let alice = runtime.block_on(async {
            world.ask(one()).await; // Bob's connection is there
            let mut asked = sum();
            asked.settings.leg_timeout = Duration::from_secs(1);
            beside_bob(&world, asked).await
        });
        locked.join().expect("unlocked");
        alice
    });
    assert_eq!(outcome(&hold), (Outcome::Timeout, None), "{:?} at {url}", hold.report);
    let message = hold.report.message.expect("a message");
    assert!(message.contains("1000 ms (fanout.leg_timeout)"), "{message}");
}

#[tokio::test]
async fn a_slow_store_is_a_timeout_by_the_deadline_of_all() {
    let (server, world) = two();
    in_partition(
        &server,
        "a",
        "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT n FROM u, pg_sleep(30); GRANT SELECT ON t TO r_a",
    );
    let mut asked = sum();
    world.ask(one()).await; // Bob's connection is there
    asked.settings.deadline = Duration::from_secs(1);
    let began = Instant::now();
    let alice = beside_bob(&world, asked).await;
    assert_eq!(outcome(&alice), (Outcome::Timeout, None));
    assert!(alice.report.message.expect("a message").contains("1000 ms (fanout.deadline)"));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    nothing_left(&server).await;
}

#[tokio::test]
async fn a_store_that_hangs_is_a_timeout() {
    let (hers, (_server, world)) = (postgres(&["a"], TABLE), two());
    world.add(1, "alice", hers.port(), "a");
    assert_eq!(beside_bob(&world, sum()).await.report.outcome, Outcome::Ok);
    hers.pause();
    let mut asked = sum();
    asked.settings.leg_timeout = Duration::from_secs(1);
    assert_eq!(outcome(&beside_bob(&world, asked).await), (Outcome::Timeout, None));
    hers.resume();
}

#[tokio::test]
async fn what_the_directory_knows_is_not_asked_of_the_store() {
    let (_server, world) = two();
    let mut grant = crate::world::grant(1);
    grant.state = GrantState::Pending;
    world.directory.apply(&Change::Grant(grant.clone()));
    let alice = beside_bob(&world, sum()).await;
    assert_eq!(outcome(&alice), (Outcome::Unreachable, None));
    assert!(alice.report.message.expect("a message").contains("has not been carried out"));
    grant.state = GrantState::Active;
    world.directory.apply(&Change::Grant(grant.clone()));

    let mut store = crate::world::store(1, 1, "a");
    store.state = StoreState::Reconciling;
    world.directory.apply(&Change::Store(store));
    let alice = beside_bob(&world, sum()).await;
    assert_eq!(outcome(&alice), (Outcome::Unreachable, None));
    assert!(alice.report.message.expect("a message").contains("are still being carried out"));

    let name = "alice".parse().expect("a name");
    world.directory.apply(&Change::User(User { id: UserId(1), name, disabled: true }));
    assert_eq!(outcome(&beside_bob(&world, sum()).await), (Outcome::Revoked, None));
    let name = "alice".parse().expect("a name");
    world.directory.apply(&Change::User(User { id: UserId(1), name, disabled: false }));
    world.known.readers.lock().expect("unpoisoned").remove(&model::GrantId(1));
    world.directory.apply(&Change::Store(crate::world::store(1, 1, "a")));
    // What was found before is kept for as long as the grant stays as it is.
    grant.credential = model::Sealed::from_text("renewed");
    world.directory.apply(&Change::Grant(grant));
    let alice = beside_bob(&world, sum()).await;
    assert_eq!(outcome(&alice), (Outcome::Auth, None));
    assert!(alice.report.message.expect("a message").contains("no read-only role"));
    assert_eq!(world.pools.report().len(), 1, "nobody was asked but bob");
}

#[tokio::test]
async fn a_grant_that_is_revoked_while_its_store_is_asked_is_revoked() {
    let (server, world) = two();
    in_partition(
        &server,
        "a",
        "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT n FROM u, pg_sleep(0.5); GRANT SELECT ON t TO r_a",
    );
    let revoke = async {
        let asked = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'r_a' AND wait_event = 'PgSleep'";
        until("the store is asked", || server.sql("a", asked).expect("a count").trim() == "1").await;
        let mut grant = crate::world::grant(1);
        grant.state = GrantState::Revoked;
        world.directory.apply(&Change::Grant(grant));
    };
    let (alice, ()) = tokio::join!(beside_bob(&world, sum()), revoke);
    assert_eq!(alice.report.outcome, Outcome::Revoked);
    assert_eq!(world.ask(one()).await.len(), 1, "a revoked grant is not in scope any more");
}

#[tokio::test]
async fn an_error_of_the_data_is_told_with_its_sqlstate() {
    let (server, world) = two();
    in_partition(&server, "a", "INSERT INTO t VALUES (0)");
    let needed = vec![table("t", &[("n", "integer")])];
    let asked = || statement(plan("SELECT sum(10 / n) FROM t", &["bigint"], needed.clone()));
    for _ in 0..3 {
        let alice = beside_bob(&world, asked()).await;
        assert_eq!(outcome(&alice), (Outcome::BadData, Some("22012")));
        assert_eq!(alice.report.message.as_deref(), Some("division by zero"));
        until("her connection is back", || active(&world.pools) == 0).await;
        assert_eq!(idle(&world.pools), 2, "the connection is kept");
    }
}

#[tokio::test]
async fn a_connection_that_the_store_ends_is_unreachable() {
    let (server, world) = two();
    in_partition(
        &server,
        "a",
        "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT n FROM u, pg_sleep(30); GRANT SELECT ON t TO r_a",
    );
    let end = async {
        let kill =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        until("the store is asked", || server.sql("a", kill).expect("a count").trim() == "1").await;
    };
    let (alice, ()) = tokio::join!(beside_bob(&world, sum()), end);
    assert_eq!(outcome(&alice), (Outcome::Unreachable, Some("57P01")), "{:?}", alice.report);
    nothing_left(&server).await;
}

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_is_unreachable() {
    let (mut hers, (_server, world)) = (postgres(&["a"], TABLE), two());
    world.add(1, "alice", hers.port(), "a");
    in_partition(
        &hers,
        "a",
        "ALTER TABLE t RENAME TO u;
         CREATE VIEW t AS SELECT n FROM generate_series(1, 1000000) n WHERE n < 100000 OR pg_sleep(30) IS NULL;
         GRANT SELECT ON t TO r_a",
    );
    let mut asked = statement(plan("SELECT n FROM t", &["integer"], vec![table("t", &[("n", "integer")])]));
    asked.limits.leg_rows = 10_000_000;
    let kill = async {
        let asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        until("rows have been sent", || hers.sql("a", asked).expect("a count").trim() == "1").await;
        hers.stop(Stop::Kill).expect("killed");
    };
    let (alice, ()) = tokio::join!(async { world.ask(asked).await.remove(0) }, kill);
    assert_eq!(alice.report.outcome, Outcome::Unreachable, "{:?}", alice.report);
    assert!(alice.report.rows > Some(10_000), "{:?} rows had come", alice.report.rows);
    assert!(alice.results.is_none());
}

#[tokio::test]
async fn writes_are_refused_by_the_transaction_and_by_the_role() {
    let (server, world) = two();
    in_partition(&server, "a", "GRANT INSERT ON t TO r_a");
    in_partition(&server, "b", "GRANT INSERT ON t TO r_b");
    let sql = "WITH w AS (INSERT INTO t VALUES (99) RETURNING n) SELECT n FROM w";
    for finished in world.ask(statement(plan(sql, &["integer"], Vec::new()))).await {
        assert_eq!(outcome(&finished), (Outcome::BadData, Some("25006")));
    }
    in_partition(&server, "a", "REVOKE INSERT ON t FROM r_a");
    in_partition(&server, "b", "REVOKE INSERT ON t FROM r_b");
    for finished in world.ask(statement(plan(sql, &["integer"], Vec::new()))).await {
        assert!(
            matches!(finished.report.sqlstate.as_deref(), Some("25006" | "42501")),
            "{:?}",
            finished.report
        );
    }
    assert_eq!(in_partition(&server, "a", "SELECT count(*) FROM t"), "10");
}
