//! One Postgres database that a user owns and the gate can reach.

use crate::{Endpoint, StoreId, UserId};
use serde::{Deserialize, Serialize};

/// Whether sessions may be routed to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreState {
    /// In use.
    Active,
    /// Work from the outbox must be done in it first (57P03 until then).
    Reconciling,
}

/// A store. Its admin credential stays in the registry: sessions have no use for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Row in the registry.
    pub id: StoreId,
    /// Its owner.
    pub user: UserId,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Whether sessions may go there.
    pub state: StoreState,
}
