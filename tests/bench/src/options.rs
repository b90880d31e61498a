//! The command line.

use crate::groups::Group;
use crate::target::Target;
use clap::Parser;
use std::path::{Path, PathBuf};

/// Puts the gate beside a bare relay, PgBouncer and HAProxy (and others) and says which goals it meets.
///
/// Starts Postgres, the proxies and the gate, all throw-away, and runs groups of work against them. Rounds
/// go over all targets in turn; a figure is the median over rounds, a ratio the median of the ratios within
/// each round, ± half the distance from least to most. CPU time is that of the proxy's process alone. What
/// runs ends with the bench, Ctrl-C included. Markdown goes to standard output, progress to standard error.
#[derive(Debug, Parser)]
#[command(name = "tests/bench/run", bin_name = "tests/bench/run")]
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
    /// Another pooler that leads to the same tables, for `pgbench`, `latency`, `syscalls` and `rows`; may be given
    /// several times. The bench tells where Postgres is and waits up to five minutes for the pooler to let it in.
    /// Without a process id, whoever listens on the port is taken for its process.
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

    /// The folder with plots, as the page that shows them has to name it.
    pub(crate) fn plots_from_page(&self) -> Option<PathBuf> {
        let plots = self.plots.as_ref()?;
        let page = self.document.as_deref().and_then(Path::parent);
        Some(page.and_then(|folder| plots.strip_prefix(folder).ok()).unwrap_or(plots).to_owned())
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.seconds.unwrap_or(if self.quick { 1 } else { 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_page_names_its_plots_from_where_it_is() {
        let from = |arguments: &[&str]| {
            Options::parse_from(std::iter::once(&"bench").chain(arguments)).plots_from_page()
        };
        let page = ["--document", "docs/performance.md", "--plots", "docs/performance"];
        assert_eq!(from(&page), Some(PathBuf::from("performance")));
        assert_eq!(from(&["--plots", "out"]), Some(PathBuf::from("out")));
        assert_eq!(from(&[]), None);
    }
}
