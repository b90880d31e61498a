//! Writers of the messages a server sends, for what the gate answers itself.

use super::{authentication, backend, put_count, put_cstr, put_value, write};

/// Type oid of `text`.
pub const TEXT_OID: u32 = 25;

/// Bytes of type `oid`, or -1 where the type has no fixed length (`pg_type.typlen`).
const VARIABLE_LENGTH: i16 = -1;

/// `pg_attribute.atttypmod` of a column whose type has no modifier.
pub const NO_MODIFIER: i32 = -1;

/// How a value travels (PostgreSQL manual, "Formats and Format Codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text, code 0.
    Text,
    /// Binary, code 1.
    Binary,
}

impl Format {
    /// The code on the wire.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}

/// ReadyForQuery; `status` is `b'I'` (idle), `b'T'` (in a transaction) or `b'E'` (in a failed one).
#[inline]
pub fn ready_for_query(out: &mut Vec<u8>, status: u8) {
    out.extend_from_slice(&[backend::READY_FOR_QUERY, 0, 0, 0, 5, status]);
}

/// CommandComplete with its tag, such as `SET` or `SELECT 1`.
pub fn command_complete(out: &mut Vec<u8>, tag: &str) {
    write(out, backend::COMMAND_COMPLETE, |body| put_cstr(body, tag));
}

/// ParseComplete.
#[inline]
pub fn parse_complete(out: &mut Vec<u8>) {
    empty(out, backend::PARSE_COMPLETE);
}

/// BindComplete.
#[inline]
pub fn bind_complete(out: &mut Vec<u8>) {
    empty(out, backend::BIND_COMPLETE);
}

/// CloseComplete.
#[inline]
pub fn close_complete(out: &mut Vec<u8>) {
    empty(out, backend::CLOSE_COMPLETE);
}

/// NoData: the described statement or portal returns no rows.
#[inline]
pub fn no_data(out: &mut Vec<u8>) {
    empty(out, backend::NO_DATA);
}

/// EmptyQueryResponse.
#[inline]
pub fn empty_query(out: &mut Vec<u8>) {
    empty(out, backend::EMPTY_QUERY_RESPONSE);
}

/// PortalSuspended.
#[inline]
pub fn portal_suspended(out: &mut Vec<u8>) {
    empty(out, backend::PORTAL_SUSPENDED);
}

/// ParameterDescription with the type oids of a statement's parameters.
pub fn parameter_description(out: &mut Vec<u8>, oids: &[u32]) {
    write(out, backend::PARAMETER_DESCRIPTION, |body| {
        let count = put_count(body, oids.len());
        for oid in oids.iter().take(count) {
            body.extend_from_slice(&oid.to_be_bytes());
        }
    });
}

/// RowDescription of computed columns in text format, each a name and a type oid.
pub fn row_description(out: &mut Vec<u8>, columns: &[(&str, u32)]) {
    row_description_in(out, columns, Format::Text);
}

/// RowDescription of computed columns that travel in `format`.
pub fn row_description_in(out: &mut Vec<u8>, columns: &[(&str, u32)], format: Format) {
    let columns: Vec<Column<'_>> = columns
        .iter()
        .map(|(name, oid)| Column {
            name,
            oid: *oid,
            length: type_length(*oid),
            modifier: NO_MODIFIER,
            format: format.code(),
        })
        .collect();
    row_description_of(out, &columns);
}

/// A computed column in a RowDescription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    /// Name.
    pub name: &'a str,
    /// Type.
    pub oid: u32,
    /// `pg_type.typlen`
    pub length: i16,
    /// `pg_attribute.atttypmod`, [`NO_MODIFIER`] for none.
    pub modifier: i32,
    /// Format code.
    pub format: i16,
}

/// RowDescription of computed columns, everything about them given.
pub fn row_description_of(out: &mut Vec<u8>, columns: &[Column<'_>]) {
    write(out, backend::ROW_DESCRIPTION, |body| {
        let count = put_count(body, columns.len());
        for column in columns.iter().take(count) {
            put_cstr(body, column.name);
            body.extend_from_slice(&[0; 6]); // neither a table's oid nor a column's number
            body.extend_from_slice(&column.oid.to_be_bytes());
            body.extend_from_slice(&column.length.to_be_bytes());
            body.extend_from_slice(&column.modifier.to_be_bytes());
            body.extend_from_slice(&column.format.to_be_bytes());
        }
    });
}

/// DataRow; `None` is NULL.
pub fn data_row(out: &mut Vec<u8>, values: &[Option<&[u8]>]) {
    write(out, backend::DATA_ROW, |body| {
        let count = put_count(body, values.len());
        for value in values.iter().take(count) {
            put_value(body, *value);
        }
    });
}

/// ParameterStatus.
pub fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str) {
    write(out, backend::PARAMETER_STATUS, |body| {
        put_cstr(body, name);
        put_cstr(body, value);
    });
}

/// BackendKeyData: what the client sends back to cancel. `secret` has 4 bytes in protocol 3.0 and up to
/// 256 in 3.2.
pub fn backend_key_data(out: &mut Vec<u8>, process: u32, secret: &[u8]) {
    write(out, backend::BACKEND_KEY_DATA, |body| {
        body.extend_from_slice(&process.to_be_bytes());
        body.extend_from_slice(secret);
    });
}

