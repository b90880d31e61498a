//! What has become of a leg, from what went wrong: total functions of pool's and the store's errors.

use model::Outcome;
use pool::LeaseError;
use std::time::Duration;
use wire::dial::{AuthFault, DialError};
use wire::{Fields, Sqlstate, sqlstate};

/// Longest message of a store's that is told on, in characters.
const MAX_MESSAGE_CHARS: usize = 300;

/// Said in place of an error about a value that is not to be seen.
pub(crate) const NO_WORDS: &str =
    "a value is not one that the statement can compute with; values are not shown";

/// Why a leg is not ok.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) outcome: Outcome,
    pub(crate) sqlstate: Option<Sqlstate>,
    pub(crate) message: String,
    /// The words are about rows, and may have values of theirs in them.
    pub(crate) about_rows: bool,
}

impl Fault {
    pub(crate) fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, sqlstate: None, message: message.into(), about_rows: false }
    }

    fn with(outcome: Outcome, code: Sqlstate, message: &str) -> Self {
        Self { outcome, sqlstate: Some(code), message: shown(message), about_rows: false }
    }

    /// It breaks the protocol, or sends values that no type has.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(Outcome::BadData, message)
    }

    /// The same, for whom single values are not to be seen: an error about a value has the value in its words.
    pub(crate) fn without_words(self) -> Self {
        if self.about_rows { Self { message: NO_WORDS.to_owned(), ..self } } else { self }
    }

    /// Home does not take what it sent.
    pub(crate) fn refused(why: &Fields) -> Self {
        Self { about_rows: true, ..Self::with(Outcome::BadData, why.code, &why.message) }
    }

    /// The connection broke.
    pub(crate) fn broke(why: &std::io::Error) -> Self {
        Self::with(
            Outcome::Unreachable,
            sqlstate::CONNECTION_FAILURE,
            &format!("the connection broke: {why}"),
        )
    }

    /// The store closed the connection.
    pub(crate) fn closed() -> Self {
        let message = "the store closed the connection";
        Self::with(Outcome::Unreachable, sqlstate::CONNECTION_FAILURE, message)
    }

    /// More than it may send.
    pub(crate) fn limit(what: &str, setting: &str) -> Self {
        Self::new(Outcome::Limit, format!("it sent more than {what} ({setting})"))
    }

    /// No answer in time.
    pub(crate) fn late(limit: Duration, setting: &str) -> Self {
        Self::new(Outcome::Timeout, format!("no answer within {} ms ({setting})", limit.as_millis()))
    }

    /// The store answered with an error.
    pub(crate) fn told(fields: &Fields) -> Self {
        Self::with(of_code(fields.code), fields.code, &fields.message)
    }

    /// There is no connection.
    pub(crate) fn no_lease(error: &LeaseError) -> Self {
        let (outcome, code) = match error {
            LeaseError::StoreBusy { .. } | LeaseError::QueueFull { .. } | LeaseError::BudgetSpent { .. } => {
                (Outcome::Unreachable, sqlstate::TOO_MANY_CONNECTIONS)
            }
            LeaseError::Unreachable { code: Some(code), .. } => (of_login(*code), *code),
            LeaseError::TimedOut { .. } | LeaseError::Unreachable { code: None, .. } => {
                (Outcome::Unreachable, sqlstate::CONNECTION_FAILURE)
            }
            LeaseError::Refused { reason, .. } => of_dial(reason),
            LeaseError::Credential { .. } => (Outcome::Auth, sqlstate::SYSTEM_ERROR),
        };
        Self::with(outcome, code, &error.to_string())
    }
}

fn of_dial(error: &DialError) -> (Outcome, Sqlstate) {
    match error {
        DialError::Auth(AuthFault::Rejected(fields)) | DialError::Refused(fields) => {
            (of_login(fields.code), fields.code)
        }
        DialError::Auth(_) => (Outcome::Auth, sqlstate::INVALID_PASSWORD),
        _ => (Outcome::Unreachable, sqlstate::CONNECTION_FAILURE),
    }
}

/// Of an error that came instead of a login.
fn of_login(code: Sqlstate) -> Outcome {
    match code.as_str() {
        "28P01" => Outcome::Auth,
        "28000" | "42501" => Outcome::Revoked,
        _ => Outcome::Unreachable,
    }
}

/// Of an error that came instead of an answer. Home takes the text, so what a store has against its names and
/// types is a matter of its schema.
fn of_code(code: Sqlstate) -> Outcome {
    match (code.class(), code.as_str()) {
        ("28", "28P01") => Outcome::Auth,
        ("28", _) | (_, "42501") => Outcome::Revoked,
        (_, "57014" | "55P03") => Outcome::Timeout,
        ("08" | "53" | "57" | "58", _) => Outcome::Unreachable,
        ("42" | "3F", _) => Outcome::Schema,
        _ => Outcome::BadData,
    }
}

/// A store's own words, fit to be shown: one line, no control characters, not too long.
pub(crate) fn shown(text: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let mut shown: String = text.chars().take(MAX_MESSAGE_CHARS).map(plain).collect();
    if text.chars().nth(MAX_MESSAGE_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_a_store_has_one_outcome() {
        for (code, outcome) in [
            ("57P01", Outcome::Unreachable),
            ("57P03", Outcome::Unreachable),
            ("53300", Outcome::Unreachable),
            ("08006", Outcome::Unreachable),
            ("28P01", Outcome::Auth),
            ("28000", Outcome::Revoked),
            ("42501", Outcome::Revoked),
            ("42P01", Outcome::Schema),
            ("42703", Outcome::Schema),
            ("3F000", Outcome::Schema),
            ("42704", Outcome::Schema),
            ("42883", Outcome::Schema),
            ("57014", Outcome::Timeout),
            ("55P03", Outcome::Timeout),
            ("22012", Outcome::BadData),
            ("25006", Outcome::BadData),
            ("ZZZZZ", Outcome::BadData),
            ("00000", Outcome::BadData),
        ] {
            let code = Sqlstate::from_bytes(code.as_bytes()).expect("a code");
            assert_eq!(of_code(code), outcome, "{code}");
        }
    }

    #[test]
    fn a_message_of_a_stores_is_one_short_line() {
        assert_eq!(shown("a\nb\u{1b}[31mc\0"), "a b [31mc ");
        assert_eq!(shown(&"ä".repeat(1000)).chars().count(), MAX_MESSAGE_CHARS + 1);
    }
}
