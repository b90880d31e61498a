//! Many stores touched in turn with few server connections allowed: each lease closes one and makes one.

use crate::client::Client;
use crate::cpu::CpuTime;
use crate::crowd::{self, Copies};
use crate::options::Options;
use crate::report::{Bound, Section, Table, Verdict};
use crate::rounds::Rounds;
use crate::scram::Keys;
use crate::stage::{Stage, USER};
use crate::stats::{median, quantile};
use crate::target::Target;
use anyhow::{Context, Result, anyhow, ensure};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use stuffgate_tests::{SERVICE, secret_of};
use testkit::Gate;

const STORES: usize = 10_000;
/// Server connections allowed.
const TOTAL: usize = 200;
/// Stores that are touched for the comparison, more than there may be connections.
const EACH: usize = 400;
const CLIENTS: usize = 16;
/// What is compared.
const LEASE: &str = "lease";
const COLD: &str = "cold";
const FRESH: &str = "connect and login alone";
/// Longest wait that is bounded by configuration (`pool.wait_timeout_ms`).
const WAIT_S: f64 = 15.0;
/// Longest wait for idle connections to be closed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What touching stores in turn came to.
struct Touched {
    failures: usize,
    waits_ms: Vec<f64>,
    cpu_ms: f64,
}

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let stores = if options.quick { STORES / 10 } else { STORES };
    let short = format!("[pool]\ntotal = {TOTAL}\nper_service = {TOTAL}\n");
    let short = started(crowd::gate_with(&stage.world, &short, stores, Copies::Usable)?)?;
    eprintln!("bench: cold-leases, {stores} stores");
    let first = touch(stage, &short, &numbers(1, stores))?;
    let resting = open_connections(stage)?;
    let roomy = format!("[pool]\ntotal = {0}\nper_service = {0}\nidle_timeout_s = 1\n", EACH + CLIENTS);
    let roomy = started(crowd::gate_with(&stage.world, &roomy, EACH, Copies::Usable)?)?;
    touch(stage, &roomy, &numbers(1, EACH))?;
    let mut costs = Rounds::default();
    let rounds = options.rounds() * 2;
    for round in 0..rounds {
        eprintln!("bench: cold-leases, round {} of {rounds}", round + 1);
        // Two sets of stores in turn, so that none still has a connection.
        let from = round % 2 * EACH;
        let cold = touch(stage, &short, &numbers(from + 1, from + EACH))?;
        until_closed(stage, resting)?;
        let fresh = touch(stage, &roomy, &numbers(1, EACH))?;
        ensure!(cold.failures + fresh.failures == 0, "some stores could not be used");
        costs.add(LEASE, COLD, cold.cpu_ms);
        costs.add(LEASE, FRESH, fresh.cpu_ms);
    }
    Ok(section(&first, &costs))
}

fn started(mut gate: Gate) -> Result<Gate> {
    gate.start()?;
    Ok(gate)
}

fn section(first: &Touched, costs: &Rounds) -> Section {
    let longest = first.waits_ms.iter().copied().fold(0.0, f64::max);
    let count = first.waits_ms.len() + first.failures;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    Section {
        notes: vec![format!(
            "{CLIENTS} sessions of the service read one row each in the store of another user in every transaction (by \
             tag), {count} stores in turn, with {TOTAL} server connections allowed: so every lease closes an idle \
             connection of another store and makes a new one. What a cold lease costs is measured when {EACH} of these \
             stores are touched again, which have lost their connections since. Connect and login alone is the same in a \
             gate with room for a connection to each of {EACH} stores, none of which is open: every lease makes one and \
             closes none. Both hold the transaction itself."
        )],
        tables: vec![Table {
            caption: "Cold leases".to_owned(),
            head: ["", "measured"].map(str::to_owned).to_vec(),
            rows: vec![
                row("failed", first.failures.to_string()),
                row("wait, median", format!("{:.1} ms", median(&first.waits_ms))),
                row("wait, p99", format!("{:.1} ms", quantile(&first.waits_ms, 0.99))),
                row("wait, longest", format!("{longest:.1} ms")),
                row("CPU ms for a store's first lease", format!("{:.3}", first.cpu_ms)),
                row("CPU ms for a cold lease", costs.cell(LEASE, COLD, 3)),
                row("CPU ms for connect and login alone", costs.cell(LEASE, FRESH, 3)),
            ],
        }],
        verdicts: verdicts(first, longest, costs),
        measured: serde_json::json!({
            "waits_ms": { "p50": median(&first.waits_ms), "p99": quantile(&first.waits_ms, 0.99), "longest": longest },
            "failures": first.failures,
            "first_cpu_ms": first.cpu_ms,
            "cpu_ms": costs,
        }),
        ..Section::default()
    }
}

