//! How a command fails: what it says, and the exit code that scripts can act on.

use crate::config::ConfigError;
use crate::provisioning::ProvisionError;
use std::process::ExitCode;
use store::StoreError;

/// Exit codes, as `stuffgate --help` lists them. 0 is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed: a file, the registry, the key, the configuration.
    Failed = 1,
    /// The command line itself is wrong.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// What is there forbids it.
    Conflict = 4,
    /// A store cannot be reached, or does not let the gate do its work.
    Store = 5,
    /// A query was answered, but not by all stores.
    Partial = 6,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// A wrong command line that the parser alone cannot notice.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// What has been told already.
    pub(crate) fn told(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// The same failure with where it happened in front.
    pub(crate) fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<registry::Error> for Failure {
    fn from(error: registry::Error) -> Self {
        use registry::Error::{Conflict, Exists, NotFound};
        let exit = match error {
            NotFound { .. } => Exit::NotFound,
            Conflict(_) | Exists(_) => Exit::Conflict,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Conflict(_) => Exit::Conflict,
            StoreError::Plan(_) => Exit::Failed,
            _ => Exit::Store,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<ProvisionError> for Failure {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::Registry(error) => error.into(),
            ProvisionError::Store(error) => error.into(),
            ProvisionError::NoAdmin => Self::new(Exit::Conflict, error.to_string()),
            ProvisionError::Address { .. } => Self::new(Exit::Store, error.to_string()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::Failed, format!("{error:#}"))
    }
}
