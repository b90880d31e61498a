//! The groups of work, each in a file of its own.

mod cold_leases;
mod connects;
mod cores;
mod fanout;
mod idle_clients;
mod idle_stores;
mod latency;
mod many_stores;
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
    /// Memory of 100,000 registered stores, and how soon the gate is up
    IdleStores,
    /// Load on a few of 10,000 registered stores
    ManyStores,
    /// 10,000 stores touched in turn, with 200 server connections
    ColdLeases,
    /// A service login that binds another user in every transaction
    Rebinding,
    /// Statements that name `public`
    Rewriting,
    /// What a second core brings
    Cores,
    /// Memory of 10,000 idle clients, plain and with TLS
    IdleClients,
    /// One statement over 64, 100 and 1,000 stores; ten million rows
    Fanout,
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
            Self::Cores => "A second core",
            Self::IdleClients => "Idle clients",
            Self::Fanout => "Fan-out",
            Self::IdleStores => "Idle stores",
            Self::ManyStores => "Load on a few of many stores",
            Self::ColdLeases => "Cold leases",
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
            Self::Cores => cores::run(stage.get()?, options),
            Self::IdleClients => idle_clients::run(stage.alone(), options),
            Self::IdleStores => idle_stores::run(stage.get()?, options),
            Self::ManyStores => many_stores::run(stage.get()?, options),
            Self::ColdLeases => cold_leases::run(stage.get()?, options),
            Self::Rebinding => rebinding::run(stage.get()?, options),
            Self::Rewriting => rewriting::run(stage.get()?, options),
            Self::Fanout => {
                stage.end();
                fanout::run(options)
            }
        };
        section.map(|section| Section { title: self.title(), ..section })
    }
}