fn verdicts(first: &Touched, longest: f64, costs: &Rounds) -> Vec<Verdict> {
    let count = first.waits_ms.len() + first.failures;
    vec![
        Verdict::new(
            format!("{count} stores touched in turn, {TOTAL} server connections: errors"),
            first.failures as f64,
            "",
            Bound::AtMost(0.0),
        ),
        Verdict::new("… longest wait", longest / 1e3, "s", Bound::AtMost(WAIT_S)),
        Verdict::new(
            "… CPU per cold lease × connect + login alone",
            costs.ratio(LEASE, COLD, FRESH),
            "×",
            Bound::AtMost(1.10),
        ),
    ]
}

fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..=to).map(crowd::name).collect()
}

/// Reads a row in the store of each of these users, in turn.
fn touch(stage: &Stage, gate: &Gate, users: &[String]) -> Result<Touched> {
    let pid = gate.pid().context("the gate has ended")?;
    let target = Target {
        port: gate.port(),
        user: SERVICE.to_owned(),
        password: secret_of(SERVICE),
        ..stage.gate.clone()
    };
    let mut keys = Keys::default();
    let clients = (0..CLIENTS).map(|_| Client::connect(&target, &mut keys)).collect::<Result<Vec<_>>>()?;
    let (next, failures, before) = (AtomicUsize::new(0), AtomicUsize::new(0), CpuTime::of(pid)?);
    let waits = thread::scope(|scope| {
        let (next, failures) = (&next, &failures);
        let running: Vec<_> = clients
            .into_iter()
            .map(|client| scope.spawn(move || touch_some(client, users, next, failures)))
            .collect();
        running
            .into_iter()
            .map(|one| one.join().map_err(|_| anyhow!("a client panicked")))
            .collect::<Result<Vec<_>>>()
    })?;
    let used = CpuTime::of(pid)?.since(&before);
    let all: Vec<Option<f64>> = waits.into_iter().flatten().collect();
    ensure!(all.len() == users.len(), "{} of {} stores were touched", all.len(), users.len());
    let waits_ms: Vec<f64> = all.iter().copied().flatten().collect();
    let cpu_ms = used.as_secs_f64() * 1e3 / users.len() as f64;
    Ok(Touched { failures: all.len() - waits_ms.len(), waits_ms, cpu_ms })
}

/// Milliseconds that each answer took; nothing where it was an error, of which the first is told.
fn touch_some(
    mut client: Client,
    users: &[String],
    next: &AtomicUsize,
    failures: &AtomicUsize,
) -> Vec<Option<f64>> {
    let mut waits = Vec::new();
    while let Some(user) = users.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = Instant::now();
        let sql =
            format!("/*stuffgate.user='{user}'*/ SELECT abalance FROM pgbench_accounts WHERE aid = 4711");
        let answered = client.simple(&sql);
        if let (Err(error), 0) =
            (&answered, failures.fetch_add(usize::from(answered.is_err()), Ordering::Relaxed))
        {
            eprintln!("bench: cold-leases, {user}: {error:#}");
        }
        waits.push(answered.ok().map(|()| began.elapsed().as_secs_f64() * 1e3));
    }
    waits
}

/// Waits until no more connections are open than `resting`.
fn until_closed(stage: &Stage, resting: usize) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let open = open_connections(stage)?;
        if open <= resting {
            return Ok(());
        }
        ensure!(Instant::now() < end, "{open} connections stay open, not {resting}");
        thread::sleep(Duration::from_millis(200));
    }
}

fn open_connections(stage: &Stage) -> Result<usize> {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'";
    Ok(stage.world.direct(USER, sql).trim().parse()?)
}
