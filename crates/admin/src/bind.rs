//! The bodies of the extended protocol's messages, read (PostgreSQL manual, "Message Formats").

use wire::frame::{Format, Reader};

/// A Bind, as far as the console cares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bind<'a> {
    pub(crate) portal: &'a str,
    pub(crate) statement: &'a str,
    /// How many values were given.
    pub(crate) parameters: u16,
    /// How the columns are to travel. All of them are text, whose two forms are the same bytes, so it
    /// does not matter which of several forms is announced.
    pub(crate) format: Format,
}

/// Statement or portal, for Describe and Close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    Statement(&'a str),
    Portal(&'a str),
}

/// A name, or other text that ends with a NUL.
pub(crate) fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    std::str::from_utf8(reader.cstr()?).ok()
}

/// Reads a Bind.
pub(crate) fn bind(body: &[u8]) -> Option<Bind<'_>> {
    let mut reader = Reader::new(body);
    let (portal, statement) = (text(&mut reader)?, text(&mut reader)?);
    for _ in 0..reader.u16()? {
        reader.u16()?;
    }
    let parameters = reader.u16()?;
    for _ in 0..parameters {
        reader.value()?;
    }
    let mut binary = false;
    for _ in 0..reader.u16()? {
        binary = reader.u16()? == 1;
    }
    let format = if binary { Format::Binary } else { Format::Text };
    Some(Bind { portal, statement, parameters, format })
}

/// Reads a Describe or Close.
pub(crate) fn target(body: &[u8]) -> Option<Target<'_>> {
    let mut reader = Reader::new(body);
    match reader.u8()? {
        b'S' => text(&mut reader).map(Target::Statement),
        b'P' => text(&mut reader).map(Target::Portal),
        _ => None,
    }
}

/// Reads an Execute: the portal and how many rows at most, where that is bounded.
pub(crate) fn execute(body: &[u8]) -> Option<(&str, Option<u32>)> {
    let mut reader = Reader::new(body);
    let portal = text(&mut reader)?;
    let limit = reader.i32()?;
    Some((portal, u32::try_from(limit).ok().filter(|limit| *limit > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_and_cut_ones_are_not() {
        let body = b"p\0s\0\0\x01\0\x01\0\x01\0\0\0\x02ab\0\x02\0\x01\0\x01";
        let whole = bind(body).expect("a Bind");
        assert_eq!(whole, Bind { portal: "p", statement: "s", parameters: 1, format: Format::Binary });
        for end in 0..body.len() {
            assert_eq!(bind(&body[..end]), None, "{end} bytes");
        }
        assert_eq!(target(b"Sx\0"), Some(Target::Statement("x")));
        assert_eq!(target(b"P\0"), Some(Target::Portal("")));
        assert_eq!(target(b"Qx\0"), None);
        assert_eq!(execute(b"\0\0\0\0\x05"), Some(("", Some(5))));
        assert_eq!(execute(b"\0\0\0\0\0"), Some(("", None)));
        assert_eq!(execute(b"\0\xff\xff\xff\xff"), Some(("", None)));
        assert_eq!(execute(b"\xff\0\0\0\0\0"), None, "a name that is not UTF-8");
    }
}
