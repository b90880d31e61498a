//! Why there is no lease.

use wire::dial::{AuthFault, DialError};
use wire::{Sqlstate, sqlstate};

/// Why there is no lease. `place` is the place's label.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Every connection of the store stayed in use until the wait was over (53300).
    #[error("{place}: all {limit} connections stayed in use for {waited_ms} ms")]
    StoreBusy {
        /// The store.
        place: String,
        /// Its limit.
        limit: usize,
        /// How long was waited.
        waited_ms: u128,
    },
    /// The gate's or the service's budget stayed used up until the wait was over (53300).
    #[error("{place}: the gate's budget of server connections stayed used up for {waited_ms} ms")]
    BudgetSpent {
        /// The store.
        place: String,
        /// How long was waited.
        waited_ms: u128,
    },
    /// Too many sessions wait for the store already (53300).
    #[error("{place}: {limit} sessions already wait for a connection")]
    QueueFull {
        /// The store.
        place: String,
        /// The bound on waiting sessions.
        limit: usize,
    },
    /// The store did not answer in time (08006).
    #[error("{place} did not answer within {waited_ms} ms")]
    TimedOut {
        /// The store.
        place: String,
        /// How long was waited.
        waited_ms: u128,
    },
    /// The store cannot be reached, or was a moment ago and is left alone for now (08006).
    #[error("{place} is unreachable: {reason}")]
    Unreachable {
        /// The store.
        place: String,
        /// What the last attempt met.
        reason: String,
        /// The store's own SQLSTATE, where it answered that attempt.
        code: Option<Sqlstate>,
    },
    /// The store answered and refused (its own SQLSTATE, or 08006).
    #[error("{place}: {reason}")]
    Refused {
        /// The store.
        place: String,
        /// What it said.
        reason: Box<DialError>,
    },
    /// The gate cannot open the credential (58000): the key file does not fit the registry.
    #[error("{place}: its credential cannot be opened")]
    Credential {
        /// The store.
        place: String,
    },
}

impl LeaseError {
    /// The store's own SQLSTATE, where it has answered; 28P01 where gate and store do not agree on the secret.
    #[must_use]
    pub fn code(&self) -> Option<Sqlstate> {
        match self {
            Self::Unreachable { code, .. } => *code,
            Self::Refused { reason, .. } => match &**reason {
                DialError::Refused(fields) | DialError::Auth(AuthFault::Rejected(fields)) => {
                    Some(fields.code)
                }
                DialError::Auth(_) => Some(sqlstate::INVALID_PASSWORD),
                _ => None,
            },
            _ => None,
        }
    }
}
