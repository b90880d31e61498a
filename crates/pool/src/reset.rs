//! The verified reset: a connection is reused only if the server confirmed that nothing is left.

use crate::Server;
use std::time::Duration;
use wire::frame::{HEADER_BYTES, Header, Reader, backend};
use wire::{Fields, FrameError};

/// What brings a connection back to its start-up state (PostgreSQL manual, "DISCARD"). `RESET ALL`
/// leaves the role alone, so it is named. Prepared statements go too.
const RESET: &str = "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; \
     SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES; DEALLOCATE ALL";

/// Longest answer to a query of the gate's own, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why a query of the gate's own was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The store answered with an error.
    #[error("{}", .0.message)]
    Refused(Box<Fields>),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    /// The store closed the connection.
    #[error("the store closed the connection")]
    Closed,
    /// The store did not answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The store sent what does not belong there.
    #[error("the store broke the protocol")]
    Protocol,
    /// A length that cannot be.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Ends whatever transaction there is and clears session state.
pub(crate) async fn reset(server: &mut Server, limit: Duration) -> Result<(), ResetError> {
    run(server, "ROLLBACK", limit).await?;
    run(server, RESET, limit).await?;
    server.facts.prepared.clear();
    server.facts.unnamed = None;
    server.facts.applied = 0;
    Ok(())
}

/// Runs `sql` as [`ask`] does, for its effect.
pub(crate) async fn run(server: &mut Server, sql: &str, limit: Duration) -> Result<(), ResetError> {
    ask(server, sql, limit).await.map(drop)
}

/// Runs `sql` as one simple query; every answer up to ReadyForQuery is read, and the connection must
/// then be idle with nothing unread. The first column of the first row, if there is one.
pub(crate) async fn ask(
    server: &mut Server,
    sql: &str,
    limit: Duration,
) -> Result<Option<String>, ResetError> {
    server.asking = true; // and stays so if this fails or is dropped
    match tokio::time::timeout(limit, exchange(server, sql)).await {
        Ok(Ok(value)) => {
            server.asking = false;
            Ok(value)
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(ResetError::TimedOut(limit)),
    }
}

async fn exchange(server: &mut Server, sql: &str) -> Result<Option<String>, ResetError> {
    server.facts.unnamed = None; // a simple query drops the unnamed statement
    wire::frame::query(server.peer.outbox.buffer(), sql);
    server.peer.send().await?;
    let (mut refused, mut value) = (None, None);
    loop {
        let Some(header) = Header::peek(server.peer.inbox.unread())? else {
            fill(server).await?;
            continue;
        };
        let total = header.total();
        if total > MAX_ANSWER_BYTES {
            return Err(ResetError::Protocol);
        }
        let Some(message) = server.peer.inbox.unread().get(..total) else {
            fill(server).await?;
            continue;
        };
        let body = message.get(HEADER_BYTES..).unwrap_or_default().to_vec();
        server.peer.inbox.consume(total);
        match header.tag {
            backend::READY_FOR_QUERY if body == *b"I" => break,
            backend::ERROR_RESPONSE => refused = refused.or_else(|| Some(Box::new(Fields::decode(&body)))),
            backend::PARAMETER_STATUS => note_parameter(server, &body),
            backend::DATA_ROW => value = value.or_else(|| first_column(&body)),
            backend::COMMAND_COMPLETE
            | backend::ROW_DESCRIPTION
            | backend::NOTICE_RESPONSE
            | backend::NOTIFICATION_RESPONSE
            | backend::EMPTY_QUERY_RESPONSE => {}
            _ => return Err(ResetError::Protocol),
        }
    }
    match refused {
        Some(fields) => Err(ResetError::Refused(fields)),
        None if server.peer.inbox.is_empty() => Ok(value),
        None => Err(ResetError::Protocol),
    }
}

async fn fill(server: &mut Server) -> Result<(), ResetError> {
    if server.peer.fill().await? == 0 {
        return Err(ResetError::Closed);
    }
    Ok(())
}

fn first_column(row: &[u8]) -> Option<String> {
    let mut row = Reader::new(row);
    let _columns = row.u16()?;
    row.value()?.map(|value| String::from_utf8_lossy(value).into_owned())
}

fn note_parameter(server: &mut Server, body: &[u8]) {
    if let Some((name, rest)) = wire::frame::cstr(body)
        && let Some((value, _)) = wire::frame::cstr(rest)
    {
        server.facts.note_parameter(&String::from_utf8_lossy(name), &String::from_utf8_lossy(value));
    }
}
