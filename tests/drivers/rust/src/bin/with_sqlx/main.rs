//! An ordinary program on sqlx: DATABASE_URL says where.

mod bulk;
mod catalog;
mod migrations;
mod rows;
mod sessions;
mod values;

use rust_drivers::{Outcome, conclude, introduce};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Error as Failure, PgPool};
use std::error::Error;
use std::time::Duration;

/// How many connections the program's pool has.
const CONNECTIONS: u32 = 10;

/// A pool of its own for whoever wants one.
async fn pool() -> Result<PgPool, Failure> {
    let options = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(20));
    options.connect(&std::env::var("DATABASE_URL").unwrap_or_default()).await
}

/// An error as Postgres tells it, or else as the client does.
fn told(error: &(dyn Error + 'static)) -> String {
    if let Some(Failure::Database(told)) = error.downcast_ref::<Failure>() {
        return format!("{} {}", told.code().unwrap_or_default(), told.message());
    }
    format!("in the client: {error}")
}

/// How a call ended that was expected to fail.
fn code<T>(result: Result<T, Failure>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => told(&error),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    introduce("sqlx");
    let it = pool().await?;
    conclude("migrate", migrations::migrate(&it).await, told);
    conclude("create", rows::create(&it).await, told);
    conclude("crud", rows::crud(&it).await, told);
    conclude("rollback", rows::rollback(&it).await, told);
    conclude("unique_violation", rows::unique_violation(&it).await, told);
    conclude("prepared", rows::prepared(&it).await, told);
    conclude("query_builder", rows::query_builder(&it).await, told);
    conclude("binary", values::binary(&it).await, told);
    conclude("null", values::null(&it).await, told);
    conclude("arrays", values::arrays(&it).await, told);
    conclude("jsonb", values::jsonb(&it).await, told);
    conclude("timestamptz", values::timestamptz(&it).await, told);
    conclude("numeric", values::numeric(&it).await, told);
    conclude("bytea", values::bytea(&it).await, told);
    conclude("uuid", values::uuid(&it).await, told);
    conclude("types", catalog::own_types(&it).await, told);
    conclude("describe", catalog::describe(&it).await, told);
    conclude("introspection", catalog::introspection(&it).await, told);
    conclude("rows_100000", bulk::rows_100000(&it).await, told);
    conclude("parameter_5mb", bulk::parameter_5mb(&it).await, told);
    conclude("cursor", bulk::cursor(&it).await, told);
    conclude("copy", bulk::copy(&it).await, told);
    conclude("savepoint", sessions::savepoint(&it).await, told);
    conclude("statement_timeout", sessions::statement_timeout(&it).await, told);
    conclude("cancel", sessions::given_up(&it).await, told);
    conclude("cancel_backend", sessions::cancel_backend(&it).await, told);
    conclude("pool", sessions::many(&it).await, told);
    conclude("notify", sessions::notify(&it).await, told);
    conclude("advisory_lock", sessions::advisory_lock(&it).await, told);
    conclude("temp_table", sessions::temp_table(&it).await, told);
    conclude("start_up", sessions::start_up().await, told);
    it.close().await;
    Ok(())
}
