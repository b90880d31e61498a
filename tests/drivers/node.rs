//! Clients written in Node, from tests/drivers/node/node_modules.

use crate::harness::Driver;
use std::time::Duration;

/// A program of the folder `node`.
fn program(test: &'static str, file: &str) -> Driver {
    Driver::new(test, "node", &format!("node/{file}"))
}

#[test]
fn node_postgres() {
    program("node_postgres", "pg.js").cases(30).run();
}

#[test]
fn postgres_js() {
    program("postgres_js", "postgres.js").cases(25).run();
}

#[test]
fn knex() {
    program("knex", "knex.js").cases(13).run();
}

#[test]
fn kysely() {
    program("kysely", "kysely.js").cases(13).run();
}

#[test]
fn drizzle() {
    // Its kit is a process for each of eight steps.
    program("drizzle", "drizzle.js").cases(14).limit(Duration::from_secs(200)).run();
}

#[test]
fn sequelize() {
    program("sequelize", "sequelize.js").cases(15).run();
}

#[test]
fn typeorm() {
    program("typeorm", "typeorm.js").cases(16).run();
}

#[test]
fn node_pg_migrate() {
    program("node_pg_migrate", "node_pg_migrate.js").cases(5).run();
}

#[test]
fn pg_boss() {
    program("pg_boss", "pg_boss.js").cases(9).run();
}

#[test]
fn graphile_worker() {
    program("graphile_worker", "graphile_worker.js").cases(6).run();
}
