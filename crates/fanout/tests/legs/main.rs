//! What legs promise, against real stores and against hostile ones: every outcome by a real fault.
#![allow(clippy::expect_used, clippy::panic, reason = "test code")]

mod answers;
mod bounds;
mod cancels;
mod hostile;
mod likeness;
mod outcomes;
mod scopes;
mod world;
