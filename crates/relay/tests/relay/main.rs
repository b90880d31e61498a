//! What the relay promises, tried against a model of Postgres, scripts, and hostile peers.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so and ends")]

mod conversation;
mod faults;
mod front;
mod pipe;
mod postgres;
mod rows;
mod stage;
mod transparent;
mod volume;
