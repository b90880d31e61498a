//! What a second core brings, with a load that keeps the gate busy and costs little itself.

use crate::client::Client;
use crate::cpu::CpuTime;
use crate::crowd;
use crate::options::Options;
use crate::report::{Bound, Line, Plot, Section, Table, Verdict};
use crate::scram::Keys;
use crate::stage::Stage;
use crate::stats::median;
use crate::target::{GATE, Target};
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use testkit::{Error, FakeStore, Gate, Peer, frames};

const CLIENTS: usize = 32;
/// What is sent: its name, how many statements at once, each a transaction with a lease of its own, and the keys
/// that each names, which make it long.
const LOADS: [Shape; 2] = [
    Shape { name: "long statements, each rewritten anew", batch: 4, keys: 200, fresh: true },
    Shape { name: "short statements, 32 at a time", batch: 32, keys: 1, fresh: false },
];
/// What statements of the load begin with; the gate's own do not.
const ANSWERED: &str = "SELECT /*load*/";
const SECRET: &str = "scripted";
const WARM_UP: Duration = Duration::from_millis(500);
/// Longest that a scripted server waits for a message.
const IDLE: Duration = Duration::from_secs(3600);

/// One of the loads.
struct Shape {
    name: &'static str,
    batch: usize,
    keys: usize,
    fresh: bool,
}

/// One run of a load.
struct Run {
    rate: f64,
    /// CPU seconds of the gate per 100,000 transactions.
    cost: f64,
    /// Cores that were busy with the gate, and with the load.
    gate: f64,
    load: f64,
    /// Share of all cores' time that was not idle, whoever had it.
    busy: f64,
}

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    if thread::available_parallelism()?.get() < 2 {
        bail!("this machine has one core");
    }
    let port = start_scripted_store()?;
    let mut runs: [[Vec<Run>; 2]; 2] = Default::default();
    for round in 0..options.rounds() {
        eprintln!("bench: cores, round {} of {}", round + 1, options.rounds());
        for (shape, runs) in LOADS.iter().zip(&mut runs) {
            for workers in [1, 2] {
                runs[workers - 1].push(one(stage, port, workers, shape, options)?);
            }
        }
    }
    Ok(section(&runs))
}

