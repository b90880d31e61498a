//! What a client is told when there is no answer: the one place where such an error becomes fields.

use crate::TierWish;
use crate::legs::NO_WORDS;
use model::LegReport;
use pool::{LeaseError, ResetError};
use sql::fanout::{Refusal, Tier};
use std::fmt::Display;
use std::time::Duration;
use wire::dial::DialError;
use wire::{Fields, Severity, Sqlstate, sqlstate};

/// What to do when home is not there.
const LOOK_AT_HOME: &str =
    "A fan-out is judged and combined on the service's home; see that it runs and can be reached.";

/// No connection to home.
pub(crate) fn no_home(error: &LeaseError) -> Box<Fields> {
    let (code, hint) = match error {
        LeaseError::StoreBusy { .. } | LeaseError::QueueFull { .. } => (
            sqlstate::TOO_MANY_CONNECTIONS,
            "Sessions keep the connections to home, in open transactions perhaps; the limit is pool.per_store.",
        ),
        LeaseError::BudgetSpent { .. } => {
            (sqlstate::TOO_MANY_CONNECTIONS, "The limits are pool.total and pool.per_service.")
        }
        LeaseError::TimedOut { .. } | LeaseError::Unreachable { .. } => {
            (sqlstate::CONNECTION_FAILURE, LOOK_AT_HOME)
        }
        LeaseError::Refused { reason, .. } => match &**reason {
            DialError::Refused(fields) if matches!(fields.code.class(), "53" | "57") => {
                (fields.code, LOOK_AT_HOME)
            }
            _ => (sqlstate::CONNECTION_FAILURE, LOOK_AT_HOME),
        },
        LeaseError::Credential { .. } => (
            sqlstate::SYSTEM_ERROR,
            "The gate's key file does not fit its registry: the operator has to put the right one back.",
        ),
    };
    Box::new(Fields::error(code, error.to_string()).with_hint(hint))
}

/// Home refuses the session's parameters, or was lost while it was told them.
pub(crate) fn set_up(label: &str, error: ResetError) -> Box<Fields> {
    match error {
        ResetError::Refused(mut fields) => {
            fields.position = None; // it is in a text of the gate's own
            Box::new(fields.with_severity(Severity::Error))
        }
        other => home_broke(label, &other),
    }
}

/// Home does not answer.
pub(crate) fn home_late(label: &str, limit: Duration) -> Box<Fields> {
    let message = format!("{label} did not answer within {} ms", limit.as_millis());
    Box::new(Fields::error(sqlstate::CONNECTION_FAILURE, message).with_hint(LOOK_AT_HOME))
}

/// Home works on the answer for longer than a statement may take.
pub(crate) fn home_slow(limit: Duration) -> Box<Fields> {
    let message = format!("home did not put the answer together within {} ms", limit.as_millis());
    Box::new(
        Fields::error(sqlstate::QUERY_CANCELED, message)
            .with_hint("Ask for less, or SET fanout.deadline to more."),
    )
}

/// Home ended the connection.
pub(crate) fn home_closed(label: &str) -> Box<Fields> {
    home_lost(format!("{label} closed the connection unexpectedly"))
}

/// The connection to home broke.
pub(crate) fn home_broke(label: &str, why: &impl Display) -> Box<Fields> {
    home_lost(format!("the connection to {label} broke: {why}"))
}

fn home_lost(message: String) -> Box<Fields> {
    Box::new(
        Fields::error(sqlstate::CONNECTION_FAILURE, message)
            .with_hint("The statement only reads: run it again."),
    )
}

/// The planner's refusal.
pub(crate) fn refused(refusal: &Refusal) -> Box<Fields> {
    let code = Sqlstate::from_bytes(refusal.sqlstate.as_bytes()).unwrap_or(sqlstate::FEATURE_NOT_SUPPORTED);
    Box::new(Fields::error(code, refusal.message.clone()).with_hint(refusal.hint.clone()))
}

/// The tier that the session wants, or the last that was left, does not fit.
pub(crate) fn not_at(tier: Tier, reason: &str, wish: TierWish) -> Box<Fields> {
    let hint = match wish {
        TierWish::Auto => "Write it with plainer SQL, or ask for its parts one by one.",
        TierWish::Only(_) => "SET fanout.tier = 'auto' has the gate choose one that fits.",
    };
    let message = format!("the statement cannot be answered at tier {}: {reason}", tier.as_str());
    Box::new(Fields::error(sqlstate::FEATURE_NOT_SUPPORTED, message).with_hint(hint))
}

/// Bind has other values than the statement has parameters.
pub(crate) fn parameter_count(given: usize, needed: usize) -> Box<Fields> {
    let message = format!("bind message supplies {given} parameters, but the statement requires {needed}");
    Box::new(Fields::error(sqlstate::PROTOCOL_VIOLATION, message))
}

