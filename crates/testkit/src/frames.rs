//! Messages byte by byte (PostgreSQL manual, "Message Formats").

/// Protocol 3.0, as start-up packets name it.
pub const PROTOCOL_3_0: u32 = 0x0003_0000;
/// Protocol 3.2.
pub const PROTOCOL_3_2: u32 = 0x0003_0002;
/// `SSLRequest`, whole.
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// `GSSENCRequest`, whole.
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
/// The code in a `CancelRequest`.
pub const CANCEL_CODE: u32 = 80_877_102;

/// Any message: its type, its true length, `body`.
#[must_use]
pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], length(body).as_slice(), body].concat()
}

/// A message whose length field lies.
#[must_use]
pub fn message_of_length(tag: u8, length: i32, body: &[u8]) -> Vec<u8> {
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

fn length(body: &[u8]) -> [u8; 4] {
    u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes()
}

fn text(value: &str) -> Vec<u8> {
    [value.as_bytes(), &[0]].concat()
}

fn count(of: usize) -> [u8; 2] {
    u16::try_from(of).unwrap_or(u16::MAX).to_be_bytes()
}

/// `Int16` count, then each value with its `Int32` length, −1 for NULL.
fn values(of: &[Option<&str>]) -> Vec<u8> {
    let mut body = count(of.len()).to_vec();
    for value in of {
        match value {
            Some(value) => {
                body.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
                body.extend(value.as_bytes());
            }
            None => body.extend((-1_i32).to_be_bytes()),
        }
    }
    body
}

// What clients send.

/// `StartupMessage`.
#[must_use]
pub fn start_up(protocol: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = protocol.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend(text(name));
        body.extend(text(value));
    }
    body.push(0);
    [length(&body).as_slice(), &body].concat()
}

/// `CancelRequest` with a key of any length.
#[must_use]
pub fn cancel(pid: u32, key: &[u8]) -> Vec<u8> {
    let body = [&CANCEL_CODE.to_be_bytes(), pid.to_be_bytes().as_slice(), key].concat();
    [length(&body).as_slice(), &body].concat()
}

/// `Query`.
#[must_use]
pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &text(sql))
}

/// `Parse` without parameter types.
#[must_use]
pub fn parse(statement: &str, sql: &str) -> Vec<u8> {
    message(b'P', &[text(statement), text(sql), vec![0, 0]].concat())
}

/// `Bind` with parameters and results in text format.
#[must_use]
pub fn bind(portal: &str, statement: &str, parameters: &[Option<&str>]) -> Vec<u8> {
    message(b'B', &[text(portal), text(statement), vec![0, 0], values(parameters), vec![0, 0]].concat())
}

/// `Describe` of a statement (`S`) or portal (`P`).
#[must_use]
pub fn describe(what: u8, name: &str) -> Vec<u8> {
    message(b'D', &[vec![what], text(name)].concat())
}

/// `Execute`; 0 rows means all.
#[must_use]
pub fn execute(portal: &str, rows: u32) -> Vec<u8> {
    message(b'E', &[text(portal), rows.to_be_bytes().to_vec()].concat())
}

/// `Close` of a statement (`S`) or portal (`P`).
#[must_use]
pub fn close(what: u8, name: &str) -> Vec<u8> {
    message(b'C', &[vec![what], text(name)].concat())
}

/// `Sync`.
#[must_use]
pub fn sync() -> Vec<u8> {
    message(b'S', &[])
}

/// `Flush`.
#[must_use]
pub fn flush() -> Vec<u8> {
    message(b'H', &[])
}

/// `Terminate`.
#[must_use]
pub fn terminate() -> Vec<u8> {
    message(b'X', &[])
}

/// `CopyData`, sent by either side.
#[must_use]
pub fn copy_data(bytes: &[u8]) -> Vec<u8> {
    message(b'd', bytes)
}

/// `CopyDone`, sent by either side.
#[must_use]
pub fn copy_done() -> Vec<u8> {
    message(b'c', &[])
}

/// `CopyFail`.
#[must_use]
pub fn copy_fail(reason: &str) -> Vec<u8> {
    message(b'f', &text(reason))
}

/// `FunctionCall` with arguments and result in binary format.
#[must_use]
pub fn function_call(function: u32, arguments: &[&[u8]]) -> Vec<u8> {
    let mut body = function.to_be_bytes().to_vec();
    body.extend([0, 1, 0, 1]);
    body.extend(count(arguments.len()));
    for argument in arguments {
        body.extend(u32::try_from(argument.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend(*argument);
    }
    body.extend([0, 1]);
    message(b'F', &body)
}

/// `SASLInitialResponse`.
#[must_use]
pub fn sasl_initial(mechanism: &str, data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
    message(b'p', &[text(mechanism), size.to_vec(), data.to_vec()].concat())
}

/// `SASLResponse` or `PasswordMessage` body as it is.
#[must_use]
pub fn sasl_response(data: &[u8]) -> Vec<u8> {
    message(b'p', data)
}

// What servers send.

/// `AuthenticationOk` (0), `…CleartextPassword` (3), `…MD5Password` (5), `…SASL` (10, 11, 12), any other.
#[must_use]
pub fn authentication(kind: u32, data: &[u8]) -> Vec<u8> {
    message(b'R', &[kind.to_be_bytes().as_slice(), data].concat())
}

/// `ParameterStatus`.
#[must_use]
pub fn parameter_status(name: &str, value: &str) -> Vec<u8> {
    message(b'S', &[text(name), text(value)].concat())
}

/// `BackendKeyData`.
#[must_use]
pub fn backend_key(pid: u32, key: &[u8]) -> Vec<u8> {
    message(b'K', &[pid.to_be_bytes().as_slice(), key].concat())
}

/// `ReadyForQuery`: `I`, `T` or `E`.
#[must_use]
pub fn ready(status: u8) -> Vec<u8> {
    message(b'Z', &[status])
}

/// `RowDescription` of text columns.
#[must_use]
pub fn row_description(columns: &[&str]) -> Vec<u8> {
    const TEXT: u32 = 25;
    let mut body = count(columns.len()).to_vec();
    for column in columns {
        body.extend(text(column));
        body.extend([0; 6]);
        body.extend(TEXT.to_be_bytes());
        body.extend((-1_i16).to_be_bytes());
        body.extend((-1_i32).to_be_bytes());
        body.extend([0; 2]);
    }
    message(b'T', &body)
}

/// `DataRow`.
#[must_use]
pub fn data_row(row: &[Option<&str>]) -> Vec<u8> {
    message(b'D', &values(row))
}

/// `CommandComplete`.
#[must_use]
pub fn command_complete(tag: &str) -> Vec<u8> {
    message(b'C', &text(tag))
}

/// `ErrorResponse` (`E`) or `NoticeResponse` (`N`) with the fields that every one has.
#[must_use]
pub fn report(tag: u8, severity: &str, code: &str, said: &str) -> Vec<u8> {
    let field = |name: u8, value: &str| [vec![name], text(value)].concat();
    let fields =
        [field(b'S', severity), field(b'V', severity), field(b'C', code), field(b'M', said), vec![0]];
    message(tag, &fields.concat())
}
