//! One module per promise.
#![allow(clippy::panic, clippy::unwrap_used)]

mod alike;
mod bindings;
mod cancels;
mod coverage;
mod endings;
mod escapes;
mod extensions;
mod farewells;
mod hostile_stores;
mod idle_clients;
mod leaks;
mod lies;
mod long_statements;
mod many_users;
mod materialized;
mod own_rows;
mod privacy;
mod queries;
mod revocations;
mod sessions_alone;
mod stores_away;
mod strangers;
mod tls;
mod volume;
