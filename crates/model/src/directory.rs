//! The in-memory, versioned snapshot of the registry that sessions read.
//!
//! One entry is replaced at a time, so adding the 100,001st store copies nothing of the first
//! 100,000. Readers take `Arc`s out; no lock is ever held across an `.await`.

use crate::{
    Grant, GrantId, Login, LoginId, LoginKind, Name, Service, ServiceId, Store, StoreId, User, UserId,
};
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// The directory. Shared by reference; every method takes `&self`.
#[derive(Debug, Default)]
pub struct Directory {
    version: AtomicU64,
    users: DashMap<UserId, Arc<User>>,
    user_names: DashMap<Name, UserId>,
    services: DashMap<ServiceId, Arc<Service>>,
    service_names: DashMap<Name, ServiceId>,
    stores: DashMap<StoreId, Arc<Store>>,
    grants: DashMap<GrantId, Arc<Grant>>,
    grants_of: DashMap<(ServiceId, UserId), GrantId>,
    logins: DashMap<LoginId, Arc<Login>>,
    login_names: DashMap<Name, LoginId>,
}

impl Directory {
    /// Grows by one with every change; a session that remembers it knows when to look again.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Brings one changed row in. A renamed row loses its old name.
    pub fn apply(&self, change: Change) {
        match change {
            Change::User(user) => {
                self.forget_user_name(user.id);
                self.user_names.insert(user.name.clone(), user.id);
                self.users.insert(user.id, Arc::new(user));
            }
            Change::UserGone(id) => {
                self.forget_user_name(id);
                self.users.remove(&id);
            }
            Change::Service(service) => {
                self.forget_service_name(service.id);
                self.service_names.insert(service.name.clone(), service.id);
                self.services.insert(service.id, Arc::new(service));
            }
            Change::ServiceGone(id) => {
                self.forget_service_name(id);
                self.services.remove(&id);
            }
            Change::Store(store) => {
                self.stores.insert(store.id, Arc::new(store));
            }
            Change::StoreGone(id) => {
                self.stores.remove(&id);
            }
            Change::Grant(grant) => self.put_grant(grant),
            Change::GrantGone(id) => {
                if let Some((_, old)) = self.grants.remove(&id) {
                    self.grants_of.remove_if(&(old.service, old.user), |_, at| *at == id);
                }
            }
            Change::Login(login) => {
                self.forget_login_name(login.id);
                self.login_names.insert(login.name.clone(), login.id);
                self.logins.insert(login.id, Arc::new(login));
            }
            Change::LoginGone(id) => {
                self.forget_login_name(id);
                self.logins.remove(&id);
            }
        }
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The user of that name, disabled or not.
    #[must_use]
    pub fn user_named(&self, name: &str) -> Option<Arc<User>> {
        let id = *self.user_names.get(name)?;
        self.user(id)
    }

    /// The user of that number.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<Arc<User>> {
        self.users.get(&id).map(|entry| Arc::clone(&entry))
    }

    /// The service of that name.
    #[must_use]
    pub fn service_named(&self, name: &str) -> Option<Arc<Service>> {
        let id = *self.service_names.get(name)?;
        self.service(id)
    }

