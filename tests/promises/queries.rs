//! `stuffgate query`: the answer of all stores, whom it covers, and nothing left behind.

use serde_json::Value;
use std::process::{Command, Output, Stdio};
use stuffgate_tests::testkit::gate::program;
use stuffgate_tests::testkit::scratch::Stop;
use stuffgate_tests::{Servers, World, WorldPlan, secret_of};

const COUNT: &str = "SELECT name, count(*) AS n FROM owner GROUP BY name ORDER BY name";

/// Exit code of an answer that not all stores are part of.
const PARTIAL: i32 = 6;

fn query(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(program());
    command.current_dir(world.gate.folder()).env_remove("STUFFGATE_CONFIG").env_remove("STUFFGATE_URL");
    let Output { status, stdout, stderr } =
        command.arg("query").args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn logins(world: &World) -> Vec<String> {
    let listed: Value = serde_json::from_str(&world.run(&["login", "list", "--json"])).unwrap();
    listed.as_array().unwrap().iter().map(|login| login["name"].as_str().unwrap().to_owned()).collect()
}

async fn world() -> World {
    let world = WorldPlan::default().servers(Servers::Each).start();
    world.stamp().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_asks_all_stores_and_leaves_no_login_behind() {
    let mut world = world().await;
    let before = logins(&world);
    let (code, out, err) = query(&world, &["todo", COUNT]);
    assert_eq!((code, err.as_str()), (0, ""));
    let (rows, coverage) = out.split_once("(3 rows)\n").unwrap();
    assert_eq!(rows, " name  | n\n-------+---\n alice | 1\n bob   | 1\n carol | 1\n");
    assert!(coverage.starts_with("Covered 3 of 3 stores in "), "{coverage}");
    assert_eq!(logins(&world), before);

    world.server("bob").stop(Stop::Fast).unwrap();
    let (code, out, _) = query(&world, &["todo", COUNT]);
    assert_eq!(code, PARTIAL);
    let (rows, coverage) = out.split_once("(2 rows)\n").unwrap();
    assert!(!rows.contains("bob"), "{rows}");
    let (first, named) = coverage.split_once('\n').unwrap();
    assert!(first.starts_with("Covered 2 of 3 stores in ") && first.ends_with(": 1 unreachable"), "{first}");
    assert!(named.starts_with("  bob  unreachable  "), "{named}");

    let (code, out, err) = query(&world, &["todo", "--format", "csv", COUNT]);
    assert_eq!((code, out.as_str()), (PARTIAL, "name,n\nalice,1\ncarol,1\n"));
    assert!(err.starts_with("Covered 2 of 3 stores"), "{err}");

    let (code, out, err) = query(&world, &["todo", "--format", "json", COUNT]);
    assert_eq!((code, err.as_str()), (PARTIAL, ""));
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["rows"], serde_json::json!([{"name": "alice", "n": 1}, {"name": "carol", "n": 1}]));
    assert_eq!(answer["coverage"]["asked"], 3);
    assert_eq!(answer["coverage"]["missing"][0]["user"], "bob");

    let (code, out, err) = query(&world, &["todo", "--set", "fanout.min_coverage=0.9", COUNT]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("Covered 2 of 3 stores") && err.contains("ERROR"), "{err}");
    assert_eq!(logins(&world), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_asks_by_a_url_and_is_told_what_is_wrong_where_it_is() {
    let world = world().await;
    world.add_analyst("ana", 1);
    std::fs::write(world.gate.folder().join("ana.secret"), secret_of("ana")).unwrap();
    let url = format!("postgres://ana@127.0.0.1:{}/todo", world.gate.port());
    let by_url =
        |statement| query(&world, &["todo", "--url", &url, "--secret-file", "ana.secret", statement]);
    world.until(async || by_url("SELECT count(*) FROM owner").0 == 0).await;
    let (code, out, _) = by_url("SELECT _store, name = _store AS own FROM owner ORDER BY 1 LIMIT 1");
    assert_eq!(code, 0);
    assert!(out.contains(" alice  | t\n"), "{out}");

    let (code, out, err) = by_url("SELECT name,\n nonsense FROM owner");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("42703") && err.contains("LINE 2:  nonsense FROM owner\n         ^"), "{err}");
    let (code, _, err) = by_url("DELETE FROM owner");
    assert!(code == 1 && err.contains("0A000") && err.contains("HINT: "), "{err}");
    // Nobody was asked: no coverage to tell of.
    let (code, out, err) = by_url("SELECT 1 AS one");
    assert_eq!((code, out.as_str(), err.as_str()), (0, " one\n-----\n   1\n(1 row)\n", ""));

    // A service's login asks all stores too, since the command says so for it.
    let service = url.replace("ana@", "todo@");
    let statement = "SELECT count(*) AS n FROM owner";
    let (code, out, _) = query(
        &world,
        &["todo", "--url", &service, "--secret-file", "todo.secret", "--format", "csv", statement],
    );
    assert_eq!((code, out.as_str()), (0, "n\n3\n"));

    let (code, _, err) = query(&world, &["notes", "--url", &url, "--secret-file", "ana.secret", "SELECT 1"]);
    assert!(code == 2 && err.contains("for service todo"), "{err}");
    let (code, _, _) = query(&world, &["nothing", "SELECT 1"]);
    assert_eq!(code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_takes_back_from_fan_outs_is_gone_at_once_and_the_service_goes_on() {
    let world = World::start();
    world.stamp().await;
    let covered = |statement: &str| {
        let (_, out, _) = query(&world, &["todo", "--format", "json", statement]);
        let answer: Value = serde_json::from_str(&out).unwrap();
        (answer["coverage"]["ok"].clone(), answer["coverage"]["not_granted"].clone())
    };
    let (sums, values) = ("SELECT count(*) FROM owner", "SELECT max(name) FROM owner");
    for (class, of_sums, of_values) in [("additive", 3, 2), ("none", 2, 2), ("values", 3, 3)] {
        world.run(&["grant", "bob", "todo", "--fanout", class]);
        // The gate follows its registry.
        world.until(async || covered(sums) == (of_sums.into(), (3 - of_sums).into())).await;
        assert_eq!(covered(values), (of_values.into(), (3 - of_values).into()), "{class}");
    }
    world.run(&["grant", "bob", "todo", "--fanout", "none"]);
    let mut bob = world.connect("bob").await;
    assert_eq!(bob.simple("SELECT name FROM owner").await.unwrap().value(), Some("bob"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_running_gate_it_says_so() {
    let mut world = world().await;
    let before = logins(&world);
    world.gate.kill();
    let (code, _, err) = query(&world, &["todo", COUNT]);
    assert!(code == 1 && err.contains("is it running?"), "{err}");
    assert_eq!(logins(&world), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_demands_tls_is_asked_by_tls() {
    let (world, authority) = super::tls::world("require");
    let (code, out, err) = query(&world, &["todo", "--format", "csv", "SELECT 1 AS one"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "one\n1\n", ""));

    std::fs::write(world.gate.folder().join("ca.pem"), authority.pem()).unwrap();
    let ask = |parameters: &str| {
        let url = format!("postgres://todo@localhost:{}/todo{parameters}", world.gate.port());
        query(&world, &["todo", "--url", &url, "--secret-file", "todo.secret", "SELECT 1 AS one"])
    };
    assert_eq!(ask("?sslmode=verify-full&sslrootcert=ca.pem").0, 0);
    let (code, _, err) = ask("?sslmode=verify-full");
    assert!(code == 1 && err.contains("TLS with"), "{err}");
    assert_eq!(ask("?sslmode=disable").0, 1);
}
