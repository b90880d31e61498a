//! The stuffgate binary.

mod cli;
mod config;
mod demo;
mod provisioning;
#[cfg(test)]
mod reconcile;
mod serve;

fn main() -> std::process::ExitCode {
    cli::run()
}
