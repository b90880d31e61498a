//! Postgres's own programs: psql, pgbench, pg_dump with pg_restore, and the home's postgres_fdw.

use crate::harness::Driver;

/// A shell script that runs one of them, as the system has it.
fn script(test: &'static str, file: &str) -> Driver {
    Driver::new(test, "bash", file).of_the_system().without_extensions()
}

#[test]
fn psql() {
    script("psql", "psql/psql.sh").cases(27).run();
}

#[test]
fn pgbench() {
    script("pgbench", "pgbench/pgbench.sh").cases(21).run();
}

#[test]
fn pg_dump() {
    script("pg_dump", "pg_dump/pg_dump.sh").in_pairs().cases(14).run();
}

#[test]
fn postgres_fdw() {
    const EXTENSION: &str = "CREATE EXTENSION postgres_fdw;\n\
                             GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO home";
    script("postgres_fdw", "fdw/fdw.sh").in_pairs().with_home(EXTENSION).cases(11).run();
}
