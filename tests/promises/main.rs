//! One module per promise.
#![allow(clippy::panic, clippy::unwrap_used)]

mod bindings;
mod cancels;
mod own_rows;
mod revocations;
mod stores_away;
mod strangers;
mod unmodified_clients;
