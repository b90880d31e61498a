//! What the words at the head of a statement say: its kind, and the query within COPY or EXPLAIN.

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
    if words.is(text, at, "(")
        && !["select", "with", "values", "table", "("].iter().any(|word| words.is(text, 2, word))
    {
        let end = words.closing(text, at).ok_or_else(|| Refusal::unread("a parenthesis has no end"))?;
        let options = &words.tokens[at..end];
        if ["analyze", "analyse"].iter().any(|word| options.iter().any(|token| is(text, token, word))) {
            return Err(no_analyze());
        }
        at = end + 1;
    } else {
        if words.is(text, at, "analyze") || words.is(text, at, "analyse") {
            return Err(no_analyze());
        }
        if words.is(text, at, "verbose") {
            at += 1;
        }
    }
    Ok((Form::Explain, text[words.range(at..words.tokens.len())].to_owned()))
}

fn no_analyze() -> Refusal {
    Refusal::unsupported(
        "EXPLAIN ANALYZE is not supported in a fan-out",
        "EXPLAIN without ANALYZE shows the tier and the statements; stuffgate.legs shows what each store took.",
    )
}

fn copy(text: &str, words: &Words) -> Result<(Form, String), Refusal> {
    let open = (1..words.tokens.len()).find(|at| words.is(text, *at, "("));
    let to = |at: usize| words.is(text, at, "to") || words.is(text, at, "from");
    let Some(open) = open.filter(|open| !(1..*open).any(to)) else {
        let from = (1..words.tokens.len()).find(|at| to(*at)).is_some_and(|at| words.is(text, at, "from"));
        return Err(if from { refused_kind("COPY FROM") } else { copy_query() });
    };
    let end = words.closing(text, open).ok_or_else(|| Refusal::unread("a parenthesis has no end"))?;
    if words.is(text, end + 1, "from") {
        return Err(refused_kind("COPY FROM"));
    }
    if !words.is(text, end + 1, "to") || !words.is(text, end + 2, "stdout") {
        return Err(Refusal::unsupported(
            "COPY to a file or program is not supported in a fan-out",
            "Use COPY (SELECT …) TO STDOUT.",
        ));
    }
    let options = text[words.range(end + 3..words.tokens.len())].to_owned();
    let inner = &text[words.range(open + 1..end)];
    // A table with its columns is a query of these columns.
    let query = match open {
        1 => inner.to_owned(),
        _ => format!("SELECT {inner} FROM {}", &text[words.range(1..open)]),
    };
    Ok((Form::Copy { options }, query))
}

fn copy_query() -> Refusal {
    Refusal::unsupported(
        "COPY of a table without its columns is not supported in a fan-out",
        "Name the columns, or use COPY (SELECT … FROM the table) TO STDOUT.",
    )
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
        "DECLARE" | "FETCH" | "MOVE" | "CLOSE" | "PREPARE" | "EXECUTE" | "DEALLOCATE" => {
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
