//! New connections by SCRAM, while the server side is pooled.

use crate::client::Client;
use crate::compare::{Case, Compared, interleave};
use crate::cpu::CpuTime;
use crate::options::Options;
use crate::pgbench::Load;
use crate::report::{Bound, Section, Table, Verdict};
use crate::rounds::Rounds;
use crate::scram::Keys;
use crate::stage::Stage;
use crate::target::{GATE, PGBOUNCER, Target};
use anyhow::{Context, Result, anyhow};
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};
use testkit::frames;

const CLIENTS: usize = 8;
const PGBENCH: &str = "pgbench -C";
const LIGHT: &str = "keys derived once";

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let load = Load { extra: &["-C"], ..Load::select_only(CLIENTS, "simple", options.seconds()) };
    let case = |target| Case { work: PGBENCH.to_owned(), target, load };
    let cases = [case(&stage.pgbouncer), case(&stage.gate)];
    let compared = interleave("connects", &stage.folder, options, &cases)?;
    let (mut rates, mut costs) = (Rounds::default(), Rounds::default());
    for round in 0..options.rounds() {
        let mut targets = [&stage.pgbouncer, &stage.gate];
        targets.rotate_left(round % 2);
        for target in targets {
            let (rate, cost) = connect_for(target, Duration::from_secs(options.seconds() + 1))?;
            rates.add(LIGHT, &target.name, rate);
            costs.add(LIGHT, &target.name, cost);
        }
    }
    let milliseconds = |name: &str| compared.costs.median(PGBENCH, name) / 100.0;
    let mut rows = Vec::new();
    for name in [PGBOUNCER, GATE] {
        let (rate, cost) = (compared.rates.cell(PGBENCH, name, 0), format!("{:.3}", milliseconds(name)));
        rows.push(vec![PGBENCH.to_owned(), name.to_owned(), rate, cost]);
        let (rate, cost) = (rates.cell(LIGHT, name, 0), costs.cell(LIGHT, name, 3));
        rows.push(vec![LIGHT.to_owned(), name.to_owned(), rate, cost]);
    }
    Ok(Section {
        notes: vec![format!(
            "{CLIENTS} clients that connect, log in by SCRAM-SHA-256, read one row and leave. pgbench derives its SCRAM keys \
             anew each time and so takes most of the machine for itself; the light client derives them once. The CPU time \
             of a login holds that of the one transaction."
        )],
        tables: vec![Table {
            caption: "Connects".to_owned(),
            head: ["client", "target", "per second", "CPU ms each"].map(str::to_owned).to_vec(),
            rows,
        }],
        verdicts: verdicts(&compared, &rates, &costs),
        measured: json!({ "pgbench": compared.json(), "light": { "per_second": rates, "cpu_ms": costs } }),
        ..Section::default()
    })
}

fn verdicts(compared: &Compared, rates: &Rounds, costs: &Rounds) -> Vec<Verdict> {
    let least = Bound::AtLeast(1.0);
    let by_pgbench = compared.rates.ratio(PGBENCH, GATE, PGBOUNCER);
    vec![
        Verdict::new("new connections by SCRAM, `pgbench -C`: rate × PgBouncer", by_pgbench, "×", least),
        Verdict::new(
            "… by a client that costs less: rate × PgBouncer",
            rates.ratio(LIGHT, GATE, PGBOUNCER),
            "×",
            least,
        ),
        Verdict::new(
            "… CPU of a SCRAM login with its transaction",
            costs.median(LIGHT, GATE),
            "ms",
            Bound::AtMost(0.30),
        ),
    ]
}

/// Connects, logs in, reads a row and leaves, again and again: times in a second, and CPU milliseconds of the
/// target's process for each.
fn connect_for(target: &Target, time: Duration) -> Result<(f64, f64)> {
    let pid = target.pid.context("no process")?;
    let mut keys = Keys::default();
    drop(Client::connect(target, &mut keys)?);
    let (before, began) = (CpuTime::of(pid)?, Instant::now());
    let count: u64 = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| connect_until(target, keys.clone(), began + time))).collect();
        clients
            .into_iter()
            .map(|client| client.join().map_err(|_| anyhow!("a client panicked"))?)
            .sum::<Result<_>>()
    })?;
    let (took, used) = (began.elapsed(), CpuTime::of(pid)?.since(&before));
    let count = count as f64;
    Ok((count / took.as_secs_f64(), used.as_secs_f64() * 1e3 / count))
}

fn connect_until(target: &Target, mut keys: Keys, end: Instant) -> Result<u64> {
    let mut count = 0;
    while Instant::now() < end {
        let mut client = Client::connect(target, &mut keys)?;
        client.simple("SELECT abalance FROM pgbench_accounts WHERE aid = 4711")?;
        client.send(&frames::terminate())?;
        count += 1;
    }
    Ok(count)
}
