//! From a text to the query in it: what kind of statement it is, its bounds, its tree.

use super::forbidden;
use super::query::Form;
use super::refusal::Refusal;
use super::source::Source;
use super::words::{self, Words};
use crate::{Lexer, Strings, Token, TokenKind};
use sqlparser::ast;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{TokenWithSpan, Tokenizer};
use std::ops::Range;

/// Most bytes of a statement.
pub(crate) const MAX_BYTES: usize = 256 * 1024;

/// Most operators of a statement, and of words that work like operators. A chain of them is a tree as deep as
/// the chain is long, and trees are walked and dropped by recursion.
pub(crate) const MAX_OPERATORS: usize = 400;

/// Most joins of a statement: without their ON, each is read within the one before.
pub(crate) const MAX_JOINS: usize = 60;

/// Deepest nesting that the parser follows.
pub(crate) const MAX_DEPTH: usize = 40;

/// A query's text as a tree.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The text with `TABLE t` written as `SELECT * FROM t`, and without ONLY.
    pub(crate) plain: String,
    /// Where in `plain` a name follows that was said to be ONLY.
    pub(crate) only: Vec<usize>,
    /// The tree of `plain`.
    pub(crate) tree: Box<ast::Query>,
    /// Whether there is more in `plain` than in its tree: only home may run it.
    pub(crate) partial: bool,
}

/// What is to become of the rows of a statement, and the query in it.
pub(crate) fn query(text: &str) -> Result<(Form, String), Refusal> {
    if text.len() > MAX_BYTES {
        return Err(too_long());
    }
    let (form, own) = words::form(text, &Words::of(text)?)?;
    words::check_kind(&own, &Words::of(&own)?)?;
    Ok((form, own))
}

/// The tree of a query.
pub(crate) fn tree(own: &str) -> Result<Tree, Refusal> {
    check(own)?;
    let (plain, only) = plain(own, &Words::of(own)?);
    let (tree, partial) =
        parse(&plain).map_err(|refusal| if locks(own) { forbidden::locks() } else { refusal })?;
    Ok(Tree { plain, only, tree, partial })
}

/// Whether a text has FOR KEY SHARE or FOR NO KEY UPDATE, which the parser does not know.
fn locks(text: &str) -> bool {
    let tokens = tokens(text);
    let is = |token: &Token, word: &str| words::is(text, token, word);
    tokens.windows(3).any(|it| is(&it[0], "for") && is(&it[1], "key") && is(&it[2], "share"))
        || tokens.windows(3).any(|it| is(&it[0], "for") && is(&it[1], "no") && is(&it[2], "key"))
}

fn too_long() -> Refusal {
    Refusal::too_complex(
        "the statement is too long for a fan-out",
        format!("Statements may have up to {MAX_BYTES} bytes."),
    )
}

/// The tree of a text that is within its bounds, and whether there is more in the text than in the tree.
pub(crate) fn parse(text: &str) -> Result<(Box<ast::Query>, bool), Refusal> {
    match blanked(text) {
        Some(text) => Ok((parse_all(&text)?, true)),
        None => Ok((parse_all(text)?, false)),
    }
}

fn parse_all(text: &str) -> Result<Box<ast::Query>, Refusal> {
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| Refusal::unread(&error.to_string()))?;
    same_words(text, &tokens)?;
    let statements = Parser::new(&dialect)
        .with_recursion_limit(MAX_DEPTH)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| not_parsed(&error))?;
    match <[ast::Statement; 1]>::try_from(statements) {
        Ok([ast::Statement::Query(query)]) => Ok(query),
        Ok(_) => Err(Refusal::unread("it is no query")),
        Err(_) => Err(Refusal::unread("it is not one statement")),
    }
}

/// Names and constants have to begin where they begin for Postgres: where comments and quotes end is not left to
/// the parser alone.
fn same_words(text: &str, parsed: &[TokenWithSpan]) -> Result<(), Refusal> {
    let source = Source::new(text.to_owned());
    let theirs =
        parsed.iter().filter(|token| is_word(&token.token)).map(|token| source.offset(token.span.start));
    let ours = tokens(text)
        .into_iter()
        .filter(|token| !matches!(token.kind, TokenKind::Operator | TokenKind::Symbol));
    if theirs.eq(ours.map(|token| Some(token.start))) {
        return Ok(());
    }
    Err(Refusal::unread("a quote, comment or number of an unusual form"))
}

