//! Rows as fan-outs send them, as lines of COPY (PostgreSQL manual, "COPY", "Text Format").

use wire::frame::{self, HEADER_BYTES, Header, Reader, backend, frontend};

/// Puts whole DataRow messages, their values as text, into `out` as CopyData, a row each. Tells how many, `None`
/// where they are no such messages.
pub(crate) fn put(messages: &[u8], out: &mut Vec<u8>) -> Option<i64> {
    let (mut rest, mut rows) = (messages, 0);
    while !rest.is_empty() {
        let header = Header::peek(rest).ok()??;
        let body = rest.get(HEADER_BYTES..header.total()).filter(|_| header.tag == backend::DATA_ROW)?;
        let mut read = Some(());
        frame::write(out, frontend::COPY_DATA, |line| read = put_line(body, line));
        read?;
        rest = rest.get(header.total()..)?;
        rows += 1;
    }
    Some(rows)
}

fn put_line(body: &[u8], line: &mut Vec<u8>) -> Option<()> {
    let mut reader = Reader::new(body);
    for at in 0..reader.u16()? {
        if at > 0 {
            line.push(b'\t');
        }
        match reader.value()? {
            Some(value) => value.iter().for_each(|byte| put_byte(*byte, line)),
            None => line.extend(b"\\N"),
        }
    }
    line.push(b'\n');
    Some(())
}

fn put_byte(byte: u8, line: &mut Vec<u8>) {
    let escaped = match byte {
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        plain => return line.push(plain),
    };
    line.extend([b'\\', escaped]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_value_or_a_row_is_escaped_and_null_is_told_from_text() {
        let (mut rows, mut out) = (Vec::new(), Vec::new());
        frame::data_row(&mut rows, &[Some(b"a\tb\\c"), None, Some(b""), Some(b"1\n2\r"), Some(b"\\N")]);
        frame::data_row(&mut rows, &[]);
        assert_eq!(put(&rows, &mut out), Some(2));
        let mut wanted = Vec::new();
        let lines = [&b"a\\tb\\\\c\t\\N\t\t1\\n2\\r\t\\\\N\n"[..], b"\n"];
        lines.iter().for_each(|line| frame::write(&mut wanted, frontend::COPY_DATA, |out| out.extend(*line)));
        assert_eq!(out, wanted);
    }

    #[test]
    fn what_is_no_row_is_not_taken() {
        let mut rows = Vec::new();
        frame::data_row(&mut rows, &[Some(b"a")]);
        for bytes in [&rows[..rows.len() - 1], &b"D\0\0\0\x06\0\x01"[..], b"Z\0\0\0\x05I"] {
            assert_eq!(put(bytes, &mut Vec::new()), None, "{bytes:?}");
        }
    }
}
