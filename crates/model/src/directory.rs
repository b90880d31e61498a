//! The in-memory, versioned snapshot of the registry that sessions read.
//!
//! One row is replaced at a time, so adding the 100,001st store copies nothing of the first
//! 100,000. Readers take values out; no lock is ever held across an `.await`.

use crate::name::MAX_NAME_BYTES;
use crate::names::Names;
use crate::packed::{Packed, from_bytes, to_bytes};
use crate::rows::{GrantRow, LoginRow, StoreRow, UserRow};
use crate::{
    Change, Grant, GrantId, GrantState, Login, LoginId, LoginKind, Name, Service, ServiceId, Store, StoreId,
    User, UserId,
};
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Services with the latest grant to each.
type Granted = Vec<(ServiceId, GrantId)>;

/// The directory. Shared by reference; every method takes `&self`.
///
/// A user with a login, a store and a grant takes some 450 bytes while nobody asks for it
/// (`docs/decisions/the-directory-is-packed.md`); what is asked for is handed out as a value of its own.
#[derive(Debug, Default)]
pub struct Directory {
    version: AtomicU64,
    users: Packed,
    user_names: Names,
    services: DashMap<ServiceId, Arc<Service>>,
    service_names: DashMap<Name, ServiceId>,
    stores: Packed,
    cas: DashMap<StoreId, Arc<str>>,
    grants: Packed,
    /// By user: each service with the latest grant to it.
    grants_of: Packed,
    logins: Packed,
    login_names: Names,
}

