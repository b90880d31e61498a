//! The stuffgate binary.

mod cli;
mod config;
mod demo;
mod provisioning;
mod reconcile;
mod serve;
mod telemetry;

fn main() -> std::process::ExitCode {
    cli::run()
}
