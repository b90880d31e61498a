//! Where a lease goes: one role in one database, with what every connection there starts from.

use model::{Endpoint, GrantId, Sealed, ServiceId};

/// Which pool: connections are interchangeable within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A grant's login role in its store.
    Grant(GrantId),
    /// The read-only role of a grant's partition, for fan-outs.
    Reader(GrantId),
    /// A service's home.
    Home(ServiceId),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Grant(id) => write!(f, "grant {id}"),
            Self::Reader(id) => write!(f, "reader of grant {id}"),
            Self::Home(id) => write!(f, "home of service {id}"),
        }
    }
}

/// One role in one database. When the registry changes any of it, the pool's old connections go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which pool.
    pub key: Key,
    /// On whose account the connections are counted.
    pub service: ServiceId,
    /// What it is called in messages: `alice's store`, `the home of todo`.
    pub label: Box<str>,
    /// Where it is.
    pub endpoint: Endpoint,
    /// LOGIN role.
    pub role: Box<str>,
    /// That role's sealed secret.
    pub credential: Sealed,
    /// Start-up parameters: what `RESET ALL` comes back to.
    pub startup: Vec<(String, String)>,
    /// Whether no password at all is acceptable (`trust`), as the operator said.
    pub allow_trust: bool,
}
