//! Reads a select of nothing but `set_config(…)` or `current_setting(…)`, which is how frameworks
//! set and ask a session's parameters (PostgreSQL manual, "Configuration Settings Functions").

use crate::lexer::TokenKind;
use crate::statement::{Arg, Kind};
use crate::tokens::Tokens;

/// The lone call that the statement is, if it is one.
pub(crate) fn lone_call(t: Tokens) -> Option<Kind> {
    let at = if t.named(1, "pg_catalog") && t.symbol(2, b'.') { 3 } else { 1 };
    let name = t.name_text(at)?;
    if name == "pg_advisory_unlock_all" && t.symbol(at + 1, b'(') && t.symbol(at + 2, b')') {
        return (t.len() == at + 3).then_some(Kind::AdvisoryUnlockAll);
    }
    if name != "set_config" && name != "current_setting" {
        return None;
    }
    let (arguments, end) = arguments(t, at + 1)?;
    let column = match t.len() - end {
        0 => name.clone(),
        1 => t.name_text(end)?,
        2 if t.is(end, "as") => t.name_text(end + 1)?,
        _ => return None,
    };
    let mut arguments = arguments.into_iter().map(|(from, to)| argument(t, from, to));
    match (name.as_str(), arguments.len()) {
        ("set_config", 3) => Some(Kind::SetConfigSelect {
            name: arguments.next()?,
            value: arguments.next()?,
            is_local: arguments.next()?,
            column,
        }),
        ("current_setting", 1 | 2) => {
            Some(Kind::CurrentSettingSelect { name: arguments.next()?, missing_ok: arguments.next(), column })
        }
        _ => None,
    }
}

/// Parameters whose setting changes more than a parameter.
const NOT_PLAIN: [&str; 4] = ["search_path", "role", "session_authorization", "client_encoding"];

/// Most parameters that one select may set and be more than an unknown change.
const MAX_SETTINGS: usize = 16;

/// The calls that the statement is a list of, if it is one and sets anything.
pub(crate) fn settings(t: Tokens) -> Option<Kind> {
    let (mut settings, mut at) = (Vec::new(), 1);
    loop {
        if t.named(at, "pg_catalog") && t.symbol(at + 1, b'.') {
            at += 2;
        }
        let name = t.name_text(at)?;
        let (list, end) = arguments(t, at + 1)?;
        let constants: Option<Vec<String>> = list
            .into_iter()
            .map(|(from, to)| match argument(t, from, to) {
                Arg::Literal(text) => Some(text),
                Arg::Null | Arg::Parameter(_) | Arg::Other => None,
            })
            .collect();
        match (name.as_str(), constants?.as_slice()) {
            ("current_setting", [of, ..]) if !is_ours(of) => {}
            ("set_config", [name, value, local]) if local.eq_ignore_ascii_case("false") => {
                let name = name.to_ascii_lowercase();
                let plain = !is_ours(&name) && !NOT_PLAIN.contains(&name.as_str());
                if !plain || settings.len() >= MAX_SETTINGS {
                    return None;
                }
                settings.push((name, value.clone()));
            }
            _ => return None,
        }
        at = if t.is(end, "as") && t.is_name(end + 1) { end + 2 } else { end };
        if at == t.len() {
            return (!settings.is_empty()).then_some(Kind::SettingsSelect { settings });
        }
        if !t.symbol(at, b',') {
            return None;
        }
        at += 1;
    }
}

fn is_ours(name: &str) -> bool {
    name.get(..10).is_some_and(|head| head.eq_ignore_ascii_case("stuffgate."))
}

/// The arguments of the call whose `(` stands at `open`, each as first and one past the last
/// token, and the position behind the `)`.
pub(crate) fn arguments(t: Tokens, open: usize) -> Option<(Vec<(usize, usize)>, usize)> {
    if !t.symbol(open, b'(') {
        return None;
    }
    let (mut list, mut from, mut at) = (Vec::new(), open + 1, open + 1);
    loop {
        match t.bytes(at) {
            b"(" | b"[" => at = t.behind_bracket(at),
            b"," => {
                list.push((from, at));
                from = at + 1;
                at += 1;
            }
            b")" => {
                if at > open + 1 {
                    list.push((from, at));
                }
                return Some((list, at + 1));
            }
            [] => return None,
            _ => at += 1,
        }
    }
}

/// What the argument of tokens `from..to` is, whatever it is cast to.
pub(crate) fn argument(t: Tokens, from: usize, to: usize) -> Arg {
    if from >= to || !only_casts(t, from + 1, to) {
        return Arg::Other;
    }
    if let Some(number) = t.parameter(from) {
        return Arg::Parameter(number);
    }
    let literal = match t.kind(from) {
        Some(TokenKind::Number) => std::str::from_utf8(t.bytes(from)).ok().map(str::to_owned),
        Some(TokenKind::Word) if t.is(from, "null") => return Arg::Null,
        Some(TokenKind::Word) if t.is_any(from, &["true", "false"]) => t.name_text(from),
        _ => t.string_text(from),
    };
    literal.map_or(Arg::Other, Arg::Literal)
}

/// Are the tokens `from..to` a row of `::type`?
fn only_casts(t: Tokens, mut from: usize, to: usize) -> bool {
    while from < to {
        if !t.operator(from, "::") || !t.is_name(from + 1) {
            return false;
        }
        from += 2;
        while t.symbol(from, b'.') && t.is_name(from + 1) {
            from += 2;
        }
        if t.is(from, "varying") {
            from += 1;
        }
        if t.symbol(from, b'(') {
            from = t.behind_bracket(from);
        }
    }
    from == to
}
