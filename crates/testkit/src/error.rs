//! Why a scripted conversation did not go as scripted.

use std::time::Duration;

/// Tests mostly unwrap this; its text is for the person who reads the failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing came in time.
    #[error("nothing came within {0:?}")]
    Late(Duration),
    /// The other side is gone.
    #[error("the connection was closed")]
    Closed,
    /// The other side sent something else than the script expects.
    #[error("unexpected: {0}")]
    Unexpected(String),
    /// The socket failed.
    #[error("socket: {0}")]
    Socket(#[from] std::io::Error),
    /// The gate, or a command of its program, failed; what it said is enclosed.
    #[error("{command} ended with {code:?}:\n{said}")]
    Program {
        /// The command.
        command: String,
        /// Its exit code; `None` when a signal ended it or it still runs.
        code: Option<i32>,
        /// What it wrote.
        said: String,
    },
    /// A scratch folder could not be made.
    #[error(transparent)]
    Scratch(#[from] scratch::Error),
    /// A certificate or key could not be made or used.
    #[error("certificate: {0}")]
    Certificate(String),
}
