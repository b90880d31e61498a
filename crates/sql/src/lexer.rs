//! PostgreSQL's lexical structure, byte by byte: every byte of a text belongs to exactly one token.
//!
//! The rules are those of the PostgreSQL manual, "Lexical Structure". Input is bytes in any client
//! encoding whose bytes below 0x80 are ASCII; bytes from 0x80 on count as letters, as the server
//! counts them. Nothing here fails: what has no end becomes [`TokenKind::Unterminated`].

use std::ops::Range;

/// How a plain `'…'` is read, as the server's `standard_conforming_strings` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strings {
    /// `standard_conforming_strings = on`: a backslash is a character like any other.
    #[default]
    Standard,
    /// `standard_conforming_strings = off`: a backslash escapes, as in `E'…'`.
    Escapes,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// White space.
    Space,
    /// `-- …` up to the end of the line, or `/* … */`, nested ones included.
    Comment,
    /// A key word or an identifier without quotes.
    Word,
    /// `"…"`
    Quoted,
    /// `U&"…"`, with its `UESCAPE '…'` if there is one.
    UnicodeQuoted,
    /// `'…'` or `N'…'` without escapes, with its continuations on further lines.
    Str,
    /// `E'…'`, or `'…'` under [`Strings::Escapes`].
    EscapeStr,
    /// `U&'…'`, with its `UESCAPE '…'` if there is one.
    UnicodeStr,
    /// `B'…'` or `X'…'`.
    BitStr,
    /// `$tag$…$tag$`
    Dollar,
    /// A numeric constant.
    Number,
    /// `$1`
    Parameter,
    /// An operator, `::`, `:=` or `..`.
    Operator,
    /// One byte that stands for itself: `(`, `)`, `,`, `;`, `.`, `[`, `]`, `:` and whatever has no meaning.
    Symbol,
    /// A string, quoted identifier or comment that never ends; it reaches to the end of the text.
    Unterminated,
}

/// One token: `text[start..end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Token {
    /// The bytes it covers.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The text of it.
    #[must_use]
    pub fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.start..self.end]
    }
}

/// Walks over a text, token by token.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    strings: Strings,
}