fn section(runs: &[[Vec<Run>; 2]; 2]) -> Section {
    let mut measured = serde_json::Map::new();
    let mut rows = Vec::new();
    for (shape, runs) in LOADS.iter().zip(runs) {
        for (workers, runs) in ["1 worker", "2 workers"].into_iter().zip(runs) {
            rows.push(row(shape, workers, runs));
        }
        let each = |of: fn(&Run) -> f64| {
            runs.iter().map(|runs| runs.iter().map(of).collect()).collect::<Vec<Vec<_>>>()
        };
        let found = serde_json::json!({
            "per_second": each(|run| run.rate),
            "cpu_s_per_100k": each(|run| run.cost),
            "speed_up": speed_ups(runs),
        });
        measured.insert(shape.name.to_owned(), found);
    }
    let (alone, speed_up) = (figure(&runs[0][0], |run| 1e5 / run.cost), median(&speed_ups(&runs[0])));
    Section {
        notes: notes(),
        tables: vec![Table {
            caption: "Gate-bound load".to_owned(),
            head: [
                "load",
                "gate",
                "per second",
                "CPU s per 100,000",
                "cores busy with the gate",
                "with the load",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows,
        }],
        verdicts: LOADS
            .iter()
            .zip(runs)
            .map(|(shape, runs)| {
                let goal = format!("second core, {}: throughput × one core's", shape.name);
                Verdict::new(goal, median(&speed_ups(runs)), "×", Bound::AtLeast(1.7))
            })
            .collect(),
        plots: vec![Plot {
            name: "throughput-by-cores",
            title: "Gate-bound throughput by cores, load taken off".to_owned(),
            x: "cores",
            y: "transactions per second",
            lines: vec![Line { label: GATE.to_owned(), points: vec![(1.0, alone), (2.0, alone * speed_up)] }],
        }],
        measured: serde_json::Value::Object(measured),
        ..Section::default()
    }
}

fn notes() -> Vec<String> {
    vec![format!(
        "{CLIENTS} clients and a scripted server that answers at once, both inside the bench; simple protocol, each \
         statement a transaction with a lease of its own. With one worker the gate has core 0 for itself and the load \
         has the other. With two workers on two cores the load takes time from them, so that throughput alone cannot show \
         what the second core brings. The speed-up is what two workers would do with two cores of their own: 2 × CPU per \
         transaction with one worker ÷ that with two, times the share of the cores' time that was not idle, because \
         workers that wait for each other leave it idle. Statements of 200 keys that name `public`, another text \
         each time, are what costs a gate most and a load least."
    )]
}

fn figure(runs: &[Run], of: fn(&Run) -> f64) -> f64 {
    median(&runs.iter().map(of).collect::<Vec<_>>())
}

fn row(shape: &Shape, workers: &str, runs: &[Run]) -> Vec<String> {
    let cells = [figure(runs, |run| run.cost), figure(runs, |run| run.gate), figure(runs, |run| run.load)];
    let cells = cells.map(|cell| format!("{cell:.2}"));
    let rate = format!("{:.0}", figure(runs, |run| run.rate));
    [shape.name.to_owned(), workers.to_owned(), rate].into_iter().chain(cells).collect()
}

fn speed_ups(runs: &[Vec<Run>; 2]) -> Vec<f64> {
    runs[0].iter().zip(&runs[1]).map(|(one, two)| 2.0 * one.cost / two.cost * two.busy).collect()
}

fn one(stage: &Stage, port: u16, workers: usize, shape: &Shape, options: &Options) -> Result<Run> {
    let settings = format!("[listen]\nworkers = {workers}\n[pool]\nper_store = {CLIENTS}\n");
    let mut gate = crowd::gate_with_scripted(&stage.world, &settings, port, SECRET)?;
    gate.start()?;
    let pid = gate.pid().context("the gate has ended")?;
    if workers == 1 {
        pin(pid, "0")?;
        pin(std::process::id(), "1-")?;
    }
    let ran = load(stage, &gate, pid, shape, Duration::from_secs(options.seconds() + 1));
    if workers == 1 {
        pin(std::process::id(), "0-")?;
    }
    ran
}

/// Binds every thread of a process to some cores; `1-` means from the second on.
fn pin(pid: u32, cores: &str) -> Result<()> {
    let last = thread::available_parallelism()?.get().max(2) - 1;
    let cores = if cores.ends_with('-') { format!("{cores}{last}") } else { cores.to_owned() };
    let mut command = Command::new("taskset");
    command.args(["-a", "-c", "-p", &cores, &pid.to_string()]).stdout(Stdio::null());
    ensure!(command.status().context("taskset")?.success(), "process {pid} cannot be bound to core {cores}");
    Ok(())
}

fn load(stage: &Stage, gate: &Gate, pid: u32, shape: &Shape, time: Duration) -> Result<Run> {
    let target = Target { port: gate.port(), ..stage.gate.clone() };
    let mut keys = Keys::default();
    let mut clients =
        (0..CLIENTS).map(|_| Client::connect(&target, &mut keys)).collect::<Result<Vec<_>>>()?;
    let mut answer = Vec::new();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(&shape.message(number, 0))?;
        client.answer(&mut answer)?;
        crate::client::refusal(&answer)?;
    }
    let (bytes, done, over) = (answer.len() * shape.batch, AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (done, over) = (&done, &over);
        let running: Vec<_> = clients
            .iter_mut()
            .enumerate()
            .map(|(number, client)| scope.spawn(move || send(client, number, shape, bytes, done, over)))
            .collect();
        thread::sleep(WARM_UP);
        let before = (CpuTime::of(pid), CpuTime::of(std::process::id()), idle_s());
        let (began, first) = (Instant::now(), done.load(Ordering::Relaxed));
        thread::sleep(time);
        let (took, last) = (began.elapsed().as_secs_f64(), done.load(Ordering::Relaxed));
        let after = (CpuTime::of(pid), CpuTime::of(std::process::id()), idle_s());
        over.store(true, Ordering::Relaxed);
        for client in running {
            client.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        let gate = after.0?.since(&before.0?).as_secs_f64();
        let load = after.1?.since(&before.1?).as_secs_f64();
        let cores = thread::available_parallelism()?.get() as f64;
        let busy = 1.0 - (after.2? - before.2?) / took / cores;
        let count = (last - first) as f64;
        Ok(Run { rate: count / took, cost: gate / count * 1e5, gate: gate / took, load: load / took, busy })
    })
}

