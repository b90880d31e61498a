//! What a quoted token means, byte by byte, and how to write something else in its place.

use crate::lexer::{Token, TokenKind, continuation};
use std::ops::Range;

/// The meaning of a string or quoted identifier, and where each of its bytes came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// What it means.
    pub(crate) value: Vec<u8>,
    /// For each byte of `value`, and for its end, where its source starts in the text.
    origin: Vec<usize>,
    style: Style,
}

/// How text must be written inside the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// `'` or `"` is doubled.
    Doubled { quote: u8 },
    /// As `Doubled`, and this byte too.
    Escaped { quote: u8, escape: u8 },
    /// Nothing is escaped.
    Raw,
}

impl Decoded {
    /// Reads `token`; `None` where it is not a quoted token, or its escapes are not valid.
    pub(crate) fn of(text: &[u8], token: Token) -> Option<Self> {
        match token.kind {
            TokenKind::Str => Reader::new(text, token, b'\'').plain(),
            TokenKind::Quoted => Reader::new(text, token, b'"').plain(),
            TokenKind::EscapeStr => Reader::new(text, token, b'\'').c_style(),
            TokenKind::UnicodeStr => Reader::new(text, token, b'\'').unicode(),
            TokenKind::UnicodeQuoted => Reader::new(text, token, b'"').unicode(),
            TokenKind::Dollar => Some(dollar(text, token)),
            _ => None,
        }
    }

    /// Where the bytes `range` of the value stand in the text.
    pub(crate) fn source(&self, range: Range<usize>) -> Range<usize> {
        self.origin[range.start]..self.origin[range.end]
    }

    /// `value` as it must be written between these quotes.
    pub(crate) fn write(&self, value: &[u8]) -> Vec<u8> {
        let mut written = Vec::with_capacity(value.len());
        for &byte in value {
            let twice = match self.style {
                Style::Doubled { quote } => byte == quote,
                Style::Escaped { quote, escape } => byte == quote || byte == escape,
                Style::Raw => false,
            };
            written.extend(std::iter::repeat_n(byte, 1 + usize::from(twice)));
        }
        written
    }
}

