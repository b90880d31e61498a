//! Ordinary programs run unmodified as alice and as bob at once, each in its user's own store.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use stuffgate_tests::World;
use stuffgate_tests::testkit::scratch::Binaries;

const USERS: [&str; 2] = ["alice", "bob"];

/// Runs `client` for both users at once; it must end well.
fn run_as_both(world: &World, client: impl Fn(&str, &str) -> Command + Sync) {
    let client = &client;
    thread::scope(|scope| {
        for user in USERS {
            scope.spawn(move || {
                let mut command = client(user, &world.url(user));
                let ended = command.output().unwrap_or_else(|error| {
                    panic!("{command:?}: {error}; tests/setup installs what tests need")
                });
                let said = String::from_utf8_lossy(&ended.stderr);
                assert!(ended.status.success(), "as {user}: {command:?}\n{said}\n{}", world.gate.log());
            });
        }
    });
}

/// Runs a program of `drivers/`, then looks into both stores: sixty rows of the owner's, no others.
fn run_driver(interpreter: &Path, program: &str, table: &str) {
    let world = World::start();
    let drivers = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers");
    run_as_both(&world, |user, url| {
        let mut command = Command::new(interpreter);
        command.arg(drivers.join(program)).arg(user).env("DATABASE_URL", url);
        command
    });
    for user in USERS {
        let rows = world.direct(user, &format!("SELECT owner, count(*) FROM {table} GROUP BY owner"));
        assert_eq!(rows, format!("{user}|60\n"));
    }
    assert_eq!(world.home(&format!("SELECT to_regclass('public.{table}') IS NULL")), "t\n");
}

fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python")
}

#[test]
fn psycopg_3() {
    run_driver(&python(), "python/with_psycopg.py", "by_psycopg");
}

#[test]
fn asyncpg() {
    run_driver(&python(), "python/with_asyncpg.py", "by_asyncpg");
}

#[test]
fn node_postgres() {
    run_driver(Path::new("node"), "node/with_pg.js", "by_pg");
}

#[test]
fn psql() {
    const SCRIPT: &str = "\
        CREATE TABLE public.by_psql (owner text, n int);\n\
        INSERT INTO by_psql SELECT :'me', n FROM generate_series(1, 40) AS n;\n\
        \\copy by_psql FROM rows.tsv\n\
        UPDATE by_psql SET owner = :'me';\n\
        BEGIN; DELETE FROM by_psql; ROLLBACK;\n\
        \\d by_psql\n\
        \\dt\n";
    let world = World::start();
    let psql = Binaries::find().unwrap().program("psql");
    let folder = world.gate.folder();
    let rows: String = (41..=60).map(|n| format!("nobody\t{n}\n")).collect();
    std::fs::write(folder.join("rows.tsv"), rows).unwrap();
    std::fs::write(folder.join("script.sql"), SCRIPT).unwrap();
    run_as_both(&world, |user, url| {
        let mut command = Command::new(&psql);
        command.args(["-Xq", "-v", "ON_ERROR_STOP=1", "-v", &format!("me={user}")]);
        command.arg(url).args(["-f", "script.sql"]).current_dir(folder);
        command
    });
    for user in USERS {
        let rows = world.direct(user, "SELECT owner, count(*) FROM by_psql GROUP BY owner");
        assert_eq!(rows, format!("{user}|60\n"));
    }
}

#[test]
fn pgbench_in_every_protocol() {
    let world = World::start();
    let pgbench = Binaries::find().unwrap().program("pgbench");
    let run = |arguments: &[&str]| {
        run_as_both(&world, |_, url| {
            let mut command = Command::new(&pgbench);
            command.args(arguments).arg(url);
            command
        });
    };
    run(&["-i", "-q"]);
    let mut transactions = 0;
    for protocol in ["simple", "extended", "prepared"] {
        run(&["-n", "-M", protocol, "-c", "4", "-j", "2", "-t", "25"]);
        transactions += 100;
    }
    run(&["-n", "-C", "-M", "prepared", "-c", "2", "-t", "5"]);
    transactions += 10;
    for user in USERS {
        let rows = world.direct(user, "SELECT count(*) FROM pgbench_history");
        assert_eq!(rows, format!("{transactions}\n"));
    }
}
