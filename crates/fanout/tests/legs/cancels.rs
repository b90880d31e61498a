//! Legs that nobody waits for any more: their stores are free at once.

use crate::world::{SERVICE, World, active, idle, plan, postgres, statement, table, until};
use fanout::legs::{Arrivals, Heads, Legs, Statement};
use model::Outcome;
use scratch::Server;
use sql::fanout::Discloses;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const STORES: usize = 6;

/// A view that never ends, in each of some stores.
fn sleepers() -> (Arc<Server>, World) {
    let names: Vec<String> = (0..STORES).map(|number| format!("s{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sql = "CREATE VIEW t AS SELECT 1 AS n FROM pg_sleep(60)";
    let (server, world) = (postgres(&names, sql), World::new());
    for (number, name) in (1..).zip(&names) {
        world.add(number, name, server.port(), name);
    }
    (Arc::new(server), world)
}

fn sleep() -> Statement {
    statement(plan("SELECT n FROM t", &["integer"], vec![table("t", &[("n", "integer")])]))
}

/// How many of the readers' sessions run something.
fn busy(server: &Server) -> usize {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'r\\_%' AND state <> 'idle'";
    server.sql("postgres", sql).expect("a count").trim().parse().expect("a number")
}

/// Waits in a session of its own until nobody is busy; when that was, by the server's clock, which is ours. A new
/// session would take longer to begin than what is measured, so it is there before.
fn watch(server: &Server) -> SystemTime {
    let sql = "DO $$ BEGIN
        WHILE EXISTS (SELECT FROM pg_stat_activity WHERE usename LIKE 'r\\_%' AND state <> 'idle') LOOP
            PERFORM pg_stat_clear_snapshot(); PERFORM pg_sleep(0.002);
        END LOOP;
        PERFORM set_config('stuffgate.free_at', extract(epoch FROM clock_timestamp())::text, false);
        END $$;
        SELECT current_setting('stuffgate.free_at');";
    let free_at = server.sql("postgres", sql).expect("nobody is busy any more");
    UNIX_EPOCH + Duration::from_secs_f64(free_at.trim().parse().expect("seconds"))
}

fn is_watched(server: &Server) -> bool {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO $$%' AND wait_event = 'PgSleep'";
    server.sql("postgres", sql).expect("a count").trim() == "1"
}

/// Drops `legs` while all are busy; how long the stores take to be free.
async fn dropped<T>(server: &Arc<Server>, world: &World, legs: T) -> Duration {
    until("all are busy", || busy(server) == STORES).await;
    let watched = Arc::clone(server);
    let watching = tokio::task::spawn_blocking(move || watch(&watched));
    until("they are watched", || is_watched(server)).await;
    let began = SystemTime::now();
    drop(legs);
    let took = watching.await.expect("watched").duration_since(began).unwrap_or_default();
    until("nothing is leased", || active(&world.pools) == 0).await;
    assert_eq!(idle(&world.pools), 0, "a connection whose leg was cut off serves nobody else");
    took
}

/// The promise. It is tried a few times, since the machine may have others to serve.
const WITHIN: Duration = Duration::from_millis(100);

#[tokio::test]
async fn dropping_legs_frees_every_store_at_once() {
    let (server, world) = sleepers();
    let mut best = Duration::MAX;
    for _ in 0..2 {
        let scope = || world.stores.scope(SERVICE, Discloses::Rows);
        let legs = Legs::start(&world.stores, scope().await, sleep());
        best = best.min(dropped(&server, &world, legs).await);
        let arrivals = Arrivals::start(&world.stores, scope().await, sleep());
        best = best.min(dropped(&server, &world, arrivals).await);
        let heads = Heads::start(&world.stores, scope().await, sleep());
        best = best.min(dropped(&server, &world, heads).await);
    }
    assert!(best < WITHIN, "{best:?}");
}

#[tokio::test]
async fn a_task_that_is_aborted_frees_them_too() {
    let (server, world) = sleepers();
    let (stores, scope) = (Arc::clone(&world.stores), world.stores.scope(SERVICE, Discloses::Rows).await);
    let task = tokio::spawn(async move {
        let mut legs = Legs::start(&stores, scope, sleep());
        legs.next().await
    });
    struct Abort(tokio::task::JoinHandle<Option<fanout::legs::Finished>>);
    impl Drop for Abort {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let took = dropped(&server, &world, Abort(task)).await;
    assert!(took < 10 * WITHIN, "{took:?}");
}

#[tokio::test]
async fn a_leg_that_is_late_is_cancelled_in_its_store() {
    let (server, world) = sleepers();
    let mut asked = sleep();
    asked.settings.leg_timeout = Duration::from_millis(1500);
    let all = world.ask(asked).await;
    assert!(all.iter().all(|finished| finished.report.outcome == Outcome::Timeout));
    until("nobody is busy", || busy(&server) == 0).await;
    until("nothing is leased", || active(&world.pools) == 0).await;
}
