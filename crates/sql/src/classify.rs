//! Says what one statement is and what it does to the session.

use crate::call::{argument, arguments, lone_call, settings};
use crate::effects::Effects;
use crate::refuse::decide;
use crate::set;
use crate::statement::{Arg, CopyDirection, Decision, Kind, Scope, Value};
use crate::tokens::Tokens;

/// The parameter that binds a session to a user.
pub(crate) const BIND_PARAMETER: &str = "stuffgate.user";

/// First words of statements that define, change or drop something.
const DDL: &[&str] = &[
    "alter",
    "analyse",
    "analyze",
    "checkpoint",
    "cluster",
    "comment",
    "create",
    "drop",
    "grant",
    "import",
    "reassign",
    "refresh",
    "reindex",
    "revoke",
    "security",
    "vacuum",
];

/// What the server runs by itself later.
const CODE: &[&str] =
    &["function", "procedure", "routine", "trigger", "extension", "rule", "aggregate", "language"];

pub(crate) fn classify(t: Tokens) -> (Kind, Effects, Decision) {
    let kind = kind(t).unwrap_or(Kind::Other);
    let calls = calls(t, &kind);
    let effects = effects(t, &kind) | calls.effects;
    let decision =
        if calls.binds_in_company { Decision::RefuseEverywhere(BINDS_IN_COMPANY) } else { decide(t) };
    (kind, effects, decision)
}

const BINDS_IN_COMPANY: crate::Refusal = crate::Refusal {
    sqlstate: "0A000",
    message: "stuffgate.user cannot be set in company of other expressions",
    hint: "Send SELECT set_config('stuffgate.user', ..., ...) as a statement of its own.",
};

fn kind(t: Tokens) -> Option<Kind> {
    if let Some(kind) = transaction(t) {
        return Some(kind);
    }
    let first = t.bytes(0).to_ascii_lowercase();
    match first.as_slice() {
        b"select" => lone_call(t).or_else(|| settings(t)),
        b"set" => set::set(t),
        b"reset" => set::reset(t),
        b"show" => set::show(t),
        b"discard" => set::discard(t),
        b"listen" => Some(Kind::Listen { channel: t.name_text(1)? }),
        b"unlisten" if t.symbol(1, b'*') => Some(Kind::Unlisten { channel: None }),
        b"unlisten" => Some(Kind::Unlisten { channel: Some(t.name_text(1)?) }),
        b"notify" => Some(Kind::Notify),
        b"prepare" => Some(Kind::Prepare { name: t.name_text(1)? }),
        b"execute" => Some(Kind::Execute { name: t.name_text(1)? }),
        b"deallocate" => {
            let at = if t.is(1, "prepare") && t.len() > 2 { 2 } else { 1 };
            let name = if t.is(at, "all") { None } else { Some(t.name_text(at)?) };
            Some(Kind::Deallocate { name })
        }
        b"declare" => Some(Kind::DeclareCursor { hold: declares_hold(t) }),
        b"fetch" | b"move" => Some(Kind::Fetch),
        b"close" if t.is(1, "all") => Some(Kind::Close { cursor: None }),
        b"close" => Some(Kind::Close { cursor: Some(t.name_text(1)?) }),
        b"copy" => Some(Kind::Copy { direction: copy_direction(t) }),
        b"do" => Some(Kind::Do),
        b"call" => Some(Kind::Call),
        b"load" => Some(Kind::Load),
        _ if t.is_any(0, DDL) => Some(Kind::Ddl),
        _ => None,
    }
}

