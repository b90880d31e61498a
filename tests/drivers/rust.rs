//! Clients written in Rust, built by tests/setup into target/drivers/rust.

use crate::harness::Driver;
use std::path::{Path, PathBuf};

/// A program of tests/drivers/rust, which is a workspace of its own.
fn built(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/drivers/rust").join(program)
}

fn driver(test: &'static str, program: &str) -> Driver {
    Driver::new(test, built("debug").join(program), "rust").arguments([] as [&str; 0])
}

#[test]
fn tokio_postgres() {
    driver("tokio_postgres", "with_tokio_postgres").cases(35).run();
}

#[test]
fn sqlx() {
    driver("sqlx", "with_sqlx").cases(32).run();
}

#[test]
fn diesel() {
    driver("diesel", "with_diesel").cases(33).run();
}
