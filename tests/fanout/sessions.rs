//! An analyst's session keeps what it was told, says whom an answer covers, and ends when it has to.

use rustix::process::Signal;
use std::time::{Duration, Instant};
use stuffgate_tests::testkit::frames::{bind, execute, parse, query, sync};
use stuffgate_tests::testkit::scratch::Stop;
use stuffgate_tests::testkit::{Answer, Client, Error};
use stuffgate_tests::{SERVICE, World, WorldPlan};

const ANALYST: &str = "ana";
const COUNT: &str = "SELECT count(*) FROM owner";

/// A world in which every store, and home, has a table `owner` with one row, and an analyst.
async fn world(plan: WorldPlan) -> World {
    let world =
        plan.settings("[fanout]\nconcurrency = 16\ndeadline_ms = 20000\nleg_timeout_ms = 10000").start();
    world.stamp().await;
    world.add_analyst(ANALYST, 1);
    world.until(async || world.try_connect(ANALYST, &[]).await.is_ok()).await;
    world
}

async fn ask(session: &mut Client, sql: &str) -> Answer {
    let answer = session.simple(sql).await.unwrap();
    assert_eq!(answer.errors, [], "{sql}");
    answer
}

async fn value(session: &mut Client, sql: &str) -> String {
    ask(session, sql).await.value().unwrap_or("none").to_owned()
}

async fn code(session: &mut Client, sql: &str) -> String {
    let answer = session.simple(sql).await.unwrap();
    assert!(answer.errors.iter().all(|error| !error.hint().is_empty()), "{sql}: {:?}", answer.errors);
    answer.code().to_owned()
}

#[tokio::test]
async fn a_parameter_that_changes_what_arrays_and_names_mean_is_refused_and_hurts_nobody_else() {
    let world = world(WorldPlan::default()).await;
    let mut other = world.connect(ANALYST).await;
    let expected = value(&mut other, COUNT).await;
    for setting in ["array_nulls = off", "quote_all_identifiers = on"] {
        let mut session = world.connect(ANALYST).await;
        let _ = ask(&mut session, &format!("SET {setting}")).await;
        assert_eq!(code(&mut session, COUNT).await, "0A000", "{setting}");
        assert_eq!(code(&mut session, "SELECT relname FROM pg_class LIMIT 1").await, "0A000", "{setting}");
        // The connections to home are the same ones.
        assert_eq!(value(&mut other, COUNT).await, expected, "{setting}");
        assert_eq!(value(&mut other, "SELECT count(*) FROM pg_class WHERE relname = 'owner'").await, "1");
        let _ = ask(&mut session, "RESET ALL").await;
        assert_eq!(value(&mut session, COUNT).await, expected, "{setting}");
    }
}

