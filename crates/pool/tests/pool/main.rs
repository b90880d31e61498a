//! What pools promise, tried on real Postgres where a server's own behaviour matters, and on scripted
//! stores where a misbehaving or a cheap one is needed.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so and ends")]

mod cancels;
mod drops;
mod failing;
mod limits;
mod many;
mod resets;
mod reuse;
mod world;