fn transaction(t: Tokens) -> Option<Kind> {
    let filler = usize::from(t.is_any(1, &["work", "transaction"]));
    let chain = t.are(1 + filler, &["and", "chain"]);
    let first = t.bytes(0).to_ascii_lowercase();
    Some(match first.as_slice() {
        b"begin" if set::are_modes(t, 1 + filler) => Kind::Begin { modes: set::span(t, 1 + filler) },
        b"start" if t.is(1, "transaction") && set::are_modes(t, 2) => Kind::Begin { modes: set::span(t, 2) },
        b"commit" if t.is(1, "prepared") => Kind::CommitPrepared,
        b"rollback" if t.is(1, "prepared") => Kind::RollbackPrepared,
        b"prepare" if t.is(1, "transaction") && t.is_string(2) => Kind::PrepareTransaction,
        b"commit" | b"end" => Kind::Commit { chain },
        b"rollback" | b"abort" if t.is(1 + filler, "to") => {
            let at = 2 + filler + usize::from(t.is(2 + filler, "savepoint") && t.len() > 3 + filler);
            Kind::RollbackTo { name: t.name_text(at)? }
        }
        b"rollback" | b"abort" => Kind::Rollback { chain },
        b"savepoint" => Kind::Savepoint { name: t.name_text(1)? },
        b"release" => {
            let at = 1 + usize::from(t.is(1, "savepoint") && t.len() > 2);
            Kind::Release { name: t.name_text(at)? }
        }
        _ => return None,
    })
}

/// `WITH HOLD` between the cursor's name and its query.
fn declares_hold(t: Tokens) -> bool {
    (2..t.len()).take_while(|&i| !t.is(i, "for")).any(|i| t.are(i, &["with", "hold"]))
}

fn copy_direction(t: Tokens) -> CopyDirection {
    let mut at = if t.symbol(1, b'(') { t.behind_bracket(1) } else { 1 };
    while at < t.len() && !t.is_any(at, &["from", "to"]) {
        at = if t.symbol(at, b'(') { t.behind_bracket(at) } else { at + 1 };
    }
    if t.is(at + 1, "stdin") {
        CopyDirection::In
    } else if t.is(at + 1, "stdout") {
        CopyDirection::Out
    } else {
        CopyDirection::Server
    }
}

fn effects(t: Tokens, kind: &Kind) -> Effects {
    let set = |scope: &Scope| match scope {
        Scope::Session => Effects::SETS_PARAMETER,
        Scope::Local => Effects::SETS_LOCAL,
    };
    match kind {
        Kind::Savepoint { .. } | Kind::RollbackTo { .. } | Kind::Release { .. } => Effects::SAVEPOINT,
        Kind::PrepareTransaction | Kind::CommitPrepared | Kind::RollbackPrepared => Effects::TWO_PHASE,
        Kind::Set { scope, name, value } => set(scope) | temp_path(name, value),
        Kind::SetRole { scope, .. } => set(scope) | Effects::ROLE,
        Kind::SetSessionAuthorization { scope: Scope::Session, role: None } => Effects::SETS_PARAMETER,
        Kind::SetSessionAuthorization { scope, .. } => {
            set(scope) | Effects::ROLE | Effects::SESSION_AUTHORIZATION
        }
        Kind::SetSessionCharacteristics { .. } => Effects::SETS_PARAMETER,
        Kind::Reset(_) => Effects::SETS_PARAMETER,
        Kind::SettingsSelect { .. } => Effects::SETS_PARAMETER,
        Kind::SetConfigSelect { name, value, is_local, .. } => set_config_effects(name, value, is_local),
        Kind::Listen { .. } => Effects::LISTEN,
        Kind::Prepare { .. } => Effects::SQL_PREPARE,
        Kind::DeclareCursor { hold: true } => Effects::HOLD,
        Kind::Do | Kind::Call | Kind::Load => Effects::UNREPLAYABLE,
        Kind::Ddl => ddl_effects(t),
        _ => Effects::NONE,
    }
}

fn temp_path(name: &str, value: &Value) -> Effects {
    match value {
        Value::Text { list, .. } if name == "search_path" && list.iter().any(|s| s == "pg_temp") => {
            Effects::TEMP
        }
        _ => Effects::NONE,
    }
}

fn set_config_effects(name: &Arg, value: &Arg, is_local: &Arg) -> Effects {
    let scope = if is_local_only(is_local) { Effects::SETS_LOCAL } else { Effects::SETS_PARAMETER };
    let Arg::Literal(name) = name else {
        return scope | Effects::UNREPLAYABLE;
    };
    let temp = match value {
        Arg::Literal(value) if value.contains("pg_temp") => Effects::TEMP,
        _ => Effects::NONE,
    };
    scope
        | match name.to_ascii_lowercase().as_str() {
            "role" => Effects::ROLE,
            "session_authorization" => Effects::ROLE | Effects::SESSION_AUTHORIZATION,
            "search_path" => temp,
            _ => Effects::NONE,
        }
}

