//! The stuffgate binary.

mod cli;
mod config;
mod demo;
mod materialize;
mod provisioning;
mod reconcile;
mod serve;
mod talk;
mod telemetry;

/// Takes a sixth less than the system's for an idle client: docs/decisions/memory-of-an-idle-client.md.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