#[tokio::test]
async fn parameters_of_fan_outs_are_kept_within_the_operators_bounds() {
    let world = world(WorldPlan::default()).await;
    let options = [("options", "-c fanout.tier=t3 -c TimeZone=Asia/Tokyo"), ("application_name", "app")];
    let mut session = world.connect_with(ANALYST, &options).await;
    assert!(session.parameters.contains(&("TimeZone".to_owned(), "Asia/Tokyo".to_owned())));
    assert!(session.parameters.contains(&("session_authorization".to_owned(), ANALYST.to_owned())));
    for (asked, told) in [
        ("SHOW fanout.tier", "t3"),
        ("SELECT current_setting('fanout.tier')", "t3"),
        ("SHOW fanout.concurrency", "16"),
        ("SHOW fanout.deadline", "20s"),
        ("SHOW fanout.min_stores_per_group", "1"),
        ("SHOW TimeZone", "Asia/Tokyo"),
        ("SHOW application_name", "app"),
        ("SHOW search_path", "\"$user\", public"),
        ("SHOW stuffgate.fanout", "on"),
        ("SHOW stuffgate.user", ""),
        ("SELECT set_config('fanout.leg_timeout', '1500', false)", "1500ms"),
        ("SHOW fanout.leg_timeout", "1500ms"),
        ("SELECT current_setting('fanout.nope', true) IS NULL", "t"),
    ] {
        assert_eq!(value(&mut session, asked).await, told, "{asked}");
    }
    for (refused, with) in [
        ("SET fanout.concurrency = 17", "22023"),
        ("SET fanout.deadline = '1h'", "22023"),
        ("SET fanout.tier = 't9'", "22023"),
        ("SET fanout.nope = 1", "42704"),
        ("SHOW fanout.nope", "42704"),
        ("SET fanout.min_stores_per_group = 0", "42501"),
        ("SET search_path = elsewhere", "0A000"),
        ("SET client_encoding = 'LATIN1'", "0A000"),
        ("SET standard_conforming_strings = off", "0A000"),
        ("SET ROLE postgres", "42501"),
        ("SET stuffgate.user = 'alice'", "55000"),
        ("SELECT 1 /*stuffgate.user='alice'*/", "55000"),
        ("SET stuffgate.fanout = off", "42501"),
        ("LISTEN c", "0A000"),
        ("PREPARE p AS INSERT INTO owner VALUES ('x')", "0A000"),
        ("DECLARE c SCROLL CURSOR FOR SELECT 1", "0A000"),
    ] {
        assert_eq!(code(&mut session, refused).await, with, "{refused}");
    }
    let all = ask(&mut session, "SHOW ALL").await;
    assert_eq!(all.tags, ["SHOW"]);
    let zone = all.rows.iter().find(|row| row[0].as_deref() == Some("TimeZone"));
    assert_eq!(zone.unwrap()[1].as_deref(), Some("Asia/Tokyo"));
    ask(&mut session, "SET LOCAL fanout.tier = 't2'; BEGIN; SET LOCAL fanout.tier = 't1'; COMMIT").await;
    assert_eq!(value(&mut session, "SHOW fanout.tier").await, "t3");
    ask(&mut session, "SET fanout.tier = 't2'").await;
    ask(&mut session, "BEGIN").await;
    ask(&mut session, "SET fanout.tier = 't0'").await;
    ask(&mut session, "ROLLBACK").await;
    assert_eq!(value(&mut session, "SHOW fanout.tier").await, "t2");
    let reset = ask(&mut session, "SET TimeZone = 'Asia/Seoul'; RESET ALL").await;
    assert_eq!(reset.parameters.last(), Some(&("TimeZone".to_owned(), "Asia/Tokyo".to_owned())));
    assert_eq!(value(&mut session, "SHOW fanout.tier").await, "t3");
}

#[tokio::test]
async fn a_start_that_cannot_be_is_refused() {
    let world = world(WorldPlan::default()).await;
    for (options, with) in [
        ("-c fanout.concurrency=17", "22023"),
        ("-c fanout.nope=1", "42704"),
        ("-c fanout.min_stores_per_group=1", "42501"),
        ("-c search_path=elsewhere", "0A000"),
        ("-c client_encoding=LATIN1", "0A000"),
        ("-c stuffgate.user=alice", "55000"),
        ("-c stuffgate.fanout=off", "42501"),
        ("-c stuffgate.fanout=perhaps", "22023"),
        ("-c TimeZone=Nowhere/There", "22023"),
    ] {
        let refused = world.try_connect(ANALYST, &[("options", options)]).await;
        let Err(Error::Unexpected(told)) = refused.map(drop) else { panic!("{options} was taken") };
        assert!(told.contains(with), "{options}: {told}");
    }
    let mut session = world.connect_with(ANALYST, &[("options", "-c search_path=public")]).await;
    assert_eq!(value(&mut session, COUNT).await, "3");
    for (login, options, with) in [
        ("alice", "-c stuffgate.fanout=on", "42501"),
        (SERVICE, "-c stuffgate.fanout=on -c stuffgate.user=alice", "55000"),
        (SERVICE, "-c stuffgate.fanout=on -c fanout.tier=t9", "22023"),
    ] {
        let refused = world.try_connect(login, &[("options", options)]).await;
        let Err(Error::Unexpected(told)) = refused.map(drop) else { panic!("{login} {options} was taken") };
        assert!(told.contains(with), "{login} {options}: {told}");
    }
}

