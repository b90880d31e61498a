//! Stores that differ from home: in schema, types, collation, version.

use crate::world::{
    World, another_collation, home_says, in_partition, outcome, plan, postgres, postgres_by, rows_of,
    statement, table,
};
use fanout::legs::{Expected, Statement};
use model::Outcome;
use pool::{Collation, Database};
use scratch::{Binaries, Server};
use std::sync::Arc;

const TABLE: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE DOMAIN ext.positive AS int CHECK (VALUE > 0);
    CREATE TABLE t (n int, m mood, ms mood[], c text COLLATE \"C\", body text, p ext.positive);
    INSERT INTO t VALUES (1, 'happy', '{sad,ok}', 'c', 'b', 7)";

fn needed() -> Vec<sql::fanout::TableNeeded> {
    let columns = [("n", "integer"), ("m", "public.mood"), ("ms", "public.mood[]"), ("p", "ext.positive")];
    vec![table("\"t\"", &columns), table("t", &[("body", "text")])]
}

fn moods() -> Statement {
    statement(plan("SELECT n, m, body FROM t", &["integer", "mood", "text"], needed()))
}

#[tokio::test]
async fn types_of_the_service_s_own_are_the_same_where_they_are_made_of_the_same() {
    let (server, world) = (postgres(&["home", "a", "b"], TABLE), World::new());
    in_partition(&server, "a", "ALTER TYPE mood ADD VALUE 'ecstatic'");
    world.add(1, "alice", server.port(), "a");
    world.add(2, "bob", server.port(), "b");
    let found = home_says(&server, "home", &needed());
    assert_eq!(found.database.as_ref().map(|database| database.encoding.as_str()), Some("UTF8"));
    assert_eq!(found.columns[1].detail.as_deref(), Some("sad,ok,happy"));
    assert_eq!(found.columns[2].kind.as_deref(), Some("mood[]"));
    assert_eq!(found.columns[2].detail.as_deref(), Some("sad,ok,happy"));
    assert_eq!(found.columns[3].detail.as_deref(), Some("integer"));
    let mut asked = moods();
    asked.expected = Expected::of(&asked.plan.tables, Some(&found));
    let all = world.ask(asked).await;
    assert_eq!(outcome(&all[0]), (Outcome::Schema, None));
    assert!(
        all[0].report.message.as_ref().is_some_and(|message| message.contains("made otherwise than on home"))
    );
    assert_eq!(rows_of(&all[1]), [["1", "happy", "b"]]);
    // Without home's word only the names can be compared.
    assert_eq!(world.ask(moods()).await[0].report.outcome, Outcome::Ok);
}

/// How a database orders text.
fn collation(server: &Server, database: &str) -> Collation {
    home_says(server, database, &[]).database.expect("a row about the database").collation.clone()
}

#[tokio::test]
async fn a_type_that_is_called_like_one_of_postgres_s_is_another() {
    let table_of = |kind: &str| format!("CREATE DOMAIN p_todo.uuid AS int; CREATE TABLE u (n int, k {kind})");
    let (server, world) = (postgres(&["home", "a", "b"], ""), World::new());
    for (database, kind) in [("home", "uuid"), ("a", "uuid"), ("b", "p_todo.uuid")] {
        in_partition(&server, database, &table_of(kind));
    }
    world.add(1, "alice", server.port(), "a");
    world.add(2, "bob", server.port(), "b");
    let mut asked = statement(plan(
        "SELECT n FROM u",
        &["integer"],
        vec![table("u", &[("n", "integer"), ("k", "uuid")])],
    ));
    let found = home_says(&server, "home", &asked.plan.tables);
    asked.expected = Expected::of(&asked.plan.tables, Some(&found));
    let all = world.ask(asked).await;
    assert_eq!(outcome(&all[0]), (Outcome::Ok, None), "{:?}", all[0].report);
    assert_eq!(outcome(&all[1]), (Outcome::Schema, None));
    let message = all[1].report.message.as_deref().unwrap_or_default();
    assert!(message.contains("is of type p_todo.uuid, and of type uuid on home"), "{message}");
}

#[tokio::test]
async fn columns_are_found_whatever_they_and_their_tables_are_called() {
    let names = ["a b", "q\"uote", "back\\slash", "comma,{brace}", "it's", "$2", "UPPER", "ünï"];
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let columns: Vec<String> = names.map(|name| format!("{} int", quoted(name))).to_vec();
    let make =
        format!("CREATE TABLE \"We $1 'ird\" ({}); CREATE TABLE u (z text, n int)", columns.join(", "));
    let (server, world) = (postgres(&["home", "a", "b"], &make), World::new());
    in_partition(&server, "b", "ALTER TABLE \"We $1 'ird\" ALTER \"$2\" TYPE bigint");
    world.add(1, "alice", server.port(), "a");
    world.add(2, "bob", server.port(), "b");
    let needed = vec![
        table("u", &[("n", "integer")]),
        table("\"We $1 'ird\"", &names.map(|name| (name, "integer"))),
        table("u", &[("z", "text")]),
    ];
    let mut asked = statement(plan("SELECT count(*) FROM u", &["bigint"], needed));
    let found = home_says(&server, "home", &asked.plan.tables);
    assert!(found.columns.iter().all(|column| column.kind.is_some()), "{found:?}");
    asked.expected = Expected::of(&asked.plan.tables, Some(&found));
    let all = world.ask(asked).await;
    assert_eq!(outcome(&all[0]), (Outcome::Ok, None), "{:?}", all[0].report);
    let message = all[1].report.message.as_deref().unwrap_or_default();
    assert!(message.contains("column \"$2\" of table \"We $1 'ird\" is of type bigint"), "{message}");
}

#[tokio::test]
async fn what_changes_between_two_legs_is_seen_by_the_second() {
    let (server, world) = (postgres(&["home", "a"], TABLE), World::new());
    world.add(1, "alice", server.port(), "a");
    let needed = [("n", "integer"), ("body", "text")];
    let ask = || {
        let mut asked = statement(plan("SELECT count(*) FROM t", &["bigint"], vec![table("t", &needed)]));
        asked.plan = Arc::new(sql::fanout::Plan { collates: true, ..(*asked.plan).clone() });
        let found = home_says(&server, "home", &asked.plan.tables);
        asked.expected = Expected::of(&asked.plan.tables, Some(&found));
        world.ask_one(asked)
    };
    for (change, wanted, otherwise) in [
        ("", Outcome::Ok, false),
        ("ALTER TABLE t ALTER n TYPE bigint", Outcome::Schema, false),
        ("ALTER TABLE t ALTER n TYPE int", Outcome::Ok, false),
        ("ALTER TABLE t ALTER body TYPE text COLLATE \"C\"", Outcome::Schema, true),
        ("ALTER TABLE t ALTER body TYPE text COLLATE \"default\"", Outcome::Ok, false),
        ("ALTER TABLE t RENAME body TO words", Outcome::Schema, false),
        ("ALTER TABLE t RENAME words TO body", Outcome::Ok, false),
        ("ALTER TABLE t DROP body", Outcome::Schema, false),
        ("ALTER TABLE t ADD body text", Outcome::Ok, false),
        ("ALTER TABLE t RENAME TO elsewhere; CREATE TABLE t (n text, body text)", Outcome::Schema, false),
    ] {
        in_partition(&server, "a", change);
        for _ in 0..2 {
            let finished = ask().await;
            assert_eq!(finished.report.outcome, wanted, "{change}: {:?}", finished.report);
            assert_eq!(finished.collates_otherwise, otherwise, "{change}");
        }
    }
}

#[tokio::test]
async fn a_plan_that_collates_is_for_stores_that_collate_as_home_does() {
    let (server, world) = (postgres(&["home", "a"], TABLE), World::new());
    world.add(1, "alice", server.port(), "a");
    let ask = |collates: bool, column: &str, home: bool, other: bool| {
        let mut plan = plan("SELECT max(body) FROM t", &["text"], vec![table("t", &[(column, "text")])]);
        plan.collates = collates;
        let mut found = home_says(&server, "home", &plan.tables);
        if other {
            let encoding = "UTF8".to_owned();
            found.database = Some(Arc::new(Database { collation: another_collation(), encoding }));
        }
        let mut asked = statement(plan);
        asked.expected = Expected::of(&asked.plan.tables, home.then_some(&found));
        asked
    };
    for (collates, column, home, other, wanted) in [
        (true, "body", true, false, false),
        (true, "body", true, true, true),
        (true, "body", false, false, true),
        (true, "c", true, false, true),
        (false, "body", true, true, false),
        (false, "c", false, true, false),
    ] {
        let finished = world.ask_one(ask(collates, column, home, other)).await;
        let case = (collates, column, home, other);
        assert_eq!(finished.collates_otherwise, wanted, "{case:?}: {:?}", finished.report);
        assert_eq!(finished.report.outcome, if wanted { Outcome::Schema } else { Outcome::Ok }, "{case:?}");
        assert_eq!(finished.results.is_some(), !wanted);
    }
    let collation = collation(&server, "home");
    assert_eq!((collation.provider.as_str(), collation.collate.as_str()), ("c", "C.UTF-8"));
}

#[tokio::test]
async fn every_major_version_says_what_it_is() {
    let world = World::new();
    let mut servers = Vec::new();
    for (number, major) in (1..).zip([15, 16, 17, 18]) {
        let binaries = Binaries::of_major(major).expect("binaries of that major version");
        let database = format!("v{major}");
        let server = postgres_by(&binaries, &[&database], TABLE);
        world.add(number, &format!("user-{major}"), server.port(), &database);
        servers.push(server);
    }
    let found = home_says(&servers[0], "v15", &needed());
    let mut asked = moods();
    asked.expected = Expected::of(&asked.plan.tables, Some(&found));
    for _ in 0..2 {
        for finished in world.ask(asked.clone()).await {
            assert_eq!(rows_of(&finished), [["1", "happy", "b"]], "{:?}", finished.report);
        }
    }
    // ICU's locale is in a column that has got another name.
    for (server, major) in servers.iter().zip([15, 16, 17, 18]) {
        let make = "CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'";
        if server.sql("postgres", make).is_err() {
            continue; // built without ICU
        }
        server.sql("icu", "CREATE SCHEMA p_todo; CREATE SCHEMA ext").expect("made");
        let collation = collation(server, "icu");
        assert_eq!(collation.provider, "i", "{major}");
        assert_eq!(collation.locale.as_deref(), Some("de-DE"), "{major}");
        assert!(collation.version.is_some(), "{major}");
    }
}
