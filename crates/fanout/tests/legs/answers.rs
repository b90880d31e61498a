//! What honest stores answer, over and over, with connections that stay.

use crate::world::{
    World, active, idle, in_partition, plan, postgres, rows_of, statement, table, texts, until,
};
use bytes::Bytes;
use fanout::legs::{Arrival, Arrivals, Heads};
use model::Outcome;
use sql::fanout::{Discloses, Parameter, Piece};

const TODOS: &str = "CREATE TABLE todos (id int PRIMARY KEY, body text, done boolean, at timestamptz);
    INSERT INTO todos SELECT n, 'todo ' || n, n % 2 = 0, '2026-01-01 00:00:00+00' FROM generate_series(1, 5) n";

fn world_of(databases: &[&str]) -> (scratch::Server, World) {
    let (server, world) = (postgres(databases, TODOS), World::new());
    for (number, database) in databases.iter().enumerate() {
        world.add(number as i64 + 1, &format!("user-{database}"), server.port(), database);
    }
    (server, world)
}

#[tokio::test]
async fn every_store_answers_once_in_the_order_of_names_and_connections_are_kept() {
    let (server, world) = world_of(&["c", "a", "b"]);
    in_partition(&server, "b", "DELETE FROM todos WHERE id > 2");
    let needed = vec![table("\"todos\"", &[("done", "boolean")])];
    let sql = "SELECT done, count(*) FROM todos GROUP BY 1 ORDER BY 1";
    for _ in 0..8 {
        let all = world.ask(statement(plan(sql, &["boolean", "bigint"], needed.clone()))).await;
        let names: Vec<&str> = all.iter().map(|finished| finished.report.user.as_str()).collect();
        assert_eq!(names, ["user-a", "user-b", "user-c"]);
        assert_eq!(rows_of(&all[0]), [["f", "3"], ["t", "2"]]);
        assert_eq!(rows_of(&all[1]), [["f", "1"], ["t", "1"]]);
        assert_eq!((all[1].report.rows, all[1].report.outcome), (Some(2), Outcome::Ok));
        until("all are back", || active(&world.pools) == 0).await;
        assert_eq!(idle(&world.pools), 3, "one connection for each store serves every time");
    }
}

#[tokio::test]
async fn parameters_pinned_settings_and_several_pieces_reach_the_store() {
    let (_server, world) = world_of(&["a"]);
    let mut asked = plan(
        "SELECT $1::text, $2::timestamptz, $3::int4, current_setting('TimeZone')",
        &["text", "timestamp with time zone", "integer", "text"],
        Vec::new(),
    );
    asked.pieces[0].parameters = vec![Parameter::Store, Parameter::Now, Parameter::Client(1)];
    let columns = asked.pieces[0].columns[..1].to_vec();
    let sql =
        "SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only')";
    asked.pieces.push(Piece { sql: sql.into(), parameters: Vec::new(), columns, meanings: Vec::new() });
    for (zone, shown) in
        [("UTC", "2026-01-02 03:04:05.678901+00"), ("Asia/Tokyo", "2026-01-02 12:04:05.678901+09")]
    {
        let mut statement = statement(asked.clone());
        statement.parameters = vec![None, Some(Bytes::from_static(&[0, 0, 0, 42]))];
        statement.formats = vec![0, 1];
        statement.pinned = vec![("TimeZone".into(), zone.into()), ("DateStyle".into(), "ISO, MDY".into())];
        let finished = world.ask_one(statement).await;
        assert_eq!(finished.report.outcome, Outcome::Ok, "{:?}", finished.report);
        let results = finished.results.expect("results");
        assert_eq!(texts(&results[0]), [["user-a", shown, "42", zone]]);
        assert_eq!(texts(&results[1]), [["repeatable read on"]]);
    }
}

#[tokio::test]
async fn binary_results_come_as_they_were_asked_for() {
    let (_server, world) = world_of(&["a"]);
    let mut statement = statement(plan("SELECT 258::int4, 'x'::text", &["integer", "text"], Vec::new()));
    statement.results = vec![vec![1, 0]];
    let finished = world.ask_one(statement).await;
    let results = finished.results.expect("results");
    let values: Vec<Option<&[u8]>> = results[0].values(0).collect();
    assert_eq!(values, [Some(&[0, 0, 1, 2][..]), Some(b"x")]);
    assert_eq!(results[0].message(0).and_then(|message| message.first()), Some(&b'D'));
    assert_eq!(results[0].messages().len(), 1 + 4 + 2 + 4 + 4 + 4 + 1);
}

