//! An ordinary program on tokio-postgres: DATABASE_URL says where.

mod bulk;
mod catalog;
mod rows;
mod sessions;
mod values;

use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use rust_drivers::{Outcome, conclude, introduce};
use std::error::Error;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, NoTls};

/// One connection, with what the server said unasked.
struct Session {
    client: Client,
    unasked: UnboundedReceiver<AsyncMessage>,
}

impl Session {
    /// Connects with whatever is appended to the URL.
    async fn open(more: &str) -> Result<Self, tokio_postgres::Error> {
        let url = std::env::var("DATABASE_URL").unwrap_or_default() + more;
        let (client, mut connection) = tokio_postgres::connect(&url, NoTls).await?;
        let (sender, unasked) = unbounded_channel();
        tokio::spawn(async move {
            let mut messages = poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                let _ = sender.send(message);
            }
        });
        Ok(Self { client, unasked })
    }
}

/// An error as Postgres tells it, or else as the client does.
fn told(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<tokio_postgres::Error>() {
        Some(error) => error.as_db_error().map_or_else(
            || {
                format!(
                    "in the client: {error}: {}",
                    error.source().map(ToString::to_string).unwrap_or_default()
                )
            },
            |told| format!("{} {}", told.code().code(), told.message()),
        ),
        None => format!("in the program: {error}"),
    }
}

/// The SQLSTATE that a call was expected to fail with.
fn code<T>(result: Result<T, tokio_postgres::Error>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => told(&error),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    introduce("tokio-postgres");
    let mut session = Session::open("").await?;
    let it = &mut session;
    conclude("create", rows::create(it).await, told);
    conclude("crud", rows::crud(it).await, told);
    conclude("rollback", rows::rollback(it).await, told);
    conclude("unique_violation", rows::unique_violation(it).await, told);
    conclude("prepared", rows::prepared(it).await, told);
    conclude("binary", values::binary(it).await, told);
    conclude("null", values::null(it).await, told);
    conclude("arrays", values::arrays(it).await, told);
    conclude("jsonb", values::jsonb(it).await, told);
    conclude("timestamptz", values::timestamptz(it).await, told);
    conclude("numeric", values::numeric(it).await, told);
    conclude("bytea", values::bytea(it).await, told);
    conclude("uuid", values::uuid(it).await, told);
    conclude("types", values::own_types(it).await, told);
    conclude("introspection", catalog::introspection(it).await, told);
    conclude("schemas", catalog::schemas(it).await, told);
    conclude("rows_100000", bulk::rows_100000(it).await, told);
    conclude("parameter_5mb", bulk::parameter_5mb(it).await, told);
    conclude("statement_5mb", bulk::statement_5mb().await, told);
    conclude("pipeline", bulk::pipeline(it).await, told);
    conclude("cursor", bulk::cursor(it).await, told);
    conclude("copy", bulk::copy(it).await, told);
    conclude("large_object", bulk::large_object(it).await, told);
    conclude("savepoint", rows::savepoint(it).await, told);
    conclude("statement_timeout", sessions::statement_timeout(it).await, told);
    conclude("cancel", sessions::cancel(it).await, told);
    conclude("isolation", sessions::isolation(it).await, told);
    conclude("pool", sessions::pool().await, told);
    conclude("notify", sessions::notify(it).await, told);
    conclude("notice", sessions::notice(it).await, told);
    conclude("advisory_lock", sessions::advisory_lock(it).await, told);
    conclude("temp_table", sessions::temp_table(it).await, told);
    conclude("start_up", sessions::start_up().await, told);
    conclude("simple_query", sessions::simple_query(it).await, told);
    Ok(())
}
