//! What the command line promises: files and modes, listings, secrets, exit codes.

#![allow(clippy::expect_used, reason = "test code")]

mod common;

use common::{Gate, run_in};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn init_makes_a_working_gate_and_touches_nothing_that_is_there() {
    let gate = Gate::new();
    let mode = |name: &str| gate.path(name).metadata().expect(name).permissions().mode() & 0o777;
    assert_eq!((mode("kek"), mode("registry.db")), (0o400, 0o600));
    let said = gate.run(&["check"]).done();
    assert!(said.contains("0 user(s)"), "{said}");
    let complaint = gate.run(&["init", "."]).failed(4);
    assert!(complaint.contains("exists already"), "{complaint}");
    gate.run(&["check"]).done();
}

#[test]
fn what_is_added_is_listed_for_people_and_for_programs() {
    let gate = Gate::new();
    gate.run(&["service", "add", "todo", "--extension", "citext"]).done();
    gate.run_with("s3cret\n", &["user", "add", "alice", "--secret-stdin"]).done();
    gate.run_with("x", &["login", "add", "todo", "--kind", "service", "--service", "todo", "--secret-stdin"])
        .done();
    gate.run_with(
        "x",
        &["login", "add", "ops", "--kind", "admin", "--expires", "2030-01-31", "--secret-stdin"],
    )
    .done();
    let url = "postgres://owner@db.example.org/stuff?sslmode=verify-full";
    gate.run_with("0wner", &["store", "add", "alice", url, "--no-test", "--secret-stdin"]).done();

    let services = gate.json(&["service", "list", "--json"]);
    assert_eq!(services[0]["extensions"][0], "citext");
    let users = gate.json(&["user", "list", "--json"]);
    assert_eq!((&users[0]["name"], &users[0]["stores"]), (&"alice".into(), &1.into()));
    let logins = gate.json(&["login", "list", "--json"]);
    let kinds: Vec<_> = logins.as_array().expect("a list").iter().map(|login| &login["kind"]).collect();
    assert_eq!(kinds, ["user", "admin", "service"]);
    assert_eq!(logins[1]["expires_at"], "2030-01-31T00:00:00Z");
    let stores = gate.json(&["store", "list", "--json"]);
    assert_eq!((&stores[0]["user"], &stores[0]["admin"]), (&"alice".into(), &"owner".into()));
    assert_eq!(gate.json(&["grants", "--json"]), serde_json::json!([]));

    let table = gate.run(&["store", "list"]).done();
    assert!(table.starts_with("NUMBER  USER") && table.contains("db.example.org"), "{table}");
    let said = gate.run(&["check"]).done();
    assert!(said.contains("1 user(s), 1 service(s), 1 store(s)"), "{said}");
}

#[test]
fn an_analysts_floor_is_given_with_the_login_and_changed() {
    let gate = Gate::new();
    gate.run(&["service", "add", "todo"]).done();
    let analyst = ["login", "add", "ana", "--kind", "analyst", "--service", "todo", "--generate"];
    gate.run(&[&analyst[..], &["--min-stores-per-group", "5"]].concat()).done();
    let floor = || gate.json(&["login", "list", "--json"])[0]["min_stores_per_group"].clone();
    assert_eq!(floor(), 5);
    gate.run(&["login", "change", "ana", "--min-stores-per-group", "7"]).done();
    assert_eq!(floor(), 7);
    let admin = ["login", "add", "ops", "--kind", "admin", "--generate"];
    gate.run(&[&admin[..], &["--min-stores-per-group", "5"]].concat()).failed(2);
    gate.run(&admin).done();
    gate.run(&["login", "change", "ops", "--min-stores-per-group", "7"]).failed(4);
}

