//! What the words at the head of a statement say: its kind, and the query within COPY or EXPLAIN.

use super::explain::{self, Shown};
use super::query::Form;
use super::read;
use super::refusal::Refusal;
use crate::{Token, TokenKind};
use std::ops::Range;

/// The tokens of one statement, without blanks, comments and the semicolon at its end.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) tokens: Vec<Token>,
}

impl Words {
    /// Tokens of `text`, if it is one statement and every token has an end.
    pub(crate) fn of(text: &str) -> Result<Self, Refusal> {
        let mut tokens = read::tokens(text);
        while tokens.last().is_some_and(|token| &text[token.range()] == ";") {
            tokens.pop();
        }
        for token in &tokens {
            match token.kind {
                TokenKind::Unterminated => return Err(Refusal::unread("a quote or comment has no end")),
                TokenKind::UnicodeQuoted => {
                    return Err(Refusal::unsupported(
                        "U&\"…\" names are not supported in a fan-out",
                        "Write the characters of the name themselves.",
                    ));
                }
                TokenKind::Symbol if &text[token.range()] == ";" => {
                    return Err(Refusal::unsupported(
                        "a fan-out answers one statement at a time",
                        "Send the statements one by one.",
                    ));
                }
                _ => {}
            }
        }
        Ok(Self { tokens })
    }

    fn is(&self, text: &str, at: usize, what: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| is(text, token, what) || is_symbol(text, token, what))
    }

    /// The index of the parenthesis that closes the one at `open`.
    fn closing(&self, text: &str, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            if is_symbol(text, token, "(") {
                depth += 1;
            } else if is_symbol(text, token, ")") {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index);
                }
            }
        }
        None
    }

    fn range(&self, tokens: Range<usize>) -> Range<usize> {
        read::span(self.tokens.get(tokens).unwrap_or_default())
    }
}

/// Whether a token is the key word `what`, in any case and without quotes.
pub(crate) fn is(text: &str, token: &Token, what: &str) -> bool {
    token.kind == TokenKind::Word && text[token.range()].eq_ignore_ascii_case(what)
}

fn is_symbol(text: &str, token: &Token, what: &str) -> bool {
    token.kind == TokenKind::Symbol && &text[token.range()] == what
}

/// What is to become of the rows, and the query.
pub(crate) fn form(text: &str, words: &Words) -> Result<(Form, String), Refusal> {
    if words.is(text, 0, "explain") {
        return explain(text, words);
    }
    if words.is(text, 0, "copy") {
        return copy(text, words);
    }
    Ok((Form::Rows, text[words.range(0..words.tokens.len())].to_owned()))
}

fn explain(text: &str, words: &Words) -> Result<(Form, String), Refusal> {
    let mut at = 1;
    let mut shown = Shown::default();
    if words.is(text, at, "(")
        && !["select", "with", "values", "table", "("].iter().any(|word| words.is(text, 2, word))
    {
        let end = words.closing(text, at).ok_or_else(|| Refusal::unread("a parenthesis has no end"))?;
        let options = words.tokens.get(at + 1..end).unwrap_or_default();
        let options = options.split(|token| is_symbol(text, token, ","));
        let options: Vec<Vec<&str>> =
            options.map(|option| option.iter().map(|token| &text[token.range()]).collect()).collect();
        shown = explain::options(&options)?;
        at = end + 1;
    } else {
        if words.is(text, at, "analyze") || words.is(text, at, "analyse") {
            return Err(explain::analyzed());
        }
        if words.is(text, at, "verbose") {
            at += 1;
        }
    }
    Ok((Form::Explain(shown), text[words.range(at..words.tokens.len())].to_owned()))
}

