//! Session state stays with its session: it neither leaks to the next one nor gets lost.

use crate::house::House;

/// What one session does, how the other one looks for it, and what it must see.
const LEAKS: [(&str, &str, &str, &str); 16] = [
    (
        "a function",
        "CREATE FUNCTION sets() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET work_mem = ''77MB''; END'; SELECT sets()",
        "SHOW work_mem",
        "4MB",
    ),
    (
        "a trigger",
        "CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''work_mem'', ''77MB'', false); RETURN NEW; END'; CREATE TABLE fired (i int); CREATE TRIGGER t BEFORE INSERT ON fired FOR EACH ROW EXECUTE FUNCTION fires(); INSERT INTO fired VALUES (1)",
        "SHOW work_mem",
        "4MB",
    ),
    ("SET ROLE", "SET ROLE alice", "SELECT current_setting('role')", "none"),
    (
        "currval",
        "CREATE SEQUENCE s; SELECT nextval('s')",
        "SELECT count(*)::text FROM (SELECT CASE WHEN false THEN currval('s') END) x",
        "1",
    ),
    ("SET", "SET work_mem = '77MB'", "SHOW work_mem", "4MB"),
    ("SET and COMMIT", "BEGIN; SET work_mem = '77MB'; COMMIT", "SHOW work_mem", "4MB"),
    ("SET and ROLLBACK", "BEGIN; SET work_mem = '77MB'; ROLLBACK", "SHOW work_mem", "4MB"),
    ("SET LOCAL", "BEGIN; SET LOCAL work_mem = '77MB'; COMMIT", "SHOW work_mem", "4MB"),
    ("set_config", "SELECT set_config('work_mem', '77MB', false)", "SHOW work_mem", "4MB"),
    ("set_config in company", "SELECT set_config('work_mem', '77MB', false), 1", "SHOW work_mem", "4MB"),
    ("DO", "DO $$BEGIN PERFORM set_config('work_mem', '77MB', false); END$$", "SHOW work_mem", "4MB"),
    ("app settings", "SET app.member = 'x'", "SELECT coalesce(current_setting('app.member', true), '')", ""),
    (
        "temporary tables",
        "CREATE TEMP TABLE mine (i int)",
        "SELECT count(*)::text FROM pg_class WHERE relname = 'mine'",
        "0",
    ),
    (
        "advisory locks",
        "SELECT pg_advisory_lock(7)",
        "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        "0",
    ),
    ("search_path", "SET search_path = pg_catalog", "SELECT name FROM whose", "alice"),
    ("client_encoding", "SET client_encoding = 'LATIN1'", "SHOW client_encoding", "UTF8"),
];

#[tokio::test]
async fn nothing_leaks_to_the_next_session_on_the_same_server() {
    for (what, sets, looks, expected) in LEAKS {
        let house = House::with(1).await;
        let mut one = house.user("alice").await;
        let done = one.simple(sets).await.expect("an answer");
        assert!(done.errors.is_empty(), "{what}: {:?}", done.errors);
        one.send(b"X\0\0\0\x04").await.expect("terminated");
        let mut next = house.user("alice").await;
        let seen = next.simple(looks).await.expect("an answer");
        assert_eq!(seen.value(), Some(expected), "{what} leaked: {:?}", seen.errors);
    }
}

#[tokio::test]
async fn nothing_is_lost_while_others_use_the_server() {
    let house = House::with(2).await;
    let (mut one, mut other) = (house.user("alice").await, house.user("alice").await);
    for (sets, looks, expected) in [
        ("SET work_mem = '77MB'", "SHOW work_mem", "77MB"),
        ("SELECT set_config('app.x', 'kept', false)", "SELECT current_setting('app.x')", "kept"),
        ("SET search_path = pg_catalog, public", "SHOW search_path", "pg_catalog, public"),
        ("SET TIME ZONE 'Asia/Tokyo'", "SHOW timezone", "Asia/Tokyo"),
        ("CREATE TEMP TABLE mine AS SELECT 'here' AS t", "SELECT t FROM mine", "here"),
    ] {
        let done = one.simple(sets).await.expect("an answer");
        assert!(done.errors.is_empty(), "{sets}: {:?}", done.errors);
        for _ in 0..3 {
            assert_eq!(other.simple("SELECT 'x'").await.expect("an answer").value(), Some("x"));
            let seen = one.simple(looks).await.expect("an answer");
            assert_eq!(seen.value(), Some(expected), "{sets} was lost: {:?}", seen.errors);
        }
    }
}

