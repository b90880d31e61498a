//! Reads `SET`, `RESET`, `SHOW` and `DISCARD` (PostgreSQL manual, "SET" and its neighbours).

use crate::lexer::TokenKind;
use crate::statement::{Discard, Kind, Reset, Scope, Show, Value};
use crate::tokens::Tokens;

/// The statement that starts with `SET`, or `None` for `SET CONSTRAINTS` of some and what is not a `SET`.
pub(crate) fn set(t: Tokens) -> Option<Kind> {
    if t.are(1, &["session", "characteristics"]) {
        let modes = span(t, if t.are(3, &["as", "transaction"]) { 5 } else { 3 });
        return Some(Kind::SetSessionCharacteristics { modes });
    }
    if t.are(1, &["session", "authorization"]) {
        return Some(authorization(t, 3, Scope::Session));
    }
    if t.are(1, &["constraints", "all"]) && t.len() == 4 && t.is_any(3, &["deferred", "immediate"]) {
        return Some(Kind::SetConstraints { deferred: t.is(3, "deferred") });
    }
    let scoped = t.is_any(1, &["session", "local"]) && !t.symbol(2, b'=') && !t.is(2, "to");
    let scope = if scoped && t.is(1, "local") { Scope::Local } else { Scope::Session };
    let at = if scoped { 2 } else { 1 };
    if t.are(at, &["session", "authorization"]) {
        return Some(authorization(t, at + 2, scope));
    }
    if t.is(at, "transaction") {
        let modes = are_modes(t, at + 1).then(|| span(t, at + 1)).filter(|modes| !modes.is_empty());
        return Some(Kind::SetTransaction { modes });
    }
    let plain = |name: &str, from: usize| {
        Some(Kind::Set { scope, name: name.to_owned(), value: value(t, from, name) })
    };
    if t.are(at, &["time", "zone"]) {
        return plain("timezone", at + 2);
    }
    let (name, next) = parameter_name(t, at)?;
    if !assigns(t, next) {
        return match name.as_str() {
            "role" => Some(Kind::SetRole { scope, role: role(t, next) }),
            "names" => plain("client_encoding", next),
            "schema" => plain("search_path", next),
            "xml" => plain("xmloption", next + 1),
            _ if t.are(next, &["from", "current"]) => Some(Kind::Set { scope, name, value: Value::Current }),
            _ => None,
        };
    }
    match name.as_str() {
        "role" => Some(Kind::SetRole { scope, role: role(t, next + 1) }),
        "session_authorization" => Some(authorization(t, next + 1, scope)),
        name => plain(name, next + 1),
    }
}

/// Whether what stands from `at` on is a list of transaction modes that a server takes. With anything else
/// behind it, it is no `BEGIN` that the gate could answer: nobody but the server shall say so.
pub(crate) fn are_modes(t: Tokens, at: usize) -> bool {
    const MODES: [&[&str]; 8] = [
        &["isolation", "level", "serializable"],
        &["isolation", "level", "repeatable", "read"],
        &["isolation", "level", "read", "committed"],
        &["isolation", "level", "read", "uncommitted"],
        &["read", "write"],
        &["read", "only"],
        &["deferrable"],
        &["not", "deferrable"],
    ];
    let mut at = at;
    while at < t.len() {
        let Some(mode) = MODES.iter().find(|mode| t.are(at, mode)) else { return false };
        at += mode.len();
        if t.symbol(at, b',') && at + 1 < t.len() {
            at += 1;
        }
    }
    true
}

fn assigns(t: Tokens, at: usize) -> bool {
    t.is(at, "to") || t.symbol(at, b'=')
}

fn authorization(t: Tokens, at: usize, scope: Scope) -> Kind {
    Kind::SetSessionAuthorization { scope, role: role(t, at) }
}

fn role(t: Tokens, at: usize) -> Option<String> {
    if t.is_any(at, &["none", "default"]) {
        return None;
    }
    element(t, at).map(|(role, _)| role).filter(|role| role != "none")
}

