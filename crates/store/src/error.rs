//! What can go wrong in a store, named by what the caller decides.

use crate::ServerVersion;
use tokio_postgres::error::SqlState;

/// Longest text of a store that goes into an error, in characters: a store may send anything.
const SAID_MAX: usize = 300;

/// Every variant reads as one line that a person can act on. None holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nobody answers, or not in time. Try again later.
    #[error("{endpoint} cannot be reached: {reason}")]
    Unreachable {
        /// `host:port/database`.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// The connection cannot be protected as asked. Somebody must look.
    #[error("{endpoint}: {reason}")]
    Tls {
        /// `host:port/database`.
        endpoint: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The store does not let the role in. Somebody must correct the URL or the store.
    #[error("{endpoint} does not let role {role:?} in: {reason}")]
    Login {
        /// `host:port/database`.
        endpoint: String,
        /// The role that tried.
        role: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The role lacks a right. The store's owner must give it.
    #[error("{missing}; {hint}")]
    Rights {
        /// What is missing.
        missing: String,
        /// What gives it.
        hint: String,
    },
    /// The server is too old.
    #[error("PostgreSQL {0} is too old: the gate needs 15 or newer")]
    Version(ServerVersion),
    /// Something of that name is there that is not the gate's. Somebody must choose.
    #[error("{0}")]
    Conflict(String),
    /// The plan itself cannot be carried out anywhere: the gate's own fault.
    #[error("the plan is wrong: {0}")]
    Plan(String),
    /// The store refused a statement for another reason.
    #[error("the store refused to {doing}: {message} (SQLSTATE {state})")]
    Sql {
        /// What the gate was about to do.
        doing: String,
        /// SQLSTATE (PostgreSQL manual, "PostgreSQL Error Codes").
        state: String,
        /// The store's words.
        message: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without anybody's doing.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Sql { state, .. } => is_passing(state),
            Self::Tls { .. }
            | Self::Login { .. }
            | Self::Rights { .. }
            | Self::Version(_)
            | Self::Conflict(_)
            | Self::Plan(_) => false,
        }
    }
}

/// SQLSTATE that the gate's own scripts raise where something of the same name is in the way.
pub(crate) const CONFLICT: &str = "SG001";

/// Turns what the store said to a statement into an error. `doing` completes "refused to …".
pub(crate) fn from_db(error: &tokio_postgres::error::DbError, doing: &str) -> StoreError {
    let (state, said) = (error.code(), said(error.message()));
    match state.code() {
        CONFLICT => StoreError::Conflict(said),
        code if code == SqlState::INSUFFICIENT_PRIVILEGE.code() => StoreError::Rights {
            missing: format!("the store refused to {doing}: {said}"),
            hint: "the admin must own the database, have CREATEROLE, and from PostgreSQL 16 on have made the gate's roles itself; `stuffgate store test` tells more"
                .into(),
        },
        code => StoreError::Sql { doing: doing.into(), state: code.into(), message: said },
    }
}

/// Whether a SQLSTATE is about the moment, not about the statement: lost connections, rolled back
/// transactions, exhausted resources, locks, an operator's doing, and a concurrent creator of the same.
fn is_passing(state: &str) -> bool {
    let concurrent = [
        SqlState::UNIQUE_VIOLATION.code(),
        SqlState::LOCK_NOT_AVAILABLE.code(),
        SqlState::UNDEFINED_TABLE.code(),
        "XX000",
    ];
    ["08", "40", "53", "57"].iter().any(|class| state.starts_with(class)) || concurrent.contains(&state)
}

/// A store's text on one bounded line without control characters.
pub(crate) fn said(text: &str) -> String {
    let mut line: String =
        text.chars().take(SAID_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SAID_MAX).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_says_stays_on_one_bounded_line() {
        assert_eq!(said("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(said(&"x".repeat(10_000)).chars().count(), SAID_MAX + 1);
    }

    #[test]
    fn only_what_may_pass_by_itself_is_retried() {
        let sql =
            |state: &str| StoreError::Sql { doing: "x".into(), state: state.into(), message: "y".into() };
        for (state, retried) in [("40P01", true), ("55P03", true), ("57P03", true), ("42704", false)] {
            assert_eq!(sql(state).is_worth_retrying(), retried, "{state}");
        }
        assert!(!StoreError::Conflict("x".into()).is_worth_retrying());
    }
}