fn dollar(text: &[u8], token: Token) -> Decoded {
    let raw = token.of(text);
    let tag = 1 + raw[1..].iter().position(|&b| b == b'$').unwrap_or(0) + 1;
    let body = token.start + tag..token.end - tag;
    Decoded {
        value: text[body.clone()].to_vec(),
        origin: (body.start..=body.end).collect(),
        style: Style::Raw,
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// One past the token's last byte.
    end: usize,
    quote: u8,
    decoded: Decoded,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8], token: Token, quote: u8) -> Self {
        let opening = token.of(text).iter().position(|&b| b == quote).unwrap_or(0);
        let decoded = Decoded { value: Vec::new(), origin: Vec::new(), style: Style::Doubled { quote } };
        Self { text, at: token.start + opening + 1, end: token.end, quote, decoded }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn push(&mut self, bytes: &[u8], consumed: usize) {
        self.decoded.value.extend_from_slice(bytes);
        self.decoded.origin.extend(std::iter::repeat_n(self.at, bytes.len()));
        self.at += consumed;
    }

    /// At a quote: a doubled one is pushed, a continuation followed; `false` at the end.
    fn quote(&mut self) -> bool {
        if self.byte(1) == Some(self.quote) {
            self.push(&[self.quote], 2);
            return true;
        }
        if self.quote == b'\''
            && let Some(next) = continuation(self.text, self.at + 1)
        {
            self.at = next;
            return true;
        }
        self.decoded.origin.push(self.at);
        false
    }

    fn plain(mut self) -> Option<Decoded> {
        loop {
            let byte = self.byte(0)?;
            if byte != self.quote {
                self.push(&[byte], 1);
            } else if !self.quote() {
                return Some(self.decoded);
            }
        }
    }

    /// "String Constants with C-Style Escapes".
    fn c_style(mut self) -> Option<Decoded> {
        self.decoded.style = Style::Escaped { quote: b'\'', escape: b'\\' };
        loop {
            match self.byte(0)? {
                b'\'' if !self.quote() => return Some(self.decoded),
                b'\'' => {}
                b'\\' => self.c_escape()?,
                byte => self.push(&[byte], 1),
            }
        }
    }

    fn c_escape(&mut self) -> Option<()> {
        let simple = match self.byte(1)? {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'x' if self.digits(2, 16, 2) > 0 => return self.number(2, 16, 2),
            b'0'..=b'7' => return self.number(1, 8, 3),
            b'u' => return self.character(2, 4),
            b'U' => return self.character(2, 8),
            other => other,
        };
        self.push(&[simple], 2);
        Some(())
    }

    fn digits(&self, from: usize, radix: u32, most: usize) -> usize {
        (0..most).take_while(|i| self.byte(from + i).is_some_and(|b| char::from(b).is_digit(radix))).count()
    }

    fn value(&self, from: usize, count: usize, radix: u32) -> Option<u32> {
        let digits = self.text.get(self.at + from..self.at + from + count)?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
    }

    fn number(&mut self, from: usize, radix: u32, most: usize) -> Option<()> {
        let count = self.digits(from, radix, most);
        let byte = u8::try_from(self.value(from, count, radix)? & 0xff).ok()?;
        self.push(&[byte], from + count);
        Some(())
    }

    /// `count` hexadecimal digits at `from`, one character; a surrogate must be half of a pair.
    fn character(&mut self, from: usize, count: usize) -> Option<()> {
        if self.digits(from, 16, count) != count {
            return None;
        }
        let mut code = self.value(from, count, 16)?;
        let mut consumed = from + count;
        if (0xd800..0xdc00).contains(&code) {
            if self.text.get(self.at + consumed..self.at + consumed + from)?
                != self.text.get(self.at..self.at + from)?
            {
                return None;
            }
            let low = self.value(consumed + from, count, 16).filter(|l| (0xdc00..0xe000).contains(l))?;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            consumed += from + count;
        }
        let mut buffer = [0; 4];
        let encoded = char::from_u32(code)?.encode_utf8(&mut buffer).len();
        self.push(&buffer[..encoded], consumed);
        Some(())
    }

    /// "String Constants with Unicode Escapes".
    fn unicode(mut self) -> Option<Decoded> {
        let escape = self.escape_character();
        self.decoded.style = Style::Escaped { quote: self.quote, escape };
        loop {
            let byte = self.byte(0)?;
            if byte == self.quote {
                if !self.quote() {
                    return Some(self.decoded);
                }
            } else if byte != escape {
                self.push(&[byte], 1);
            } else if self.byte(1) == Some(escape) {
                self.push(&[escape], 2);
            } else if self.byte(1) == Some(b'+') {
                self.character(2, 6)?;
            } else {
                self.character(1, 4)?;
            }
        }
    }

    /// What `UESCAPE` names, or a backslash.
    fn escape_character(&self) -> u8 {
        let mut at = self.at;
        while let Some(&byte) = self.text.get(at) {
            if byte != self.quote {
                at += 1;
            } else if self.text.get(at + 1) == Some(&self.quote) {
                at += 2;
            } else {
                match continuation(self.text, at + 1).filter(|_| self.quote == b'\'') {
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
        if at + 1 < self.end { self.text[self.end - 2] } else { b'\\' }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::{Lexer, Strings};

    fn decoded(text: &str) -> Option<String> {
        let token = Lexer::new(text.as_bytes(), Strings::Standard).next().expect("a token");
        Decoded::of(text.as_bytes(), token).map(|d| String::from_utf8_lossy(&d.value).into_owned())
    }

    #[test]
    fn quoted_tokens_mean_what_the_server_reads() {
        let table = [
            ("'a''b'\n'c'", "a'bc"),
            ("N'x'", "x"),
            (r"'a\n'", r"a\n"),
            (r"E'a\n\x41\101\u0042\'\q'''", "a\nAAB'q'"),
            (r"E'\ud83d\ude00'", "\u{1f600}"),
            (r"U&'d\0061t\+000061 \\'", r"data \"),
            ("U&'d!0061' UESCAPE '!'", "da"),
            (r#"u&"publ\0069c""#, "public"),
            (r#"U&"d!0061""" UESCAPE '!'"#, "da\""),
            ("\"a\"\"b\"", "a\"b"),
            ("$x$ a'b $x$", " a'b "),
            ("$$$$", ""),
        ];
        for (text, expected) in table {
            assert_eq!(decoded(text).as_deref(), Some(expected), "{text}");
        }
        for broken in [r"E'\u00'", r"U&'\00'", r"E'\ud83d'", "B'01'", "a"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_part_of_the_meaning_leads_back_to_its_source() {
        let text = b"E'a\\x62c'";
        let token = Lexer::new(text, Strings::Standard).next().expect("a token");
        let decoded = Decoded::of(text, token).expect("decoded");
        assert_eq!(decoded.source(1..2), 3..7);
        assert_eq!(decoded.source(0..3), 2..8);
        assert_eq!(decoded.write(b"it's \\"), b"it''s \\\\");
    }
}
