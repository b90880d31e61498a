//! Nothing of a session is seen by the next one on the same server connection, and nothing of it is lost.

use std::collections::BTreeMap;
use stuffgate_tests::testkit::{Answer, Client, frames};
use stuffgate_tests::{SERVICE, World, WorldPlan};

/// What a session does, how it or another one looks for it, what it itself sees then, and why it is pinned.
struct Row {
    act: &'static str,
    probe: &'static str,
    /// The value, or the SQLSTATE.
    own: &'static str,
    pinned: &'static str,
}

const fn row(act: &'static str, probe: &'static str, own: &'static str, pinned: &'static str) -> Row {
    Row { act, probe, own, pinned }
}

const TIMEOUT: &str = "SHOW statement_timeout";
const PATH: &str = "SELECT to_regclass('numbers') IS NULL";
const SECRET: &str = "SELECT coalesce(nullif(current_setting('app.secret', true), ''), 'nothing')";
const SELF: &str = "SELECT current_user = session_user";
const UNKNOWN: &str = "unknown session state";

const MATRIX: [Row; 37] = [
    row("SET statement_timeout = 4321", TIMEOUT, "4321ms", ""),
    row("BEGIN; SET statement_timeout = 4321; COMMIT", TIMEOUT, "4321ms", ""),
    row("BEGIN; SET statement_timeout = 4321; ROLLBACK", TIMEOUT, "0", ""),
    row("BEGIN; SAVEPOINT a; SET statement_timeout = 4321; ROLLBACK TO a; COMMIT", TIMEOUT, "0", UNKNOWN),
    row("BEGIN; SET LOCAL statement_timeout = 4321; COMMIT", TIMEOUT, "0", ""),
    row("SELECT set_config('statement_timeout', '4321', false)", TIMEOUT, "4321ms", ""),
    row("SELECT set_config('statement_timeout', '4321', true)", TIMEOUT, "0", ""),
    row("SELECT set_config('statement_timeout', '4321', false), 1 + 1", TIMEOUT, "4321ms", UNKNOWN),
    row("SELECT set_config('search_path', 'pg_catalog', false)", PATH, "t", ""),
    row("SET search_path = pg_catalog", PATH, "t", ""),
    row("DO $$ BEGIN SET statement_timeout = 4321; END $$", TIMEOUT, "4321ms", UNKNOWN),
    row("DO $$ BEGIN PERFORM set_config('search_path', 'pg_catalog', false); END $$", PATH, "t", UNKNOWN),
    row("SELECT sets_path()", PATH, "t", UNKNOWN),
    row("SELECT n FROM shows", TIMEOUT, "4321ms", UNKNOWN),
    row("CALL calls()", TIMEOUT, "4321ms", UNKNOWN),
    row("INSERT INTO watched VALUES (1)", TIMEOUT, "4321ms", UNKNOWN),
    row("INSERT INTO defaulted DEFAULT VALUES", TIMEOUT, "4321ms", UNKNOWN),
    row("SET ROLE NONE", SELF, "t", "role"),
    row("SELECT set_config('role', 'none', false)", SELF, "t", "role"),
    row("RESET ROLE", SELF, "f", ""),
    row("SET SESSION AUTHORIZATION DEFAULT", SELF, "f", ""),
    row("CREATE TEMP TABLE secret AS SELECT 1 AS n", "SELECT n FROM secret", "1", "temporary table"),
    row("SELECT 1 AS n INTO TEMP secret", "SELECT n FROM pg_temp.secret", "1", "temporary table"),
    row(
        "SELECT pg_advisory_lock(42)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        "1",
        "session advisory lock",
    ),
    row(
        "DECLARE held CURSOR WITH HOLD FOR SELECT 1",
        "SELECT count(*) FROM pg_cursors WHERE name = 'held'",
        "1",
        "cursor with hold",
    ),
    row("LISTEN news", "SELECT count(*) FROM pg_listening_channels()", "1", "listen"),
    row("PREPARE mine AS SELECT 'secret'", "EXECUTE mine", "secret", "prepare"),
    row(
        "SELECT setval('numbers', 7), currval('numbers')",
        "SELECT currval('numbers')",
        "7",
        "sequence state",
    ),
    row("SET app.secret = 'of alice'", SECRET, "of alice", ""),
    row("SELECT set_config('app.secret', 'of alice', false)", SECRET, "of alice", ""),
    row("SET client_encoding = 'LATIN1'", "SHOW client_encoding", "LATIN1", ""),
    row("SET NAMES 'LATIN9'", "SHOW client_encoding", "LATIN9", ""),
    row("SET TimeZone = 'Asia/Tokyo'", "SHOW TimeZone", "Asia/Tokyo", ""),
    row("SET DateStyle = 'German'", "SELECT '2026-02-01'::date::text", "01.02.2026", ""),
    row("SET application_name = 'secret'", "SHOW application_name", "secret", ""),
    row("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SHOW transaction_read_only", "on", ""),
    row("BEGIN; SELECT 1/0", TIMEOUT, "25P02", ""),
];

