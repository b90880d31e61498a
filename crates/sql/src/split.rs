//! Cuts a text into statements at the `;` that separate them.

use crate::catalog::speaks_of_schemas;
use crate::classify::classify;
use crate::effects::Effects;
use crate::lexer::{Lexer, Strings, Token, TokenKind};
use crate::refuse::TOO_COMPLEX;
use crate::statement::{Analysis, BindTag, Decision, Kind, Statement};
use crate::tag;
use crate::tokens::Tokens;
use std::ops::Range;

/// Most tokens and comments of a text that are kept.
const MAX_TOKENS: usize = 16_000_000;

/// Most statements of a text.
const MAX_STATEMENTS: usize = 250_000;

/// Texts from here on are long: rows of constants are left out of what is looked at.
const LONG_BYTES: usize = 1024 * 1024;

/// The full look at a text under `standard_conforming_strings = on`.
#[must_use]
pub fn analyse(text: &[u8]) -> Analysis {
    analyse_as(text, Strings::Standard)
}

/// The full look at a text: what its statements are and what they do to the session.
#[must_use]
pub fn analyse_as(text: &[u8], strings: Strings) -> Analysis {
    let cut = match cut(text, strings) {
        Ok(cut) => cut,
        Err(uncut) => {
            let mut whole = statement(text, 0..text.len(), Kind::Other, None);
            if uncut == Uncut::TooComplex {
                whole.decision = Decision::RefuseEverywhere(TOO_COMPLEX);
            }
            return Analysis { statements: vec![whole], unterminated: uncut == Uncut::Unterminated };
        }
    };
    let mut statements: Vec<Statement> = Vec::with_capacity(cut.pieces.len());
    let mut early_tag = None;
    for piece in &cut.pieces {
        let tag = tag::of_comments(text, &cut.comments[piece.comments.clone()]);
        let tokens = Tokens { text, list: &cut.tokens[piece.tokens.clone()] };
        if tokens.len() == 0 {
            // A comment behind the last `;` still belongs to the statement it follows.
            match statements.last_mut() {
                Some(last) => last.tag = tag::join(last.tag.take(), tag),
                None => early_tag = tag::join(early_tag, tag),
            }
            continue;
        }
        let (kind, effects, decision) = classify(tokens);
        let tag = tag::join(early_tag.take(), tag);
        let (range, catalog) = (trim(text, piece.bytes.clone()), speaks_of_schemas(tokens));
        statements.push(Statement { range, kind, effects, tag, decision, catalog });
    }
    if statements.is_empty() {
        statements.push(statement(text, 0..text.len(), Kind::Empty, early_tag));
    }
    Analysis { statements, unterminated: false }
}

fn statement(text: &[u8], range: Range<usize>, kind: Kind, tag: Option<BindTag>) -> Statement {
    let (range, effects, decision) = (trim(text, range), Effects::NONE, Decision::Forward);
    Statement { range, kind, effects, tag, decision, catalog: false }
}

fn trim(text: &[u8], range: Range<usize>) -> Range<usize> {
    let bytes = &text[range.clone()];
    let Some(first) = bytes.iter().position(|&b| !crate::lexer::is_space(b)) else {
        return range.start..range.start;
    };
    let last = bytes.iter().rposition(|&b| !crate::lexer::is_space(b)).unwrap_or(first);
    range.start + first..range.start + last + 1
}

/// The tokens of a text and which of them make a statement.
pub(crate) struct Cut {
    /// Without white space, comments and the separating `;`.
    pub(crate) tokens: Vec<Token>,
    comments: Vec<Token>,
    pub(crate) pieces: Vec<Piece>,
}

/// What stands between two separators.
pub(crate) struct Piece {
    bytes: Range<usize>,
    pub(crate) tokens: Range<usize>,
    comments: Range<usize>,
}

/// Why a text is not cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncut {
    /// A token has no end.
    Unterminated,
    /// It has more tokens or statements than anybody keeps.
    TooComplex,
}

