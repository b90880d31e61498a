//! Readers of message bodies that never allocate and never panic.

/// Splits the bytes up to the first NUL off the front; `None` when there is no NUL.
#[inline]
#[must_use]
pub fn cstr(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, body)?;
    Some((&body[..end], &body[end + 1..]))
}

/// Walks over a body. Every method is `None` at the end of the bytes and leaves the reader where it was.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the front of `body`.
    #[inline]
    #[must_use]
    pub fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    /// What has not been read.
    #[inline]
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next `length` bytes.
    #[inline]
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Text up to a NUL, without it.
    #[inline]
    pub fn cstr(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = cstr(self.0)?;
        self.0 = rest;
        Some(text)
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Two bytes.
    #[inline]
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes, unsigned: an object identifier or a count.
    #[inline]
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Four bytes, signed.
    #[inline]
    pub fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// A value with its length in front, as in Bind and DataRow; the inner `None` is NULL.
    #[inline]
    pub fn value(&mut self) -> Option<Option<&'a [u8]>> {
        let mut ahead = *self;
        let value = match ahead.i32()? {
            -1 => None,
            length => Some(ahead.take(usize::try_from(length).ok()?)?),
        };
        *self = ahead;
        Some(value)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_its_nul_and_the_rest_follows() {
        assert_eq!(cstr(b"ab\0c"), Some((&b"ab"[..], &b"c"[..])));
        assert_eq!(cstr(b"\0"), Some((&b""[..], &b""[..])));
        assert_eq!(cstr(b"ab"), None);
        assert_eq!(cstr(b""), None);
    }

    #[test]
    fn a_value_that_is_cut_short_leaves_the_reader_where_it_was() {
        let whole = [0, 0, 0, 2, b'a', b'b', 0xff, 0xff, 0xff, 0xff];
        let mut reader = Reader::new(&whole);
        assert_eq!(reader.value(), Some(Some(&b"ab"[..])));
        assert_eq!(reader.value(), Some(None));
        assert_eq!(reader.value(), None);
        for end in 0..6 {
            let mut reader = Reader::new(&whole[..end]);
            assert_eq!(reader.value(), None);
            assert_eq!(reader.rest().len(), end);
        }
        assert_eq!(Reader::new(&[0x80, 0, 0, 0]).value(), None);
    }
}
