//! What one statement may use: legs at a time, bytes in all.

use crate::world::{
    SERVICE, World, active, idle, in_partition, one, plan, postgres, statement, table, until,
};
use fanout::legs::{Arrival, Arrivals, Finished, Heads, Legs, Stores};
use model::Outcome;
use scratch::Server;
use sql::fanout::Discloses;

fn many(count: i64, sql: &str) -> (Server, World) {
    let names: Vec<String> = (0..count).map(|number| format!("s{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (server, world) = (postgres(&names, sql), World::new());
    for (number, name) in (1..).zip(&names) {
        world.add(number, name, server.port(), name);
    }
    (server, world)
}

#[tokio::test]
async fn no_more_legs_run_at_a_time_than_may() {
    let (server, world) = many(9, "CREATE VIEW t AS SELECT 1 AS n FROM pg_sleep(0.05)");
    let mut asked = statement(plan("SELECT n FROM t", &["integer"], vec![table("t", &[("n", "integer")])]));
    asked.settings.concurrency = 3;
    let scope = world.stores.scope(SERVICE, Discloses::Rows).await;
    let mut legs = Legs::start(&world.stores, scope, asked);
    let (mut most, mut done) = (0, 0);
    while let Some(finished) = legs.next().await {
        assert_eq!(finished.report.outcome, Outcome::Ok, "{:?}", finished.report);
        done += 1;
        most = most.max(active(&world.pools));
    }
    assert_eq!(done, 9);
    assert!((1..=3).contains(&most), "{most} at a time");
    let backends = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'r\\_%'";
    assert_eq!(in_partition(&server, "s00", backends), "9", "one connection each, all kept");
}

#[tokio::test]
async fn legs_that_nobody_reads_are_not_begun() {
    let (_server, world) = many(1, "");
    for number in 2..=200 {
        world.add(number, &format!("nobody-{number}"), 1, "s00");
    }
    let mut asked = one();
    asked.settings.concurrency = 4;
    let scope = world.stores.scope(SERVICE, Discloses::Rows).await;
    let mut legs = Legs::start(&world.stores, scope, asked);
    until("some have begun", || world.pools.report().len() > 4).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let begun = world.pools.report().len();
    assert!(begun <= 16 + 2 * 4, "{begun} legs were begun while nobody read");
    let mut count = 0;
    while legs.next().await.is_some() {
        count += 1;
    }
    assert_eq!(count, 200);
}

#[tokio::test]
async fn what_all_legs_hold_is_bounded_and_given_back() {
    let (_server, world) = many(4, "");
    let rows = || {
        let mut asked =
            statement(plan("SELECT repeat('x', 1000) FROM generate_series(1, 1000)", &["text"], Vec::new()));
        asked.limits.total_bytes = 2_600_000; // two legs' worth and a half
        asked
    };
    let all = world.ask(rows()).await;
    let count = |outcome| all.iter().filter(|finished| finished.report.outcome == outcome).count();
    assert_eq!(
        (count(Outcome::Ok), count(Outcome::Limit)),
        (2, 2),
        "{:?}",
        all.iter().map(|one| &one.report).collect::<Vec<_>>()
    );
    let limited = all.iter().find(|finished| finished.report.outcome == Outcome::Limit).expect("one");
    assert!(limited.report.message.as_ref().is_some_and(|message| message.contains("fanout.total_bytes")));
    // Read one after the other, all fit.
    let mut asked = rows();
    asked.settings.concurrency = 1;
    let scope = world.stores.scope(SERVICE, Discloses::Rows).await;
    let mut legs = Legs::start(&world.stores, scope, asked);
    let mut ok = 0;
    while let Some(finished) = legs.next().await {
        ok += usize::from(finished.report.outcome == Outcome::Ok);
    }
    assert!(ok >= 2, "{ok}");
}

#[tokio::test]
async fn what_all_statements_hold_together_is_bounded() {
    let (_server, world) = many(4, "");
    let known = std::sync::Arc::clone(&world.known);
    // Two and a half legs' worth for a gate, and any number for a statement.
    let stores = Stores::new(world.directory.clone(), world.pools.clone(), known as _, 2_600_000);
    let ask = async || {
        let rows = plan("SELECT repeat('x', 1000) FROM generate_series(1, 1000)", &["text"], Vec::new());
        let scope = stores.scope(SERVICE, Discloses::Rows).await;
        let mut legs = Legs::start(&stores, scope, statement(rows));
        let mut all = Vec::new();
        while let Some(finished) = legs.next().await {
            all.push(finished);
        }
        all
    };
    let ok = |all: &[Finished]| all.iter().filter(|one| one.report.outcome == Outcome::Ok).count();
    let first = ask().await;
    assert_eq!(ok(&first), 2);
    let second = ask().await;
    assert_eq!(ok(&second), 0, "the first statement's rows are still there");
    let limited = second.iter().filter_map(|one| one.report.message.as_deref());
    assert!(limited.clone().count() == 4 && limited.into_iter().all(|why| why.contains("fanout.gate_bytes")));
    drop(first);
    assert_eq!(ok(&ask().await), 2, "what was held is given back");
}

#[tokio::test]
async fn a_stream_holds_a_few_batches_however_many_rows_there_are() {
    let (_server, world) = many(4, "");
    let big = || {
        let mut asked =
            statement(plan("SELECT repeat('x', 1000) FROM generate_series(1, 20000)", &["text"], Vec::new()));
        // 80 MB pass through.
        asked.limits.total_bytes = 1 << 20;
        asked.limits.leg_bytes = 1 << 20;
        asked
    };
    let scope = || world.stores.scope(SERVICE, Discloses::Rows);
    let mut arrivals = Arrivals::start(&world.stores, scope().await, big());
    let (mut rows, mut ok) = (0, 0);
    while let Some(arrival) = arrivals.next().await {
        match arrival {
            Arrival::Rows { rows: more, .. } => rows += more.len(),
            Arrival::End(finished) => {
                assert_eq!(finished.report.outcome, Outcome::Ok, "{:?}", finished.report);
                ok += 1;
            }
        }
    }
    assert_eq!((rows, ok), (80_000, 4));

    // The last legs wait for their reader while others are read to their end.
    let mut heads = Heads::start(&world.stores, scope().await, big());
    let mut rows = 0;
    for index in 0..4 {
        while let Some(arrival) = heads.next(index).await {
            match arrival {
                Arrival::Rows { rows: more, .. } => rows += more.len(),
                Arrival::End(finished) => {
                    assert_eq!(finished.report.outcome, Outcome::Ok, "{:?}", finished.report);
                }
            }
        }
    }
    assert_eq!(rows, 80_000);
    until("all are back", || active(&world.pools) == 0).await;
    assert_eq!(idle(&world.pools), 4);
}