impl<'a> Lexer<'a> {
    /// A walk from the start of `text`.
    #[must_use]
    pub fn new(text: &'a [u8], strings: Strings) -> Self {
        Self { text, at: 0, strings }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn kind(&mut self, first: u8) -> TokenKind {
        match first {
            b if is_space(b) => self.space(),
            b'-' if self.peek(1) == b'-' => self.line_comment(),
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'\'' => self.plain_string(0),
            b'"' => self.quoted(0, TokenKind::Quoted),
            b if is_word_start(b) => self.word_or_string(b),
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'.' if self.peek(1) == b'.' => self.take(2, TokenKind::Operator),
            b':' if matches!(self.peek(1), b':' | b'=') => self.take(2, TokenKind::Operator),
            b'$' => self.dollar(),
            b if is_operator(b) => self.operator(),
            _ => self.take(1, TokenKind::Symbol),
        }
    }

    fn take(&mut self, count: usize, kind: TokenKind) -> TokenKind {
        self.at += count;
        kind
    }

    fn endless(&mut self) -> TokenKind {
        self.at = self.text.len();
        TokenKind::Unterminated
    }

    fn run(&mut self, mut belongs: impl FnMut(u8) -> bool) {
        while self.at < self.text.len() && belongs(self.text[self.at]) {
            self.at += 1;
        }
    }

    fn space(&mut self) -> TokenKind {
        self.run(is_space);
        TokenKind::Space
    }

    fn line_comment(&mut self) -> TokenKind {
        self.run(|b| b != b'\n' && b != b'\r');
        TokenKind::Comment
    }

    fn block_comment(&mut self) -> TokenKind {
        let mut depth = 0usize;
        while self.at < self.text.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return TokenKind::Comment;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.endless()
    }

    fn word_or_string(&mut self, first: u8) -> TokenKind {
        match (first.to_ascii_lowercase(), self.peek(1), self.peek(2)) {
            (b'e', b'\'', _) => self.string(1, TokenKind::EscapeStr),
            (b'b' | b'x', b'\'', _) => self.string(1, TokenKind::BitStr),
            (b'n', b'\'', _) => self.plain_string(1),
            (b'u', b'&', b'\'') => {
                let kind = self.string(2, TokenKind::UnicodeStr);
                self.unicode_escape(kind)
            }
            (b'u', b'&', b'"') => {
                let kind = self.quoted(2, TokenKind::UnicodeQuoted);
                self.unicode_escape(kind)
            }
            _ => {
                self.run(is_word);
                TokenKind::Word
            }
        }
    }

    fn plain_string(&mut self, prefix: usize) -> TokenKind {
        match self.strings {
            Strings::Standard => self.string(prefix, TokenKind::Str),
            Strings::Escapes => self.string(prefix, TokenKind::EscapeStr),
        }
    }

    /// From the prefix over the closing quote, and over every continuation.
    fn string(&mut self, prefix: usize, kind: TokenKind) -> TokenKind {
        self.at += prefix + 1;
        loop {
            match self.peek(0) {
                _ if self.at >= self.text.len() => return self.endless(),
                b'\\' if kind == TokenKind::EscapeStr => self.at += 2,
                b'\'' if self.peek(1) == b'\'' => self.at += 2,
                b'\'' => match continuation(self.text, self.at + 1) {
                    Some(next) => self.at = next,
                    None => return self.take(1, kind),
                },
                _ => self.at += 1,
            }
        }
    }

    fn quoted(&mut self, prefix: usize, kind: TokenKind) -> TokenKind {
        self.at += prefix + 1;
        while self.at < self.text.len() {
            match (self.peek(0), self.peek(1)) {
                (b'"', b'"') => self.at += 2,
                (b'"', _) => return self.take(1, kind),
                _ => self.at += 1,
            }
        }
        self.endless()
    }

    /// Takes a following `UESCAPE 'c'` into the token that it explains.
    fn unicode_escape(&mut self, kind: TokenKind) -> TokenKind {
        const KEY_WORD: &[u8] = b"uescape";
        let mut ahead = self.clone();
        ahead.skip_space_and_comments();
        let rest = &self.text[ahead.at..];
        let (Some(word), Some(behind)) = (rest.get(..KEY_WORD.len()), rest.get(KEY_WORD.len())) else {
            return kind;
        };
        if kind == TokenKind::Unterminated || !word.eq_ignore_ascii_case(KEY_WORD) || is_word(*behind) {
            return kind;
        }
        ahead.at += KEY_WORD.len();
        ahead.skip_space_and_comments();
        if let [b'\'', _, b'\'', rest @ ..] = &self.text[ahead.at..]
            && rest.first() != Some(&b'\'')
        {
            self.at = ahead.at + 3;
        }
        kind
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'-', b'-') => self.line_comment(),
                (b'/', b'*') => self.block_comment(),
                (b, _) if is_space(b) => self.space(),
                _ => return,
            };
        }
    }

    fn number(&mut self) -> TokenKind {
        let radix = self.peek(0) == b'0' && matches!(self.peek(1) | 0x20, b'x' | b'o' | b'b');
        if radix && self.peek(2).is_ascii_hexdigit() {
            self.at += 2;
            self.run(|b| b.is_ascii_hexdigit() || b == b'_');
            return TokenKind::Number;
        }
        self.run(is_digit);
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            self.at += 1;
            self.run(is_digit);
        }
        let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
        if self.peek(0) | 0x20 == b'e' && self.peek(1 + sign).is_ascii_digit() {
            self.at += 1 + sign;
            self.run(is_digit);
        }
        TokenKind::Number
    }

    fn dollar(&mut self) -> TokenKind {
        if self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.run(|b| b.is_ascii_digit());
            return TokenKind::Parameter;
        }
        let start = self.at;
        let mut tag_end = start + 1;
        while let Some(&b) = self.text.get(tag_end)
            && if tag_end == start + 1 { is_word_start(b) } else { is_word(b) && b != b'$' }
        {
            tag_end += 1;
        }
        if self.text.get(tag_end) != Some(&b'$') {
            return self.take(1, TokenKind::Symbol);
        }
        let delimiter = &self.text[start..=tag_end];
        match memchr::memmem::find(&self.text[tag_end + 1..], delimiter) {
            Some(length) => {
                self.at = tag_end + 1 + length + delimiter.len();
                TokenKind::Dollar
            }
            None => self.endless(),
        }
    }

    /// The longest operator, cut before a comment, and never ending in `+` or `-` unless it holds
    /// one of the characters that only operators of one's own have ("Operators").
    fn operator(&mut self) -> TokenKind {
        let start = self.at;
        self.run(is_operator);
        let run = &self.text[start..self.at];
        let comment = run.windows(2).position(|pair| pair == b"--" || pair == b"/*");
        let mut length = comment.unwrap_or(run.len());
        if !run[..length].iter().any(|b| b"~!@#^&|`?%".contains(b)) {
            while length > 1 && matches!(run[length - 1], b'+' | b'-') {
                length -= 1;
            }
        }
        self.at = start + length;
        TokenKind::Operator
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let first = *self.text.get(start)?;
        let mut kind = self.kind(first);
        if self.at > self.text.len() {
            kind = self.endless();
        }
        Some(Token { kind, start, end: self.at })
    }
}