fn copy(text: &str, words: &Words) -> Result<(Form, String), Refusal> {
    let of_query = words.is(text, 1, "(");
    let behind = if of_query { words.closing(text, 1).map_or(words.tokens.len(), |end| end + 1) } else { 1 };
    let is_way = |at: &usize| words.is(text, *at, "to") || words.is(text, *at, "from");
    let way = (behind..words.tokens.len()).find(is_way).ok_or_else(|| Refusal::unread("COPY to nowhere"))?;
    if words.is(text, way, "from") {
        return Err(refused_kind("COPY FROM"));
    }
    if !words.is(text, way + 1, "stdout") {
        return Err(Refusal::unsupported(
            "COPY to a file or program is not supported in a fan-out",
            "Use COPY (SELECT …) TO STDOUT.",
        ));
    }
    let options = text[words.range(way + 2..words.tokens.len())].to_owned();
    let query = match words.tokens.get(1..way).unwrap_or_default() {
        [_, inner @ .., _] if of_query => text[read::span(inner)].to_owned(),
        table => copied(text, table),
    };
    Ok((Form::Copy { options }, query))
}

/// A table as the query that COPY of it stands for.
fn copied(text: &str, table: &[Token]) -> String {
    let (name, columns) = match table.iter().position(|token| is_symbol(text, token, "(")) {
        Some(open) => table.split_at(open),
        None => (table, &[][..]),
    };
    let columns = match columns {
        [_, columns @ .., _] => &text[read::span(columns)],
        _ => "*",
    };
    format!("SELECT {columns} FROM {}", &text[read::span(name)])
}

/// The table of which `COPY table TO` copies all columns but generated ones, which only home knows: its name, and
/// where the columns can be named.
pub(crate) fn copied_whole(text: &str) -> Option<(&str, usize)> {
    let words = Words::of(text).ok()?;
    if !words.is(text, 0, "copy") || words.is(text, 1, "(") {
        return None;
    }
    let way = (1..words.tokens.len()).find(|at| words.is(text, *at, "to") || words.is(text, *at, "("))?;
    let name = words.range(1..way);
    words.is(text, way, "to").then(|| (&text[name.clone()], name.end))
}

/// Refuses what is no query.
pub(crate) fn check_kind(text: &str, words: &Words) -> Result<(), Refusal> {
    let Some(first) = words.tokens.iter().find(|token| !is_symbol(text, token, "(")) else {
        return Err(Refusal::unread("there is nothing to answer"));
    };
    if ["select", "with", "values", "table"].iter().any(|word| is(text, first, word)) {
        return Ok(());
    }
    if first.kind != TokenKind::Word {
        return Err(Refusal::unread("it does not begin with a word"));
    }
    let word = text[first.range()].to_ascii_uppercase();
    Err(if KINDS.contains(&word.as_str()) { refused_kind(&word) } else { Refusal::unread("it is no query") })
}

fn refused_kind(kind: &str) -> Refusal {
    let hint = match kind {
        "DECLARE" | "FETCH" | "MOVE" | "CLOSE" | "PREPARE" | "EXECUTE" | "DEALLOCATE" | "BEGIN" | "START"
        | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE" | "DISCARD" | "SET" | "RESET" => {
            // A session answers what is valid of these before it is read here: home knows what is wrong with it.
            let hint = "Send it in a session of an analyst, or the query by itself.";
            let refusal = Refusal::unsupported(format!("{kind} is not supported in a fan-out"), hint);
            return Refusal { unread: true, ..refusal };
        }
        "LISTEN" | "NOTIFY" | "UNLISTEN" => "Listen in the session of one store.",
        _ => "A fan-out only reads: send SELECT, WITH, VALUES, TABLE, COPY (SELECT …) TO STDOUT or EXPLAIN.",
    };
    Refusal::unsupported(format!("{kind} is not supported in a fan-out"), hint)
}

/// Words that begin a statement of Postgres which is no query.
const KINDS: [&str; 51] = [
    "ABORT",
    "ALTER",
    "ANALYSE",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECKPOINT",
    "CLOSE",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "COPY",
    "CREATE",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DISCARD",
    "DO",
    "DROP",
    "END",
    "EXECUTE",
    "EXPLAIN",
    "FETCH",
    "GRANT",
    "IMPORT",
    "INSERT",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "PREPARE",
    "REASSIGN",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "REPACK",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SECURITY",
    "SET",
    "SHOW",
    "START",
    "TRUNCATE",
    "UNLISTEN",
    "UPDATE",
    "VACUUM",
    "WAIT",
];
