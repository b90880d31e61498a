//! Search paths: lists of schemas in `SET`, in `set_config` and in what `SHOW` answers.

use super::{Change, Found, Piece, quoted};
use crate::lexer::{Lexer, Strings, TokenKind};
use crate::tokens::Tokens;
use crate::{Names, Role, map_parameter};

/// What plain Postgres answers to `SHOW search_path` while nobody has set it.
const DEFAULT: &str = "\"$user\", public";

/// What `SHOW search_path` answers: what the client set, or Postgres's own default.
#[must_use]
pub fn show_search_path(client_value: Option<&str>) -> &str {
    client_value.unwrap_or(DEFAULT)
}

/// The value of a client's `search_path`, as in a start-up packet or `set_config`, in the
/// partition's names: `public` becomes the partition's schema and, unless it is on the path
/// already, the extension schema right behind it. `None`: nothing to change.
#[must_use]
pub fn map_search_path(value: &str, names: &Names) -> Option<String> {
    map_parameter(Role::SearchPath, value.as_bytes(), names).and_then(|v| String::from_utf8(v).ok())
}

/// `SET … search_path {TO|=} list`, also in `ALTER ROLE` and `CREATE FUNCTION`, and `SET SCHEMA 'x'`.
pub(super) fn find(piece: Piece, found: &mut Found) {
    let t = piece.t;
    for i in 1..t.len() {
        if !follows_set(t, i) {
            continue;
        }
        if t.named(i, "search_path") && (t.is(i + 1, "to") || t.symbol(i + 1, b'=')) {
            list(piece, i + 2, found);
        } else if i < 3 && t.is(0, "set") && t.is(i, "schema") && is_public(t, i + 1) {
            let text = [b"search_path TO ".as_slice(), &both(piece.names)].concat();
            let (Some(first), Some(last)) = (t.get(i), t.get(i + 1)) else { continue };
            found.changes.push(Change { range: first.start..last.end, text });
        }
    }
}

fn follows_set(t: Tokens, i: usize) -> bool {
    t.is(i - 1, "set") || (i > 1 && t.is_any(i - 1, &["local", "session"]) && t.is(i - 2, "set"))
}

fn is_public(t: Tokens, i: usize) -> bool {
    t.named(i, "public") || t.string_text(i).is_some_and(|s| s == "public")
}

fn both(names: &Names) -> Vec<u8> {
    [quoted(names.schema), quoted(names.extensions)].join(b", ".as_slice())
}

fn list(piece: Piece, from: usize, found: &mut Found) {
    let t = piece.t;
    let mut elements = vec![from];
    while let Some(last) = elements.last().copied()
        && t.symbol(last + 1, b',')
    {
        elements.push(last + 2);
    }
    let extensions = piece.names.extensions;
    let mut extended =
        elements.iter().any(|&i| t.named(i, extensions) || t.string_text(i).is_some_and(|s| s == extensions));
    for &i in elements.iter().filter(|&&i| is_public(t, i)) {
        let Some(token) = t.get(i) else { continue };
        found.replace(token, if extended { quoted(piece.names.schema) } else { both(piece.names) });
        extended = true;
    }
}

/// The changes in a list of identifiers, as `search_path` is written when it is one string.
pub(super) fn changes(value: &[u8], names: &Names) -> Vec<Change> {
    let tokens: Vec<_> =
        Lexer::new(value, Strings::Standard).filter(|token| token.kind != TokenKind::Space).collect();
    let t = Tokens { text: value, list: &tokens };
    let alone = |i: usize| (i == 0 || t.symbol(i - 1, b',')) && (i + 1 == t.len() || t.symbol(i + 1, b','));
    let mut extended = (0..t.len()).any(|i| t.named(i, names.extensions));
    let mut changes = Vec::new();
    for i in (0..t.len()).filter(|&i| alone(i) && t.named(i, "public")) {
        let text = if extended { quoted(names.schema) } else { both(names) };
        extended = true;
        changes.push(Change { range: tokens[i].range(), text });
    }
    changes
}
