//! Writers of the messages a client sends, for what the gate asks a store itself.

use super::{frontend, put_count, put_cstr, put_value, write};

/// What Describe and Close name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A prepared statement, `S`.
    Statement,
    /// A portal, `P`.
    Portal,
}

impl Kind {
    /// The byte on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Statement => b'S',
            Self::Portal => b'P',
        }
    }
}

/// Query: one simple-protocol message.
pub fn query(out: &mut Vec<u8>, sql: impl AsRef<[u8]>) {
    write(out, frontend::QUERY, |body| put_cstr(body, sql));
}

/// Parse; `oids` are the parameter types the client gives, 0 for "work it out".
pub fn parse(out: &mut Vec<u8>, name: impl AsRef<[u8]>, sql: impl AsRef<[u8]>, oids: &[u32]) {
    write(out, frontend::PARSE, |body| {
        put_cstr(body, name);
        put_cstr(body, sql);
        let count = put_count(body, oids.len());
        for oid in oids.iter().take(count) {
            body.extend_from_slice(&oid.to_be_bytes());
        }
    });
}

/// Bind; `formats` and `results` are format codes: none (all text), one (for all) or one each.
pub fn bind(
    out: &mut Vec<u8>,
    portal: impl AsRef<[u8]>,
    statement: impl AsRef<[u8]>,
    formats: &[i16],
    values: &[Option<&[u8]>],
    results: &[i16],
) {
    write(out, frontend::BIND, |body| {
        put_cstr(body, portal);
        put_cstr(body, statement);
        put_codes(body, formats);
        let count = put_count(body, values.len());
        for value in values.iter().take(count) {
            put_value(body, *value);
        }
        put_codes(body, results);
    });
}

/// Describe.
pub fn describe(out: &mut Vec<u8>, kind: Kind, name: impl AsRef<[u8]>) {
    named(out, frontend::DESCRIBE, kind, name.as_ref());
}

/// Close of a statement or portal.
pub fn close(out: &mut Vec<u8>, kind: Kind, name: impl AsRef<[u8]>) {
    named(out, frontend::CLOSE, kind, name.as_ref());
}

/// Execute; `max_rows` 0 means all.
pub fn execute(out: &mut Vec<u8>, portal: impl AsRef<[u8]>, max_rows: u32) {
    write(out, frontend::EXECUTE, |body| {
        put_cstr(body, portal);
        body.extend_from_slice(&max_rows.to_be_bytes());
    });
}

/// Sync.
#[inline]
pub fn sync(out: &mut Vec<u8>) {
    out.extend_from_slice(&[frontend::SYNC, 0, 0, 0, 4]);
}

/// Flush.
#[inline]
pub fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(&[frontend::FLUSH, 0, 0, 0, 4]);
}

/// Terminate.
#[inline]
pub fn terminate(out: &mut Vec<u8>) {
    out.extend_from_slice(&[frontend::TERMINATE, 0, 0, 0, 4]);
}

/// CopyFail with the reason.
pub fn copy_fail(out: &mut Vec<u8>, reason: &str) {
    write(out, frontend::COPY_FAIL, |body| put_cstr(body, reason));
}

fn named(out: &mut Vec<u8>, tag: u8, kind: Kind, name: &[u8]) {
    write(out, tag, |body| {
        body.push(kind.code());
        put_cstr(body, name);
    });
}

fn put_codes(body: &mut Vec<u8>, codes: &[i16]) {
    let count = put_count(body, codes.len());
    for code in codes.iter().take(count) {
        body.extend_from_slice(&code.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use pgwire::messages::{DecodeContext, PgWireFrontendMessage, ProtocolVersion};

    #[test]
    fn an_independent_decoder_reads_what_is_written() {
        type Writer = fn(&mut Vec<u8>);
        let table: [(Writer, &str); 12] = [
            (|out| query(out, "select 1"), "select 1"),
            (|out| parse(out, "s1", "select $1", &[25]), "[25]"),
            (|out| bind(out, "", "s1", &[1], &[Some(b"x"), None], &[0]), "s1"),
            (|out| describe(out, Kind::Portal, "p"), "target_type: 80"),
            (|out| describe(out, Kind::Statement, "s"), "target_type: 83"),
            (|out| close(out, Kind::Statement, "s"), "Close"),
            (|out| execute(out, "p", 10), "max_rows: 10"),
            (sync, "Sync"),
            (flush, "Flush"),
            (terminate, "Terminate"),
            (|out| copy_fail(out, "no"), "CopyFail"),
            (|out| query(out, "a\0b"), "\"a\""),
        ];
        for (write, wanted) in table {
            let mut out = Vec::new();
            write(&mut out);
            let mut context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
            context.awaiting_frontend_ssl = false;
            context.awaiting_frontend_startup = false;
            let mut bytes = BytesMut::from(&out[..]);
            let message =
                PgWireFrontendMessage::decode(&mut bytes, &context).expect("decodes").expect("whole");
            let text = format!("{message:?}");
            assert!(text.contains(wanted), "{text} lacks {wanted}");
            assert!(bytes.is_empty());
        }
    }
}