#[tokio::test]
async fn a_service_without_a_home_and_a_home_that_is_away_are_told_of() {
    let homeless = WorldPlan::default().without_home().start();
    homeless.add_analyst(ANALYST, 1);
    homeless
        .until(async || match homeless.try_connect(ANALYST, &[]).await {
            Err(Error::Unexpected(told)) => told.contains("0A000") && told.contains("has no home"),
            _ => false,
        })
        .await;
    let mut session = homeless.connect(SERVICE).await;
    assert_eq!(code(&mut session, "SET stuffgate.fanout = on").await, "0A000");

    let mut world = world(WorldPlan::default()).await;
    let mut session = world.connect(ANALYST).await;
    world.server("home").stop(Stop::Immediate).unwrap();
    assert_eq!(code(&mut session, COUNT).await, "08006");
    let refused = world.try_connect(ANALYST, &[("options", "-c TimeZone=Asia/Seoul")]).await;
    let Err(Error::Unexpected(told)) = refused.map(drop) else { panic!("it was welcomed") };
    assert!(told.contains("08006"), "{told}");
}

#[tokio::test]
async fn coverage_is_told_by_warning_parameter_show_and_table() {
    let world = world(WorldPlan::default()).await;
    let mut session = world.connect(ANALYST).await;
    assert_eq!(value(&mut session, "SELECT count(*) FROM stuffgate.legs").await, "0");
    let full = ask(&mut session, COUNT).await;
    assert_eq!(full.value(), Some("3"));
    assert_eq!((full.notices.len(), coverage(&full)), (0, vec!["asked=3 ok=3".to_owned()]));
    let again = ask(&mut session, COUNT).await;
    assert_eq!(coverage(&again), [""; 0], "it was told twice");

    let _ = world.direct("bob", "DROP TABLE owner");
    let partial = ask(&mut session, COUNT).await;
    assert_eq!(partial.value(), Some("2"));
    assert_eq!(coverage(&partial), ["asked=3 ok=2 schema=1"]);
    let warning = partial.notices.last().unwrap();
    assert_eq!((warning.code(), warning.message()), ("01000", "fan-out covered 2 of 3 stores"));
    assert!(warning.0[&'D'].contains("1 schema (bob)"), "{warning:?}");

    let shown = ask(&mut session, "SHOW stuffgate.coverage").await;
    let counts: Vec<_> = shown.rows[0][..11].iter().map(|cell| cell.as_deref().unwrap()).collect();
    assert_eq!(counts, ["3", "2", "0", "0", "0", "0", "1", "0", "0", "0", "0"]);
    assert_eq!(shown.rows[0][11].as_deref(), Some("66.66"));
    let legs = ask(
        &mut session,
        "SELECT l.\"user\", outcome, sqlstate, rows, milliseconds > 0 FROM stuffgate.legs AS l ORDER BY 1",
    )
    .await;
    let row = |cells: [Option<&str>; 5]| cells.map(|cell| cell.map(str::to_owned)).to_vec();
    assert_eq!(
        legs.rows,
        [
            row([Some("alice"), Some("ok"), None, Some("1"), Some("t")]),
            row([Some("bob"), Some("schema"), Some("42P01"), Some("0"), Some("t")]),
            row([Some("carol"), Some("ok"), None, Some("1"), Some("t")]),
        ]
    );
    let grouped = session
        .extended(
            "SELECT outcome, count(*) FROM stuffgate.legs WHERE stuffgate.legs.rows < $1 GROUP BY 1 ORDER BY 2",
            &[Some("9")],
        )
        .await
        .unwrap();
    assert_eq!((grouped.code(), grouped.column()), ("", vec!["schema", "ok"]));
    let wrong = session.simple("SELECT nope FROM stuffgate.legs").await.unwrap();
    assert_eq!((wrong.code(), wrong.errors[0].0.get(&'P').map(String::as_str)), ("42703", Some("8")));
    assert_eq!(
        value(&mut session, "SELECT count(*) FROM stuffgate.legs").await,
        "3",
        "it is the last fan-out's"
    );

    ask(&mut session, "SET fanout.min_coverage = 0.9").await;
    let refused = session.simple(COUNT).await.unwrap();
    assert_eq!(refused.rows.len(), 0);
    assert!(refused.errors[0].0[&'D'].contains("1 schema (bob)"), "{:?}", refused.errors);
    assert_eq!(coverage(&refused), [""; 0], "it is what it was");
}

