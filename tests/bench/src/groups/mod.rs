//! The groups of work, each in a file of its own.

mod connects;
mod idle_clients;
mod latency;
mod pgbench;
mod rebinding;
mod rewriting;
mod rows;
mod syscalls;
mod tls;

use crate::options::Options;
use crate::report::Section;
use crate::stage::SharedStage;
use anyhow::Result;
use clap::ValueEnum;

/// One of them, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Select-only pgbench: throughput and CPU time, by clients and protocol
    Pgbench,
    /// What a round trip takes longer than without a proxy, at one client
    Latency,
    /// System calls per transaction
    Syscalls,
    /// Prepared statements with TLS to the client
    Tls,
    /// New connections, by SCRAM
    Connects,
    /// COPY of a million rows, SELECT of 100,000
    Rows,
    /// Memory of 10,000 idle clients, plain and with TLS
    IdleClients,
    /// A service login that binds another user in every transaction
    Rebinding,
    /// Statements that name `public`
    Rewriting,
}

impl Group {
    /// Heading of its section.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Pgbench => "Select-only pgbench",
            Self::Latency => "Latency at one client",
            Self::Syscalls => "System calls",
            Self::Tls => "TLS to the client",
            Self::Connects => "New connections",
            Self::Rows => "Many rows",
            Self::IdleClients => "Idle clients",
            Self::Rebinding => "Another user in every transaction",
            Self::Rewriting => "Statements that are rewritten",
        }
    }

    /// Runs it, on the stage that is there or on one of its own.
    pub(crate) fn run(self, stage: &mut SharedStage, options: &Options) -> Result<Section> {
        let section = match self {
            Self::Pgbench => pgbench::run(stage.get()?, options),
            Self::Latency => latency::run(stage.get()?, options),
            Self::Syscalls => syscalls::run(stage.get()?, options),
            Self::Tls => tls::run(stage.get()?, options),
            Self::Connects => connects::run(stage.get()?, options),
            Self::Rows => rows::run(stage.get()?, options),
            Self::IdleClients => idle_clients::run(stage.alone(), options),
            Self::Rebinding => rebinding::run(stage.get()?, options),
            Self::Rewriting => rewriting::run(stage.get()?, options),
        };
        section.map(|section| Section { title: self.title(), ..section })
    }
}
