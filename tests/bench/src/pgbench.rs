//! pgbench as the load: runs it against a target, and takes the CPU time of the target's process between the
//! first second and the last, so that logging in and warming up do not count.

use crate::cpu::CpuTime;
use crate::target::Target;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testkit::scratch::{Binaries, Folder};

/// The three protocols that pgbench speaks, by its own names.
pub(crate) const MODES: [&str; 3] = ["simple", "extended", "prepared"];
/// Transactions that CPU time is told for.
pub(crate) const PER: f64 = 100_000.0;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load<'a> {
    pub(crate) clients: usize,
    pub(crate) mode: &'a str,
    /// Seconds that are measured; one more goes ahead of them.
    pub(crate) seconds: u64,
    /// Scripts, of which each transaction takes one at random; none of them means select-only.
    pub(crate) scripts: &'a [PathBuf],
    /// Further arguments, such as `-C`.
    pub(crate) extra: &'a [&'a str],
    /// `disable` or `require`.
    pub(crate) tls: bool,
}

impl<'a> Load<'a> {
    pub(crate) fn select_only(clients: usize, mode: &'a str, seconds: u64) -> Self {
        Self { clients, mode, seconds, scripts: &[], extra: &[], tls: false }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Transactions in a second.
    pub(crate) rate: f64,
    /// Transactions that were measured.
    pub(crate) transactions: f64,
    /// CPU time of the target's process for them.
    pub(crate) cpu: Option<Duration>,
}

impl Outcome {
    /// CPU seconds for 100,000 transactions.
    pub(crate) fn cost(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() / self.transactions * PER)
    }
}

/// Makes pgbench's tables at scale 1.
pub(crate) fn initialise(folder: &Folder, target: &Target) -> Result<()> {
    let mut command = program(folder, target)?;
    let ended = command.args(["-i", "-q", "-s", "1"]).stdin(Stdio::null()).output()?;
    if !ended.status.success() {
        bail!("pgbench -i at {}: {}", target.name, String::from_utf8_lossy(&ended.stderr));
    }
    Ok(())
}

/// Runs a load against a target, and returns what it did once warm.
pub(crate) fn run(folder: &Folder, target: &Target, load: &Load<'_>) -> Result<Outcome> {
    let mut command = program(folder, target)?;
    let (clients, seconds) = (load.clients.to_string(), (load.seconds + 1).to_string());
    command.args(["-n", "-P", "1", "-j", "1", "-M", load.mode, "-c", &clients, "-T", &seconds]);
    for script in load.scripts {
        command.arg("-f").arg(script);
    }
    if load.scripts.is_empty() {
        command.arg("-S");
    }
    command.args(load.extra);
    if load.tls {
        command.env("PGSSLMODE", "require");
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let said = child.stderr.take().context("pgbench has no standard error")?;
    let (points, rest) = watch(BufReader::new(said), target.pid)?;
    let status = child.wait()?;
    let failed = rest.lines().find(|line| line.contains("error:"));
    if let (false, _) | (true, Some(_)) = (status.success(), failed) {
        bail!("pgbench at {}, {load:?}:\n{rest}", target.name);
    }
    between(&points).with_context(|| format!("pgbench at {} said too little:\n{rest}", target.name))
}

/// Runs select-only for a number of transactions of each client, without looking at the time.
pub(crate) fn run_count(
    folder: &Folder,
    target: &Target,
    clients: usize,
    mode: &str,
    transactions: usize,
) -> Result<()> {
    let mut command = program(folder, target)?;
    command.args(["-n", "-S", "-j", "1", "-M", mode]);
    command.args(["-c", &clients.to_string(), "-t", &transactions.to_string()]);
    let ended = command.stdin(Stdio::null()).output()?;
    if !ended.status.success() {
        bail!("pgbench at {}: {}", target.name, String::from_utf8_lossy(&ended.stderr));
    }
    Ok(())
}

/// A script for [`Load::scripts`], in a file.
pub(crate) fn write_script(folder: &Folder, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.path().join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}

/// A moment at which pgbench told how it goes.
struct Point {
    at: Instant,
    /// Since the moment before.
    rate: f64,
    cpu: Option<CpuTime>,
}

fn watch(said: BufReader<impl Read>, pid: Option<u32>) -> Result<(Vec<Point>, String)> {
    let (mut points, mut rest) = (Vec::new(), String::new());
    for line in said.lines() {
        let line = line?;
        match rate_in(&line) {
            Some(rate) => {
                points.push(Point { at: Instant::now(), rate, cpu: pid.map(CpuTime::of).transpose()? });
            }
            None => rest = rest + &line + "\n",
        }
    }
    Ok((points, rest))
}

fn between(points: &[Point]) -> Option<Outcome> {
    let (first, last) = (points.first()?, points.last()?);
    let transactions: f64 =
        points.windows(2).map(|two| two[1].rate * (two[1].at - two[0].at).as_secs_f64()).sum();
    let cpu = first.cpu.as_ref().zip(last.cpu.as_ref()).map(|(first, last)| last.since(first));
    let rate = transactions / (last.at - first.at).as_secs_f64();
    (transactions > 0.0).then_some(Outcome { rate, transactions, cpu })
}

/// `progress: 2.0 s, 21034.9 tps, lat 0.379 ms stddev 0.121, 0 failed`
fn rate_in(line: &str) -> Option<f64> {
    let rest = line.strip_prefix("progress: ")?;
    let (_, rest) = rest.split_once(" s, ")?;
    rest.split_once(" tps")?.0.parse().ok()
}

fn program(folder: &Folder, target: &Target) -> Result<Command> {
    let mut command = Command::new(Binaries::find()?.program("pgbench"));
    command.env_clear().env("LC_ALL", "C").env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(folder.path());
    target.point(&mut command);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_a_line_of_progress() {
        let line = "progress: 2.0 s, 21034.9 tps, lat 0.379 ms stddev 0.121, 0 failed";
        assert_eq!(rate_in(line), Some(21034.9));
        assert_eq!(rate_in("pgbench: error: connection failed"), None);
    }

    #[test]
    fn the_first_second_does_not_count() {
        let at = Instant::now();
        let point = |after, rate| Point { at: at + Duration::from_secs(after), rate, cpu: None };
        let outcome = between(&[point(1, 9.0), point(2, 100.0), point(4, 130.0)]).unwrap();
        assert!((outcome.transactions - 360.0).abs() < 1e-6 && (outcome.rate - 120.0).abs() < 1e-6);
        assert!(between(&[point(1, 9.0)]).is_none());
    }
}
