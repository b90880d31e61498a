//! The person who owns a store.

use crate::{Name, UserId};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Row in the registry.
    pub id: UserId,
    /// Unique name; what services bind to.
    pub name: Name,
    /// A disabled user's sessions are refused as if the user were unknown.
    pub disabled: bool,
}
