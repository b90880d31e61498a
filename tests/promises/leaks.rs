//! Nothing of a session is seen by the next one on the same server connection, and nothing of it is lost.

use stuffgate_tests::testkit::{Answer, Client, frames};
use stuffgate_tests::{SERVICE, World, WorldPlan};

/// What a session does, and how the next one would notice.
const MATRIX: &[(&str, &str)] = &[
    ("SET statement_timeout = 4321", "SHOW statement_timeout"),
    ("BEGIN; SET statement_timeout = 4321; COMMIT", "SHOW statement_timeout"),
    ("BEGIN; SET statement_timeout = 4321; ROLLBACK", "SHOW statement_timeout"),
    ("BEGIN; SET LOCAL statement_timeout = 4321; COMMIT", "SHOW statement_timeout"),
    ("SELECT set_config('statement_timeout', '4321', false)", "SHOW statement_timeout"),
    ("SELECT set_config('search_path', 'pg_catalog', false)", "SELECT current_setting('search_path')"),
    ("SET search_path = pg_catalog", "SELECT current_setting('search_path')"),
    ("DO $$ BEGIN SET statement_timeout = 4321; END $$", "SHOW statement_timeout"),
    (
        "DO $$ BEGIN PERFORM set_config('search_path', 'pg_catalog', false); END $$",
        "SELECT current_setting('search_path')",
    ),
    ("SELECT sets_path()", "SELECT current_setting('search_path')"),
    ("INSERT INTO watched VALUES (1)", "SHOW statement_timeout"),
    ("SET ROLE NONE", "SELECT current_user"),
    ("SET SESSION AUTHORIZATION DEFAULT", "SELECT current_user"),
    (
        "CREATE TEMP TABLE secret AS SELECT 1 AS n",
        "SELECT count(*) FROM pg_class WHERE relname = 'secret' AND relpersistence = 't'",
    ),
    (
        "SELECT pg_advisory_lock(42)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    ),
    ("DECLARE held CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*) FROM pg_cursors"),
    ("LISTEN news", "SELECT count(*) FROM pg_listening_channels()"),
    ("PREPARE mine AS SELECT 'secret'", "SELECT count(*) FROM pg_prepared_statements WHERE name = 'mine'"),
    ("SELECT nextval('numbers')", "SELECT currval('numbers')"),
    (
        "SET app.secret = 'of alice'",
        "SELECT coalesce(nullif(current_setting('app.secret', true), ''), 'nothing')",
    ),
    (
        "SELECT set_config('app.secret', 'of alice', false)",
        "SELECT coalesce(nullif(current_setting('app.secret', true), ''), 'nothing')",
    ),
    ("SET client_encoding = 'LATIN1'", "SHOW client_encoding"),
    ("SET TimeZone = 'Asia/Tokyo'", "SHOW TimeZone"),
    ("SET DateStyle = 'German'", "SELECT '2026-02-01'::date::text"),
    ("SET application_name = 'secret'", "SHOW application_name"),
    ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SHOW transaction_read_only"),
    ("SET default_transaction_isolation = 'serializable'", "SHOW transaction_isolation"),
    ("BEGIN; SELECT 1/0", "SHOW statement_timeout"),
];

/// Things in alice's partition that leave something behind when touched.
const TRAPS: &str = "\
    CREATE SEQUENCE numbers;\
    CREATE TABLE watched (n int);\
    CREATE FUNCTION sets_path() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'pg_catalog', false); END $$;\
    CREATE FUNCTION sets_timeout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('statement_timeout', '4321', false); RETURN NEW; END $$;\
    CREATE TRIGGER trap BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION sets_timeout()";

/// One connection for all sessions of alice's store.
async fn one_connection() -> World {
    let settings = "[pool]\nper_store = 1\nwait_timeout_ms = 500";
    let world = WorldPlan::default().users(["alice"]).settings(settings).start();
    let answer = world.connect("alice").await.simple(TRAPS).await.unwrap();
    assert_eq!(answer.errors, []);
    world
}

/// What matters of an answer.
fn seen(answer: &Answer) -> (Vec<Vec<Option<String>>>, String) {
    (answer.rows.clone(), answer.code().to_owned())
}

async fn backend(session: &mut Client) -> String {
    session.simple("SELECT pg_backend_pid()").await.unwrap().value().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_an_ended_session_did_is_not_seen_by_the_next() {
    let world = one_connection().await;
    let mut leaked: Vec<String> = Vec::new();
    for (act, probe) in MATRIX {
        let untouched = seen(&world.connect("alice").await.simple(probe).await.unwrap());
        let mut first = world.connect("alice").await;
        first.simple(act).await.unwrap();
        first.send(&frames::terminate()).await.unwrap();
        first.rest().await.unwrap();
        let mut second = world.connect("alice").await;
        let after = seen(&second.simple(probe).await.unwrap());
        if after != untouched {
            leaked.push(format!("after {act}: {after:?} instead of {untouched:?}"));
            world.restart_connections("alice").await;
        }
    }
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

#[tokio::test]
async fn what_an_open_session_did_is_not_seen_by_another_and_still_holds_for_itself() {
    let world = one_connection().await;
    let mut leaked: Vec<String> = Vec::new();
    for (act, probe) in MATRIX {
        let untouched = seen(&world.connect("alice").await.simple(probe).await.unwrap());
        let mut first = world.connect("alice").await;
        first.simple(act).await.unwrap();
        let own = seen(&first.simple(probe).await.unwrap());
        let mut second = world.try_connect("alice", &[]).await;
        if let Ok(second) = &mut second {
            let other = seen(&second.simple(probe).await.unwrap());
            // A session that is pinned, or in a transaction, keeps the only connection.
            if other != untouched && other.1 != "53300" {
                leaked.push(format!("after {act}: {other:?} instead of {untouched:?}"));
            }
        }
        let still = seen(&first.simple(probe).await.unwrap());
        if still != own {
            leaked.push(format!("own state after {act}: {still:?} instead of {own:?}"));
        }
        if !leaked.is_empty() {
            drop((first, second));
            world.restart_connections("alice").await;
        }
    }
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
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
