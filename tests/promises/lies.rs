//! What a store can lie about in its part of a fan-out costs that store alone: numbers, names, failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stuffgate_tests::testkit::scratch::Stop;
use stuffgate_tests::testkit::{Client, Error, FakeStore, Frame, Peer, frames};
use stuffgate_tests::{SERVICE, Servers, World, WorldPlan};

const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// In every statement for a store's rows, and in nothing else that is sent to one.
const MARKER: &str = "FROM \"todos\"";
/// Two rows for each user; `big` is so long that no leg may keep as many rows as it has.
const SCHEMA: &str =
    "CREATE TABLE todos (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int, x numeric, big text)";

/// One row, as a store sends it.
type Row = Vec<Option<String>>;

/// What a liar makes of each row; an empty answer stands for a division by zero.
type Lie = fn(Row) -> Vec<Row>;

fn first(value: &'static str) -> impl Fn(Row) -> Row {
    move |mut row| {
        row[0] = Some(value.to_owned());
        row
    }
}

fn last(value: &'static str) -> impl Fn(Row) -> Row {
    move |mut row| {
        let at = row.len() - 1;
        row[at] = Some(value.to_owned());
        row
    }
}

fn as_bob(mut row: Row) -> Row {
    row.iter_mut()
        .filter(|value| value.as_deref() == Some("alice"))
        .for_each(|name| *name = Some("bob".to_owned()));
    row
}

fn values(frame: &Frame) -> Row {
    let mut at = 2;
    let count = usize::from(u16::from_be_bytes([frame.body[0], frame.body[1]]));
    let mut next = || {
        let length = frame.number(at).cast_signed();
        at += 4;
        let length = usize::try_from(length).ok()?;
        let value = String::from_utf8_lossy(&frame.body[at..at + length]).into_owned();
        at += length;
        Some(value)
    };
    (0..count).map(|_| next()).collect()
}

/// Stands before alice's store, and lies in the rows that are described.
async fn lie(mut gate: Peer, port: u16, lies: Arc<Vec<Lie>>, which: Arc<AtomicUsize>) -> Result<(), Error> {
    let (asked, mut real) = gate.stand_before(port, MARKER).await?;
    real.send(&frames::message(asked.tag, &asked.body)).await?;
    let mut in_rows = false;
    loop {
        tokio::select! {
            frame = real.frame() => {
                let frame = frame?;
                in_rows = (in_rows || frame.tag == b'T') && !matches!(frame.tag, b'C' | b'Z');
                if !(in_rows && frame.tag == b'D') {
                    gate.send(&frames::message(frame.tag, &frame.body)).await?;
                    continue;
                }
                let rows = lies[which.load(Ordering::Relaxed)](values(&frame));
                if rows.is_empty() {
                    let error = frames::report(b'E', "ERROR", "22012", "division by zero");
                    gate.send(&[error, frames::ready(b'I')].concat()).await?;
                    return Ok(());
                }
                for row in rows {
                    let row: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
                    gate.send(&frames::data_row(&row)).await?;
                }
            }
            frame = gate.frame() => {
                let frame = frame?;
                real.send(&frames::message(frame.tag, &frame.body)).await?;
            }
        }
    }
}

async fn start(settings: &str, lies: &[Lie]) -> (World, FakeStore, Arc<AtomicUsize>) {
    let mut world = WorldPlan::default().users(USERS).servers(Servers::Each).settings(settings).start();
    for login in USERS.into_iter().chain([SERVICE]) {
        world.connect(login).await.simple(SCHEMA).await.unwrap();
    }
    for (at, user) in (1..).zip(USERS) {
        let insert = format!(
            "INSERT INTO todos (n, x, big) SELECT {at}, {at}.5, repeat('x', 10000) FROM generate_series(1, 200)"
        );
        assert_eq!(world.connect(user).await.simple(&insert).await.unwrap().errors, []);
    }
    for (name, floor) in [("ann", 1), ("flo", 2)] {
        world.add_analyst(name, floor);
        world.until(async || world.try_connect(name, &[]).await.is_ok()).await;
    }
    let server = world.server("alice");
    let port = server.port();
    server.stop(Stop::Fast).unwrap();
    server.start_elsewhere().unwrap();
    let (real, which) = (server.port(), Arc::new(AtomicUsize::new(0)));
    let (lies, now) = (Arc::new(lies.to_vec()), Arc::clone(&which));
    let script = move |peer| lie(peer, real, Arc::clone(&lies), Arc::clone(&now));
    let fake = FakeStore::start_on(port, script).await.unwrap();
    (world, fake, which)
}

/// What became of alice's leg.
async fn outcome(analyst: &mut Client) -> String {
    let leg = "SELECT concat_ws(' ', outcome, sqlstate) FROM stuffgate.legs WHERE \"user\" = 'alice'";
    analyst.simple(leg).await.unwrap().value().unwrap_or_default().to_owned()
}

fn rows(text: &[&[&str]]) -> Vec<Row> {
    text.iter().map(|row| row.iter().map(|value| Some((*value).to_owned())).collect()).collect()
}

