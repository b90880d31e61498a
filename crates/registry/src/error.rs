//! What can go wrong with the registry, by what the caller does about it.

use std::path::PathBuf;

/// The result of every operation on the registry.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the registry did not do what was asked. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No row of that name: the caller named something that does not exist.
    #[error("no {what} named {name:?}; `stuffgate {list}` lists them")]
    NotFound {
        /// The noun.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// The command that lists what there is.
        list: &'static str,
    },
    /// The registry is in a state that forbids this; the text says what to do first.
    #[error("{0}")]
    Conflict(String),
    /// What was given cannot be kept as it is; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// The key-encryption key cannot be had or is not fit for use.
    #[error("{0}")]
    Key(String),
    /// The key given is not the one that this registry's secrets are sealed with.
    #[error(
        "the key has id {given}, but this registry is sealed with key {needed}: give the key file that was made with it"
    )]
    WrongKey {
        /// Id of the key that was given.
        given: String,
        /// Id of the key that the registry was sealed with.
        needed: String,
    },
    /// A sealed secret did not open: another key, another owner, or a damaged text.
    #[error("the sealed {0} cannot be opened: it was sealed for something else or has been altered")]
    Unsealable(&'static str),
    /// No registry file there.
    #[error("no registry at {}: `stuffgate init` makes one", .0.display())]
    Missing(PathBuf),
    /// There is a file already where a registry was to be made.
    #[error("{} exists already; nothing was changed", .0.display())]
    Exists(PathBuf),
    /// The file is not a registry this program can read.
    #[error("{} cannot be used as a registry: {}", .path.display(), .why)]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another process held the registry for longer than [`crate::Registry`] waits; try again.
    #[error("the registry is locked by another process; try again")]
    Busy,
    /// The registry file or its disk failed.
    #[error("the registry failed: {0}")]
    Sqlite(rusqlite::Error),
    /// A file operation failed.
    #[error("{}: {}", .path.display(), .source)]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The operating system would not start a thread or give random bytes.
    #[error("the operating system refused {0}")]
    System(&'static str),
}

impl Error {
    pub(crate) fn not_found(what: &'static str, name: &impl ToString, list: &'static str) -> Self {
        Self::NotFound { what, name: name.to_string(), list }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Busy,
            _ => Self::Sqlite(error),
        }
    }
}
