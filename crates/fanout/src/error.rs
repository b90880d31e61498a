//! What a client is told when home cannot be asked: the one place where such an error becomes fields.

use pool::{LeaseError, ResetError};
use std::fmt::Display;
use wire::dial::DialError;
use wire::{Fields, Severity, sqlstate};

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
        ResetError::Refused(fields) => Box::new(fields.with_severity(Severity::Error)),
        other => home_broke(label, &other),
    }
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
