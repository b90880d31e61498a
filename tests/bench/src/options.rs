//! The command line.

use crate::groups::Group;
use crate::target::Target;
use clap::Parser;
use std::path::PathBuf;

/// Puts the gate beside a bare relay, PgBouncer and HAProxy (and others) and says which goals it meets.
///
/// Starts Postgres, the proxies and the gate, all throw-away, and runs groups of work against them. Rounds
/// go over all targets in turn; a figure is the median over rounds, a ratio the median of the ratios within
/// each round, ± half the distance from least to most. CPU time is that of the proxy's process alone. What
/// runs ends with the bench, Ctrl-C included. Markdown goes to standard output, progress to standard error.
#[derive(Debug, Parser)]
#[command(name = "tests/bench/run")]
pub(crate) struct Options {
    /// Groups of work to run; all of them when none is named.
    #[arg(value_enum)]
    pub(crate) groups: Vec<Group>,
    /// Few and short rounds, for development.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Rounds over all targets.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Seconds that each run of pgbench is measured for, after one that does not count.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Another pooler that leads to the same tables, for `pgbench` and `syscalls`; may be given several times. The
    /// process id is what CPU time needs. The address of Postgres is told when the bench starts.
    #[arg(long = "target", value_name = "NAME=[PID@]URL", value_parser = Target::parse)]
    pub(crate) targets: Vec<Target>,
    /// Where to write everything that was measured.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Where to draw plots, as SVG.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) plots: Option<PathBuf>,
    /// A page whose marked part is replaced by the report.
    #[arg(long, value_name = "FILE")]
    pub(crate) document: Option<PathBuf>,
}

impl Options {
    pub(crate) fn rounds(&self) -> usize {
        usize::from(self.rounds.unwrap_or(if self.quick { 1 } else { 4 }))
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.seconds.unwrap_or(if self.quick { 1 } else { 2 })
    }
}
