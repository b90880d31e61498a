//! What can go wrong, by what the caller may do about it.

use std::path::PathBuf;

/// Why a scratch server is not there. Messages carry no passwords.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing to run; install it or point at it.
    #[error(
        "no Postgres server binaries found ({looked}): install the package `postgresql`, or name their folder in STUFFGATE_PG_BIN"
    )]
    NotInstalled {
        /// Where was looked.
        looked: String,
    },
    /// A program of Postgres's ended badly; what it said is enclosed.
    #[error("{program} failed:\n{said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What it wrote, or the end of the server's log.
        said: String,
    },
    /// A file or a process could not be handled.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: keeps what was tried and where beside the system's own words.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
