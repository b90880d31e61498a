//! A server, or a gate, spoken to in simple queries: what it answers is told as it comes.

use std::io;
use wire::frame::{HEADER_BYTES, Header, Reader, backend, frontend};
use wire::{Fields, Peer, Stream, frame};

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// Its type's number.
    pub(crate) oid: u32,
}

/// One piece of an answer.
#[derive(Debug)]
pub(crate) enum Told<'a> {
    /// Rows with these columns follow.
    Columns(Vec<Column>),
    /// A row, its values as text; `None` is NULL.
    Row(Vec<Option<&'a [u8]>>),
    /// A statement is done: its tag.
    Complete(&'a str),
    /// A notice or warning.
    Notice(Fields),
    /// A parameter has a new value.
    Parameter(&'a str, &'a str),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TalkError {
    /// The server's own words. The connection is still there, unless they were its last.
    #[error("{0}")]
    Refused(Box<Fields>),
    /// The connection is gone.
    #[error("the connection broke: {0}")]
    Broke(#[from] io::Error),
    /// What came is not Postgres's protocol.
    #[error("the answer cannot be read: {0}")]
    Garbled(&'static str),
}

/// Asks a simple query, and tells `on` the answer piece by piece; waits until the server is ready for another.
/// Dropped before the end, it leaves a connection of no use.
///
/// # Errors
/// See [`TalkError`]; `on`'s own is [`TalkError::Broke`], and the rest of the answer is not read then.
pub(crate) async fn query(
    peer: &mut Peer<Stream>,
    sql: &str,
    mut on: impl FnMut(Told<'_>) -> io::Result<()> + Send,
) -> Result<(), TalkError> {
    frame::query(peer.outbox.buffer(), sql);
    peer.send().await?;
    until_ready(peer, &mut on).await
}

/// Runs statements of which no row is wanted.
///
/// # Errors
/// See [`TalkError`].
pub(crate) async fn run(peer: &mut Peer<Stream>, sql: &str) -> Result<(), TalkError> {
    query(peer, sql, |_| Ok(())).await
}

/// The first column of every row, NULL as an empty text.
///
/// # Errors
/// See [`TalkError`].
pub(crate) async fn values(peer: &mut Peer<Stream>, sql: &str) -> Result<Vec<String>, TalkError> {
    let mut values = Vec::new();
    let take = |told: Told<'_>| {
        if let Told::Row(row) = told {
            let first = row.first().copied().flatten().unwrap_or_default();
            values.push(String::from_utf8_lossy(first).into_owned());
        }
        Ok(())
    };
    query(peer, sql, take).await?;
    Ok(values)
}

/// Begins a `COPY … FROM STDIN`. From here on CopyData messages are put into the outbox, up to [`end_copy`].
///
/// # Errors
/// See [`TalkError`].
pub(crate) async fn begin_copy(peer: &mut Peer<Stream>, sql: &str) -> Result<(), TalkError> {
    frame::query(peer.outbox.buffer(), sql);
    peer.send().await?;
    loop {
        let header = next(peer).await?.ok_or(TalkError::Broke(io::ErrorKind::UnexpectedEof.into()))?;
        match header.tag {
            backend::COPY_IN_RESPONSE => {
                peer.inbox.consume(header.total());
                return Ok(());
            }
            backend::ERROR_RESPONSE => {
                until_ready(peer, &mut |_| Ok(())).await?;
                return Err(TalkError::Garbled("a refusal that is none"));
            }
            backend::READY_FOR_QUERY => return Err(TalkError::Garbled("an answer to COPY")),
            _ => peer.inbox.consume(header.total()),
        }
    }
}

/// Ends a COPY, and waits until the server has taken all of it.
///
/// # Errors
/// See [`TalkError`].
pub(crate) async fn end_copy(peer: &mut Peer<Stream>) -> Result<(), TalkError> {
    frame::write(peer.outbox.buffer(), frontend::COPY_DONE, |_| {});
    peer.send().await?;
    until_ready(peer, &mut |_| Ok(())).await
}

async fn until_ready(
    peer: &mut Peer<Stream>,
    on: &mut (dyn FnMut(Told<'_>) -> io::Result<()> + Send),
) -> Result<(), TalkError> {
    let mut refused = None;
    loop {
        let Some(header) = next(peer).await? else {
            return Err(refused.unwrap_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof).into()));
        };
        let body = peer.inbox.unread().get(HEADER_BYTES..header.total()).unwrap_or_default();
        match header.tag {
            backend::READY_FOR_QUERY => {
                peer.inbox.consume(header.total());
                return refused.map_or(Ok(()), Err);
            }
            backend::ERROR_RESPONSE => {
                refused = refused.or_else(|| Some(TalkError::Refused(Box::new(Fields::decode(body)))));
            }
            backend::COPY_IN_RESPONSE => {
                frame::copy_fail(peer.outbox.buffer(), "nothing to copy");
                peer.send().await?;
            }
            tag => {
                if let Some(told) = told(tag, body)? {
                    on(told)?;
                }
            }
        }
        peer.inbox.consume(header.total());
    }
}

/// The next message's header, once all of it is there; `None` at the end of the stream.
async fn next(peer: &mut Peer<Stream>) -> Result<Option<Header>, TalkError> {
    loop {
        let unread = peer.inbox.unread();
        let header = Header::peek(unread).map_err(|_| TalkError::Garbled("a message's length"))?;
        if let Some(header) = header.filter(|header| unread.len() >= header.total()) {
            return Ok(Some(header));
        }
        if peer.fill().await? == 0 {
            return Ok(None);
        }
    }
}

fn told(tag: u8, body: &[u8]) -> Result<Option<Told<'_>>, TalkError> {
    let mut reader = Reader::new(body);
    Ok(Some(match tag {
        backend::ROW_DESCRIPTION => {
            Told::Columns(columns(&mut reader).ok_or(TalkError::Garbled("a row's description"))?)
        }
        backend::DATA_ROW => Told::Row(row(&mut reader).ok_or(TalkError::Garbled("a row"))?),
        backend::COMMAND_COMPLETE => Told::Complete(text(&mut reader)?),
        backend::NOTICE_RESPONSE => Told::Notice(Fields::decode(body)),
        backend::PARAMETER_STATUS => Told::Parameter(text(&mut reader)?, text(&mut reader)?),
        _ => return Ok(None),
    }))
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, TalkError> {
    let bytes = reader.cstr().ok_or(TalkError::Garbled("a text"))?;
    std::str::from_utf8(bytes).map_err(|_| TalkError::Garbled("a text that is no UTF-8"))
}

/// `Int16 count`, then for each `String name · Int32 table · Int16 column · Int32 type · Int16 length · Int32
/// modifier · Int16 format` (PostgreSQL manual, "Message Formats", RowDescription).
fn columns(reader: &mut Reader<'_>) -> Option<Vec<Column>> {
    let count = reader.u16()?;
    (0..count)
        .map(|_| {
            let name = String::from_utf8_lossy(reader.cstr()?).into_owned();
            reader.take(6)?;
            let oid = reader.u32()?;
            reader.take(8)?;
            Some(Column { name, oid })
        })
        .collect()
}

fn row<'a>(reader: &mut Reader<'a>) -> Option<Vec<Option<&'a [u8]>>> {
    let count = reader.u16()?;
    (0..count).map(|_| reader.value()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gate_writes_is_read_back() {
        let mut out = Vec::new();
        frame::row_description(&mut out, &[("whose", 25), ("how many", 20)]);
        let Ok(Some(Told::Columns(columns))) = told(out[0], &out[HEADER_BYTES..]) else { panic!("columns") };
        let column = |name: &str, oid| Column { name: name.to_owned(), oid };
        assert_eq!(columns, [column("whose", 25), column("how many", 20)]);

        out.clear();
        frame::data_row(&mut out, &[Some(b"alice"), None, Some(b"")]);
        let Ok(Some(Told::Row(row))) = told(out[0], &out[HEADER_BYTES..]) else { panic!("a row") };
        assert_eq!(row, [Some(&b"alice"[..]), None, Some(&b""[..])]);
        for end in 0..out.len() - HEADER_BYTES {
            let cut = told(out[0], &out[HEADER_BYTES..HEADER_BYTES + end]);
            assert!(matches!(cut, Err(TalkError::Garbled(_))), "{end}");
        }
    }

    #[test]
    fn a_parameter_has_a_name_and_a_value() {
        let mut out = Vec::new();
        frame::parameter_status(&mut out, "stuffgate.progress", "3/4");
        let read = told(out[0], &out[HEADER_BYTES..]);
        assert!(matches!(read, Ok(Some(Told::Parameter("stuffgate.progress", "3/4")))));
    }
}
