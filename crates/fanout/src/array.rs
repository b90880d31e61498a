//! Array literals: the text form of `text[]` and its kin, element by element.

/// An array in its text form, growing.
#[derive(Debug)]
pub(crate) struct Array(Vec<u8>);

impl Array {
    /// Nothing in it.
    pub(crate) fn new() -> Self {
        Self(vec![b'{'])
    }

    /// Of names, `None` for NULL.
    pub(crate) fn of<'a>(elements: impl IntoIterator<Item = Option<&'a str>>) -> Vec<u8> {
        let mut array = Self::new();
        elements.into_iter().for_each(|element| array.push(element.map(str::as_bytes)));
        array.into_bytes()
    }

    /// Adds an element. All are quoted, so that no text can be read as NULL, as a bound or as two elements.
    pub(crate) fn push(&mut self, element: Option<&[u8]>) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        let Some(mut rest) = element else {
            self.0.extend_from_slice(b"NULL");
            return;
        };
        self.0.push(b'"');
        while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
            let (plain, special) = rest.split_at(at);
            self.0.extend_from_slice(plain);
            self.0.push(b'\\');
            self.0.extend(special.first());
            rest = special.get(1..).unwrap_or_default();
        }
        self.0.extend_from_slice(rest);
        self.0.push(b'"');
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The literal.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_cannot_leave_their_quotes() {
        let texts = [Some(""), None, Some("NULL"), Some("a,b"), Some(r#"q"\"#), Some("{}"), Some(" x ")];
        let literal = String::from_utf8(Array::of(texts)).expect("text");
        assert_eq!(literal, r#"{"",NULL,"NULL","a,b","q\"\\","{}"," x "}"#);
        assert_eq!(Array::of([]), b"{}");
    }
}