fn send(
    client: &mut Client,
    number: usize,
    shape: &Shape,
    bytes: usize,
    done: &AtomicU64,
    over: &AtomicBool,
) -> Result<()> {
    let mut answer = vec![0; bytes];
    let mut batch = shape.message(number, 0).repeat(shape.batch);
    for turn in 1.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        if shape.fresh {
            batch = (0..shape.batch).flat_map(|at| shape.message(number, turn * shape.batch + at)).collect();
        }
        client.send(&batch)?;
        client.exactly(&mut answer)?;
        done.fetch_add(shape.batch as u64, Ordering::Relaxed);
    }
    Ok(())
}

impl Shape {
    /// A statement, another for each client and turn where they are to be.
    fn message(&self, client: usize, turn: usize) -> Vec<u8> {
        let table = if self.fresh { "public.pgbench_accounts" } else { "pgbench_accounts" };
        let keys: Vec<String> = (1..=self.keys).map(|key| key.to_string()).collect();
        let last = if self.fresh { format!(" AND bid <> {client}{turn:09}") } else { String::new() };
        frames::query(&format!("{ANSWERED} abalance FROM {table} WHERE aid IN ({}){last}", keys.join(", ")))
    }
}

/// Seconds that all cores together have been idle since the start (proc(5), `/proc/stat`, in clock ticks).
fn idle_s() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let mut fields = text.lines().next().unwrap_or_default().split_whitespace().skip(4);
    let mut next = || fields.next().and_then(|word| word.parse::<f64>().ok()).context("/proc/stat is odd");
    Ok((next()? + next()?) / 100.0)
}

/// A server that gives the same row to everybody, on a thread of its own until the bench ends; returns its port.
fn start_scripted_store() -> Result<u16> {
    let (told, port) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let Ok(store) = FakeStore::start(play).await else { return };
            let _ = told.send(store.port());
            std::future::pending::<()>().await;
        });
    });
    port.recv().context("no scripted server")
}

async fn play(mut peer: Peer) -> Result<(), Error> {
    peer.let_in(SECRET).await?;
    peer.patience(IDLE);
    let done = [frames::command_complete("SELECT 0"), frames::ready(b'I')].concat();
    let row = [frames::row_description(&["abalance"]), frames::data_row(&[Some("0")]), done.clone()].concat();
    loop {
        let frame = peer.frame().await?;
        match frame.tag {
            b'Q' if frame.body.starts_with(ANSWERED.as_bytes()) => peer.send(&row).await?,
            b'X' => return Ok(()),
            _ => peer.send(&done).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_counts_against_the_gate() {
        let run = |cost, busy| Run { rate: 0.0, cost, gate: 0.0, load: 0.0, busy };
        let runs = |two| [vec![run(1.0, 0.5)], vec![two]];
        for (two, expected) in [(run(1.0, 1.0), 2.0), (run(1.25, 1.0), 1.6), (run(1.0, 0.75), 1.5)] {
            assert!((speed_ups(&runs(two))[0] - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn a_fresh_statement_is_never_the_same_twice() {
        let [fresh, same] = &LOADS;
        assert_ne!(fresh.message(1, 2), fresh.message(1, 3));
        assert_ne!(fresh.message(1, 2), fresh.message(12, 2));
        assert_eq!(same.message(1, 2), same.message(3, 4));
    }
}
