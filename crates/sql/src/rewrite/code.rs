//! Code that a statement carries inside a string for the server to run: bodies of `DO` and of
//! functions in SQL and PL/pgSQL, and in those the strings that `EXECUTE` runs.

use super::{CodeDepth, Found, MAX_CODE_DEPTH, Piece, look};
use crate::literal::Decoded;
use crate::tokens::Tokens;

/// Languages whose code has the lexical structure of SQL.
const LANGUAGES: &[&str] = &["sql", "plpgsql"];

/// Longer strings, in bytes, are not read as code.
const MAX_CODE: usize = 1024 * 1024;

pub(super) fn find(piece: Piece, found: &mut Found) {
    let t = piece.t;
    if piece.depth.0 >= MAX_CODE_DEPTH {
        return;
    }
    if piece.depth.0 > 0 {
        (0..t.len()).filter(|&i| is_executed(t, i)).for_each(|i| inside(piece, i, found));
    }
    let starts = |words: &[&str]| (0..t.len()).find(|&i| t.is_any(i, words));
    let body = if t.is(0, "do") {
        (1..t.len()).find(|&i| t.is_string(i) && !t.is(i - 1, "language"))
    } else if defines_routine(t) {
        starts(&["as"]).and_then(|_| (1..t.len()).find(|&i| t.is_string(i) && t.is(i - 1, "as")))
    } else {
        None
    };
    if let Some(body) = body.filter(|_| is_sql_language(t)) {
        inside(piece, body, found);
    }
}

fn defines_routine(t: Tokens) -> bool {
    let at = if t.are(1, &["or", "replace"]) { 3 } else { 1 };
    t.is(0, "create") && t.is_any(at, &["function", "procedure"])
}

fn is_sql_language(t: Tokens) -> bool {
    let Some(at) = (0..t.len()).find(|&i| t.is(i, "language")) else { return true };
    let language = t.name_text(at + 1).or_else(|| t.string_text(at + 1)).unwrap_or_default();
    LANGUAGES.iter().any(|known| language.eq_ignore_ascii_case(known))
}

/// `EXECUTE '…'` and `EXECUTE format('…', …)`
fn is_executed(t: Tokens, i: usize) -> bool {
    let format = i > 2 && t.symbol(i - 1, b'(') && t.is(i - 2, "format") && t.is(i - 3, "execute");
    t.is_string(i) && (format || (i > 0 && t.is(i - 1, "execute")))
}

fn inside(piece: Piece, i: usize, found: &mut Found) {
    let body = piece.t.get(i).filter(|token| token.end - token.start <= MAX_CODE);
    let Some(decoded) = body.and_then(|token| Decoded::of(piece.t.text, token)) else { return };
    let mut inner = Found::default();
    look(&decoded.value, piece.names, piece.strings, CodeDepth(piece.depth.0 + 1), &mut inner);
    found.replace_inside(&decoded, inner.changes);
}
