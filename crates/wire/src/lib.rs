//! Postgres bytes to types and back, the handshakes, and the stream they travel on.
//!
//! Knows no other crate of this workspace. Nothing here decides who may do what: [`greet`] and
//! [`admit`] say who a client is, [`dial`] logs in to a server, and the rest is bytes.

pub mod admit;
mod certificate;
pub mod dial;
pub mod error;
mod exchange;
pub mod frame;
pub mod greet;
pub mod peer;
pub mod scram;
mod socket;
pub mod sqlstate;
mod startup;
pub mod stream;
pub mod tls;

pub use error::{Fields, Severity};
pub use frame::{FrameError, Header};
pub use peer::{Inbox, Outbox, Peer};
pub use sqlstate::Sqlstate;
pub use stream::Stream;
