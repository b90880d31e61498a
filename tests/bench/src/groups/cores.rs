//! What a second core brings.

use crate::client::Client;
use crate::crowd::{self, Copies};
use crate::drive::{Driven, ask, drive};
use crate::options::Options;
use crate::report::{Bound, Line, Plot, Section, Table, Verdict};
use crate::scram::Keys;
use crate::scripted::{self, SECRET};
use crate::stage::{Stage, USERS, users};
use crate::stats::median;
use crate::target::{GATE, Target};
use anyhow::{Context, Result, bail, ensure};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use stuffgate_tests::secret_of;
use testkit::{Gate, frames};

const SQL: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711";
/// Statements that a client sends at once to the scripted server.
const BATCH: usize = 4;
const LOADS: [&str; 2] = ["long statements, each rewritten anew", "a row by key, from Postgres"];

/// All runs of a load, with one worker and with two.
type Runs = [Vec<Driven>; 2];

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    if thread::available_parallelism()?.get() < 2 {
        bail!("this machine has one core");
    }
    let port = scripted::start_server()?;
    let mut runs: [Runs; 2] = Default::default();
    for round in 0..options.rounds() {
        eprintln!("bench: cores, round {} of {}", round + 1, options.rounds());
        for workers in [1, 2] {
            runs[0][workers - 1].push(with_scripted(stage, port, workers, options)?);
            runs[1][workers - 1].push(with_postgres(stage, workers, options)?);
        }
    }
    Ok(section(&runs))
}

fn section(runs: &[Runs; 2]) -> Section {
    let mut rows = Vec::new();
    for (load, runs) in LOADS.iter().zip(runs) {
        for (workers, runs) in ["1 worker", "2 workers"].iter().zip(runs) {
            rows.push(row(load, workers, runs));
        }
    }
    let verdicts = LOADS.iter().zip(runs).map(|(load, runs)| {
        let goal = format!("second core, {load}: throughput × one core's");
        Verdict::new(goal, median(&speed_ups(runs)), "×", Bound::AtLeast(1.7))
    });
    let line = |(load, runs): (&&str, &Runs)| {
        let alone = figure(&runs[0], |run| 1e5 / cost(run));
        let points = vec![(1.0, alone), (2.0, alone * median(&speed_ups(runs)))];
        Line { label: (*load).to_owned(), points }
    };
    Section {
        notes: notes(),
        tables: vec![Table {
            caption: "One worker and two".to_owned(),
            head: [
                "load",
                "gate",
                "per second",
                "CPU s per 100,000",
                "cores busy with the gate",
                "with the bench",
                "not idle",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows,
        }],
        verdicts: verdicts.collect(),
        plots: vec![Plot {
            name: "throughput-by-cores",
            title: "Throughput of the gate by cores of its own".to_owned(),
            x: "cores",
            y: "transactions per second",
            lines: LOADS.iter().zip(runs).map(line).collect(),
        }],
        measured: LOADS.iter().zip(runs).map(|(load, runs)| ((*load).to_owned(), json(runs))).collect(),
        ..Section::default()
    }
}

fn notes() -> Vec<String> {
    vec![format!(
        "{USERS} clients, each of a user with a store. Where load and gate share two cores, throughput alone cannot show \
         what the second core brings the gate. The speed-up is what two workers would do with two cores of their own: 2 × CPU \
         per transaction with one worker ÷ that with two, times the share of the cores' time that was not idle with two, \
         because workers that wait for each other leave it idle. Statements of 200 keys that name `public`, another \
         text each time, four at a time to a scripted server, are what costs the gate most and a load least: with \
         one worker the gate then has core 0 for itself, and the load the other. A row by key from Postgres is the usual \
         work; nothing is bound to a core there."
    )]
}

fn cost(run: &Driven) -> f64 {
    run.outcome.cost().unwrap_or(f64::NAN)
}

fn figure(runs: &[Driven], of: impl Fn(&Driven) -> f64) -> f64 {
    median(&runs.iter().map(of).collect::<Vec<_>>())
}

fn row(load: &str, workers: &str, runs: &[Driven]) -> Vec<String> {
    let rate = format!("{:.0}", figure(runs, |run| run.outcome.rate));
    let cells = [
        figure(runs, cost),
        figure(runs, |run| run.target),
        figure(runs, |run| run.load),
        figure(runs, |run| run.busy),
    ];
    let cells = cells.map(|cell| format!("{cell:.2}"));
    [load.to_owned(), workers.to_owned(), rate].into_iter().chain(cells).collect()
}

fn speed_ups(runs: &Runs) -> Vec<f64> {
    runs[0].iter().zip(&runs[1]).map(|(one, two)| 2.0 * cost(one) / cost(two) * two.busy).collect()
}

fn json(runs: &Runs) -> serde_json::Value {
    let each = |of: fn(&Driven) -> f64| -> Vec<Vec<f64>> {
        runs.iter().map(|runs| runs.iter().map(of).collect()).collect()
    };
    serde_json::json!({
        "per_second": each(|run| run.outcome.rate),
        "cpu_s_per_100k": each(cost),
        "not_idle": each(|run| run.busy),
        "speed_up": speed_ups(runs),
    })
}

fn settings(workers: usize) -> String {
    format!("[listen]\nworkers = {workers}\n[pool]\nper_store = {USERS}\n")
}

fn with_postgres(stage: &Stage, workers: usize, options: &Options) -> Result<Driven> {
    let mut gate = crowd::gate_with(&stage.world, &settings(workers), 0, Copies::Idle)?;
    let pid = started(&mut gate)?;
    let mut clients = users()
        .iter()
        .map(|user| {
            let (user, password) = (user.clone(), secret_of(user));
            let target = Target { port: gate.port(), user, password, ..stage.gate.clone() };
            Client::connect(&target, &mut Keys::default())
        })
        .collect::<Result<Vec<_>>>()?;
    let message = frames::query(SQL);
    drive(&mut clients, Duration::from_secs(options.seconds() + 1), pid, |client, _, _| ask(client, &message))
}

fn with_scripted(stage: &Stage, port: u16, workers: usize, options: &Options) -> Result<Driven> {
    let mut gate = crowd::gate_with_scripted(&stage.world, &settings(workers), USERS, (port, SECRET))?;
    let pid = started(&mut gate)?;
    let mut keys = Keys::default();
    let connect = |number| {
        let target = Target { port: gate.port(), user: crowd::name(number), ..stage.gate.clone() };
        Client::connect(&target, &mut keys)
    };
    let mut clients = (1..=USERS).map(connect).collect::<Result<Vec<_>>>()?;
    let mut answer = Vec::new();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(&scripted::statement(number, 0, 0))?;
        client.answer(&mut answer)?;
        crate::client::refusal(&answer)?;
    }
    if workers == 1 {
        pin(pid, "0")?;
        pin(std::process::id(), "1-")?;
    }
    let bytes = answer.len() * BATCH;
    let driven =
        drive(&mut clients, Duration::from_secs(options.seconds() + 1), pid, |client, number, turn| {
            let batch: Vec<u8> =
                (0..BATCH).flat_map(|place| scripted::statement(number, turn, place)).collect();
            client.send(&batch)?;
            client.exactly(&mut vec![0; bytes])?;
            Ok(BATCH as u64)
        });
    if workers == 1 {
        pin(std::process::id(), "0-")?;
    }
    driven
}

