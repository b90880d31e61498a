//! One module per promise.
#![allow(clippy::unwrap_used)]

mod own_rows;
mod unmodified_clients;
