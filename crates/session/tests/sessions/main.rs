//! Sessions on real Postgres: a directory in memory, two stores and a home, and a scripted client.

#![allow(clippy::expect_used, clippy::panic)]

mod binding;
mod database;
mod drivers;
mod house;
mod logins;
mod prepared;
mod refusals;
mod settled;
mod shown;
mod state;
mod twin;
mod workers;