#[tokio::test]
async fn numbers_that_cannot_be_cost_the_liar_alone() {
    const MOST: &str = "9223372036854775807";
    let huge = |row| {
        let digits: &'static str = Box::leak("9".repeat(131_072).into_boxed_str());
        vec![first(digits)(row)]
    };
    let count = &["400"][..];
    let cases: [(&str, Lie, &[&str], &str); 8] = [
        ("SELECT count(*) FROM todos", |row| vec![first(MOST)(row)], count, "bad_data"),
        ("SELECT count(*) FROM todos", |row| vec![first("-1")(row)], count, "bad_data"),
        ("SELECT count(*) FROM todos", |row| vec![first("99999999999999999999")(row)], count, "bad_data"),
        ("SELECT count(*) FROM todos", |row| vec![first("NaN")(row)], count, "bad_data"),
        // Sums that no rows come to: home looks at the rows, in which the same lie is no int4.
        ("SELECT sum(n) FROM todos", |row| vec![first(MOST)(row)], &["1000"], "bad_data"),
        ("SELECT sum(n::int8) FROM todos", huge, &["1000"], "bad_data"),
        (
            "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY n) FROM todos",
            |row| vec![last("4000000000000")(row)],
            &["2"],
            "limit",
        ),
        ("SELECT stddev(n) FROM todos", |row| vec![first("-7")(row)], &["0.5006261743"], "bad_data"),
    ];
    let lies: Vec<Lie> = cases.iter().map(|(_, lie, ..)| *lie).collect();
    let (world, _fake, which) = start("", &lies).await;
    let mut analyst = world.connect("ann").await;
    for (at, (sql, _, expected, became)) in cases.into_iter().enumerate() {
        which.store(at, Ordering::Relaxed);
        for tier in ["auto", "t2"] {
            analyst.simple(&format!("SET fanout.tier = '{tier}'")).await.unwrap();
            let answer = analyst.simple(sql).await.unwrap();
            assert_eq!(answer.errors, [], "{tier}: {sql}");
            let told = answer.value().unwrap_or_default();
            assert!(told.starts_with(expected[0]), "{tier}: {sql}: {answer:?}");
            assert_eq!(outcome(&mut analyst).await.split(' ').next(), Some(became), "{tier}: {sql}");
        }
    }
}

#[tokio::test]
async fn no_store_speaks_in_anothers_name() {
    let lies: [Lie; 2] = [|row| vec![as_bob(row)], |row| vec![row.clone(), as_bob(row)]];
    let (world, _fake, which) = start("", &lies).await;
    let mut analyst = world.connect("ann").await;
    let names = rows(&[&["bob", "200"], &["carol", "200"]]);
    for tier in ["auto", "t3"] {
        analyst.simple(&format!("SET fanout.tier = '{tier}'")).await.unwrap();
        let answer =
            analyst.simple("SELECT _store, count(*) FROM todos GROUP BY _store ORDER BY 1").await.unwrap();
        assert_eq!(answer.rows, names, "{tier}: {answer:?}");
        assert_eq!(outcome(&mut analyst).await, "bad_data", "{tier}");
    }
    let streamed = analyst.simple("SELECT DISTINCT _store FROM todos ORDER BY 1").await.unwrap();
    assert_eq!(streamed.column(), ["bob", "carol"]);
    // Under a floor of two, the group of alice alone is not shown because she sends it under two names.
    which.store(1, Ordering::Relaxed);
    let mut floored = world.connect("flo").await;
    let sql = "SELECT n, count(*) FROM todos GROUP BY n";
    let answer = floored.simple(sql).await.unwrap();
    assert_eq!((answer.errors.len(), answer.rows.len()), (0, 0), "{answer:?}");
    assert_eq!(outcome(&mut floored).await, "bad_data");
}

#[tokio::test]
async fn a_store_that_claims_that_the_statement_fails_fails_nobody_elses() {
    let lies: [Lie; 1] = [|_| Vec::new()];
    let settings = "[fanout]\nleg_bytes = 1000000\ntotal_bytes = 3000000";
    let (world, _fake, _) = start(settings, &lies).await;
    let mut analyst = world.connect("ann").await;
    for (tier, sql) in [
        ("auto", "SELECT sum(n) FROM todos"),
        ("t2", "SELECT sum(n) FROM todos"),
        ("t3", "SELECT sum(n) FROM todos"),
        // Home cannot look at these rows, of which every store has more than it may send.
        ("auto", "SELECT sum(n) FROM todos WHERE big <> 'y'"),
        ("t2", "SELECT sum(n) FROM todos WHERE length(big) + n > 0"),
    ] {
        analyst.simple(&format!("SET fanout.tier = '{tier}'")).await.unwrap();
        let answer = analyst.simple(sql).await.unwrap();
        assert_eq!((answer.errors.len(), answer.value()), (0, Some("1000")), "{tier}: {sql}: {answer:?}");
        assert_eq!(outcome(&mut analyst).await, "bad_data 22012", "{tier}: {sql}");
    }
}
