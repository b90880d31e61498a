//! Rows of a store as the text that COPY reads.

use wire::frame::{self, HEADER_BYTES, Header, Reader, frontend};

/// Bytes of rows in one CopyData message, more or less.
const MESSAGE_BYTES: usize = 64 * 1024;

/// Appends CopyData messages with the rows of DataRow messages that stand one behind the other. Their values are
/// text.
pub(crate) fn write(out: &mut Vec<u8>, mut messages: &[u8]) {
    while !messages.is_empty() {
        frame::write(out, frontend::COPY_DATA, |body| {
            let start = body.len();
            while body.len() - start < MESSAGE_BYTES {
                let Ok(Some(header)) = Header::peek(messages) else {
                    messages = &[];
                    return;
                };
                put_row(body, messages.get(HEADER_BYTES..header.total()).unwrap_or_default());
                messages = messages.get(header.total()..).unwrap_or_default();
            }
        });
    }
}

/// Appends CopyDone.
pub(crate) fn done(out: &mut Vec<u8>) {
    frame::write(out, frontend::COPY_DONE, |_| {});
}

fn put_row(out: &mut Vec<u8>, row: &[u8]) {
    let mut row = Reader::new(row);
    let count = row.u16().unwrap_or_default();
    for at in 0..count {
        if at > 0 {
            out.push(b'\t');
        }
        match row.value().flatten() {
            Some(value) => put_value(out, value),
            None => out.extend_from_slice(b"\\N"),
        }
    }
    out.push(b'\n');
}

/// A value with what COPY takes for an end or an escape written as an escape.
fn put_value(out: &mut Vec<u8>, mut value: &[u8]) {
    let special = |byte: &u8| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t');
    while let Some(at) = value.iter().position(special) {
        let (plain, rest) = value.split_at(at);
        out.extend_from_slice(plain);
        out.push(b'\\');
        out.push(match rest.first() {
            Some(b'\n') => b'n',
            Some(b'\r') => b'r',
            Some(b'\t') => b't',
            _ => b'\\',
        });
        value = rest.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_whatever_is_in_it() {
        let mut rows = Vec::new();
        frame::data_row(&mut rows, &[Some(b"a\tb"), None, Some(b"")]);
        frame::data_row(&mut rows, &[Some(b"\\N"), Some(b"x\r\ny"), Some("ü".as_bytes())]);
        let mut out = Vec::new();
        write(&mut out, &rows);
        let text = String::from_utf8_lossy(&out[HEADER_BYTES..]);
        assert_eq!(text, "a\\tb\t\\N\t\n\\\\N\tx\\r\\ny\tü\n");
    }

    #[test]
    fn long_tables_are_cut_into_messages_between_rows() {
        let mut rows = Vec::new();
        for _ in 0..10 {
            frame::data_row(&mut rows, &[Some(&[b'x'; 30_000])]);
        }
        let mut out = Vec::new();
        write(&mut out, &rows);
        let (mut rest, mut lines, mut messages) = (&out[..], 0, 0);
        while let Ok(Some(header)) = Header::peek(rest) {
            lines += rest[HEADER_BYTES..header.total()].split(|byte| *byte == b'\n').count() - 1;
            messages += 1;
            rest = &rest[header.total()..];
        }
        assert_eq!((lines, messages), (10, 4));
    }
}
