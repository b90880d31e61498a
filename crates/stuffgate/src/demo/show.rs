//! The proof: the same statements through the gate as two users, a direct look into both stores, and a look over
//! all of them.

use super::SERVICE;
use super::stage::Stage;
use anyhow::{bail, ensure};
use scratch::HOST;
use std::fmt::Write as _;
use std::process::{Command, Stdio};

/// What both users run, as an application would. The row says whose session wrote it.
const STATEMENTS: [&str; 3] = [
    "CREATE TABLE public.todos (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL)",
    "INSERT INTO todos (title) VALUES ('written by ' || :'me')",
    "SELECT id, title FROM todos",
];

/// What an analyst asks: ordinary SQL, over the stores of all users.
pub(super) const QUESTION: &str = "SELECT _store, count(*) FROM todos GROUP BY _store ORDER BY _store";

/// Runs the proof and says what was seen.
///
/// # Errors
/// When a statement fails, or a store holds anything but its owner's row.
pub(super) fn run(stage: &Stage) -> anyhow::Result<String> {
    let mut text = String::from("\nThe same three statements through the gate, as alice and as bob:\n\n");
    for statement in STATEMENTS {
        writeln!(text, "    {statement};")?;
    }
    for seat in &stage.seats[..2] {
        let rows = through_gate(stage, (&seat.name, &seat.secret), &STATEMENTS.join(";\n"))?;
        ensure!(rows == format!("1|written by {}", seat.name), "through the gate {} got {rows:?}", seat.name);
    }
    text.push_str("\nand what is in their stores now, read past the gate:\n\n");
    for seat in &stage.seats[..2] {
        let server = stage.server(seat);
        let rows = server.sql(&seat.account.database, &format!("TABLE \"{}\".todos", seat.schema))?;
        let row = rows.trim();
        ensure!(row == format!("1|written by {}", seat.name), "{}'s store holds {rows:?}", seat.name);
        let place = format!("{HOST}:{}", server.port());
        writeln!(text, "    {:<6} {place:<16} schema {:<6} | {row}", seat.name, seat.schema)?;
    }
    furnish(stage)?;
    Ok(text)
}

/// Gives the other stores, and home, which judges what analysts ask, what the first two have: as the service, whose
/// one session is for one user after the other.
fn furnish(stage: &Stage) -> anyhow::Result<()> {
    let [create, insert, _] = STATEMENTS;
    let mut script = format!("\\set me nobody\n{create};\n");
    for seat in &stage.seats[2..] {
        let name = &seat.name;
        writeln!(script, "SET stuffgate.user = '{name}';\n\\set me {name}\n{create};\n{insert};")?;
    }
    through_gate(stage, (SERVICE, &stage.service_secret), &script)?;
    let rows = through_gate(stage, ("analyst", &stage.analyst_secret), QUESTION)?;
    let stores = rows.lines().count();
    ensure!(stores == stage.seats.len(), "over {} stores the analyst got {rows:?}", stage.seats.len());
    Ok(())
}

/// Runs a script with psql, and returns the rows that it printed.
fn through_gate(stage: &Stage, login: (&str, &str), script: &str) -> anyhow::Result<String> {
    use std::io::Write as _;
    let (user, secret) = login;
    let me = format!("me={user}");
    let mut psql = Command::new(stage.server(&stage.home).binaries().program("psql"))
        .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-v", &me, "-f", "-"])
        .env("PGHOST", HOST)
        .env("PGPORT", stage.port.to_string())
        .env("PGUSER", user)
        .env("PGPASSWORD", secret)
        .env("PGDATABASE", SERVICE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = psql.stdin.take() {
        // psql prints next to nothing while it reads; one that is gone says why below.
        let _ = writeln!(input, "{script};");
    }
    let ended = psql.wait_with_output()?;
    if !ended.status.success() {
        bail!("through the gate {user} was told {}", String::from_utf8_lossy(&ended.stderr));
    }
    Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned())
}