/// Where a string goes on after its closing quote: behind white space with a line break and
/// another quote ("String Constants"). `at` is just behind the closing quote.
pub(crate) fn continuation(text: &[u8], mut at: usize) -> Option<usize> {
    let mut line_break = false;
    loop {
        match *text.get(at)? {
            b'\'' if line_break => return Some(at + 1),
            b'\n' | b'\r' => {
                line_break = true;
                at += 1;
            }
            b if is_space(b) => at += 1,
            b'-' if text.get(at + 1) == Some(&b'-') => {
                at += text[at..].iter().position(|b| matches!(b, b'\n' | b'\r'))?;
            }
            _ => return None,
        }
    }
}

pub(crate) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

pub(crate) fn is_word_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

pub(crate) fn is_word(b: u8) -> bool {
    is_word_start(b) || b.is_ascii_digit() || b == b'$'
}

fn is_digit(b: u8) -> bool {
    b.is_ascii_digit() || b == b'_'
}

fn is_operator(b: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use TokenKind::{
        BitStr, Comment, Dollar, EscapeStr, Number, Operator, Parameter, Quoted, Str, Symbol, UnicodeQuoted,
        UnicodeStr, Unterminated, Word,
    };

    fn kinds(text: &str, strings: Strings) -> Vec<(TokenKind, &str)> {
        Lexer::new(text.as_bytes(), strings)
            .filter(|t| t.kind != TokenKind::Space)
            .map(|t| (t.kind, &text[t.range()]))
            .collect()
    }

    #[test]
    fn every_kind_of_token_is_told_apart() {
        let table: &[(&str, &[(TokenKind, &str)])] = &[
            ("a\u{e9}$1 _b", &[(Word, "a\u{e9}$1"), (Word, "_b")]),
            ("'a''b' 'c'", &[(Str, "'a''b'"), (Str, "'c'")]),
            ("'a'\n -- x\n 'b' c", &[(Str, "'a'\n -- x\n 'b'"), (Word, "c")]),
            ("E'a'\n'\\''", &[(EscapeStr, "E'a'\n'\\''")]),
            ("e'\\'' n'\\'", &[(EscapeStr, "e'\\''"), (Str, "n'\\'")]),
            ("B'01' x'ff'", &[(BitStr, "B'01'"), (BitStr, "x'ff'")]),
            ("U&'d!0061' UESCAPE '!' x", &[(UnicodeStr, "U&'d!0061' UESCAPE '!'"), (Word, "x")]),
            (
                "u&\"a\" /**/ uescape x",
                &[(UnicodeQuoted, "u&\"a\""), (Comment, "/**/"), (Word, "uescape"), (Word, "x")],
            ),
            ("\"a\"\"b\".c", &[(Quoted, "\"a\"\"b\""), (Symbol, "."), (Word, "c")]),
            ("$$a'$x$$ $x$ $$ $x$ $1", &[(Dollar, "$$a'$x$$"), (Dollar, "$x$ $$ $x$"), (Parameter, "$1")]),
            ("/* a /* b */ c */d--e", &[(Comment, "/* a /* b */ c */"), (Word, "d"), (Comment, "--e")]),
            (
                "1.5e-3 0x1F .5 1..2",
                &[
                    (Number, "1.5e-3"),
                    (Number, "0x1F"),
                    (Number, ".5"),
                    (Number, "1"),
                    (Operator, ".."),
                    (Number, "2"),
                ],
            ),
            (
                "a::b := <=-1 @-1",
                &[
                    (Word, "a"),
                    (Operator, "::"),
                    (Word, "b"),
                    (Operator, ":="),
                    (Operator, "<="),
                    (Operator, "-"),
                    (Number, "1"),
                    (Operator, "@-"),
                    (Number, "1"),
                ],
            ),
            ("*/*c*/-", &[(Operator, "*"), (Comment, "/*c*/"), (Operator, "-")]),
            ("'abc", &[(Unterminated, "'abc")]),
            ("a \"b", &[(Word, "a"), (Unterminated, "\"b")]),
            ("/* /* */", &[(Unterminated, "/* /* */")]),
            ("$a$ $b$", &[(Unterminated, "$a$ $b$")]),
            ("E'\\", &[(Unterminated, "E'\\")]),
        ];
        for (text, expected) in table {
            assert_eq!(&kinds(text, Strings::Standard), expected, "{text}");
        }
    }

    #[test]
    fn a_long_row_of_unicode_strings_needs_no_deep_stack() {
        let text = "U&'' ".repeat(200_000);
        assert_eq!(kinds(&text, Strings::Standard).len(), 200_000);
    }

    #[test]
    fn a_backslash_escapes_in_plain_strings_only_where_the_server_says_so() {
        assert_eq!(kinds(r"'\'' x'", Strings::Escapes), [(EscapeStr, r"'\''"), (Unterminated, "x'")]);
        assert_eq!(kinds(r"'\' 'x'", Strings::Standard), [(Str, r"'\'"), (Str, "'x'")]);
    }
}
