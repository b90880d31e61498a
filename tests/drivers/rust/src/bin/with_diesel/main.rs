//! An ordinary program on diesel, with its command beside it: DATABASE_URL says where.

mod bulk;
mod catalog;
mod migrations;
mod rows;
mod schema;
mod sessions;
mod tool;
mod values;

use diesel::result::{DatabaseErrorKind, Error as Failure};
use diesel::{Connection as _, PgConnection, QueryResult};
use rust_drivers::{Outcome, conclude, introduce};
use std::error::Error;

/// A connection of its own.
fn connect() -> Result<PgConnection, diesel::ConnectionError> {
    PgConnection::establish(&std::env::var("DATABASE_URL").unwrap_or_default())
}

/// An error as diesel tells it: it knows kinds, not SQLSTATEs.
fn told(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<Failure>() {
        Some(Failure::DatabaseError(DatabaseErrorKind::Unknown, told)) => {
            format!("unknown: {}", told.message())
        }
        Some(Failure::DatabaseError(kind, told)) => format!("{kind:?}: {}", told.message()),
        Some(error) => format!("{error}"),
        None => format!("in the program: {error}"),
    }
}

/// How a call ended that was expected to fail.
fn ended<T>(result: QueryResult<T>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => told(&error),
    }
}

fn main() -> Outcome {
    introduce("diesel");
    let it = &mut connect()?;
    conclude("setup", tool::setup(), told);
    conclude("migrate", migrations::migrate(it), told);
    conclude("create", rows::create(it), told);
    conclude("crud", rows::crud(it), told);
    conclude("rollback", rows::rollback(it), told);
    conclude("unique_violation", rows::unique_violation(it), told);
    conclude("prepared", rows::prepared(it), told);
    conclude("binary", values::binary(it), told);
    conclude("null", values::null(it), told);
    conclude("arrays", values::arrays(it), told);
    conclude("jsonb", values::jsonb(it), told);
    conclude("timestamptz", values::timestamptz(it), told);
    conclude("numeric", values::numeric(it), told);
    conclude("bytea", values::bytea(it), told);
    conclude("uuid", values::uuid(it), told);
    conclude("types", values::own_types(it), told);
    conclude("introspection", catalog::introspection(it), told);
    conclude("regclass_argument", catalog::regclass_argument(it), told);
    conclude("print_schema", tool::print_schema(), told);
    conclude("diff_schema", tool::diff_schema(), told);
    conclude("rows_100000", bulk::rows_100000(it), told);
    conclude("parameter_5mb", bulk::parameter_5mb(it), told);
    conclude("cursor", bulk::cursor(it), told);
    conclude("copy", bulk::copy(it), told);
    conclude("savepoint", rows::savepoint(it), told);
    conclude("statement_timeout", sessions::statement_timeout(it), told);
    conclude("isolation", sessions::isolation(it), told);
    conclude("pool", sessions::pool(), told);
    conclude("notify", sessions::notify(it), told);
    conclude("advisory_lock", sessions::advisory_lock(it), told);
    conclude("temp_table", sessions::temp_table(it), told);
    conclude("redo", tool::redo(), told);
    Ok(())
}