#[test]
fn no_listing_and_no_file_shows_a_secret() {
    let gate = Gate::new();
    gate.run(&["service", "add", "todo"]).done();
    gate.run_with("s3cret-a", &["user", "add", "alice", "--secret-stdin"]).done();
    let url = "postgres://owner@db.example.org/stuff";
    gate.run_with("s3cret-b", &["store", "add", "alice", url, "--no-test", "--secret-stdin"]).done();
    for noun in ["user", "login", "store", "service"] {
        let said = gate.run(&[noun, "list", "--json"]).done();
        assert!(!said.contains("s3cret") && !said.contains("SCRAM") && !said.contains("sg:v1"), "{said}");
    }
    for entry in std::fs::read_dir(gate.folder()).expect("the folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(6).any(|window| window == b"s3cret"));
    }
}

#[test]
fn a_secret_on_the_command_line_is_refused_with_a_hint_and_not_repeated() {
    let gate = Gate::new();
    gate.run_with("x", &["user", "add", "alice", "--secret-stdin"]).done();
    for arguments in [
        &["store", "add", "alice", "postgres://owner:hunter2@db/stuff"][..],
        &["service", "add", "todo", "--home", "postgres://todo:hunter2@db/todo"],
        &["store", "add", "alice", "postgres://owner@db/stuff?password=hunter2"],
    ] {
        let complaint = gate.run(arguments).failed(2);
        assert!(complaint.contains("--secret-stdin") && !complaint.contains("hunter2"), "{complaint}");
    }
    let complaint = gate.run(&["user", "add", "bob"]).failed(2);
    assert!(complaint.contains("--secret-file"), "{complaint}");
}

#[test]
fn a_generated_secret_is_all_that_is_printed() {
    let gate = Gate::new();
    let secret = gate.run(&["user", "add", "alice", "--generate"]).done();
    assert_eq!((secret.lines().count(), secret.trim().len()), (1, 32));
    let other = gate.run(&["login", "rotate", "alice", "--generate"]).done();
    assert_ne!(secret, other);
}

#[test]
fn exit_codes_are_what_help_says() {
    let gate = Gate::new();
    gate.run_with("x", &["user", "add", "alice", "--secret-stdin"]).done();
    gate.run(&["user", "add"]).failed(2);
    gate.run(&["user", "remove", "Alice"]).failed(2);
    gate.run(&["login", "add", "x", "--kind", "service", "--generate"]).failed(2);
    gate.run(&["login", "add", "x", "--kind", "admin", "--service", "todo", "--generate"]).failed(2);
    gate.run(&["user", "remove", "bob"]).failed(3);
    gate.run(&["revoke", "alice", "todo"]).failed(3);
    gate.run(&["store", "test", "alice"]).failed(4);
    gate.run_with("x", &["user", "add", "alice", "--secret-stdin"]).failed(4);
    // Nobody listens on the discard port of this machine.
    let url = "postgres://owner@127.0.0.1:9/stuff";
    let complaint = gate.run_with("x", &["store", "add", "alice", url, "--secret-stdin"]).failed(5);
    assert!(complaint.contains("127.0.0.1:9") && complaint.contains("nothing was added"), "{complaint}");
    let help = gate.run(&["--help"]).done();
    for code in ["0  done", "1  failed", "2  wrong", "3  no such", "4  conflict", "5  a store"] {
        assert!(help.contains(code), "{code}");
    }
}

#[test]
fn a_store_on_this_machine_needs_the_operators_leave() {
    let gate = Gate::new();
    let config = std::fs::read_to_string(gate.path("stuffgate.toml")).expect("the configuration");
    gate.write("stuffgate.toml", &config.replace("allow_addresses = [\"loopback\"]", ""));
    gate.run_with("x", &["user", "add", "alice", "--secret-stdin"]).done();
    for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"] {
        let url = format!("postgres://owner@{host}:9/stuff");
        let complaint = gate.run_with("x", &["store", "add", "alice", &url, "--secret-stdin"]).failed(5);
        assert!(complaint.contains("stores.allow_addresses"), "{complaint}");
    }
}

