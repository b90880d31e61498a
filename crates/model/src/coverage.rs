//! What a fan-out asked and what it got, store by store.

use crate::Name;
use std::time::Duration;

/// What became of one leg. Every store that is asked gets exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Its CommandComplete arrived, and all that it sent is part of the answer.
    Ok,
    /// No connection, or it broke.
    Unreachable,
    /// The store did not accept the gate's credential.
    Auth,
    /// The store's owner, or an expiry, took the right to read away.
    Revoked,
    /// The grant's class does not allow what the query discloses.
    NotGranted,
    /// A table or column is missing there, or of another type.
    Schema,
    /// No answer within the leg's time or the query's.
    Timeout,
    /// More rows or bytes than a leg may send.
    Limit,
    /// What it sent cannot be what was asked for.
    BadData,
    /// The query ended before the leg did.
    Cancelled,
}

impl Outcome {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Unreachable,
        Self::Auth,
        Self::Revoked,
        Self::NotGranted,
        Self::Schema,
        Self::Timeout,
        Self::Limit,
        Self::BadData,
        Self::Cancelled,
    ];

    /// The word for it in reports, metrics and columns.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unreachable => "unreachable",
            Self::Auth => "auth",
            Self::Revoked => "revoked",
            Self::NotGranted => "not_granted",
            Self::Schema => "schema",
            Self::Timeout => "timeout",
            Self::Limit => "limit",
            Self::BadData => "bad_data",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What became of one store's part in a fan-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegReport {
    /// Whose store.
    pub user: Name,
    /// What became of it.
    pub outcome: Outcome,
    /// SQLSTATE of what went wrong, if there is one.
    pub sqlstate: Option<String>,
    /// What went wrong, for a person.
    pub message: Option<String>,
    /// Rows that it sent, if whoever asks may know.
    pub rows: Option<u64>,
    /// Bytes of them, likewise.
    pub bytes: Option<u64>,
    /// From asking for a connection to the end of the leg.
    pub elapsed: Duration,
}

/// What a fan-out asked and what it got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// One for each store that was asked, in the order of users' names.
    pub legs: Vec<LegReport>,
    /// From the statement to the end of its last leg.
    pub elapsed: Duration,
}

impl Coverage {
    /// Stores that were asked: the grants, not the stores that happened to be up.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.legs.len()
    }

    /// Legs that came to `outcome`.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.legs.iter().filter(|leg| leg.outcome == outcome).count()
    }

    /// Whether all that were asked are part of the answer.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count(Outcome::Ok) == self.asked()
    }

    /// The part of the asked stores that answered, from 0 to 1; 1 where none was asked.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "stores are fewer than 2^52")]
    pub fn share(&self) -> f64 {
        if self.legs.is_empty() {
            return 1.0;
        }
        self.count(Outcome::Ok) as f64 / self.asked() as f64
    }
}