/// What was told of coverage.
fn coverage(answer: &Answer) -> Vec<String> {
    let told = answer.parameters.iter().filter(|(name, _)| name == "stuffgate.coverage");
    told.map(|(_, value)| value.clone()).collect()
}

#[tokio::test]
async fn home_too_is_told_to_stop_at_the_deadline_and_the_session_goes_on() {
    let world = world(WorldPlan::default()).await;
    let mut session = world.connect_with(ANALYST, &[("options", "-c fanout.deadline=1s")]).await;
    for endless in [
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        "SELECT count(*) FROM owner o LEFT JOIN generate_series(1, 1000000000000) n ON o.name IS NULL OR n > 0",
        "COPY (SELECT count(*) FROM owner, generate_series(1, 1000000000000)) TO STDOUT",
    ] {
        let began = Instant::now();
        assert_eq!(code(&mut session, endless).await, "57014", "{endless}");
        assert!(began.elapsed() < Duration::from_secs(15), "{endless}");
        assert_eq!(value(&mut session, COUNT).await, "3", "after {endless}");
    }
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%1000000000000%' AND pid <> pg_backend_pid()";
    assert_eq!(world.home(busy).trim(), "0");
}

#[tokio::test]
async fn a_cancel_ends_the_statement_and_the_session_goes_on() {
    let world = world(WorldPlan::default()).await;
    let mut session = world.connect(ANALYST).await;
    let mut holder = world.connect("bob").await;
    assert_eq!(holder.simple("BEGIN; LOCK TABLE owner IN ACCESS EXCLUSIVE MODE").await.unwrap().errors, []);
    for messages in [query(COUNT), [parse("", COUNT), bind("", "", &[]), execute("", 0), sync()].concat()] {
        session.send(&messages).await.unwrap();
        world.until(async || waiting(&world) == "1\n").await;
        session.cancel(world.gate.port()).await.unwrap();
        assert_eq!(session.answer().await.unwrap().code(), "57014");
        world.until(async || waiting(&world) == "0\n").await;
        assert_eq!(value(&mut session, "SELECT 1").await, "1");
    }
    session.send(&query(COUNT)).await.unwrap();
    world.until(async || waiting(&world) == "1\n").await;
    drop(session);
    world.until(async || waiting(&world) == "0\n").await;
}

/// How many of bob's servers wait for a lock.
fn waiting(world: &World) -> String {
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    world.on_server_of("bob", waits)
}

#[tokio::test]
async fn a_session_ends_with_its_login_and_with_the_gate() {
    let mut world = world(WorldPlan::default()).await;
    let mut session = world.connect(ANALYST).await;
    assert_eq!(value(&mut session, COUNT).await, "3");
    let mut open = world.connect(ANALYST).await;
    ask(&mut open, "BEGIN").await;
    world.gate.signal(Signal::TERM);
    let ended = session.answer().await;
    assert!(ended.is_err(), "an idle session outlived the gate: {ended:?}");
    assert_eq!(value(&mut open, COUNT).await, "3", "an open transaction may end");
    ask(&mut open, "COMMIT").await;
    world.gate.wait().unwrap();

    world.gate.start().unwrap();
    let mut session = world.connect(ANALYST).await;
    world.run(&["login", "disable", ANALYST]);
    let frame = session.frame().await.unwrap();
    assert_eq!(frame.tag, b'E');
    assert!(String::from_utf8_lossy(&frame.body).contains("57P01"));
}

