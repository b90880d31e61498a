//! A name and secret that a client connects with.

use crate::{LoginId, Name, ScramVerifier, ServiceId, UserId};
use serde::{Deserialize, Serialize};

/// What a login may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LoginKind {
    /// The user's own partition of the service it names as database.
    User(UserId),
    /// Home, and every partition granted to the service.
    Service(ServiceId),
    /// Fan-out over the service's partitions, read-only.
    Analyst(ServiceId),
    /// The admin console.
    Admin,
}

impl LoginKind {
    /// The kind's word in the registry, the command line and logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Service(_) => "service",
            Self::Analyst(_) => "analyst",
            Self::Admin => "admin",
        }
    }
}

/// A login. Names are unique over all kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Row in the registry.
    pub id: LoginId,
    /// The name that clients send as `user`.
    pub name: Name,
    /// What it may reach.
    pub kind: LoginKind,
    /// Checks its secret.
    pub verifier: ScramVerifier,
    /// A disabled login is refused as if it were unknown.
    pub disabled: bool,
    /// When it ends by itself, in seconds since the Unix epoch.
    pub expires_at: Option<i64>,
    /// For analysts: groups to which fewer stores contributed are not shown; 0 and 1 show all.
    pub min_stores_per_group: u32,
}
