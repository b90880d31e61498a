//! Arguments of `stuffgate demo`.

use std::path::PathBuf;

/// Arguments of `demo`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  stuffgate demo                           three stores, a service `todo`, a gate; Ctrl-C removes all
  stuffgate demo --stores 50 --json demo.json")]
pub(crate) struct DemoArgs {
    /// How many users with a store each
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) stores: usize,
    /// Where clients connect, on 127.0.0.1; a free port if not given
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Leave folders and data behind at the end
    #[arg(long)]
    pub(crate) keep: bool,
    /// Write URLs with their secrets to this file (mode 0600) once all is ready
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
