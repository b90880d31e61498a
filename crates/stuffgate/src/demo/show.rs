//! The proof: the same statements through the gate as two users, then a direct look into both stores.

use super::SERVICE;
use super::stage::{Seat, Stage};
use anyhow::{bail, ensure};
use scratch::HOST;
use std::fmt::Write as _;
use std::process::Command;

/// What both users run, as an application would. The row says whose session wrote it.
const STATEMENTS: [&str; 3] = [
    "CREATE TABLE public.todos (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL)",
    "INSERT INTO todos (title) VALUES ('written by ' || :'me')",
    "SELECT id, title FROM todos",
];

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
        through_gate(stage, seat)?;
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
    Ok(text)
}

fn through_gate(stage: &Stage, seat: &Seat) -> anyhow::Result<()> {
    let psql = stage.server(seat).binaries().program("psql");
    let ended = Command::new(psql)
        .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-v", &format!("me={}", seat.name), "-f", "-"])
        .env("PGHOST", HOST)
        .env("PGPORT", stage.port.to_string())
        .env("PGUSER", &seat.name)
        .env("PGPASSWORD", &seat.secret)
        .env("PGDATABASE", SERVICE)
        .stdin(script()?)
        .output()?;
    let said = String::from_utf8_lossy(&ended.stderr);
    let rows = String::from_utf8_lossy(&ended.stdout);
    if !ended.status.success() || rows.trim() != format!("1|written by {}", seat.name) {
        bail!("through the gate {} got {rows:?} {said}", seat.name);
    }
    Ok(())
}

/// The statements as a pipe for psql's standard input.
fn script() -> anyhow::Result<std::io::PipeReader> {
    use std::io::Write as _;
    let (reader, mut writer) = std::io::pipe()?;
    writer.write_all((STATEMENTS.join(";\n") + ";\n").as_bytes())?;
    Ok(reader)
}
