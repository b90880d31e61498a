//! Many stores touched in turn with few server connections allowed: each lease closes one and makes one.

use crate::client::Client;
use crate::cpu::CpuTime;
use crate::crowd::{self, Copies};
use crate::options::Options;
use crate::report::{Bound, Section, Table, Verdict};
use crate::scram::Keys;
use crate::stage::{POOL, Stage, USER};
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
/// Stores that are touched with room for a connection to each.
const ROOMY: usize = 400;
const CLIENTS: usize = 16;
/// Longest wait that is bounded by configuration (`pool.wait_timeout_ms`).
const WAIT_S: f64 = 15.0;
/// Longest wait for idle connections to be closed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What touching stores in turn came to.
struct Touched {
    count: usize,
    failures: usize,
    waits_ms: Vec<f64>,
    cpu_ms: f64,
}

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let stores = if options.quick { STORES / 10 } else { STORES };
    let settings = format!("[pool]\ntotal = {TOTAL}\nper_service = {TOTAL}\n");
    let mut gate = crowd::gate_with(&stage.world, &settings, TOTAL + stores, Copies::Usable)?;
    gate.start()?;
    eprintln!("bench: cold-leases, {stores} stores");
    // So that all connections are in use from the first store on that is measured.
    touch(stage, &gate, &numbers(1, TOTAL))?;
    let cold = touch(stage, &gate, &numbers(TOTAL + 1, TOTAL + stores))?;
    drop(gate);
    let settings = format!("[pool]\ntotal = {0}\nper_service = {0}\nidle_timeout_s = 1\n", ROOMY + CLIENTS);
    let mut gate = crowd::gate_with(&stage.world, &settings, ROOMY, Copies::Usable)?;
    gate.start()?;
    let mut roomy = Vec::new();
    for round in 0..=options.rounds() * 2 {
        eprintln!("bench: cold-leases, fresh connections, round {round}");
        until_all_closed(stage)?;
        let touched = touch(stage, &gate, &numbers(1, ROOMY))?;
        ensure!(touched.failures == 0, "stores could not be used without any shortage");
        // The first round makes pools, which the cold ones had to as well, and warms everything up.
        if round > 0 {
            roomy.push(touched.cpu_ms);
        }
    }
    Ok(section(&cold, &roomy))
}

fn section(cold: &Touched, roomy: &[f64]) -> Section {
    let longest = cold.waits_ms.iter().copied().fold(0.0, f64::max);
    let failures = cold.failures as f64;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    Section {
        notes: vec![format!(
            "{CLIENTS} sessions of the service read one row each in the store of another user in every transaction (by \
             tag), {} stores in turn, with {TOTAL} server connections allowed: so every lease closes an idle connection of \
             another store and makes a new one. Connect and login alone is the same, from the same gate, while there is \
             room for all {ROOMY} stores' connections and none is open: every lease makes one and closes none. Both hold \
             the transaction itself.",
            cold.count
        )],
        tables: vec![Table {
            caption: "Cold leases".to_owned(),
            head: ["", "measured"].map(str::to_owned).to_vec(),
            rows: vec![
                row("failed", cold.failures.to_string()),
                row("wait, median", format!("{:.1} ms", median(&cold.waits_ms))),
                row("wait, p99", format!("{:.1} ms", quantile(&cold.waits_ms, 0.99))),
                row("wait, longest", format!("{longest:.1} ms")),
                row("CPU for a cold lease", format!("{:.3} ms", cold.cpu_ms)),
                row("CPU for connect and login alone", format!("{:.3} ms", median(roomy))),
            ],
        }],
        verdicts: vec![
            Verdict::new(
                format!("{} stores touched in turn, {TOTAL} server connections: errors", cold.count),
                failures,
                "",
                Bound::AtMost(0.0),
            ),
            Verdict::new("… longest wait", longest / 1e3, "s", Bound::AtMost(WAIT_S)),
            Verdict::new(
                "… CPU per cold lease × connect + login alone",
                cold.cpu_ms / median(roomy),
                "×",
                Bound::AtMost(1.10),
            ),
        ],
        measured: serde_json::json!({
            "waits_ms": { "p50": median(&cold.waits_ms), "p99": quantile(&cold.waits_ms, 0.99), "longest": longest },
            "failures": cold.failures,
            "cold_cpu_ms": cold.cpu_ms,
            "connect_and_login_cpu_ms": roomy,
        }),
        ..Section::default()
    }
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
    Ok(Touched { count: users.len(), failures: all.len() - waits_ms.len(), waits_ms, cpu_ms })
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

/// Waits until the gate has closed what it does not need.
fn until_all_closed(stage: &Stage) -> Result<()> {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'";
    let end = Instant::now() + PATIENCE;
    loop {
        let open: usize = stage.world.direct(USER, sql).trim().parse()?;
        // Our own is one; the stage's gate and PgBouncer may keep a pool's worth each.
        if open <= 1 + 2 * POOL {
            return Ok(());
        }
        ensure!(Instant::now() < end, "{open} connections stay open");
        thread::sleep(Duration::from_millis(200));
    }
}
