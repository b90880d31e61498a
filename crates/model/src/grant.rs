//! A user's permission to a service on a partition.

use crate::{Disclosure, GrantId, Partition, Sealed, ServiceId, StoreId, UserId};
use serde::{Deserialize, Serialize};

/// Where a grant is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantState {
    /// Recorded, but the store has not been provisioned yet (57P03).
    Pending,
    /// In use.
    Active,
    /// Withdrawn; sessions are refused, the store may still have to be cleaned up.
    Revoked,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Row in the registry.
    pub id: GrantId,
    /// Who granted.
    pub user: UserId,
    /// To whom.
    pub service: ServiceId,
    /// In which store.
    pub store: StoreId,
    /// On which part of it.
    pub partition: Partition,
    /// Database the partition is in, when it is not the store's own ([`Partition::Database`]).
    pub database: Option<Box<str>>,
    /// LOGIN role the gate uses for sessions (`g_…`).
    pub role: Box<str>,
    /// That role's sealed secret.
    pub credential: Sealed,
    /// State.
    pub state: GrantState,
    /// When it ends by itself, in seconds since the Unix epoch.
    pub expires_at: Option<i64>,
    /// How much of the partition fan-outs may disclose.
    pub fanout: Disclosure,
}

impl Grant {
    /// Whether sessions may use it at `now` (seconds since the Unix epoch).
    #[must_use]
    pub fn is_usable(&self, now: i64) -> bool {
        is_usable(self.state, self.expires_at, now)
    }
}

pub(crate) fn is_usable(state: GrantState, expires_at: Option<i64>, now: i64) -> bool {
    state == GrantState::Active && expires_at.is_none_or(|end| now < end)
}