/// A statement that leans on a key which is none over all stores.
pub(crate) fn key_not_unique() -> Box<Fields> {
    Box::new(
        Fields::error(
            sqlstate::FEATURE_NOT_SUPPORTED,
            "columns that a key decides cannot be left out of GROUP BY: rows of two stores have the same key",
        )
        .with_hint(
            "Name every column in GROUP BY, and _store where rows of different stores are to stay apart.",
        ),
    )
}

/// Partial results that no message can carry.
pub(crate) fn too_many_groups(bytes: usize) -> Box<Fields> {
    Box::new(
        Fields::error(
            sqlstate::PROGRAM_LIMIT_EXCEEDED,
            format!("the stores sent {bytes} bytes of partial results, too many to combine"),
        )
        .with_hint("Group by less, or narrow the WHERE."),
    )
}

/// Home takes the rows of each store, and not what was made of them.
pub(crate) fn no_attempt_left() -> Box<Fields> {
    Box::new(
        Fields::error(sqlstate::INTERNAL_ERROR, "the statement was tried at every tier and none answered")
            .with_hint("EXPLAIN shows what was sent; SELECT * FROM stuffgate.legs shows what came back."),
    )
}

/// A parameter that every store would read by its own clock.
pub(crate) fn moment(number: usize) -> Box<Fields> {
    Box::new(
        Fields::error(
            sqlstate::FEATURE_NOT_SUPPORTED,
            format!("parameter ${number} is a moment that every store reads by its own clock"),
        )
        .with_hint("Send the date or time itself, or write now() or CURRENT_DATE in the statement."),
    )
}

/// A setting under which texts cannot be passed on as they are.
pub(crate) fn setting(name: &str, value: &str, needed: &str) -> Box<Fields> {
    Box::new(
        Fields::error(
            sqlstate::FEATURE_NOT_SUPPORTED,
            format!("a fan-out needs {name} to be {needed}, and it is {value}"),
        )
        .with_hint("SET it so: the texts of all stores are put together as they come."),
    )
}

/// COPY takes no parameters (PostgreSQL: 42P02).
pub(crate) fn no_parameter() -> Box<Fields> {
    Box::new(Fields::error(sqlstate::UNDEFINED_PARAMETER, "there is no parameter $1"))
}

/// Home has changed since the statement was described.
pub(crate) fn changed() -> Box<Fields> {
    Box::new(
        Fields::error(sqlstate::FEATURE_NOT_SUPPORTED, "cached plan must not change result type")
            .with_hint("Tables or types on home have changed: prepare the statement again."),
    )
}

/// What to do where rows were passed on and are no answer.
const RUN_AGAIN: &str = "The rows before this error are no answer. Run the statement again; under SET fanout.tier = 't3' \
     a store that is lost on the way is left out and named.";

/// Classes of errors that are not about values: the gate's own, and those of connections and servers.
const NOT_ABOUT_VALUES: [&str; 6] = ["08", "0A", "53", "55", "57", "58"];

/// The same error for a client that is not to see single values: what may quote one is left out.
pub(crate) fn without_words(mut error: Box<Fields>) -> Box<Fields> {
    if NOT_ABOUT_VALUES.contains(&error.code.class()) {
        return error;
    }
    if error.message.contains(|character: char| matches!(character, '"' | '\'') || character.is_ascii_digit())
    {
        error.message = NO_WORDS.to_owned();
    }
    (error.detail, error.hint, error.position) = (None, None, None);
    (error.schema, error.table, error.column) = (None, None, None);
    (error.data_type, error.constraint) = (None, None);
    error.others.clear();
    error
}

/// A store was lost after rows of its were passed on.
pub(crate) fn lost_midway(report: &LegReport) -> Box<Fields> {
    let why = report.message.as_deref().unwrap_or(report.outcome.as_str());
    let message = format!("the store of {} was lost while its rows were passed on: {why}", report.user);
    Box::new(Fields::error(sqlstate::IO_ERROR, message).with_hint(RUN_AGAIN))
}

/// A store failed at a value after rows were passed on, as one Postgres would have.
pub(crate) fn failed_midway(report: &LegReport) -> Box<Fields> {
    let code = report.sqlstate.as_deref().and_then(|code| Sqlstate::from_bytes(code.as_bytes()));
    let message = report.message.as_deref().unwrap_or("a value is not one of its type");
    let detail = format!("Met in the store of {}.", report.user);
    Box::new(
        Fields::error(code.unwrap_or(sqlstate::INTERNAL_ERROR), message)
            .with_detail(detail)
            .with_hint(RUN_AGAIN),
    )
}

/// A store does not keep the order that it was asked for.
pub(crate) fn not_sorted(user: &str) -> Box<Fields> {
    let message = format!("the store of {user} sent rows out of order");
    Box::new(Fields::error(sqlstate::IO_ERROR, message).with_hint(RUN_AGAIN))
}
