//! What the commands do in a real store: test, grant, revoke, grant by hand, apply.

#![allow(clippy::expect_used, reason = "test code")]

mod common;

use common::Gate;
use scratch::{Account, Binaries, Options, Server, Stop};

fn server() -> Server {
    let binaries = Binaries::find().expect("an installed Postgres");
    let server = Server::start(&binaries, Options::default()).expect("a server");
    server.create(&[Account::owner("alice", "0wner-a"), Account::owner("bob", "0wner-b")]).expect("accounts");
    server
}

fn url(server: &Server, role: &str, database: &str) -> String {
    format!("postgres://{role}@127.0.0.1:{}/{database}", server.port())
}

/// A gate with service `todo` and users `alice` and `bob`, whose stores are not added yet.
fn gate() -> Gate {
    let gate = Gate::new();
    gate.run(&["service", "add", "todo"]).done();
    for user in ["alice", "bob"] {
        gate.run_with("x", &["user", "add", user, "--secret-stdin"]).done();
    }
    gate
}

fn add_store(gate: &Gate, server: &Server) {
    gate.run_with("0wner-a", &["store", "add", "alice", &url(server, "alice", "alice"), "--secret-stdin"])
        .done();
}

fn roles(server: &Server, like: &str) -> usize {
    let sql = format!("SELECT count(*) FROM pg_roles WHERE rolname LIKE '{like}'");
    server.sql("postgres", &sql).expect("a count").trim().parse().expect("a number")
}

#[test]
fn store_test_says_in_one_line_what_is_wrong() {
    let server = server();
    let gate = gate();
    let complaint = gate
        .run_with("wrong", &["store", "add", "alice", &url(&server, "alice", "alice"), "--secret-stdin"])
        .failed(5);
    assert!(complaint.contains("alice") && complaint.contains("nothing was added"), "{complaint}");
    assert_eq!(gate.json(&["store", "list", "--json"]), serde_json::json!([]));

    add_store(&gate, &server);
    let line = gate.run(&["store", "test", "alice"]).done();
    assert!(line.starts_with("ready: PostgreSQL") && line.lines().count() == 1, "{line}");
    gate.run(&["check", "--stores"]).done();

    server.sql("postgres", "ALTER ROLE alice NOCREATEROLE").expect("altered");
    let complaint = gate.run(&["store", "test", "alice"]).failed(5);
    assert!(complaint.contains("CREATEROLE") && complaint.lines().count() == 1, "{complaint}");
    gate.run(&["check", "--stores"]).failed(5);
}

#[test]
fn a_grant_makes_a_partition_and_its_revocation_leaves_the_data() {
    let server = server();
    let gate = gate();
    add_store(&gate, &server);
    assert!(gate.run(&["grant", "alice", "todo"]).done().contains("schema stuff_todo_"));
    gate.run(&["grant", "alice", "todo"]).done();
    let grants = gate.json(&["grants", "--json"]);
    assert_eq!(grants.as_array().map(Vec::len), Some(1));
    assert_eq!(grants[0]["state"], "active");
    let schema = grants[0]["schema"].as_str().expect("a schema").to_owned();
    assert_eq!(
        (roles(&server, "g\\_todo%"), roles(&server, "p\\_todo%"), roles(&server, "r\\_todo%")),
        (1, 1, 1)
    );
    gate.run(&["user", "remove", "alice"]).failed(4);

    assert!(gate.run(&["revoke", "alice", "todo"]).done().contains("cleaned up"));
    gate.run(&["revoke", "alice", "todo"]).failed(4);
    assert_eq!((roles(&server, "g\\_todo%"), roles(&server, "r\\_todo%")), (0, 0));
    let count = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{schema}'");
    assert_eq!(server.sql("alice", &count).expect("a count").trim(), "1");
    assert_eq!(gate.json(&["grants", "--json"]), serde_json::json!([]));
    assert_eq!(gate.json(&["grants", "--all", "--json"])[0]["state"], "revoked");
    gate.run(&["grant", "alice", "todo"]).done();
}

#[test]
fn a_revocation_holds_while_the_store_is_down_and_is_finished_later() {
    let mut server = server();
    let gate = gate();
    add_store(&gate, &server);
    gate.run(&["grant", "alice", "todo"]).done();
    server.stop(Stop::Fast).expect("stopped");
    let said = gate.run(&["revoke", "alice", "todo"]).done();
    assert!(said.contains("waits"), "{said}");
    assert_eq!(gate.json(&["store", "list", "--json"])[0]["state"], "reconciling");
    assert_eq!(gate.json(&["grants", "--all", "--json"])[0]["clean_up_waits"], true);
    server.start_again().expect("started");
    assert!(gate.run(&["revoke", "alice", "todo"]).done().contains("cleaned up"));
    assert_eq!(roles(&server, "g\\_todo%"), 0);
    assert_eq!(gate.json(&["store", "list", "--json"])[0]["state"], "active");
}

