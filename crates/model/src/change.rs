//! What the registry's followers tell the directory.

use crate::{Grant, GrantId, Login, LoginId, Service, ServiceId, Store, StoreId, User, UserId};

/// One row that came, changed or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A user was added or changed.
    User(User),
    /// A user was removed.
    UserGone(UserId),
    /// A service was added or changed.
    Service(Service),
    /// A service was removed.
    ServiceGone(ServiceId),
    /// A store was added or changed.
    Store(Store),
    /// A store was removed.
    StoreGone(StoreId),
    /// A grant was added or changed.
    Grant(Grant),
    /// A grant was removed.
    GrantGone(GrantId),
    /// A login was added or changed.
    Login(Login),
    /// A login was removed.
    LoginGone(LoginId),
}
