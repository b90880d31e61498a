//! Real clients, as analysts, see what they see on one Postgres with everybody's rows.

use crate::stage::{ANALYST, Stage};
use std::path::{Path, PathBuf};
use std::process::Command;
use stuffgate_tests::secret_of;
use stuffgate_tests::testkit::scratch::HOST;

/// Longest run of a program, in seconds.
const LIMIT_S: &str = "60";

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn python(file: &str) -> Command {
    let mut command = Command::new(tests().join(".venv/bin/python"));
    command.arg(tests().join("fanout/clients").join(file));
    command
}

fn node(file: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(tests().join("drivers/node").join(file));
    command
}

/// Runs a program on the oracle and as an analyst, and compares what it prints.
async fn agree(command: impl Fn() -> Command) {
    let stage = Stage::start().await;
    let wanted = printed(command(), "home", "oracle", stage.oracle_port()).await;
    assert!(wanted.lines().count() > 3, "it prints nothing worth comparing: {wanted}");
    let told = printed(command(), ANALYST, "todo", stage.world.gate.port()).await;
    let all = &told;
    for (number, (wanted, told)) in wanted.lines().zip(told.lines()).enumerate() {
        assert_eq!(told, wanted, "line {} of\n{all}", number + 1);
    }
    assert_eq!(told.lines().count(), wanted.lines().count());
}

async fn printed(program: Command, user: &str, database: &str, port: u16) -> String {
    let secret = secret_of(user);
    let part = |text: &str| text.replace(' ', "%20").replace('/', "%2F");
    let mut command = Command::new("timeout");
    command.arg(LIMIT_S).arg(program.get_program()).args(program.get_args());
    command
        .env(
            "DATABASE_URL",
            format!("postgres://{user}:{}@{HOST}:{port}/{database}?sslmode=disable", part(&secret)),
        )
        .envs([("PGUSER", user), ("PGDATABASE", database), ("PGHOST", HOST), ("PGPASSWORD", &secret)])
        .env("PGPORT", port.to_string());
    let ended = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let ended = ended.unwrap_or_else(|error| panic!("{error}; tests/setup installs what tests need"));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "as {user}, {}: {said}", ended.status);
    // Where a program tells errors and goes on, they are part of what is compared.
    format!("{}{}", String::from_utf8_lossy(&ended.stdout), said.replace("\r", ""))
}

#[tokio::test]
async fn psql() {
    agree(|| {
        let mut command = Command::new("psql");
        command.args(["-X", "-f"]).arg(tests().join("fanout/clients/psql.sql"));
        command
    })
    .await;
}

#[tokio::test]
async fn psycopg_3() {
    agree(|| python("psycopg_3.py")).await;
}

#[tokio::test]
async fn psycopg_2() {
    agree(|| python("psycopg_2.py")).await;
}

#[tokio::test]
async fn django() {
    agree(|| python("django_.py")).await;
}

#[tokio::test]
async fn asyncpg() {
    agree(|| python("asyncpg_.py")).await;
}

#[tokio::test]
async fn pg8000() {
    agree(|| python("pg8000_.py")).await;
}

#[tokio::test]
async fn node_postgres() {
    agree(|| node("analyst_pg.mjs")).await;
}

#[tokio::test]
async fn postgres_js() {
    agree(|| node("analyst_postgres.mjs")).await;
}

#[tokio::test]
async fn pgjdbc() {
    agree(|| {
        let mut command = Command::new("java");
        command.args(["-XX:+UseSerialGC", "-cp", "/usr/share/java/postgresql.jar"]);
        command.arg(tests().join("fanout/clients/pgjdbc.java"));
        command
    })
    .await;
}

#[tokio::test]
async fn pgx() {
    let program = built();
    agree(|| Command::new(&program)).await;
}

/// Compiles the Go program.
fn built() -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("analyst_pgx");
    let mut compiler = Command::new("go");
    compiler.args(["build", "-o"]).arg(&program).arg(".").current_dir(tests().join("drivers/go/analyst"));
    // Debian's packages are laid out as a workspace of before modules.
    compiler.envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOFLAGS", "")]);
    let ended = compiler.output().unwrap_or_else(|error| panic!("go: {error}; tests/setup installs it"));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    program
}