#[test]
fn a_grant_that_could_not_reach_its_store_is_finished_by_the_same_command() {
    let mut server = server();
    let gate = gate();
    add_store(&gate, &server);
    server.stop(Stop::Fast).expect("stopped");
    gate.run(&["grant", "alice", "todo"]).failed(5);
    assert_eq!(gate.json(&["grants", "--json"])[0]["state"], "pending");
    server.start_again().expect("started");
    gate.run(&["grant", "alice", "todo"]).done();
    assert_eq!(gate.json(&["grants", "--json"])[0]["state"], "active");
}

#[test]
fn what_fan_outs_may_disclose_is_changed_while_the_store_is_down() {
    let mut server = server();
    let gate = gate();
    add_store(&gate, &server);
    gate.run(&["grant", "alice", "todo", "--expires", "2030-01-31", "--fanout", "values"]).done();
    let class = || gate.json(&["grants", "--json"])[0]["fanout"].clone();
    assert_eq!(class(), "values");
    server.stop(Stop::Fast).expect("stopped");
    let said = gate.run(&["grant", "alice", "todo", "--fanout", "none"]).done();
    assert!(said.contains("fan-outs: none"), "{said}");
    assert_eq!(class(), "none");
    assert_eq!(gate.json(&["grants", "--json"])[0]["expires_at"], "2030-01-31T00:00:00Z");
    let complaint = gate.run(&["grant", "alice", "todo", "--fanout", "some"]).failed(2);
    assert!(complaint.contains("none of additive, values, rows and none"), "{complaint}");
    server.start_again().expect("started");
    gate.run(&["grant", "alice", "todo"]).done();
    assert_eq!(class(), "none", "asked for again without a class, it was widened");
}

#[test]
fn a_database_partition_is_a_database_of_its_own() {
    let server = server();
    server.sql("postgres", "ALTER ROLE alice CREATEDB").expect("altered");
    let gate = gate();
    add_store(&gate, &server);
    gate.run(&["grant", "alice", "todo", "--partition", "database"]).done();
    let grants = gate.json(&["grants", "--json"]);
    let database = grants[0]["database"].as_str().expect("a database").to_owned();
    assert_eq!(server.sql(&database, "SELECT 1").expect("it is there").trim(), "1");
    gate.run(&["grant", "alice", "todo"]).failed(4);
    gate.run(&["revoke", "alice", "todo"]).done();
}

#[test]
fn an_owner_may_prepare_a_store_by_hand_from_what_is_printed() {
    let server = server();
    let gate = gate();
    let role = url(&server, "todo_bob", "bob");
    let existing = ["grant", "bob", "todo", "--existing", &role, "--schema", "todo_data", "--secret-stdin"];
    let complaint = gate.run_with("by-hand", &existing).failed(5);
    assert!(complaint.contains("todo_bob"), "{complaint}");
    assert_eq!(gate.json(&["store", "list", "--json"]), serde_json::json!([]), "something was recorded");

    let complaint = gate.run(&[&existing[..], &["--print-sql"]].concat()).failed(2);
    assert!(complaint.contains("--server-version"), "{complaint}");
    let major = server.binaries().major().to_string();
    let print = ["--print-sql", "--server-version", &major];
    let printed = gate.run_with("by-hand", &[&existing[..], &print].concat()).done();
    assert!(!printed.contains("by-hand"), "the secret itself was printed");
    assert_eq!(roles(&server, "todo_bob"), 0, "something was run");
    let script = format!("SET SESSION AUTHORIZATION bob;\n{}", printed.replace("\\connect \"bob\"", ""));
    server.sql("bob", &script).expect("what was printed runs as the owner");
    gate.run_with("by-hand", &existing).done();
    let grants = gate.json(&["grants", "--json"]);
    assert_eq!((&grants[0]["prepared_by"], &grants[0]["role"]), (&"owner".into(), &"todo_bob".into()));
    assert!(gate.run(&["store", "test", "bob"]).done().contains("1 grant(s)"));
    assert!(gate.run(&["revoke", "bob", "todo"]).done().contains("todo_bob"));
    assert_eq!(roles(&server, "todo_bob"), 1, "a role that the owner made was touched");
}

const FILE: &str = r#"
[[service]]
name = "todo"
extensions = ["citext"]
home = { url = "HOME", secret_file = "home.secret" }

[[login]]
name = "todo"
kind = "service"
service = "todo"
secret_env = "TEST_SECRET"

[[user]]
name = "alice"
secret_file = "alice.secret"

[[store]]
user = "alice"
url = "STORE"
secret_file = "store.secret"

