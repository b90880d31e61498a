//! The database's name where a query of the catalog answers with it: the one that the client connected to.

use super::narrow::levels::{Levels, Place};
use super::narrow::{NOT_ALIASES, query_start, reads_only_catalog};
use super::{Change, Found, Piece, database, literal};
use crate::tokens::Tokens;

pub(super) fn find(piece: Piece, found: &mut Found) {
    let t = piece.t;
    let Some(start) = query_start(t).filter(|_| piece.depth.0 == 0) else { return };
    if !(start..t.len()).any(|i| is_column(t, i) || calls(t, i).is_some()) || !reads_only_catalog(t) {
        return;
    }
    let mut levels = Levels::of_query(start);
    for i in start..t.len() {
        let place = levels.see(t, i);
        let told = match place {
            Place::Relation => as_relation(piece, i),
            Place::Elsewhere if levels.is_target() => as_target(piece, i),
            Place::Elsewhere | Place::Table => None,
        };
        found.changes.extend(told);
    }
}

/// `FROM current_database()`
fn as_relation(piece: Piece, i: usize) -> Option<Change> {
    let t = piece.t;
    let end = calls(t, i)?;
    let alone = end >= t.len() || t.is_any(end, NOT_ALIASES) || t.symbol(end, b',') || t.symbol(end, b')');
    let text = format!("(SELECT {} AS current_database) AS current_database", name(piece));
    alone.then(|| change(t, i, end, text)).flatten()
}

/// `SELECT current_database()`, `SELECT t.table_catalog AS c`, but no part of an expression.
fn as_target(piece: Piece, i: usize) -> Option<Change> {
    let t = piece.t;
    let mut first = i;
    while t.symbol(first.wrapping_sub(1), b'.') {
        first = first.checked_sub(2)?;
    }
    let (end, value) = if let Some(end) = calls(t, i) {
        (end, name(piece))
    } else if is_column(t, i) && !t.symbol(i + 1, b'.') && !is_alias(t, first) {
        (i + 1, shown(piece, first, i)?)
    } else {
        return None;
    };
    // What is compared with the database's name was given the store's: `database`. What a result is
    // ordered by must be found in it as it was written.
    let compared = is_compared(t, first, end);
    let sorted = first < i && ["distinct", "order"].iter().all(|word| (0..t.len()).any(|at| t.is(at, word)));
    if compared || sorted {
        return None;
    }
    let starts = t.is_any(first.wrapping_sub(1), &["select", "distinct", "all"])
        || t.symbol(first.wrapping_sub(1), b',');
    let ends = end >= t.len() || t.is(end, "from") || t.symbol(end, b',') || t.symbol(end, b')');
    let named = t.is(end, "as") || t.is_name(end);
    let text = match (starts, ends, named) {
        (true, true, _) => format!("{value} AS {}", std::str::from_utf8(t.bytes(i)).ok()?),
        (true, false, true) => format!("({value})"),
        _ => return None, // the server may go on with it
    };
    change(t, first, end, text)
}

/// The column written from token `first` to token `last`, with the client's name for the store's.
fn shown(piece: Piece, first: usize, last: usize) -> Option<String> {
    let t = piece.t;
    let column = std::str::from_utf8(t.text.get(t.get(first)?.start..t.get(last)?.end)?).ok()?;
    let name = name(piece);
    Some(if t.named(last, "datname") || t.named(last, "database") {
        format!("CASE WHEN {column} = pg_catalog.current_database() THEN {name} ELSE {column} END")
    } else {
        let kind = "information_schema.sql_identifier";
        format!("CASE WHEN {column} IS NOT NULL THEN {name} END::{kind}")
    })
}

fn is_compared(t: Tokens, first: usize, end: usize) -> bool {
    let words = ["in", "is", "like", "ilike", "not"];
    let before = first.wrapping_sub(1);
    database::is_comparison(t, before) || database::is_comparison(t, end) || t.is_any(end, &words)
}

/// One past the call of `current_database()` whose name stands at `i`, or past `current_catalog`.
fn calls(t: Tokens, i: usize) -> Option<usize> {
    let call = t.named(i, "current_database") && t.symbol(i + 1, b'(') && t.symbol(i + 2, b')');
    let key_word = t.is(i, "current_catalog") && !t.symbol(i.wrapping_sub(1), b'.');
    if call { Some(i + 3) } else { key_word.then_some(i + 1) }
}

/// Is the name at `i` that of a column which holds the database's name?
fn is_column(t: Tokens, i: usize) -> bool {
    t.name(i).is_some_and(|name| match &*name {
        b"datname" | b"catalog_name" => true,
        b"database" => database::reads_prepared(t, i),
        b"pg_catalog" | b"current_catalog" => false,
        name => name.ends_with(b"_catalog"),
    })
}

/// Is what starts at `i` the name that a target is given?
fn is_alias(t: Tokens, i: usize) -> bool {
    let before = i.wrapping_sub(1);
    let starts = t.is_any(
        before,
        &["select", "distinct", "all", "when", "then", "else", "and", "or", "not", "case", "in"],
    );
    t.is(before, "as") || (!starts && (t.is_name(before) || t.symbol(before, b')') || t.is_string(before)))
}

/// The client's name of the database, as a value.
fn name(piece: Piece) -> String {
    format!("{}::pg_catalog.name", literal(piece.names.database))
}

fn change(t: Tokens, first: usize, end: usize, text: String) -> Option<Change> {
    let range = t.get(first)?.start..t.get(end.checked_sub(1)?)?.end;
    Some(Change { range, text: text.into_bytes() })
}
