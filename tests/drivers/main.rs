//! Ordinary programs of real clients see through the gate what they see on plain Postgres.
//!
//! One test for each client. Its program, in the folder of its language, prints lines `case: what was seen`;
//! the first is `client: NAME VERSION`. It is told by DATABASE_URL and the PG… variables where its database
//! is, and knows nothing of the gate. It is run on plain Postgres, then as two users at once in a schema
//! partition each, and as two more in a database partition each; what it prints must be the same line by
//! line, but for what `differences.rs` lists with a reason. Its row in docs/compatibility.md must say so.
//!
//! A client is added by a test in its language's module:
//!
//! ```ignore
//! #[test]
//! fn node_postgres() {
//!     Driver::new("node_postgres", "node", "node/pg.js").cases(24).run();
//! }
//! ```
//!
//! A program that is built beforehand is `Driver::program("pgx", built("pgx"))`.
//! `cases` is the least number of cases that it must print. `STUFFGATE_WRITE_DOCS=1` writes its row instead
//! of checking it. What was printed is kept under target/tmp/drivers/.
#![allow(clippy::panic, clippy::unwrap_used)]

mod apps;
mod differences;
mod harness;

mod go;
mod java;
mod node;
mod perl;
mod php;
mod postgres_tools;
mod python;
mod ruby;
mod rust;

/// Nobody but the clients that are run has a row in the table.
#[test]
fn every_row_has_its_test() {
    harness::documents::every_row_has_its_test();
}