#[tokio::test]
async fn a_table_that_changes_is_parsed_anew_on_the_same_connection() {
    let (server, world) = world_of(&["a"]);
    let asked = |kind: &str| {
        let needed = vec![table("todos", &[("id", kind)])];
        statement(plan("SELECT id FROM todos ORDER BY 1 LIMIT 1", &[kind], needed))
    };
    for _ in 0..2 {
        assert_eq!(rows_of(&world.ask_one(asked("integer")).await), [["1"]]);
    }
    in_partition(&server, "a", "ALTER TABLE todos ALTER id TYPE bigint");
    let finished = world.ask_one(asked("integer")).await;
    assert_eq!(finished.report.outcome, Outcome::Schema, "{:?}", finished.report);
    for _ in 0..2 {
        assert_eq!(rows_of(&world.ask_one(asked("bigint")).await), [["1"]]);
    }
    until("all are back", || active(&world.pools) == 0).await;
}

#[tokio::test]
async fn a_connection_holds_no_more_statements_than_it_may() {
    let (server, world) = (postgres(&["a"], TODOS), World::with(|pool| pool.prepared_statements = 3));
    world.add(1, "alice", server.port(), "a");
    for round in 0..3 {
        for number in 0..9 {
            let sql = format!("SELECT {number}::int4, count(*)::int4 FROM pg_prepared_statements");
            let finished = world.ask_one(statement(plan(&sql, &["integer", "integer"], Vec::new()))).await;
            let rows = rows_of(&finished);
            assert_eq!(rows[0][0], number.to_string());
            let held: i32 = rows[0][1].parse().expect("a number");
            assert!(held <= 3, "{held} statements in round {round}");
        }
    }
    assert_eq!(idle(&world.pools), 1);
}

fn many_rows() -> sql::fanout::Plan {
    let mut plan = plan("SELECT n FROM generate_series(1, 20000) n", &["integer"], Vec::new());
    plan.discloses = Discloses::Rows;
    plan
}

#[tokio::test]
async fn rows_that_are_passed_on_come_in_order_and_end_with_a_report() {
    let (_server, world) = world_of(&["a", "b", "c"]);
    let scope = world.stores.scope(crate::world::SERVICE, Discloses::Rows).await;
    let mut statement = statement(many_rows());
    statement.settings.concurrency = 2;
    statement.limits.leg_rows = 10; // of rows that are kept
    let mut arrivals = Arrivals::start(&world.stores, scope, statement);
    let (mut last, mut ends) = ([0; 3], 0);
    while let Some(arrival) = arrivals.next().await {
        match arrival {
            Arrival::Rows { index, rows } => {
                for row in texts(&rows) {
                    last[index] += 1;
                    assert_eq!(row, [last[index].to_string()]);
                }
            }
            Arrival::End(finished) => {
                assert_eq!((finished.report.outcome, finished.report.rows), (Outcome::Ok, Some(20_000)));
                ends += 1;
            }
        }
    }
    assert_eq!((last, ends), ([20_000; 3], 3));
}

#[tokio::test]
async fn legs_are_read_side_by_side_or_say_that_they_are_too_many() {
    let (_server, world) = world_of(&["a", "b", "c", "d"]);
    let heads = async |concurrency| {
        let scope = world.stores.scope(crate::world::SERVICE, Discloses::Rows).await;
        let mut statement = statement(many_rows());
        statement.settings.concurrency = concurrency;
        Heads::start(&world.stores, scope, statement)
    };
    let mut all = heads(4).await;
    let (mut last, mut open) = ([0; 4], vec![0, 1, 2, 3]);
    // Of each leg a batch, round after round.
    while !open.is_empty() {
        let mut left = Vec::new();
        for index in open {
            match all.first(index).await.expect("not too many") {
                Some(Arrival::Rows { index, rows }) => {
                    last[index] += rows.len();
                    left.push(index);
                }
                Some(Arrival::End(finished)) => assert_eq!(finished.report.outcome, Outcome::Ok),
                None => panic!("a leg without an end"),
            }
        }
        open = left;
    }
    assert_eq!(last, [20_000; 4]);
    let mut three = heads(3).await;
    let mut stuck = false;
    for index in 0..4 {
        stuck |= three.first(index).await.is_err();
    }
    assert!(stuck, "three seats for four that wait for each other");
    drop(three);
    until("nothing is leased", || active(&world.pools) == 0).await;
}

#[tokio::test]
async fn a_store_that_was_started_anew_is_asked_over_a_new_connection() {
    let (mut server, world) = world_of(&["a"]);
    let asked = || statement(plan("SELECT 1::int4", &["integer"], Vec::new()));
    rows_of(&world.ask_one(asked()).await);
    server.stop(scratch::Stop::Fast).expect("stopped");
    server.start_again().expect("started");
    let finished = world.ask_one(asked()).await;
    assert_eq!(rows_of(&finished), [["1"]]);
}