#[test]
fn users_and_logins_can_be_shut_out_and_let_in_again() {
    let gate = Gate::new();
    gate.run_with("x", &["user", "add", "alice", "--secret-stdin"]).done();
    for (word, state) in [("disable", true), ("enable", false)] {
        gate.run(&["user", word, "alice"]).done();
        assert_eq!(gate.json(&["user", "list", "--json"])[0]["disabled"], state);
        gate.run(&["login", word, "alice"]).done();
        assert_eq!(gate.json(&["login", "list", "--json"])[0]["disabled"], state);
    }
    let complaint = gate.run(&["login", "remove", "alice"]).failed(4);
    assert!(complaint.contains("user remove alice"), "{complaint}");
    gate.run(&["user", "remove", "alice"]).done();
    assert_eq!(gate.json(&["login", "list", "--json"]), serde_json::json!([]));
}

#[test]
fn a_key_that_others_can_read_or_that_is_missing_stops_everything() {
    let gate = Gate::new();
    let kek = gate.path("kek");
    std::fs::set_permissions(&kek, std::fs::Permissions::from_mode(0o444)).expect("a mode");
    let complaint = gate.run(&["check"]).failed(1);
    assert!(complaint.contains("chmod 0400"), "{complaint}");
    let text = std::fs::read_to_string(&kek).expect("the key");
    std::fs::remove_file(&kek).expect("removed");
    let complaint = gate.run(&["check"]).failed(1);
    assert!(complaint.contains("STUFFGATE_KEK"), "{complaint}");
    let with_key = |key: &str| {
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_stuffgate"));
        check.arg("check").current_dir(gate.folder()).env("STUFFGATE_KEK", key).output().expect("its end")
    };
    assert!(with_key(&text).status.success());
    let refused = with_key("bm90IGEga2V5");
    assert!(!refused.status.success() && !String::from_utf8_lossy(&refused.stderr).contains("bm90"));
}

#[test]
fn the_configuration_is_found_by_flag_and_complained_of_by_place() {
    let gate = Gate::new();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let config = gate.path("stuffgate.toml");
    run_in(elsewhere.path(), "", &["-c", config.to_str().expect("a path"), "check"]).done();
    let complaint = run_in(elsewhere.path(), "", &["check"]).failed(1);
    assert!(complaint.contains("stuffgate.toml") && complaint.contains("init"), "{complaint}");
    gate.write("stuffgate.toml", "[pool]\nper_stroe = 1\n");
    let complaint = gate.run(&["user", "list"]).failed(1);
    assert!(complaint.contains("line 2") && complaint.contains("per_stroe"), "{complaint}");
}

#[test]
fn the_key_rotates_and_an_interrupted_rotation_is_finished() {
    let gate = Gate::new();
    gate.run_with("x", &["user", "add", "alice", "--secret-stdin"]).done();
    let url = "postgres://owner@db.example.org/stuff";
    gate.run_with("x", &["store", "add", "alice", url, "--no-test", "--secret-stdin"]).done();
    let old = std::fs::read(gate.path("kek")).expect("the key");
    assert!(gate.run(&["key", "rotate"]).done().contains("1 secret(s)"));
    gate.run(&["check"]).done();

    // As if the program had ended between the registry's commit and the key's taking its place.
    std::fs::rename(gate.path("kek"), gate.path("kek.new")).expect("moved");
    std::fs::write(gate.path("kek"), old).expect("the old key");
    std::fs::set_permissions(gate.path("kek"), std::fs::Permissions::from_mode(0o400)).expect("a mode");
    gate.run(&["check"]).failed(1);
    assert!(gate.run(&["key", "rotate"]).done().contains("interrupted"));
    gate.run(&["check"]).done();
}

#[test]
fn completions_are_printed_for_the_usual_shells() {
    let gate = Gate::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(gate.run(&["completions", shell]).done().contains("stuffgate"));
    }
}