[[grant]]
user = "alice"
service = "todo"
"#;

fn write_file(gate: &Gate, server: &Server, change: impl Fn(String) -> String) {
    let text =
        FILE.replace("STORE", &url(server, "alice", "alice")).replace("HOME", &url(server, "bob", "bob"));
    gate.write("gate.toml", &change(text));
    gate.write("home.secret", "0wner-b\n");
    gate.write("store.secret", "0wner-a\n");
    gate.write("alice.secret", "s3cret\n");
}

fn outcomes(gate: &Gate, arguments: &[&str]) -> Vec<String> {
    let lines = gate.json(&[&["apply", "gate.toml", "--json"], arguments].concat());
    let lines = lines.as_array().expect("a list").iter();
    lines
        .map(|line| {
            format!("{} {}", line["what"].as_str().unwrap_or(""), line["outcome"].as_str().unwrap_or(""))
        })
        .collect()
}

#[test]
fn apply_makes_it_so_once_and_then_changes_nothing() {
    let server = server();
    let gate = Gate::new();
    write_file(&gate, &server, |text| text);
    let all_added = ["service added", "user added", "login added", "store added", "grant added"];
    assert_eq!(outcomes(&gate, &["--dry-run"]), all_added);
    assert!(gate.run(&["check"]).done().contains("0 user(s), 0 service(s)"), "a dry run wrote something");
    assert_eq!(outcomes(&gate, &[]), all_added);
    assert_eq!(roles(&server, "g\\_todo%"), 1);
    let before = std::fs::read(gate.path("registry.db")).expect("the registry");
    let unchanged =
        ["service unchanged", "user unchanged", "login unchanged", "store unchanged", "grant unchanged"];
    assert_eq!(outcomes(&gate, &[]), unchanged);
    assert_eq!(
        std::fs::read(gate.path("registry.db")).expect("the registry"),
        before,
        "a second run wrote something"
    );
}

#[test]
fn apply_changes_what_differs_and_leaves_the_rest() {
    let server = server();
    let gate = Gate::new();
    write_file(&gate, &server, |text| text);
    outcomes(&gate, &[]);
    write_file(&gate, &server, |text| text.replace("[\"citext\"]", "[]") + "state = \"revoked\"\n");
    let wanted = ["service changed", "user unchanged", "login unchanged", "store unchanged", "grant revoked"];
    let told = outcomes(&gate, &["--dry-run"]);
    assert_eq!(told, outcomes(&gate, &[]), "a dry run told something else than what was done");
    assert_eq!(told, wanted);
    assert_eq!(roles(&server, "g\\_todo%"), 0);
    gate.write("alice.secret", "another\n");
    assert_eq!(outcomes(&gate, &[])[1], "user changed");
}

#[test]
fn apply_changes_the_class_of_a_grant_and_an_analysts_floor() {
    let server = server();
    let gate = Gate::new();
    let analyst = |text: String| text.replace("kind = \"service\"", "kind = \"analyst\"");
    write_file(&gate, &server, |text| analyst(text) + "fanout = \"additive\"\n");
    outcomes(&gate, &[]);
    assert_eq!(gate.json(&["grants", "--json"])[0]["fanout"], "additive");
    write_file(&gate, &server, analyst);
    assert_eq!(outcomes(&gate, &[])[4], "grant unchanged", "a file that says nothing widened the grant");
    let floor = "kind = \"analyst\"\nmin_stores_per_group = 5";
    write_file(&gate, &server, |text| {
        analyst(text).replace("kind = \"analyst\"", floor) + "fanout = \"none\"\n"
    });
    let told = outcomes(&gate, &[]);
    assert_eq!((&*told[2], &*told[4]), ("login changed", "grant changed"));
    assert_eq!(gate.json(&["grants", "--json"])[0]["fanout"], "none");
    assert_eq!(gate.json(&["login", "list", "--json"])[1]["min_stores_per_group"], 5);
}

#[test]
fn apply_says_where_a_file_is_wrong() {
    let gate = Gate::new();
    for (text, said) in [
        ("[[user]]\nname = \"Alice\"", "line 2"),
        ("[[user]]\nname = \"alice\"\nsecret = \"x\"", "secret_file"),
        ("[[login]]\nname = \"x\"\nkind = \"root\"", "service, analyst or admin"),
    ] {
        gate.write("gate.toml", text);
        let complaint = gate.run(&["apply", "gate.toml"]).failed(1);
        assert!(complaint.contains("gate.toml") && complaint.contains(said), "{complaint}");
    }
    gate.write("gate.toml", "[[user]]\nname = \"alice\"");
    assert!(gate.run(&["apply", "gate.toml"]).failed(2).contains("user alice"));
}
