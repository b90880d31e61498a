//! The stuffgate binary.

mod cli;
mod config;
mod demo;
mod provisioning;
mod serve;

fn main() -> std::process::ExitCode {
    cli::run()
}
