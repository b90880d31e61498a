//! `stuffgate serve`.

use super::Failure;
use super::gate::ConfigPath;
use std::path::PathBuf;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Signals:
  SIGTERM, SIGINT  take no more clients, let transactions end, then stop; a second one stops at once
  SIGHUP           read configuration, certificates and key again

Examples:
  stuffgate serve
  stuffgate -c /etc/stuffgate/stuffgate.toml serve --ready-file /run/stuffgate.json")]
pub(crate) struct Serve {
    /// Write process id and addresses to this file, as JSON, once clients can connect
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Serve {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        Ok(crate::serve::run(config.load()?, self.ready_file.as_deref())?)
    }
}