/// Things in a partition that leave something behind when touched.
const TRAPS: &str = "\
    CREATE SEQUENCE numbers;\
    CREATE TABLE watched (n int);\
    CREATE FUNCTION sets_path() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'pg_catalog', false); END $$;\
    CREATE FUNCTION sets_timeout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('statement_timeout', '4321', false); RETURN NEW; END $$;\
    CREATE TRIGGER trap BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION sets_timeout();\
    CREATE FUNCTION number() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('statement_timeout', '4321', false); RETURN 1; END $$;\
    CREATE TABLE defaulted (n int DEFAULT number());\
    CREATE VIEW shows AS SELECT number() AS n;\
    CREATE PROCEDURE calls() LANGUAGE plpgsql AS $$ BEGIN PERFORM number(); END $$";

/// One connection for all sessions of each store: alice's partition is a schema, bob's a database.
async fn one_connection() -> World {
    with_connections(1).await
}

async fn with_connections(connections: usize) -> World {
    let settings = format!("[pool]\nper_store = {connections}\nwait_timeout_ms = 100");
    let plan = WorldPlan::default().users(["alice", "bob"]).in_databases(["bob"]);
    let world = plan.settings(&settings).start();
    for user in ["alice", "bob"] {
        let answer = world.connect(user).await.simple(TRAPS).await.unwrap();
        assert_eq!(answer.errors, []);
    }
    world
}

/// What is looked at of an answer: the last value, or the SQLSTATE.
fn seen(answer: &Answer) -> String {
    if !answer.errors.is_empty() {
        return answer.code().to_owned();
    }
    answer.rows.last().and_then(|row| row.last().cloned().flatten()).unwrap_or_default()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Simple,
    Extended,
}

async fn run(session: &mut Client, protocol: Protocol, sql: &str) -> Answer {
    match protocol {
        Protocol::Simple => session.simple(sql).await.unwrap(),
        Protocol::Extended => session.extended(sql, &[]).await.unwrap(),
    }
}

/// Every row, in either kind of partition, by either protocol where one statement is all of it.
fn all() -> impl Iterator<Item = (&'static Row, &'static str, Protocol)> {
    let both = [Protocol::Simple, Protocol::Extended];
    let pairs = ["alice", "bob"].into_iter().flat_map(move |user| both.map(|protocol| (user, protocol)));
    pairs.flat_map(|(user, protocol)| {
        let fits = move |row: &&Row| protocol == Protocol::Simple || !row.act.starts_with("BEGIN;");
        MATRIX.iter().filter(fits).map(move |row| (row, user, protocol))
    })
}

async fn backend(session: &mut Client) -> String {
    session.simple("SELECT pg_backend_pid()").await.unwrap().value().unwrap_or_default().to_owned()
}

async fn leave(mut session: Client) {
    session.send(&frames::terminate()).await.unwrap();
    session.rest().await.unwrap();
}

