//! One module per promise.
#![allow(clippy::panic, clippy::unwrap_used)]

mod bindings;
mod own_rows;
mod unmodified_clients;
