//! From a text to the query in it: what kind of statement it is, its bounds, its tree.

use super::query::Form;
use super::refusal::Refusal;
use super::words::{self, Words};
use crate::{Lexer, Strings, Token, TokenKind};
use sqlparser::ast;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use std::ops::Range;

/// Most bytes of a statement.
pub(crate) const MAX_BYTES: usize = 256 * 1024;

/// Most operators of a statement, and of words that work like operators. A chain of them is a tree as deep as
/// the chain is long, and trees are walked and dropped by recursion.
pub(crate) const MAX_OPERATORS: usize = 400;

/// Deepest nesting that the parser follows.
pub(crate) const MAX_DEPTH: usize = 40;

/// A text that has been read.
#[derive(Debug)]
pub(crate) struct Read {
    /// What is to become of the rows.
    pub(crate) form: Form,
    /// The query's own text, as the client wrote it.
    pub(crate) own: String,
    /// The same with `TABLE t` written as `SELECT * FROM t`, and without ONLY.
    pub(crate) plain: String,
    /// Where in `plain` a name follows that was said to be ONLY.
    pub(crate) only: Vec<usize>,
    /// The tree of `plain`.
    pub(crate) tree: Box<ast::Query>,
}

/// Reads one statement.
pub(crate) fn read(text: &str) -> Result<Read, Refusal> {
    if text.len() > MAX_BYTES {
        return Err(too_long());
    }
    let words = Words::of(text)?;
    let (form, inner) = words::form(text, &words)?;
    let own = text[inner].to_owned();
    let words = Words::of(&own)?;
    words::check_kind(&own, &words)?;
    check(&own)?;
    let (plain, only) = plain(&own, &words);
    let tree = parse(&plain)?;
    Ok(Read { form, own, plain, only, tree })
}

fn too_long() -> Refusal {
    Refusal::too_complex(
        "the statement is too long for a fan-out",
        format!("Statements may have up to {MAX_BYTES} bytes."),
    )
}

/// The tree of a text that is within its bounds.
pub(crate) fn parse(text: &str) -> Result<Box<ast::Query>, Refusal> {
    let dialect = PostgreSqlDialect {};
    let statements = Parser::new(&dialect)
        .with_recursion_limit(MAX_DEPTH)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| not_parsed(&error))?;
    match <[ast::Statement; 1]>::try_from(statements) {
        Ok([ast::Statement::Query(query)]) => Ok(query),
        Ok(_) => Err(Refusal::unread("it is no query")),
        Err(_) => Err(Refusal::unread("it is not one statement")),
    }
}

fn not_parsed(error: &ParserError) -> Refusal {
    match error {
        ParserError::RecursionLimitExceeded => Refusal::too_complex(
            "the statement is nested too deeply for a fan-out",
            format!("Queries, parentheses and calls may be nested up to {MAX_DEPTH} deep, all together."),
        ),
        ParserError::TokenizerError(what) | ParserError::ParserError(what) => Refusal::unread(what),
    }
}

/// Whether a text is within its bounds.
pub(crate) fn check(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_BYTES {
        return Err(too_long());
    }
    let operators = tokens(text)
        .into_iter()
        .filter(|token| match token.kind {
            TokenKind::Operator => true,
            TokenKind::Word => CHAINS.iter().any(|word| word.eq_ignore_ascii_case(&text[token.range()])),
            _ => false,
        })
        .count();
    if operators > MAX_OPERATORS {
        return Err(Refusal::too_complex(
            "the statement has too many operators for a fan-out",
            format!(
                "Up to {MAX_OPERATORS} operators are followed; write x IN (…) or x = ANY ($1) in place of many ORs."
            ),
        ));
    }
    Ok(())
}

/// Words that put an expression or a query on top of another.
const CHAINS: [&str; 18] = [
    "and",
    "or",
    "not",
    "is",
    "isnull",
    "notnull",
    "in",
    "like",
    "ilike",
    "similar",
    "between",
    "at",
    "collate",
    "union",
    "except",
    "intersect",
    "overlaps",
    "operator",
];

/// Rewrites what the parser misreads into what means the same.
fn plain(text: &str, words: &Words) -> (String, Vec<usize>) {
    let mut out = String::with_capacity(text.len() + 16);
    let mut only = Vec::new();
    let mut done = 0;
    let mut pending = false;
    for token in &words.tokens {
        out.push_str(&text[done..token.start]);
        done = token.end;
        if words::is(text, token, "table") {
            out.push_str("SELECT * FROM");
        } else if words::is(text, token, "only") && !fetches(text, words, token) {
            pending = true;
            out.push_str("    ");
        } else {
            if pending && token.kind != TokenKind::Symbol {
                only.push(out.len());
                pending = false;
            }
            out.push_str(&text[token.range()]);
        }
    }
    out.push_str(&text[done..]);
    (out, only)
}

/// Whether an ONLY is that of `FETCH FIRST n ROWS ONLY`.
fn fetches(text: &str, words: &Words, only: &Token) -> bool {
    let before = words.tokens.iter().rev().find(|token| token.end <= only.start);
    before.is_some_and(|token| words::is(text, token, "row") || words::is(text, token, "rows"))
}

/// The tokens of a text without blanks and comments.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    Lexer::new(text.as_bytes(), Strings::Standard)
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment))
        .collect()
}

/// From the first to the last of some tokens.
pub(crate) fn span(tokens: &[Token]) -> Range<usize> {
    match tokens {
        [first, .., last] => first.start..last.end,
        [one] => one.range(),
        [] => 0..0,
    }
}
