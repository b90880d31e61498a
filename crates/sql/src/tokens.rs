//! The significant tokens of one statement, and questions that a grammar asks of them.

use crate::lexer::{Token, TokenKind};
use crate::literal::Decoded;
use std::borrow::Cow;

/// The tokens of a statement without white space and comments. Positions beyond either end are
/// allowed everywhere and answer "nothing there".
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) list: &'a [Token],
}

impl<'a> Tokens<'a> {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn get(&self, i: usize) -> Option<Token> {
        self.list.get(i).copied()
    }

    /// The bytes of token `i`; empty where there is none.
    pub(crate) fn bytes(&self, i: usize) -> &'a [u8] {
        self.get(i).map_or(&[], |t| t.of(self.text))
    }

    pub(crate) fn kind(&self, i: usize) -> Option<TokenKind> {
        self.get(i).map(|t| t.kind)
    }

    /// Is token `i` the key word `word`, given in lower case?
    pub(crate) fn is(&self, i: usize, word: &str) -> bool {
        self.kind(i) == Some(TokenKind::Word) && self.bytes(i).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Is token `i` one of the key words `words`, given in lower case?
    pub(crate) fn is_any(&self, i: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(i, word))
    }

    /// Do the key words of `words` stand from `i` on?
    pub(crate) fn are(&self, i: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.is(i + n, word))
    }

    /// Is token `i` the one-byte symbol or operator `symbol`?
    pub(crate) fn symbol(&self, i: usize, symbol: u8) -> bool {
        matches!(self.kind(i), Some(TokenKind::Symbol | TokenKind::Operator)) && self.bytes(i) == [symbol]
    }

    /// Is token `i` the operator `operator`?
    pub(crate) fn operator(&self, i: usize, operator: &str) -> bool {
        self.kind(i) == Some(TokenKind::Operator) && self.bytes(i) == operator.as_bytes()
    }

    /// Is token `i` a string constant of any kind but a bit string?
    pub(crate) fn is_string(&self, i: usize) -> bool {
        use TokenKind::{Dollar, EscapeStr, Str, UnicodeStr};
        matches!(self.kind(i), Some(Str | EscapeStr | UnicodeStr | Dollar))
    }

    /// Is token `i` an identifier or key word?
    pub(crate) fn is_name(&self, i: usize) -> bool {
        matches!(self.kind(i), Some(TokenKind::Word | TokenKind::Quoted | TokenKind::UnicodeQuoted))
    }

    /// The identifier at `i` as the server stores it: folded to lower case unless it is quoted.
    pub(crate) fn name(&self, i: usize) -> Option<Cow<'a, [u8]>> {
        let token = self.get(i)?;
        let bytes = token.of(self.text);
        match token.kind {
            TokenKind::Word if bytes.iter().any(u8::is_ascii_uppercase) => {
                Some(Cow::Owned(bytes.to_ascii_lowercase()))
            }
            TokenKind::Word => Some(Cow::Borrowed(bytes)),
            TokenKind::Quoted if !bytes[1..bytes.len() - 1].contains(&b'"') => {
                Some(Cow::Borrowed(&bytes[1..bytes.len() - 1]))
            }
            TokenKind::Quoted | TokenKind::UnicodeQuoted => {
                Decoded::of(self.text, token).map(|d| Cow::Owned(d.value))
            }
            _ => None,
        }
    }

    /// Is the identifier at `i`, quoted or not, called `name`?
    pub(crate) fn named(&self, i: usize, name: &str) -> bool {
        match self.kind(i) {
            Some(TokenKind::Word) => self.is(i, name),
            Some(TokenKind::Quoted | TokenKind::UnicodeQuoted) => {
                self.name(i).is_some_and(|n| *n == *name.as_bytes())
            }
            _ => false,
        }
    }

    /// The identifier at `i` as text, if it is UTF-8.
    pub(crate) fn name_text(&self, i: usize) -> Option<String> {
        self.name(i).and_then(|name| String::from_utf8(name.into_owned()).ok())
    }

    /// What the string constant at `i` means, if it is UTF-8.
    pub(crate) fn string_text(&self, i: usize) -> Option<String> {
        if !self.is_string(i) {
            return None;
        }
        Decoded::of(self.text, self.get(i)?).and_then(|d| String::from_utf8(d.value).ok())
    }

    /// The number of the parameter at `i`: 1 for `$1`.
    pub(crate) fn parameter(&self, i: usize) -> Option<u16> {
        if self.kind(i) != Some(TokenKind::Parameter) {
            return None;
        }
        std::str::from_utf8(&self.bytes(i)[1..]).ok()?.parse().ok()
    }

    /// The position behind the bracket that closes the one at `i`.
    pub(crate) fn behind_bracket(&self, i: usize) -> usize {
        let mut depth = 0usize;
        for at in i..self.len() {
            match self.bytes(at) {
                b"(" | b"[" => depth += 1,
                b")" | b"]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.len()
    }
}
