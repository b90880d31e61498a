//! Legs: which stores are asked, how each is asked in one round trip, and what came of it.
//!
//! [`Stores`] knows who is asked ([`Stores::scope`]) and asks: [`Legs`] keeps each leg's rows until it is done,
//! [`Arrivals`] and [`Heads`] pass them on as they come. Nothing here knows home or the client; whatever a store
//! sends is taken for hostile until it is proved to be what was asked for.

mod budget;
mod check;
mod crowd;
mod hear;
mod leg;
mod likeness;
mod listen;
mod meant;
mod outcome;
mod request;
mod rows;
mod run;
mod scope;
mod stores;
mod validate;

pub(crate) use budget::Held;
pub use check::{Check, database_sql};
pub use likeness::{Expected, Found, FoundColumn};
pub(crate) use outcome::{Fault, NO_WORDS};
pub use request::{PINNED, Statement};
pub use rows::Rows;
pub use run::{Arrival, Arrivals, Finished, Heads, Legs, TooMany};
pub use scope::{InScope, Scope};
pub use stores::Stores;