/// The text in tokens and statements, within bounds.
pub(crate) fn cut(text: &[u8], strings: Strings) -> Result<Cut, Uncut> {
    let mut rows = (text.len() > LONG_BYTES).then(Rows::default);
    let mut cut = Cut { tokens: Vec::new(), comments: Vec::new(), pieces: Vec::new() };
    let mut nesting = Nesting::default();
    let (mut byte, mut token_at, mut comment_at) = (0, 0, 0);
    let mut close = |cut: &mut Cut, end: usize, next: usize| {
        let (tokens, comments) = (cut.tokens.len(), cut.comments.len());
        cut.pieces.push(Piece { bytes: byte..end, tokens: token_at..tokens, comments: comment_at..comments });
        (byte, token_at, comment_at) = (next, tokens, comments);
    };
    for token in Lexer::new(text, strings) {
        match token.kind {
            TokenKind::Unterminated => return Err(Uncut::Unterminated),
            TokenKind::Space => {}
            TokenKind::Comment => cut.comments.push(token),
            TokenKind::Symbol if token.of(text) == b";" && nesting.is_top() => {
                close(&mut cut, token.start, token.end);
                nesting = Nesting::default();
            }
            _ => {
                nesting.see(text, token);
                cut.tokens.push(token);
                if let Some(rows) = &mut rows {
                    rows.see(text, &mut cut.tokens);
                }
            }
        }
        if cut.tokens.len() + cut.comments.len() > MAX_TOKENS || cut.pieces.len() > MAX_STATEMENTS {
            return Err(Uncut::TooComplex);
        }
    }
    close(&mut cut, text.len(), text.len());
    Ok(cut)
}

/// Leaves out the rows of a long list that are nothing but constants, all but the first: behind `), (…)`
/// nothing of what is looked for can stand in them.
#[derive(Default)]
struct Rows {
    /// Where the comma ahead of the row stands, while the row may be one of constants.
    comma: Option<usize>,
}

impl Rows {
    /// Looks at the token that came last.
    fn see(&mut self, text: &[u8], tokens: &mut Vec<Token>) {
        let Some((last, before)) = tokens.split_last() else { return };
        let bytes = last.of(text);
        match (last.kind, bytes) {
            (TokenKind::Symbol, b"(") => {
                let is = |at: usize, symbol: &[u8]| {
                    before
                        .len()
                        .checked_sub(at)
                        .and_then(|at| before.get(at))
                        .is_some_and(|t| t.of(text) == symbol)
                };
                self.comma = (is(1, b",") && is(2, b")")).then(|| before.len() - 1);
            }
            (TokenKind::Symbol, b")") => {
                if let Some(comma) = self.comma.take() {
                    tokens.truncate(comma);
                }
            }
            (TokenKind::Symbol, b",") | (TokenKind::Number | TokenKind::BitStr, _) => {}
            (TokenKind::Operator | TokenKind::Symbol, b"-" | b"+") => {}
            (TokenKind::Str | TokenKind::EscapeStr, _)
                if memchr::memmem::find(bytes, b"public").is_none() => {}
            (TokenKind::Word, _) if is_constant(bytes) => {}
            _ => self.comma = None,
        }
    }
}

fn is_constant(word: &[u8]) -> bool {
    ["null", "true", "false", "default"].iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a `;` separates statements: not inside brackets (`CREATE RULE … DO (…; …)`) and not inside
/// the body of an SQL-standard function (`BEGIN ATOMIC …; END`).
#[derive(Default)]
struct Nesting {
    words: u8,
    brackets: usize,
    blocks: usize,
    creates_routine: bool,
    behind_begin: bool,
}

impl Nesting {
    fn is_top(&self) -> bool {
        self.brackets == 0 && self.blocks == 0
    }

    fn see(&mut self, text: &[u8], token: Token) {
        let bytes = token.of(text);
        match token.kind {
            TokenKind::Symbol => match bytes {
                b"(" => self.brackets += 1,
                b")" => self.brackets = self.brackets.saturating_sub(1),
                _ => {}
            },
            TokenKind::Word if self.words < 4 || self.creates_routine => self.word(bytes),
            _ => {}
        }
    }

    fn word(&mut self, word: &[u8]) {
        let is = |key: &str| word.eq_ignore_ascii_case(key.as_bytes());
        match self.words {
            0 if !is("create") => self.words = 4,
            1 | 3 if is("function") || is("procedure") => self.creates_routine = true,
            _ => {}
        }
        self.words = self.words.saturating_add(1);
        if self.creates_routine && self.brackets == 0 {
            if (self.behind_begin && is("atomic")) || (self.blocks > 0 && is("case")) {
                self.blocks += 1;
            } else if is("end") {
                self.blocks = self.blocks.saturating_sub(1);
            }
            self.behind_begin = is("begin");
        }
    }
}