#[tokio::test]
async fn what_an_ended_session_did_is_not_seen_by_the_next() {
    let world = one_connection().await;
    let mut leaked: Vec<String> = Vec::new();
    for (Row { act, probe, .. }, user, protocol) in all() {
        let mut before = world.connect(user).await;
        let untouched = seen(&before.simple(probe).await.unwrap());
        leave(before).await;
        let mut first = world.connect(user).await;
        run(&mut first, protocol, act).await;
        leave(first).await;
        let mut second = world.connect(user).await;
        let after = seen(&second.simple(probe).await.unwrap());
        leave(second).await;
        if after != untouched {
            leaked.push(format!("{user}, {protocol:?}, after {act}: {after} instead of {untouched}"));
            world.restart_connections(user).await;
        }
    }
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

#[tokio::test]
async fn what_an_open_session_did_is_not_seen_by_another_and_still_holds_for_itself() {
    let world = with_connections(2).await;
    let (mut wrong, mut pins): (Vec<String>, BTreeMap<String, usize>) = (Vec::new(), BTreeMap::new());
    for (Row { act, probe, own, pinned }, user, protocol) in all() {
        let (mut first, mut second) = (world.connect(user).await, world.connect(user).await);
        let untouched = seen(&second.simple(probe).await.unwrap());
        run(&mut first, protocol, act).await;
        for _ in 0..2 {
            let other = seen(&second.simple(probe).await.unwrap());
            let mine = seen(&run(&mut first, protocol, probe).await);
            if (other.as_str(), mine.as_str()) != (&*untouched, *own) {
                wrong.push(format!(
                    "{user}, {protocol:?}, after {act}: others see {other} instead of {untouched}, itself {mine} instead of {own}"
                ));
            }
        }
        let said = seen(&first.simple("SHOW stuffgate.pinned").await.unwrap());
        if said != *pinned && *own != "25P02" {
            wrong
                .push(format!("{user}, {protocol:?}, after {act}: pinned by {said:?} instead of {pinned:?}"));
        }
        // A session that looks for such state, or in a place for it, is pinned by that too.
        let others = seen(&second.simple("SHOW stuffgate.pinned").await.unwrap());
        let reasons = pinned.split(", ").map(str::to_owned).chain(others.split(", ").map(str::to_owned));
        for reason in reasons.filter(|reason| !reason.is_empty()) {
            *pins.entry(reason).or_default() += 1;
        }
        leave(first).await;
        leave(second).await;
        if !wrong.is_empty() {
            world.restart_connections(user).await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let metrics = world.metrics().await;
    for (reason, count) in pins {
        let line = format!("stuffgate_pins_total{{reason=\"{reason}\"}} {count}");
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn what_a_role_is_to_start_with_is_no_way_out_of_its_partition() {
    let world = one_connection().await;
    for user in ["alice", "bob"] {
        let mut first = world.connect(user).await;
        // As on plain Postgres, a role may set what its later sessions begin with.
        let answer = first
            .simple("SET ROLE NONE; ALTER ROLE CURRENT_USER SET search_path = pg_catalog; ALTER ROLE CURRENT_USER SET work_mem = '77MB'")
            .await
            .unwrap();
        leave(first).await;
        world.restart_connections(user).await;
        let mut next = world.connect(user).await;
        // In a database partition the path is the service's own, as on plain Postgres.
        let lost = if user == "alice" { "f" } else { "t" };
        assert_eq!(next.simple(PATH).await.unwrap().value(), Some(lost), "{user}: {answer:?}");
        assert_eq!(next.simple(SELF).await.unwrap().value(), Some("f"), "{user}");
        let foreign = next.simple("ALTER ROLE postgres SET work_mem = '77MB'").await.unwrap();
        assert_eq!(foreign.code(), "42501", "{foreign:?}");
    }
}

#[tokio::test]
async fn sessions_do_share_the_connection() {
    let world = one_connection().await;
    let (mut first, mut second) = (world.connect("alice").await, world.connect("alice").await);
    let pid = backend(&mut first).await;
    for _ in 0..5 {
        assert_eq!(backend(&mut second).await, pid);
        assert_eq!(backend(&mut first).await, pid);
    }
    first.simple("SET statement_timeout = 4321").await.unwrap();
    assert_eq!(backend(&mut second).await, pid);
    assert_eq!(second.simple("SHOW statement_timeout").await.unwrap().value(), Some("0"));
    assert_eq!(first.simple("SHOW statement_timeout").await.unwrap().value(), Some("4321ms"));
}

#[tokio::test]
async fn prepared_statements_of_the_same_name_stay_each_sessions_own() {
    let world = one_connection().await;
    let (mut first, mut second) = (world.connect("alice").await, world.connect("alice").await);
    for (session, sql) in [(&mut first, "SELECT 'first'"), (&mut second, "SELECT 'second'")] {
        let messages = [frames::parse("same", sql), frames::sync()].concat();
        session.send(&messages).await.unwrap();
        assert_eq!(session.answer().await.unwrap().errors, []);
    }
    for _ in 0..5 {
        for (session, expected) in [(&mut first, "first"), (&mut second, "second")] {
            let messages = [frames::bind("", "same", &[]), frames::execute("", 0), frames::sync()].concat();
            session.send(&messages).await.unwrap();
            assert_eq!(session.answer().await.unwrap().value(), Some(expected));
        }
    }
}

#[tokio::test]
async fn constants_of_prepared_statements_are_read_under_each_sessions_own_settings() {
    let world = one_connection().await;
    let asked = "SELECT extract(epoch FROM '02/01/2024 00:00'::timestamptz)::int";
    let expected = [
        ("UTC", "ISO, MDY", "1706745600"),
        ("Asia/Tokyo", "ISO, MDY", "1706713200"),
        ("UTC", "SQL, DMY", "1704153600"),
    ];
    for (zone, style, seconds) in expected {
        let mut session = world.connect_with("alice", &[("TimeZone", zone), ("DateStyle", style)]).await;
        let messages =
            [frames::parse("p", asked), frames::bind("", "p", &[]), frames::execute("", 0), frames::sync()];
        session.send(&messages.concat()).await.unwrap();
        assert_eq!(session.answer().await.unwrap().value(), Some(seconds), "{zone} {style}");
    }
}

#[tokio::test]
async fn a_pinned_session_says_why_and_discard_all_lets_go() {
    let world = one_connection().await;
    let mut first = world.connect("alice").await;
    assert_eq!(first.simple("SHOW stuffgate.pinned").await.unwrap().value().unwrap_or_default(), "");
    first.simple("CREATE TEMP TABLE mine (n int)").await.unwrap();
    assert!(!first.simple("SHOW stuffgate.pinned").await.unwrap().value().unwrap().is_empty());
    first.simple("INSERT INTO mine VALUES (7)").await.unwrap();
    assert_eq!(first.simple("SELECT n FROM mine").await.unwrap().value(), Some("7"));
    assert_eq!(first.simple("DISCARD ALL").await.unwrap().errors, []);
    let mut second = world.connect("alice").await;
    assert_eq!(second.simple("SELECT 1").await.unwrap().value(), Some("1"));
}

#[tokio::test]
async fn late_copy_data_after_an_error_reaches_nobody() {
    let world = one_connection().await;
    let mut first = world.connect("alice").await;
    first.simple("CREATE TABLE numbers_only (n int)").await.unwrap();
    first.send(&frames::query("COPY numbers_only FROM STDIN")).await.unwrap();
    first.expect(b'G').await.unwrap();
    first.send(&frames::copy_data(b"not a number\n")).await.unwrap();
    let answer = first.send(&frames::copy_data(b"1\n")).await;
    answer.unwrap();
    first.send(&[frames::copy_data(b"2\n"), frames::copy_done()].concat()).await.unwrap();
    assert_eq!(first.answer().await.unwrap().code(), "22P02");
    first.send(&frames::copy_data(b"3\n")).await.unwrap();
    let mut second = world.connect("alice").await;
    assert_eq!(second.simple("SELECT count(*) FROM numbers_only").await.unwrap().value(), Some("0"));
    assert_eq!(first.simple("SELECT 'on'").await.unwrap().value(), Some("on"));
}

#[tokio::test]
async fn a_service_session_takes_its_settings_along_from_user_to_user() {
    let world = World::start();
    let mut session = world.connect(SERVICE).await;
    session.simple("SET app.note = 'mine'; SET DateStyle = 'German'").await.unwrap();
    for user in ["alice", "bob", "carol"] {
        session.simple(&format!("SET stuffgate.user = '{user}'")).await.unwrap();
        let answer = session.simple("SELECT current_setting('app.note'), '2026-02-01'::date").await.unwrap();
        assert_eq!(answer.rows, [[Some("mine".to_owned()), Some("01.02.2026".to_owned())]], "{user}");
    }
}
