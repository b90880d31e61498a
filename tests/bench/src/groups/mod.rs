//! The groups of work, each in a file of its own.

mod pgbench;

use crate::options::Options;
use crate::report::Section;
use crate::stage::Stage;
use anyhow::Result;
use clap::ValueEnum;

/// One of them, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Select-only pgbench: throughput and CPU time, by clients and protocol.
    Pgbench,
}

impl Group {
    /// Whether it runs against the stage that most groups share.
    pub(crate) fn on_stage(self) -> bool {
        match self {
            Self::Pgbench => true,
        }
    }

    /// Heading of its section.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Pgbench => "Select-only pgbench",
        }
    }

    /// Runs it on the stage.
    pub(crate) fn run_on(self, stage: &Stage, options: &Options) -> Result<Section> {
        match self {
            Self::Pgbench => pgbench::run(stage, options),
        }
    }
}