fn started(gate: &mut Gate) -> Result<u32> {
    gate.start()?;
    gate.pid().with_context(|| format!("the {GATE} has ended"))
}

/// Binds every thread of a process to some cores; `1-` means from the second on.
fn pin(pid: u32, cores: &str) -> Result<()> {
    // All that the machine has: our own may be bound to fewer just now.
    let all = std::fs::read_to_string("/sys/devices/system/cpu/online")?;
    let last = all.trim().rsplit(['-', ',']).next().unwrap_or_default();
    let cores = if cores.ends_with('-') { format!("{cores}{last}") } else { cores.to_owned() };
    let mut command = Command::new("taskset");
    command.args(["-a", "-c", "-p", &cores, &pid.to_string()]).stdout(Stdio::null());
    ensure!(command.status().context("taskset")?.success(), "process {pid} cannot be bound to core {cores}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgbench::Outcome;

    #[test]
    fn idle_time_counts_against_the_gate() {
        let run = |cost_s: u64, busy| {
            let cpu = Some(Duration::from_secs(cost_s));
            let outcome = Outcome { rate: 1.0, transactions: 1e5, cpu };
            Driven { outcome, target: 0.0, load: 0.0, busy }
        };
        let runs = |two| [vec![run(4, 0.5)], vec![two]];
        for (two, expected) in [(run(4, 1.0), 2.0), (run(5, 1.0), 1.6), (run(4, 0.75), 1.5)] {
            assert!((speed_ups(&runs(two))[0] - expected).abs() < 1e-9);
        }
    }
}