/// Is it certain that this says "for the transaction only"?
fn is_local_only(is_local: &Arg) -> bool {
    const TRUE: [&str; 6] = ["true", "t", "on", "yes", "y", "1"];
    matches!(is_local, Arg::Literal(text) if TRUE.iter().any(|t| text.eq_ignore_ascii_case(t)))
}

fn ddl_effects(t: Tokens) -> Effects {
    let defines = t.is_any(0, &["create", "alter", "drop"]);
    let code = defines && (1..t.len().min(6)).any(|i| t.is_any(i, CODE));
    Effects::DDL | if code { Effects::FUNCTION_DDL } else { Effects::NONE }
}

/// More calls of `set_config` in one statement are not looked at: they cannot be replayed anyway.
const MAX_SET_CONFIGS: usize = 64;

struct Calls {
    effects: Effects,
    set_configs: usize,
    binds_in_company: bool,
}

/// What is called, or made temporary, anywhere in the statement.
fn calls(t: Tokens, kind: &Kind) -> Calls {
    let mut calls = Calls { effects: Effects::NONE, set_configs: 0, binds_in_company: false };
    if matches!(kind, Kind::SettingsSelect { .. }) {
        return calls;
    }
    let lone = matches!(kind, Kind::SetConfigSelect { .. } | Kind::CurrentSettingSelect { .. });
    for i in (0..t.len()).filter(|&i| t.is_name(i)) {
        if t.symbol(i + 1, b'(') {
            if !(lone && i <= 3) {
                call(t, i, &mut calls);
            }
        } else if makes_temporary(t, i) {
            calls.effects |= Effects::TEMP;
        }
    }
    calls
}

fn call(t: Tokens, i: usize, calls: &mut Calls) {
    let Some(name) = t.name(i) else { return };
    match &*name {
        b"currval" | b"lastval" => calls.effects |= Effects::SEQUENCE_STATE,
        b"setseed" | b"dblink_connect" | b"dblink_connect_u" => calls.effects |= Effects::UNREPLAYABLE,
        b"set_config" => set_config_in_company(t, i, calls),
        name if locks_for_session(name) => calls.effects |= Effects::SESSION_ADVISORY,
        _ => {}
    }
}

/// "Advisory Lock Functions", without those that only give back, and those whose locks end with the
/// transaction.
fn locks_for_session(name: &[u8]) -> bool {
    let advisory = name.starts_with(b"pg_advisory_") || name.starts_with(b"pg_try_advisory_");
    let holds = |part: &[u8]| memchr::memmem::find(name, part).is_some();
    advisory && !holds(b"_xact_") && !holds(b"_unlock")
}

fn set_config_in_company(t: Tokens, i: usize, calls: &mut Calls) {
    calls.set_configs += 1;
    if calls.set_configs > MAX_SET_CONFIGS {
        calls.effects |= Effects::UNREPLAYABLE;
        return;
    }
    let list = arguments(t, i + 1).map(|(list, _)| list).unwrap_or_default();
    let argument = |n: usize| list.get(n).map_or(Arg::Other, |&(from, to)| argument(t, from, to));
    let (name, is_local) = (argument(0), argument(2));
    if matches!(&name, Arg::Literal(name) if name.eq_ignore_ascii_case(BIND_PARAMETER)) {
        calls.binds_in_company = true;
    }
    calls.effects |= set_config_effects(&name, &argument(1), &is_local);
    if !is_local_only(&is_local) {
        calls.effects |= Effects::UNREPLAYABLE;
    }
}

fn makes_temporary(t: Tokens, i: usize) -> bool {
    if t.is_any(i, &["temp", "temporary"]) {
        return i > 0 && t.is_any(i - 1, &["create", "replace", "into", "local", "global"]);
    }
    t.symbol(i + 1, b'.') && t.name(i).is_some_and(|name| name.starts_with(b"pg_temp"))
}
