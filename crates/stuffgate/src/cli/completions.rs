//! `stuffgate completions`.

use super::{Cli, Failure};
use clap::CommandFactory as _;
use std::io::Write as _;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stuffgate completions bash > ~/.local/share/bash-completion/completions/stuffgate")]
pub(crate) struct Completions {
    /// Shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        // Gathered first: the generator panics where standard output is closed early.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "stuffgate", &mut script);
        Ok(std::io::stdout().write_all(&script)?)
    }
}
