//! The road of one statement, from its text to its rows, over a real home and real stores.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so and ends")]

mod answers;
mod bed;
mod changes;
mod ends;
mod poison;
mod streams;
mod tiers;