/// Whether a token is a name or a constant.
fn is_word(token: &sqlparser::tokenizer::Token) -> bool {
    use sqlparser::tokenizer::Token as T;
    matches!(
        token,
        T::Word(_)
            | T::Number(..)
            | T::Char(_)
            | T::SingleQuotedString(_)
            | T::DoubleQuotedString(_)
            | T::DollarQuotedString(_)
            | T::SingleQuotedByteStringLiteral(_)
            | T::NationalStringLiteral(_)
            | T::EscapedStringLiteral(_)
            | T::UnicodeStringLiteral(_)
            | T::HexStringLiteral(_)
            | T::Placeholder(_)
    )
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
    let tokens = tokens(text);
    let joins = tokens.iter().filter(|token| words::is(text, token, "join")).count();
    if joins > MAX_JOINS {
        return Err(Refusal::too_complex(
            "the statement has too many joins for a fan-out",
            format!("Up to {MAX_JOINS} are followed."),
        ));
    }
    let words = tokens.iter().filter(|token| match token.kind {
        TokenKind::Operator => true,
        TokenKind::Word => is_chain(&text[token.range()]),
        _ => false,
    });
    let of_arrays = tokens.windows(2).filter(|pair| text[pair[0].start..pair[1].end].ends_with(']'));
    let of_arrays = of_arrays.filter(|pair| &text[pair[0].range()] == "[");
    if words.count() + of_arrays.count() > MAX_OPERATORS {
        return Err(Refusal::too_complex(
            "the statement has too many operators for a fan-out",
            format!(
                "Up to {MAX_OPERATORS} are followed; write x IN (…) or x = ANY ($1) in place of many ORs."
            ),
        ));
    }
    Ok(())
}

/// Words that put an expression or a query on top of another.
const CHAINS: [&str; 21] = [
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
    "regexp",
    "xor",
    "rlike",
];

/// Whether it is one of those words.
pub(crate) fn is_chain(word: &str) -> bool {
    CHAINS.iter().any(|chain| chain.eq_ignore_ascii_case(word))
}

/// Rewrites what the parser misreads into what means the same.
fn plain(text: &str, words: &Words) -> (String, Vec<usize>) {
    let mut out = String::with_capacity(text.len() + 16);
    let mut only = Vec::new();
    let mut done = 0;
    let mut pending = false;
    let mut before: Option<&Token> = None;
    for token in &words.tokens {
        out.push_str(&text[done..token.start]);
        done = token.end;
        let fetches = before.is_some_and(|it| words::is(text, it, "row") || words::is(text, it, "rows"));
        if words::is(text, token, "table") {
            out.push_str("SELECT * FROM");
        } else if words::is(text, token, "only") && !fetches {
            pending = true;
            out.push_str("    ");
        } else {
            if pending && token.kind != TokenKind::Symbol {
                only.push(out.len());
                pending = false;
            }
            out.push_str(&text[token.range()]);
        }
        before = Some(token);
    }
    out.push_str(&text[done..]);
    (out, only)
}

/// Words that the parser does not know and that change no name: the text with blanks in their place, if there
/// are any. What is left of the tree then means something else: home's text keeps them, and the stores see none
/// of what is around them.
fn blanked(text: &str) -> Option<String> {
    let tokens = tokens(text);
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| words::is(text, token, word));
    let mut blanks: Vec<Range<usize>> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = |words: &[&str]| {
            at.checked_sub(words.len()).is_some_and(|from| (from..).zip(words).all(|(at, word)| is(at, word)))
        };
        let count = match () {
            () if (is(at, "symmetric") || is(at, "asymmetric")) && before(&["between"]) => 1,
            () if (is(at, "distinct") || is(at, "all")) && before(&["group", "by"]) => 1,
            () if is(at, "exclude") && (is(at + 1, "group") || is(at + 1, "ties")) => 2,
            () if is(at, "exclude") && is(at + 1, "current") && is(at + 2, "row") => 3,
            () if is(at, "exclude") && is(at + 1, "no") && is(at + 2, "others") => 3,
            () => continue,
        };
        let last = tokens.get(at + count - 1).unwrap_or(token);
        blanks.push(token.start..last.end);
    }
    let mut out = text.to_owned();
    for range in &blanks {
        let blank: String = text[range.clone()].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
        // Positions are counted in characters and lines, which stay as they are; comments may be longer in bytes.
        if blank.len() != range.len() {
            return None;
        }
        out.replace_range(range.clone(), &blank);
    }
    (!blanks.is_empty()).then_some(out)
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
