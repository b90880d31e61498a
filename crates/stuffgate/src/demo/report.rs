//! What the demo tells: a table for people, JSON for scripts.

use super::SERVICE;
use super::show::QUESTION;
use super::stage::{NAMES, Seat, Stage, write_private};
use anyhow::Context as _;
use scratch::HOST;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Users that the table shows; the JSON has all.
const SHOWN: usize = 6;
/// The admin console's database.
const CONSOLE: &str = "stuffgate";

/// The table, and commands worth trying.
///
/// # Errors
/// When this program cannot tell its own path.
pub(super) fn table(stage: &Stage) -> anyhow::Result<String> {
    let mut text = String::from("DATABASE_URL\n");
    let mut line = |who: &str, url: &str| writeln!(text, "    {who:<14} {url}");
    for seat in stage.seats.iter().take(SHOWN) {
        line(&seat.name, &stage.gate_url(&seat.name, &seat.secret, SERVICE))?;
    }
    if let Some(more) = stage.seats.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        line("…", &format!("and {more} more: --json FILE has them all"))?;
    }
    line(&format!("service {SERVICE}"), &service_url(stage))?;
    line("analyst", &analyst_url(stage))?;
    line("admin console", &admin_url(stage))?;
    write!(text, "\nWorth trying\n{}\nCtrl-C removes everything.", commands(stage)?)?;
    Ok(text)
}

fn commands(stage: &Stage) -> anyhow::Result<String> {
    let program = std::env::current_exe()?;
    let alice = stage.seats.first().context("nobody is there")?;
    let alice = stage.gate_url(&alice.name, &alice.secret, SERVICE);
    let analyst = analyst_url(stage);
    let alone = stage.seats.iter().take(NAMES.len()).next_back().context("nobody is there")?;
    let (stop, last) = (stop(stage, alone)?, &alone.name);
    let program = format!("{} -c {}", program.display(), stage.config().display());
    let bound = format!("{}?options=-c%20stuffgate.user%3Dbob", service_url(stage));
    Ok(format!(
        "    psql '{alice}' -c 'TABLE todos'\n    \
         psql '{bound}' -c 'TABLE todos'\n    \
         psql '{analyst}' -c '{QUESTION}'\n    \
         {stop}     (the store of {last} stops; then the line above again, or this one)\n    \
         {program} query {SERVICE} '{QUESTION}'\n    \
         {program} revoke alice {SERVICE}     (then the first one again)\n",
    ))
}

/// What ends the server of one store alone, as its system does: a fast shutdown (PostgreSQL manual, "Shutting Down
/// the Server").
fn stop(stage: &Stage, seat: &Seat) -> anyhow::Result<String> {
    let pid = stage.server(seat).folder().join("data/postmaster.pid");
    Ok(format!("kill -INT $(head -1 {})", pid.display()))
}

/// Writes everything as JSON, for its owner's eyes only; the file appears whole.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_json(stage: &Stage, path: &Path) -> anyhow::Result<()> {
    let mut users = Map::new();
    for seat in &stage.seats {
        let user = json!({
            "url": stage.gate_url(&seat.name, &seat.secret, SERVICE),
            "store_admin_url": stage.direct_url(seat),
            "schema": seat.schema,
        });
        users.insert(seat.name.clone(), user);
    }
    let all = json!({
        "pid": std::process::id(),
        "config": stage.config(),
        "service": SERVICE,
        "gate": { "host": HOST, "port": stage.port, "http": stage.http },
        "service_url": service_url(stage),
        "analyst_url": analyst_url(stage),
        "admin_url": admin_url(stage),
        "home_url": stage.direct_url(&stage.home),
        "users": Value::Object(users),
    });
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    write_private(Path::new(&unfinished), &format!("{all:#}\n"))?;
    Ok(std::fs::rename(&unfinished, path)?)
}

fn service_url(stage: &Stage) -> String {
    stage.gate_url(SERVICE, &stage.service_secret, SERVICE)
}

fn analyst_url(stage: &Stage) -> String {
    stage.gate_url("analyst", &stage.analyst_secret, SERVICE)
}

fn admin_url(stage: &Stage) -> String {
    stage.gate_url("admin", &stage.admin_secret, CONSOLE)
}