#[tokio::test]
async fn a_services_session_fans_out_only_where_that_is_safe_and_comes_back_as_it_was() {
    let world = world(WorldPlan::default()).await;
    let mut session = world.connect(SERVICE).await;
    assert_eq!(value(&mut session, "SHOW stuffgate.fanout").await, "off");
    ask(&mut session, "SET TimeZone = 'Asia/Tokyo'").await;
    ask(&mut session, "SET fanout.tier = 't3'").await;
    session.send(&[parse("kept", COUNT), sync()].concat()).await.unwrap();
    assert_eq!(session.answer().await.unwrap().errors, []);
    for (sql, with) in [
        ("BEGIN; SET stuffgate.fanout = on", "25001"),
        ("ROLLBACK", ""),
        ("SELECT 1; SET stuffgate.fanout = on", "25001"),
        ("SET stuffgate.fanout = perhaps", "22023"),
        ("SET stuffgate.user = 'alice'", ""),
        ("SET stuffgate.fanout = on", "55000"),
        ("RESET stuffgate.user", ""),
        ("LISTEN c", ""),
        ("SET stuffgate.fanout = on", "25001"),
        ("UNLISTEN *", ""),
    ] {
        assert_eq!(session.simple(sql).await.unwrap().code(), with, "{sql}");
    }
    // By the extended protocol, and with what follows in the same pipeline.
    let on = [parse("", "SET stuffgate.fanout = on"), bind("", "", &[]), execute("", 0)].concat();
    let count = [bind("", "kept", &[]), execute("", 0), sync()].concat();
    session.send(&[on, count.clone()].concat()).await.unwrap();
    let answer = session.answer().await.unwrap();
    assert_eq!((answer.code(), answer.value(), answer.status), ("", Some("3"), 'I'));
    assert_eq!(value(&mut session, "SHOW TimeZone").await, "Asia/Tokyo");
    assert_eq!(value(&mut session, "SHOW fanout.tier").await, "t3");
    assert_eq!(code(&mut session, "BEGIN; SET stuffgate.fanout = off").await, "25001");
    ask(&mut session, "ROLLBACK").await;
    ask(&mut session, "SET TimeZone = 'Asia/Seoul'").await;
    session.send(&[parse("new", COUNT), sync()].concat()).await.unwrap();
    assert_eq!(session.answer().await.unwrap().errors, []);
    ask(&mut session, "RESET stuffgate.fanout").await;
    for name in ["kept", "new"] {
        session.send(&[bind("", name, &[]), execute("", 0), sync()].concat()).await.unwrap();
        let answer = session.answer().await.unwrap();
        assert_eq!((answer.code(), answer.value()), ("", Some("1")), "{name}: home has one row");
    }
    assert_eq!(value(&mut session, "SHOW TimeZone").await, "Asia/Seoul");
    for leaves in ["RESET ALL", "DISCARD ALL", "SELECT set_config('stuffgate.fanout', 'off', false)"] {
        ask(&mut session, "SELECT set_config('stuffgate.fanout', 'on', false)").await;
        assert_eq!(value(&mut session, COUNT).await, "3");
        ask(&mut session, leaves).await;
        assert_eq!(value(&mut session, COUNT).await, "1", "{leaves}");
    }
    assert_eq!(code(&mut world.connect("alice").await, "SET stuffgate.fanout = on").await, "42501");
    let mut starts = world.connect_with(SERVICE, &[("options", "-c stuffgate.fanout=on")]).await;
    assert_eq!(value(&mut starts, COUNT).await, "3");
    ask(&mut starts, "SET stuffgate.fanout = off").await;
    assert_eq!(value(&mut starts, COUNT).await, "1");
    ask(&mut starts, "RESET stuffgate.fanout").await;
    assert_eq!(value(&mut starts, COUNT).await, "3");
}
