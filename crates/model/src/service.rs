//! An application that uses the gate, with its home.

use crate::{Endpoint, Name, Sealed, ServiceId};

/// A service's own Postgres, for what is not user data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Role the gate logs in with.
    pub role: Box<str>,
    /// That role's sealed secret.
    pub credential: Sealed,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Row in the registry.
    pub id: ServiceId,
    /// Unique name; the database name that clients connect to.
    pub name: Name,
    /// Home, if it has one. Without one, an unbound service session is refused.
    pub home: Option<Home>,
    /// Extensions that provisioning installs in every partition's store.
    pub extensions: Vec<Box<str>>,
}
