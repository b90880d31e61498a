//! Clients written in Python, from tests/.venv.

use crate::harness::Driver;
use std::path::{Path, PathBuf};

fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python")
}

#[test]
fn psycopg_3() {
    Driver::new("psycopg_3", python(), "python/psycopg_3.py").cases(36).run();
}

#[test]
fn psycopg_2() {
    Driver::new("psycopg_2", python(), "python/psycopg_2.py").cases(32).run();
}

#[test]
fn asyncpg() {
    Driver::new("asyncpg", python(), "python/asyncpg_.py").cases(29).run();
}

#[test]
fn sqlalchemy() {
    Driver::new("sqlalchemy", python(), "python/sqlalchemy_.py").cases(21).run();
}

#[test]
fn alembic() {
    Driver::new("alembic", python(), "python/alembic_.py").cases(13).run();
}

#[test]
fn django() {
    Driver::new("django", python(), "python/django_.py").cases(24).run();
}

#[test]
fn pg8000() {
    Driver::new("pg8000", python(), "python/pg8000_.py").cases(17).run();
}

#[test]
fn peewee() {
    Driver::new("peewee", python(), "python/peewee_.py").cases(14).run();
}

#[test]
fn procrastinate() {
    Driver::new("procrastinate", python(), "python/procrastinate_.py").cases(8).run();
}
