//! What the program logs: to standard error, in the form and down to the level that the configuration says.

use crate::config::{Log, LogFormat};
use anyhow::Context as _;
use std::io::IsTerminal as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

/// The log. There is one in a process.
#[derive(Debug)]
pub(crate) struct Telemetry {
    filter: reload::Handle<EnvFilter, Registry>,
}

impl Telemetry {
    /// Starts logging.
    ///
    /// # Errors
    /// A filter that makes no sense, or a process that logs already.
    pub(crate) fn start(log: &Log) -> anyhow::Result<Self> {
        let (filter, handle) = reload::Layer::new(filter(log)?);
        let lines = fmt::layer().with_writer(std::io::stderr).with_target(true);
        let lines = match log.format {
            LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        tracing_subscriber::registry().with(filter).with(lines).try_init()?;
        Ok(Self { filter: handle })
    }

    /// Logs what `log` says from now on; its format stays what it was at the start.
    ///
    /// # Errors
    /// A filter that makes no sense; the old one then stays in force.
    pub(crate) fn change(&self, log: &Log) -> anyhow::Result<()> {
        Ok(self.filter.reload(filter(log)?)?)
    }
}

fn filter(log: &Log) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(&log.filter).with_context(|| format!("log.filter: {:?} is no filter", log.filter))
}
