//! Where the figures were taken, and with what.

use serde::Serialize;
use std::fs;
use std::process::Command;
use testkit::scratch::Binaries;

/// One machine with its programs.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    system: String,
    postgres: String,
    pgbouncer: String,
    haproxy: String,
    gate: String,
    command: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let first = |path: &str, key: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            line.trim_start_matches([' ', '\t', ':']).trim_matches('"').to_owned()
        };
        let memory = first("/proc/meminfo", "MemTotal");
        let kibibytes: u64 = memory.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let pgbouncer = crate::proxies::built("bench/pgbouncer").unwrap_or_default();
        Self {
            processor: first("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kibibytes.div_ceil(1 << 20),
            system: format!("{}, Linux {}", first("/etc/os-release", "PRETTY_NAME="), kernel.trim()),
            postgres: Binaries::find()
                .map_or_else(|error| error.to_string(), |found| found.version().to_owned()),
            pgbouncer: said(Command::new(pgbouncer).arg("--version")),
            haproxy: said(Command::new("haproxy").arg("-v")),
            gate: gate(),
            command: format!("tests/bench/run {}", std::env::args().skip(1).collect::<Vec<_>>().join(" ")),
        }
    }

    /// Names and values for a list.
    pub(crate) fn rows(&self) -> [(&'static str, String); 6] {
        let Self { processor, cores, memory_gib, system, postgres, pgbouncer, haproxy, gate, command } = self;
        [
            ("command", format!("`{}`", command.trim())),
            ("machine", format!("{processor}, {cores} cores, {memory_gib} GiB, {system}")),
            ("gate", gate.clone()),
            ("Postgres", postgres.clone()),
            ("PgBouncer", pgbouncer.clone()),
            ("HAProxy", haproxy.clone()),
        ]
    }
}

/// The gate's version, and where it is from: this checkout, or a program that the environment names.
fn gate() -> String {
    let program = testkit::gate::program();
    let version = said(Command::new(&program).arg("--version"));
    if crate::proxies::built("release/stuffgate").is_ok_and(|own| own == program) {
        let commit = said(Command::new("git").args(["describe", "--always", "--dirty"]));
        return format!("{version}, commit {commit}");
    }
    format!("{version}, {}", program.display())
}

/// The first line that a command prints.
fn said(command: &mut Command) -> String {
    let printed = command.output().map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned());
    printed.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}
