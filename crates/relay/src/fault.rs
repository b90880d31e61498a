//! How either side breaks the protocol.

use crate::Unexpected;
use wire::frame::FrameError;

/// How a client broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientFault {
    /// A length that cannot be.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A statement longer than the limit, in bytes.
    #[error("a statement of {0} bytes is longer than this gate allows")]
    TooLong(usize),
    /// A message type that clients do not have.
    #[error("invalid frontend message type {0}")]
    UnknownTag(u8),
    /// A body that does not read as what its tag says.
    #[error("malformed message: {0}")]
    Malformed(&'static str),
}

/// How a store broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerFault {
    /// A message that nothing asked for.
    #[error(transparent)]
    Unexpected(#[from] Unexpected),
    /// A length that cannot be.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A message that must be read and does not read as what its tag says.
    #[error("the store sent a message {0:?} that cannot be read")]
    Malformed(char),
    /// A message that must be read whole and is too long for that.
    #[error("the store sent message {tag:?} of {bytes} bytes")]
    TooLong {
        /// The message type.
        tag: char,
        /// Its whole length.
        bytes: usize,
    },
}