#[tokio::test]
async fn a_pinned_session_says_why_and_discard_all_unpins_it() {
    let house = House::with(1).await;
    let mut one = house.user("alice").await;
    one.simple("LISTEN news").await.expect("an answer");
    assert_eq!(one.simple("SHOW stuffgate.pinned").await.expect("an answer").value(), Some("listen"));
    let done = one.simple("DISCARD ALL").await.expect("an answer");
    assert!(done.errors.is_empty(), "{:?}", done.errors);
    assert_eq!(one.simple("SHOW stuffgate.pinned").await.expect("an answer").value(), Some(""));
    let mut other = house.user("alice").await;
    assert_eq!(other.simple("SELECT name FROM whose").await.expect("an answer").value(), Some("alice"));
}

#[tokio::test]
async fn state_set_inside_the_stores_own_code_stays_with_the_session() {
    let house = House::with(2).await;
    let (mut one, mut other) = (house.user("alice").await, house.user("alice").await);
    let make = "CREATE FUNCTION sets() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET work_mem = ''77MB''; END'";
    assert!(one.simple(make).await.expect("an answer").errors.is_empty());
    assert!(one.extended("SELECT sets()", &[]).await.expect("an answer").errors.is_empty());
    for _ in 0..3 {
        assert_eq!(other.simple("SHOW work_mem").await.expect("an answer").value(), Some("4MB"));
        assert_eq!(one.simple("SHOW work_mem").await.expect("an answer").value(), Some("77MB"));
    }
}

#[tokio::test]
async fn currval_tells_nothing_of_another_session() {
    let house = House::with(1).await;
    let (mut one, mut other) = (house.user("alice").await, house.user("alice").await);
    one.simple("CREATE SEQUENCE s").await.expect("an answer");
    assert_eq!(one.simple("SELECT nextval('s')").await.expect("an answer").value(), Some("1"));
    assert_eq!(other.simple("SELECT currval('s')").await.expect("an answer").code(), "55000");
    other.simple("DISCARD ALL").await.expect("an answer");
    assert_eq!(one.simple("SELECT nextval('s')").await.expect("an answer").value(), Some("2"));
    other.simple("BEGIN").await.expect("an answer");
    assert_eq!(other.simple("SELECT currval('s')").await.expect("an answer").code(), "55000");
    other.simple("ROLLBACK").await.expect("an answer");
    other.simple("DISCARD ALL").await.expect("an answer");
    for protocol in ["simple", "extended"] {
        assert!(one.simple("SELECT nextval('s')").await.expect("an answer").value().is_some());
        let mut third = house.user("alice").await;
        for sql in ["BEGIN", "SELECT 1"] {
            third.simple(sql).await.expect("an answer");
        }
        for sql in ["SELECT lastval()", "SELECT currval('s')"] {
            third.simple("SAVEPOINT a").await.expect("an answer");
            let seen =
                if protocol == "simple" { third.simple(sql).await } else { third.extended(sql, &[]).await };
            assert_eq!(
                seen.expect("an answer").code(),
                "55000",
                "{sql} behind a plain statement, {protocol}"
            );
            third.simple("ROLLBACK TO a").await.expect("an answer");
        }
        // Its own is told, also behind what another session did in between.
        third.simple("CREATE TEMP SEQUENCE t; SELECT nextval('t')").await.expect("an answer");
        assert_eq!(third.simple("SELECT currval('t')").await.expect("an answer").value(), Some("1"));
        third.simple("ROLLBACK; DISCARD ALL").await.expect("an answer");
        third.simple("DISCARD ALL").await.expect("an answer");
        third.send(b"X\0\0\0\x04").await.expect("terminated");
        third.rest().await.expect("the end");
    }
}
