//! The database as the client calls it, where a statement names it: in comparisons with catalog
//! columns, and in front of a schema.

use super::{Change, Found, Piece, Role, quoted};
use crate::lexer::TokenKind;
use crate::tokens::Tokens;

/// What stands where the client wrote its database's name: the same for every store.
const CURRENT: &[u8] = b"pg_catalog.current_database()";

/// A list behind `IN`, and a relation around a column, are looked for so far, in tokens.
const MAX_LIST: usize = 64;

pub(super) fn find(piece: Piece, found: &mut Found) {
    let t = piece.t;
    for i in 0..t.len() {
        if let Some(number) = t.parameter(i) {
            if is_compared(t, i) {
                found.parameters.push((number, Role::Database));
            }
        } else if t.is_string(i) {
            let named = || t.string_text(i).is_some_and(|text| text == piece.names.database);
            if is_compared(t, i)
                && named()
                && let Some(token) = t.get(i)
            {
                found.replace(token, CURRENT.to_vec());
            }
        } else if t.symbol(i + 1, b'.') {
            in_front_of_schema(piece, i, found);
        }
    }
}

/// `database.public.name`, as the manual's "Schemas" section has it: the server knows it by another
/// name, so the database goes.
fn in_front_of_schema(piece: Piece, i: usize, found: &mut Found) {
    let t = piece.t;
    let fits = t.named(i, piece.names.database)
        && !t.symbol(i.wrapping_sub(1), b'.')
        && t.symbol(i + 3, b'.')
        && t.is_name(i + 4);
    let schema = i + 2;
    let of_catalog = t.named(schema, "pg_catalog") || t.named(schema, "information_schema");
    let (true, Some(first), Some(last)) = (fits, t.get(i), t.get(schema)) else { return };
    if t.named(schema, "public") {
        let name = super::identifiers::schema_of(t, schema, piece.names);
        found.changes.push(Change { range: first.start..last.end, text: quoted(name) });
    } else if of_catalog {
        found.changes.push(Change { range: first.start..last.start, text: Vec::new() });
    }
}

/// Is the constant or parameter at `i` compared with a database's name?
fn is_compared(t: Tokens, i: usize) -> bool {
    if names_database_before(t, i) || names_database_behind(t, i + 1) {
        return true;
    }
    let mut at = i;
    while at > 0 && i - at < MAX_LIST && (t.symbol(at - 1, b',') || is_value(t, at - 1)) {
        at -= 1;
    }
    if at < 2 || !t.symbol(at - 1, b'(') || !t.is(at - 2, "in") {
        return false;
    }
    let end = at - 2 - usize::from(at > 2 && t.is(at - 3, "not"));
    end > 0 && ends_with_column(t, end - 1)
}

fn is_value(t: Tokens, i: usize) -> bool {
    t.is_string(i) || t.parameter(i).is_some()
}

/// `datname = ?`
fn names_database_before(t: Tokens, i: usize) -> bool {
    let Some(last) = i.checked_sub(1) else { return false };
    let negated = usize::from(t.is(last.wrapping_sub(1), "not"));
    match () {
        () if is_comparison(t, last) => last > 0 && ends_with_column(t, last - 1),
        () if t.is_any(last, &["like", "ilike"]) => last > negated && ends_with_column(t, last - 1 - negated),
        () => false,
    }
}

/// `? = datname`
fn names_database_behind(t: Tokens, at: usize) -> bool {
    let mut column = at + 1;
    while t.is_name(column) && t.symbol(column + 1, b'.') {
        column += 2;
    }
    is_comparison(t, at) && is_column(t, column)
}

pub(super) fn is_comparison(t: Tokens, i: usize) -> bool {
    t.kind(i) == Some(TokenKind::Operator) && matches!(t.bytes(i), b"=" | b"<>" | b"!=")
}

fn ends_with_column(t: Tokens, last: usize) -> bool {
    let call = t.symbol(last, b')') && last > 1 && t.symbol(last - 1, b'(');
    is_column(t, if call { last - 2 } else { last })
}

/// Columns of the catalog and of the information schema, and what says the same.
fn is_column(t: Tokens, i: usize) -> bool {
    t.name(i).is_some_and(|name| match &*name {
        b"datname" | b"current_database" | b"current_catalog" | b"catalog_name" => true,
        b"database" => reads_prepared(t, i),
        b"pg_catalog" => false,
        name => name.ends_with(b"_catalog"),
    })
}

/// Is `pg_prepared_xacts` read near the name at `i`? Nowhere else in the catalog that services may read
/// does a column called `database` hold a database's name.
pub(super) fn reads_prepared(t: Tokens, i: usize) -> bool {
    (i.saturating_sub(MAX_LIST)..i + MAX_LIST).any(|at| t.named(at, "pg_prepared_xacts"))
}