    /// The service of that number.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<Arc<Service>> {
        self.services.get(&id).map(|entry| Arc::clone(&entry))
    }

    /// The store of that number.
    #[must_use]
    pub fn store(&self, id: StoreId) -> Option<Arc<Store>> {
        self.stores.get(&id).map(|entry| Arc::clone(&entry))
    }

    /// The grant of that number, in whatever state.
    #[must_use]
    pub fn grant(&self, id: GrantId) -> Option<Arc<Grant>> {
        self.grants.get(&id).map(|entry| Arc::clone(&entry))
    }

    /// The latest grant of `user` to `service`, in whatever state.
    #[must_use]
    pub fn grant_of(&self, service: ServiceId, user: UserId) -> Option<Arc<Grant>> {
        let id = *self.grants_of.get(&(service, user))?;
        self.grant(id)
    }

    /// The login of that name, disabled or not.
    #[must_use]
    pub fn login_named(&self, name: &str) -> Option<Arc<Login>> {
        let id = *self.login_names.get(name)?;
        self.login(id)
    }

    /// The login of that number.
    #[must_use]
    pub fn login(&self, id: LoginId) -> Option<Arc<Login>> {
        self.logins.get(&id).map(|entry| Arc::clone(&entry))
    }

    /// All users, for listings: a moment's copy in no order.
    #[must_use]
    pub fn users(&self) -> Vec<Arc<User>> {
        self.users.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// All services, for listings: a moment's copy in no order.
    #[must_use]
    pub fn services(&self) -> Vec<Arc<Service>> {
        self.services.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// All stores, for listings: a moment's copy in no order.
    #[must_use]
    pub fn stores(&self) -> Vec<Arc<Store>> {
        self.stores.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// All grants, for listings: a moment's copy in no order.
    #[must_use]
    pub fn grants(&self) -> Vec<Arc<Grant>> {
        self.grants.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// All logins, for listings: a moment's copy in no order.
    #[must_use]
    pub fn logins(&self) -> Vec<Arc<Login>> {
        self.logins.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// Whether the login may still be used at `now` (seconds since the Unix epoch): neither it nor,
    /// for a `user` login, its user is gone, disabled or expired.
    #[must_use]
    pub fn login_is_usable(&self, id: LoginId, now: i64) -> bool {
        let Some(login) = self.login(id) else { return false };
        let user_ok = match login.kind {
            LoginKind::User(user) => self.user(user).is_some_and(|user| !user.disabled),
            LoginKind::Service(_) | LoginKind::Analyst(_) | LoginKind::Admin => true,
        };
        user_ok && !login.disabled && login.expires_at.is_none_or(|end| now < end)
    }

    fn put_grant(&self, grant: Grant) {
        let (id, key) = (grant.id, (grant.service, grant.user));
        self.grants.insert(id, Arc::new(grant));
        // A revoked grant and its successor may arrive in either order: the later row wins.
        self.grants_of.entry(key).and_modify(|at| *at = id.max(*at)).or_insert(id);
    }

    fn forget_user_name(&self, id: UserId) {
        if let Some(old) = self.user(id) {
            self.user_names.remove_if(&old.name, |_, at| *at == id);
        }
    }

    fn forget_service_name(&self, id: ServiceId) {
        if let Some(old) = self.service(id) {
            self.service_names.remove_if(&old.name, |_, at| *at == id);
        }
    }

    fn forget_login_name(&self, id: LoginId) {
        if let Some(old) = self.login(id) {
            self.login_names.remove_if(&old.name, |_, at| *at == id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: i64, name: &str) -> User {
        User { id: UserId(id), name: name.parse().expect("a name"), disabled: false }
    }

    #[test]
    fn a_renamed_user_is_found_by_the_new_name_only() {
        let directory = Directory::default();
        directory.apply(Change::User(user(1, "alice")));
        directory.apply(Change::User(user(1, "alicia")));
        assert!(directory.user_named("alice").is_none());
        assert_eq!(directory.user_named("alicia").map(|found| found.id), Some(UserId(1)));
    }

    #[test]
    fn every_change_raises_the_version() {
        let directory = Directory::default();
        let before = directory.version();
        directory.apply(Change::User(user(1, "alice")));
        directory.apply(Change::UserGone(UserId(1)));
        assert_eq!(directory.version(), before + 2);
        assert!(directory.user_named("alice").is_none());
    }

    #[test]
    fn a_name_taken_over_by_another_row_survives_the_first_rows_removal() {
        let directory = Directory::default();
        directory.apply(Change::User(user(1, "alice")));
        directory.apply(Change::User(user(2, "alice")));
        directory.apply(Change::UserGone(UserId(1)));
        assert_eq!(directory.user_named("alice").map(|found| found.id), Some(UserId(2)));
    }
}