impl Directory {
    /// Grows by one with every change; a session that remembers it knows when to look again.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Brings one changed row in. A renamed row loses its old name.
    pub fn apply(&self, change: &Change) {
        match change {
            Change::User(user) => self.put_user(user),
            Change::UserGone(id) => self.drop_user(*id),
            Change::Service(service) => {
                self.forget_service_name(service.id);
                self.service_names.insert(service.name.clone(), service.id);
                self.services.insert(service.id, Arc::new(service.clone()));
            }
            Change::ServiceGone(id) => {
                self.forget_service_name(*id);
                self.services.remove(id);
            }
            Change::Store(store) => self.put_store(store),
            Change::StoreGone(id) => {
                self.stores.remove(id.0);
                self.cas.remove(id);
            }
            Change::Grant(grant) => self.put_grant(grant),
            Change::GrantGone(id) => self.drop_grant(*id),
            Change::Login(login) => self.put_login(login),
            Change::LoginGone(id) => self.drop_login(*id),
        }
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The user of that name, disabled or not.
    #[must_use]
    pub fn user_named(&self, name: &str) -> Option<User> {
        self.user_names.find(name, |number| {
            let id = UserId(number);
            self.user_row(id, |row| (row.name == name).then(|| row.into_user(id))).flatten()
        })
    }

    /// The user of that number.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<User> {
        self.user_row(id, |row| row.into_user(id))
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
    pub fn store(&self, id: StoreId) -> Option<Store> {
        self.stores.read(id.0, |bytes| {
            let row: StoreRow<'_> = from_bytes(bytes)?;
            // A CA that is on its way is waited for: the system's are no substitute.
            let ca = if row.own_ca { Some(Arc::clone(&*self.cas.get(&id)?)) } else { None };
            Some(row.into_store(id, ca))
        })
    }

    /// The grant of that number, in whatever state.
    #[must_use]
    pub fn grant(&self, id: GrantId) -> Option<Grant> {
        self.grant_row(id, |row| row.into_grant(id))
    }

    /// The number of the latest grant of `user` to `service`, in whatever state.
    #[must_use]
    pub fn grant_id_of(&self, service: ServiceId, user: UserId) -> Option<GrantId> {
        let granted: Granted = self.grants_of.read(user.0, |bytes| from_bytes(bytes))?;
        granted.into_iter().find_map(|(to, grant)| (to == service).then_some(grant))
    }

    /// The latest grant of `user` to `service`, in whatever state.
    #[must_use]
    pub fn grant_of(&self, service: ServiceId, user: UserId) -> Option<Grant> {
        self.grant(self.grant_id_of(service, user)?)
    }

    /// The numbers of the grants to `service`, of each user the latest, revoked ones left out: rising. Looks at
    /// every grant there is.
    #[must_use]
    pub fn grants_to(&self, service: ServiceId) -> Vec<GrantId> {
        let latest = |id: &GrantId| {
            let user = self.grant_row(*id, |row| {
                (row.service == service && row.state != GrantState::Revoked).then_some(row.user)
            });
            user.flatten().is_some_and(|user| self.grant_id_of(service, user) == Some(*id))
        };
        self.grant_ids().into_iter().filter(latest).collect()
    }

    /// The login of that name, disabled or not.
    #[must_use]
    pub fn login_named(&self, name: &str) -> Option<Login> {
        self.login_names.find(name, |number| {
            let id = LoginId(number);
            self.login_row(id, |row| (row.name == name).then(|| row.into_login(id))).flatten()
        })
    }

    /// The login of that number.
    #[must_use]
    pub fn login(&self, id: LoginId) -> Option<Login> {
        self.login_row(id, |row| row.into_login(id))
    }

    /// The kind of a login, which decides what it may reach.
    #[must_use]
    pub fn login_kind(&self, id: LoginId) -> Option<LoginKind> {
        self.login_row(id, |row| row.kind)
    }

    /// The numbers of all users at this moment, rising.
    #[must_use]
    pub fn user_ids(&self) -> Vec<UserId> {
        self.users.numbers().into_iter().map(UserId).collect()
    }

    /// All services, for listings: a moment's copy in no order.
    #[must_use]
    pub fn services(&self) -> Vec<Arc<Service>> {
        self.services.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// The numbers of all stores at this moment, rising.
    #[must_use]
    pub fn store_ids(&self) -> Vec<StoreId> {
        self.stores.numbers().into_iter().map(StoreId).collect()
    }

    /// The numbers of all grants at this moment, rising.
    #[must_use]
    pub fn grant_ids(&self) -> Vec<GrantId> {
        self.grants.numbers().into_iter().map(GrantId).collect()
    }

    /// The numbers of all logins at this moment, rising.
    #[must_use]
    pub fn login_ids(&self) -> Vec<LoginId> {
        self.logins.numbers().into_iter().map(LoginId).collect()
    }

    /// Whether the login may still be used at `now` (seconds since the Unix epoch): neither it nor,
    /// for a `user` login, its user is gone, disabled or expired.
    #[must_use]
    pub fn login_is_usable(&self, id: LoginId, now: i64) -> bool {
        let usable = |row: LoginRow<'_>| {
            (!row.disabled && row.expires_at.is_none_or(|end| now < end)).then_some(row.kind)
        };
        match self.login_row(id, usable).flatten() {
            Some(LoginKind::User(user)) => self.user_is_enabled(user),
            Some(LoginKind::Service(_) | LoginKind::Analyst(_) | LoginKind::Admin) => true,
            None => false,
        }
    }

    /// Whether sessions may use the grant at `now` (seconds since the Unix epoch): neither it nor its user
    /// is gone, and it is not pending, revoked, expired, or a disabled user's.
    #[must_use]
    pub fn grant_is_usable(&self, id: GrantId, now: i64) -> bool {
        let usable = |row: GrantRow<'_>| row.is_usable(now).then_some(row.user);
        self.grant_row(id, usable).flatten().is_some_and(|user| self.user_is_enabled(user))
    }

    fn user_is_enabled(&self, id: UserId) -> bool {
        self.user_row(id, |row| !row.disabled).unwrap_or(false)
    }

    fn user_row<T>(&self, id: UserId, look: impl FnOnce(UserRow<'_>) -> T) -> Option<T> {
        self.users.read(id.0, |bytes| from_bytes(bytes).map(look))
    }

    fn grant_row<T>(&self, id: GrantId, look: impl FnOnce(GrantRow<'_>) -> T) -> Option<T> {
        self.grants.read(id.0, |bytes| from_bytes(bytes).map(look))
    }

    fn login_row<T>(&self, id: LoginId, look: impl FnOnce(LoginRow<'_>) -> T) -> Option<T> {
        self.logins.read(id.0, |bytes| from_bytes(bytes).map(look))
    }
}

/// What the follower's changes do to the rows. A row that stays is never away for a moment.
impl Directory {
    fn put_user(&self, user: &User) {
        let old = self.user_row(user.id, |row| row.name.to_owned());
        self.users.put(user.id.0, to_bytes(&UserRow::of(user), MAX_NAME_BYTES));
        self.user_names.rename(old.as_deref(), user.name.as_str(), user.id.0);
    }

    fn drop_user(&self, id: UserId) {
        if let Some(name) = self.user_row(id, |row| row.name.to_owned()) {
            self.user_names.remove(&name, id.0);
            self.users.remove(id.0);
        }
    }

    fn put_login(&self, login: &Login) {
        let old = self.login_row(login.id, |row| row.name.to_owned());
        self.logins.put(login.id.0, to_bytes(&LoginRow::of(login), 160));
        self.login_names.rename(old.as_deref(), login.name.as_str(), login.id.0);
    }

    fn drop_login(&self, id: LoginId) {
        if let Some(name) = self.login_row(id, |row| row.name.to_owned()) {
            self.login_names.remove(&name, id.0);
            self.logins.remove(id.0);
        }
    }

    fn put_store(&self, store: &Store) {
        if let Some(ca) = &store.endpoint.ca {
            self.cas.insert(store.id, Arc::clone(ca));
        }
        self.stores.put(store.id.0, to_bytes(&StoreRow::of(store), 80));
        if store.endpoint.ca.is_none() {
            self.cas.remove(&store.id);
        }
    }

    fn put_grant(&self, grant: &Grant) {
        self.grants.put(grant.id.0, GrantRow::bytes_of(grant));
        self.grants_of.change(grant.user.0, |bytes| {
            let mut granted: Granted = from_bytes(bytes).unwrap_or_default();
            match granted.iter_mut().find(|(to, _)| *to == grant.service) {
                // A revoked grant and its successor may arrive in either order: the later row wins.
                Some((_, known)) => *known = grant.id.max(*known),
                None => granted.push((grant.service, grant.id)),
            }
            to_bytes(&granted, 8 * granted.len())
        });
    }

    fn drop_grant(&self, id: GrantId) {
        let Some(user) = self.grant_row(id, |row| row.user) else { return };
        self.grants_of.change(user.0, |bytes| {
            let mut granted: Granted = from_bytes(bytes).unwrap_or_default();
            granted.retain(|(_, known)| *known != id);
            if granted.is_empty() { Vec::new() } else { to_bytes(&granted, 8 * granted.len()) }
        });
        self.grants.remove(id.0);
    }

    fn forget_service_name(&self, id: ServiceId) {
        if let Some(old) = self.service(id) {
            self.service_names.remove_if(&old.name, |_, at| *at == id);
        }
    }
}
