//! What most commands start from: the configuration, and the registry opened with its key.

use super::{Exit, Failure};
use crate::config::Config;
use registry::{KEK_VARIABLE, Kek, Registry};
use std::path::{Path, PathBuf};

/// Which configuration a command is about.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConfigPath {
    /// Configuration file
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "STUFFGATE_CONFIG",
        default_value = "stuffgate.toml",
        global = true
    )]
    pub(crate) config: PathBuf,
}

impl ConfigPath {
    /// Reads the configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.config)?)
    }

    /// Opens the registry that the configuration names.
    ///
    /// # Errors
    /// What is wrong with configuration, key or registry.
    pub(crate) fn registry(&self) -> Result<Registry, Failure> {
        let config = self.load()?;
        Ok(Registry::open(&config.registry, kek(&config)?)?)
    }
}

/// The key that the registry is sealed with: from its file, or from the environment where there is none.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn kek(config: &Config) -> Result<Kek, Failure> {
    if config.kek.exists() {
        return Ok(Kek::from_file(&config.kek)?);
    }
    Kek::from_environment()?.ok_or_else(|| {
        let message =
            format!("there is no key file at {}, and {KEK_VARIABLE} is not set", config.kek.display());
        Failure::new(Exit::Failed, message)
    })
}

/// Runs a command's part that talks to stores.
///
/// # Errors
/// The part's own, or that the system gives no sockets.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// The folder that relative paths on the command line start from.
#[must_use]
pub(crate) fn here() -> &'static Path {
    Path::new("")
}