/// A parameter's name of one or more parts, in lower case, and the position behind it.
pub(crate) fn parameter_name(t: Tokens, at: usize) -> Option<(String, usize)> {
    let mut name = t.name_text(at)?.to_ascii_lowercase();
    let mut next = at + 1;
    while t.symbol(next, b'.') {
        name.push('.');
        name.push_str(&t.name_text(next + 1)?.to_ascii_lowercase());
        next += 2;
    }
    Some((name, next))
}

fn value(t: Tokens, from: usize, name: &str) -> Value {
    if from >= t.len() || t.is(from, "default") || (name == "timezone" && t.is(from, "local")) {
        return Value::Default;
    }
    let list = list(t, from).unwrap_or_default();
    let literal = if let [only] = list.as_slice() { Some(only.clone()) } else { None };
    Value::Text { raw: span(t, from), literal, list }
}

fn list(t: Tokens, mut at: usize) -> Option<Vec<String>> {
    let mut list = Vec::new();
    loop {
        let (value, next) = element(t, at)?;
        list.push(value);
        if next == t.len() {
            return Some(list);
        }
        if !t.symbol(next, b',') {
            return None;
        }
        at = next + 1;
    }
}

/// A string, identifier, boolean or signed number, and the position behind it.
fn element(t: Tokens, at: usize) -> Option<(String, usize)> {
    let signed = t.symbol(at, b'-') || t.symbol(at, b'+');
    if signed && t.kind(at + 1) == Some(TokenKind::Number) {
        let sign = if t.symbol(at, b'-') { "-" } else { "" };
        return Some((format!("{sign}{}", std::str::from_utf8(t.bytes(at + 1)).ok()?), at + 2));
    }
    let value = match t.kind(at)? {
        TokenKind::Number => String::from_utf8(t.bytes(at).to_vec()).ok(),
        _ if t.is_name(at) => t.name_text(at),
        _ => t.string_text(at),
    };
    Some((value?, at + 1))
}

/// The bytes from token `from` to the last one; empty at the end.
pub(crate) fn span(t: Tokens, from: usize) -> std::ops::Range<usize> {
    let end = t.list.last().map_or(0, |last| last.end);
    t.get(from).map_or(end, |first| first.start)..end
}

/// The statement that starts with `RESET`.
pub(crate) fn reset(t: Tokens) -> Option<Kind> {
    Some(Kind::Reset(if t.are(1, &["session", "authorization"]) {
        Reset::SessionAuthorization
    } else if t.are(1, &["time", "zone"]) {
        Reset::Name("timezone".to_owned())
    } else if t.are(1, &["transaction", "isolation", "level"]) {
        Reset::Name("transaction_isolation".to_owned())
    } else {
        match parameter_name(t, 1)?.0 {
            name if name == "all" && t.kind(1) == Some(TokenKind::Word) => Reset::All,
            name if name == "role" => Reset::Role,
            name if name == "session_authorization" => Reset::SessionAuthorization,
            name => Reset::Name(name),
        }
    }))
}

/// The statement that starts with `SHOW`.
pub(crate) fn show(t: Tokens) -> Option<Kind> {
    Some(Kind::Show(if t.are(1, &["session", "authorization"]) {
        Show::Name("session_authorization".to_owned())
    } else if t.are(1, &["time", "zone"]) {
        Show::Name("timezone".to_owned())
    } else if t.are(1, &["transaction", "isolation", "level"]) {
        Show::Name("transaction_isolation".to_owned())
    } else {
        match parameter_name(t, 1)?.0 {
            name if name == "all" && t.kind(1) == Some(TokenKind::Word) => Show::All,
            name => Show::Name(name),
        }
    }))
}

/// The statement that starts with `DISCARD`.
pub(crate) fn discard(t: Tokens) -> Option<Kind> {
    let what = match t.bytes(1).to_ascii_lowercase().as_slice() {
        b"all" => Discard::All,
        b"plans" => Discard::Plans,
        b"sequences" => Discard::Sequences,
        b"temp" | b"temporary" => Discard::Temp,
        _ => return None,
    };
    Some(Kind::Discard(what))
}