/// AuthenticationOk: the session is authenticated *and* allowed.
pub fn authentication_ok(out: &mut Vec<u8>) {
    write(out, backend::AUTHENTICATION, |body| body.extend_from_slice(&authentication::OK.to_be_bytes()));
}

/// AuthenticationSASL: the mechanisms that the client may choose from, the preferred one first.
pub(crate) fn authentication_sasl(out: &mut Vec<u8>, mechanisms: &[&str]) {
    write(out, backend::AUTHENTICATION, |body| {
        body.extend_from_slice(&authentication::SASL.to_be_bytes());
        for mechanism in mechanisms {
            put_cstr(body, mechanism);
        }
        body.push(0);
    });
}

/// AuthenticationSASLContinue with the server's first message.
pub(crate) fn authentication_sasl_continue(out: &mut Vec<u8>, message: &str) {
    authentication_with(out, authentication::SASL_CONTINUE, message);
}

/// AuthenticationSASLFinal with the server's proof.
pub(crate) fn authentication_sasl_final(out: &mut Vec<u8>, message: &str) {
    authentication_with(out, authentication::SASL_FINAL, message);
}

fn authentication_with(out: &mut Vec<u8>, code: u32, data: &str) {
    write(out, backend::AUTHENTICATION, |body| {
        body.extend_from_slice(&code.to_be_bytes());
        body.extend_from_slice(data.as_bytes());
    });
}

/// NegotiateProtocolVersion: the newest 3.x the gate speaks with this client, and the protocol options
/// it does not know. Postgres sends the whole version number (major in the upper half), and that is what
/// libpq reads.
pub fn negotiate_protocol_version(out: &mut Vec<u8>, minor: u16, unknown_options: &[impl AsRef<str>]) {
    write(out, backend::NEGOTIATE_PROTOCOL_VERSION, |body| {
        body.extend_from_slice(&((3 << 16) | u32::from(minor)).to_be_bytes());
        let count = u32::try_from(unknown_options.len()).unwrap_or(u32::MAX);
        body.extend_from_slice(&count.to_be_bytes());
        for name in unknown_options {
            put_cstr(body, name.as_ref());
        }
    });
}

#[inline]
fn empty(out: &mut Vec<u8>, tag: u8) {
    out.extend_from_slice(&[tag, 0, 0, 0, 4]);
}

/// `pg_type.typlen` of the types that the gate's own answers use.
#[must_use]
pub fn type_length(oid: u32) -> i16 {
    match oid {
        16 => 1,                            // bool
        21 => 2,                            // int2
        23 | 26 | 700 | 1082 => 4,          // int4, oid, float4, date
        20 | 701 | 1083 | 1114 | 1184 => 8, // int8, float8, time, timestamp, timestamptz
        2950 | 1186 => 16,                  // uuid, interval
        19 => 64,                           // name
        _ => VARIABLE_LENGTH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use pgwire::messages::{DecodeContext, PgWireBackendMessage, ProtocolVersion};

    fn decoded(out: &[u8]) -> PgWireBackendMessage {
        let mut context = DecodeContext::new(ProtocolVersion::PROTOCOL3_2);
        context.awaiting_backend_ssl_response = false;
        context.awaiting_backend_gss_response = false;
        let mut bytes = BytesMut::from(out);
        let message = PgWireBackendMessage::decode(&mut bytes, &context).expect("decodes").expect("whole");
        assert!(bytes.is_empty(), "bytes are left over after {message:?}");
        message
    }

    #[test]
    fn an_independent_decoder_reads_what_is_written() {
        type Writer = fn(&mut Vec<u8>);
        let table: [(Writer, &str); 18] = [
            (|out| ready_for_query(out, b'T'), "Transaction"),
            (|out| command_complete(out, "SELECT 2"), "SELECT 2"),
            (parse_complete, "ParseComplete"),
            (bind_complete, "BindComplete"),
            (close_complete, "CloseComplete"),
            (no_data, "NoData"),
            (empty_query, "EmptyQueryResponse"),
            (portal_suspended, "PortalSuspended"),
            (|out| parameter_description(out, &[25, 23]), "[25, 23]"),
            (|out| row_description(out, &[("user", TEXT_OID), ("n", 20)]), "\"user\""),
            (|out| row_description_in(out, &[("n", 20)], Format::Binary), "format_code: 1"),
            (|out| data_row(out, &[Some(b"a"), None, Some(b"")]), "field_count: 3"),
            (|out| parameter_status(out, "TimeZone", "UTC"), "TimeZone"),
            (|out| backend_key_data(out, 7, &[1; 32]), "pid: 7"),
            (authentication_ok, "Authentication(Ok)"),
            (|out| authentication_sasl(out, &["A", "B"]), r#"Authentication(SASL(["A", "B"]))"#),
            (|out| authentication_sasl_continue(out, "r=x"), r#"Authentication(SASLContinue(b"r=x"))"#),
            (|out| authentication_sasl_final(out, "v=x"), r#"Authentication(SASLFinal(b"v=x"))"#),
        ];
        for (write, wanted) in table {
            let mut out = Vec::new();
            write(&mut out);
            let text = format!("{:?}", decoded(&out));
            assert!(text.contains(wanted), "{text} lacks {wanted}");
        }
    }

    #[test]
    fn the_version_is_negotiated_as_libpq_reads_it() {
        let mut out = Vec::new();
        negotiate_protocol_version(&mut out, 2, &["_pq_.a"]);
        assert_eq!(out, b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.a\0");
    }
}
