//! System calls per transaction, counted by strace.

use crate::child::Child;
use crate::options::Options;
use crate::pgbench;
use crate::report::{Bound, Section, Table, Verdict};
use crate::stage::Stage;
use crate::target::{GATE, Target};
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::scratch::Folder;

const CLIENTS: usize = 8;
const TRANSACTIONS: usize = 2_000;
/// Longest wait for strace to attach.
const PATIENCE: Duration = Duration::from_secs(10);

/// Calls by name.
type Calls = BTreeMap<String, u64>;

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let transactions = if options.quick { TRANSACTIONS / 4 } else { TRANSACTIONS };
    let mut counted: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for target in stage.proxies().into_iter().filter(|target| target.pid.is_some()) {
        eprintln!("bench: syscalls, {}", target.name);
        // Logging in does not count: what a run with one transaction for each client needs is taken off.
        let few = count(&stage.folder, target, 1)?;
        let many = count(&stage.folder, target, transactions + 1)?;
        counted.insert(target.name.clone(), per_transaction(&few, &many, transactions * CLIENTS));
    }
    let total = |target: &str| counted.get(target).map_or(f64::NAN, |calls| calls.values().sum());
    let rows = counted.iter().map(|(target, calls)| {
        let mut calls: Vec<_> = calls.iter().filter(|(_, each)| **each >= 0.01).collect();
        calls.sort_by(|one, other| other.1.total_cmp(one.1));
        let list: Vec<String> = calls.iter().map(|(name, each)| format!("{name} {each:.2}")).collect();
        vec![target.clone(), format!("{:.2}", total(target)), list.join(", ")]
    });
    Ok(Section {
        notes: vec![format!(
            "`strace -c -f` on the proxy's process, prepared select-only pgbench with {CLIENTS} clients, {transactions} \
             transactions each. Tracing slows the proxy down, which lets it find more ready at once: the count is for \
             comparing, and a little lower than in full flight."
        )],
        tables: vec![Table {
            caption: "System calls per transaction".to_owned(),
            head: ["target", "in all", "by name"].map(str::to_owned).to_vec(),
            rows: rows.collect(),
        }],
        verdicts: vec![Verdict::new(
            "system calls per transaction, prepared, 8 clients",
            total(GATE),
            "",
            Bound::AtMost(4.5),
        )],
        measured: serde_json::to_value(&counted)?,
        ..Section::default()
    })
}

fn count(folder: &Folder, target: &Target, transactions: usize) -> Result<Calls> {
    let pid = target.pid.context("no process to trace")?;
    let traced = Folder::new("stuffgate-strace-")?;
    let summary = traced.path().join("summary");
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-o"]).arg(&summary).args(["-p", &pid.to_string()]);
    let mut strace = Child::start(traced, &mut command)?;
    until_traced(pid)?;
    pgbench::run_count(folder, target, CLIENTS, "prepared", transactions)?;
    let strace_pid = Pid::from_raw(i32::try_from(strace.pid())?).context("no process id")?;
    kill_process(strace_pid, Signal::INT)?;
    strace.wait()?;
    let text = std::fs::read_to_string(&summary).with_context(|| summary.display().to_string())?;
    let calls = calls_in(&text);
    ensure!(!calls.is_empty(), "strace counted nothing: {text}");
    Ok(calls)
}

/// Waits until every thread of a process has a tracer (proc(5), `TracerPid`).
fn until_traced(pid: u32) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let all = std::fs::read_dir(format!("/proc/{pid}/task"))?.flatten().all(|thread| {
            let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
            !status.contains("TracerPid:\t0\n")
        });
        if all {
            return Ok(());
        }
        ensure!(Instant::now() < end, "strace cannot attach to process {pid}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `% time, seconds, usecs/call, calls, errors (may be absent), name`, between two lines of dashes.
fn calls_in(summary: &str) -> Calls {
    let lines = summary.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let calls = lines.filter_map(|words| {
        let (calls, name) = (words.get(3)?.parse().ok()?, *words.last()?);
        (name != "total").then(|| (name.to_owned(), calls))
    });
    calls.collect()
}

fn per_transaction(few: &Calls, many: &Calls, transactions: usize) -> BTreeMap<String, f64> {
    let each = |(name, calls): (&String, &u64)| {
        let calls = calls.saturating_sub(few.get(name).copied().unwrap_or_default());
        (name.clone(), calls as f64 / transactions as f64)
    };
    many.iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_with_and_without_errors() {
        let summary = "% time     seconds  usecs/call     calls    errors syscall\n\
                       ------ ----------- ----------- --------- --------- ----------------\n \
                       60.00    0.600000           1      6000           sendto\n \
                       40.00    0.400000           1      4000      1000 recvfrom\n\
                       ------ ----------- ----------- --------- --------- ----------------\n\
                       100.00    1.000000           1     10000      1000 total\n";
        let calls = calls_in(summary);
        assert_eq!(calls, Calls::from([("sendto".to_owned(), 6000), ("recvfrom".to_owned(), 4000)]));
        let few = Calls::from([("sendto".to_owned(), 1000)]);
        let each = per_transaction(&few, &calls, 1000);
        assert!((each["sendto"] - 5.0).abs() < 1e-9 && (each["recvfrom"] - 4.0).abs() < 1e-9);
    }
}
