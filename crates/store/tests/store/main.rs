//! What the gate does inside a store, shown on real Postgres of every major in `STUFFGATE_PG_MAJORS`
//! (such as `15,16,17,18`; 15 without it). A major that is missing fails the test that asks for it;
//! `tests/fetch-postgres` brings it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adoption;
mod bed;
mod conflicts;
mod connecting;
mod databases;
mod extensions;
mod grants;
mod interruptions;
mod printing;
mod probing;
mod revocations;
