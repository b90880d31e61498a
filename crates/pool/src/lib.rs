//! Leases on server connections: dial, log in, reset, health and budget.
//!
//! An idle store costs nothing here: a [`Pool`](pools::Pools) appears with its first lease and goes
//! after its last connection. A lease that is dropped closes its connection; only
//! [`Lease::give_back`] makes it reusable, and only at a safe point with nothing unread.
//!
//! Nothing here knows what a statement is or who a session is for.

mod breaker;
mod budget;
mod code;
mod database;
mod dialer;
mod error;
mod handoff;
mod idle;
mod lease;
mod place;
mod pools;
mod prepared;
mod remembered;
mod reported;
mod reset;
mod server;
mod slot;
mod state;

pub use budget::Budgets;
pub use database::{Collation, Database};
pub use dialer::{Credentials, NoCredential};
pub use error::LeaseError;
pub use lease::Lease;
pub use place::{Key, Place};
pub use pools::{PoolReport, Pools, Settings};
pub use prepared::{Prepared, StatementId, StatementName};
pub use reset::ResetError;
pub use server::{CancelInFlight, CancelSlot, Facts, MAX_VALUE_BYTES, ROLE_PARAMETER, Reported, Server};
