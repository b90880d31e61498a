//! The hot path: frames between one client and one leased server until a safe point.
//!
//! [`Relay::run`] reads from both sides, walks 5-byte headers, and writes. What a statement means is
//! not known here: messages that carry text or names are shown to a [`Front`], which says what to
//! send in their place; everything else passes as it came, bodies streamed and never gathered. Rows
//! are shown to it only where it has asked for them.
//! The [`Ledger`] is the pure half: which replies are owed, and whether this is a safe point.
//!
//! Nothing here knows SQL, the directory, logs or metrics, and no message costs an allocation.

mod fault;
mod front;
mod ledger;
mod relay;

pub use fault::{ClientFault, ServerFault};
pub use front::{Desk, Front, Verdict};
pub use ledger::{Ledger, Notes, Reply, Rows, Status, Unexpected};
pub use relay::{Limits, Outcome, Relay};
