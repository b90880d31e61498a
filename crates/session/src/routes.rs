//! The routes that were found lately, shared by all sessions that go the same way.

use crate::gate::Gate;
use crate::route::{Caller, NoRoute, Route, route};
use dashmap::DashMap;
use model::{Directory, LoginKind, Name, ServiceId, UserId};
use std::sync::Arc;

/// Most routes that are remembered: a few megabytes.
pub(crate) const MAX_ROUTES: usize = 4096;

/// For whom, in which service. A route to the home is for nobody.
type Way = (ServiceId, Whom);

#[derive(PartialEq, Eq, Hash)]
enum Whom {
    /// By a login of the user's own.
    User(UserId),
    /// As bound by a service.
    Bound(Option<Name>),
}

/// A route, and the directory's version that it was last found in.
struct Found {
    version: u64,
    route: Arc<Route>,
}

/// Routes by the way that they are for.
#[derive(Default)]
pub(crate) struct Routes {
    known: DashMap<Way, Found>,
}

impl Gate {
    /// The route of a session that is for `user` now (`None`: nobody, so home).
    pub(crate) fn route(&self, caller: &Caller, user: Option<&Name>) -> Result<Arc<Route>, NoRoute> {
        self.routes.find(&self.directory, caller, user)
    }
}

impl Routes {
    /// Forgets the routes that no session goes now.
    pub(crate) fn sweep(&self) {
        self.known.retain(|_, found| Arc::strong_count(&found.route) > 1);
    }

    /// As [`route`], which is asked only when the directory has changed since. All sessions are given the
    /// same route as long as it stays what it is.
    fn find(
        &self,
        directory: &Directory,
        caller: &Caller,
        user: Option<&Name>,
    ) -> Result<Arc<Route>, NoRoute> {
        let whom = match caller.kind {
            LoginKind::User(id) => Whom::User(id),
            _ => Whom::Bound(user.cloned()),
        };
        let way = (caller.service, whom);
        // Read before the rows: a change in between is then looked at twice, never missed.
        let version = directory.version();
        let known = self.known.get(&way).map(|found| (found.version, Arc::clone(&found.route)));
        if let Some((at, route)) = &known
            && *at == version
            && !route.is_over()
        {
            return Ok(Arc::clone(route));
        }
        let route = route(directory, caller, user)?;
        let route = match known {
            Some((_, known)) if *known == route => known,
            _ => Arc::new(route),
        };
        self.remember(way, Found { version, route: Arc::clone(&route) });
        Ok(route)
    }

    fn remember(&self, way: Way, found: Found) {
        if self.known.len() >= MAX_ROUTES {
            // First those that no session goes now. Where that makes little room, looking for them each time
            // would cost more than finding all of them again.
            self.sweep();
            if self.known.len() > MAX_ROUTES / 2 {
                self.known.clear();
            }
        }
        self.known.insert(way, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        Change, Disclosure, Endpoint, Grant, GrantId, GrantState, LoginId, Partition, Sealed, Service, Store,
        StoreId, StoreState, TlsMode, User,
    };

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    fn caller(kind: LoginKind, login: &str) -> Caller {
        Caller {
            login: LoginId(1),
            kind,
            name: name(login),
            service: ServiceId(1),
            service_name: name("todo"),
            grant: None,
        }
    }

    fn grant(id: i64, state: GrantState) -> Change {
        Change::Grant(Grant {
            id: GrantId(id),
            user: UserId(id),
            service: ServiceId(1),
            store: StoreId(id),
            partition: Partition::Database,
            database: None,
            role: "g_todo".into(),
            credential: Sealed::from_text("sealed"),
            state,
            expires_at: None,
            fanout: Disclosure::Rows,
        })
    }

    fn add_user(directory: &Directory, id: i64) {
        let user = User { id: UserId(id), name: name(&format!("u{id}")), disabled: false };
        let (host, database) = ("127.0.0.1".into(), "stuff".into());
        let endpoint = Endpoint { host, port: 5432, database, tls: TlsMode::Disable, ca: None };
        let store = Store { id: StoreId(id), user: user.id, endpoint, state: StoreState::Active };
        directory.apply(&Change::User(user));
        directory.apply(&Change::Store(store));
        directory.apply(&grant(id, GrantState::Active));
    }

    fn filled(users: i64) -> Directory {
        let directory = Directory::default();
        let extensions = Vec::new();
        directory.apply(&Change::Service(Service {
            id: ServiceId(1),
            name: name("todo"),
            home: None,
            extensions,
        }));
        (1..=users).for_each(|id| add_user(&directory, id));
        directory
    }

    #[test]
    fn sessions_share_a_route_until_the_directory_says_another() {
        let (directory, routes) = (filled(2), Routes::default());
        let todo = caller(LoginKind::Service(ServiceId(1)), "svc");
        let find = |user: &str| routes.find(&directory, &todo, Some(&name(user)));
        let first = find("u1").expect("a route");
        assert!(Arc::ptr_eq(&first, &find("u1").expect("a route")));
        assert_ne!(first.grant, find("u2").expect("another's").grant);
        add_user(&directory, 3);
        assert!(Arc::ptr_eq(&first, &find("u1").expect("a route")), "it is what it was");
        directory.apply(&grant(1, GrantState::Revoked));
        assert!(matches!(find("u1"), Err(NoRoute::NotGranted { .. })));
        assert!(matches!(find("nobody"), Err(NoRoute::NotGranted { .. })));
        assert!(matches!(routes.find(&directory, &todo, None), Err(NoRoute::Unbound(_))));
        directory.apply(&grant(1, GrantState::Active));
        let again = find("u1").expect("granted again");
        assert_eq!(again, first);
        directory.apply(&Change::UserGone(UserId(1)));
        assert!(matches!(find("u1"), Err(NoRoute::NotGranted { .. })));
    }

    #[test]
    fn a_user_logins_route_is_its_own_whatever_a_service_is_bound_to() {
        let (directory, routes) = (filled(2), Routes::default());
        let todo = caller(LoginKind::Service(ServiceId(1)), "u2");
        let own = caller(LoginKind::User(UserId(2)), "u2");
        let bound = routes.find(&directory, &todo, Some(&name("u1"))).expect("a route");
        let logged_in = routes.find(&directory, &own, None).expect("a route");
        assert_eq!((bound.grant, logged_in.grant), (Some(GrantId(1)), Some(GrantId(2))));
        let tried = routes.find(&directory, &own, Some(&name("u1"))).expect("a route");
        assert_eq!(tried.grant, Some(GrantId(2)), "a user's login goes to that user's store alone");
    }

    #[test]
    fn no_more_routes_are_remembered_than_the_bound_and_those_in_use_stay() {
        let users = 3 * MAX_ROUTES / 2;
        let (directory, routes) = (filled(i64::try_from(users).expect("few")), Routes::default());
        let todo = caller(LoginKind::Service(ServiceId(1)), "svc");
        let find =
            |id: usize| routes.find(&directory, &todo, Some(&name(&format!("u{id}")))).expect("a route");
        let kept = find(1);
        for id in 2..=users {
            find(id);
            assert!(routes.known.len() <= MAX_ROUTES);
        }
        assert!(Arc::ptr_eq(&kept, &find(1)));
        let all: Vec<_> = (1..=users).map(find).collect();
        assert!(routes.known.len() <= MAX_ROUTES && all.len() == users);
        drop(all);
        find(2);
        routes.sweep();
        let kept = routes.known.iter().all(|found| Arc::strong_count(&found.route) > 1);
        assert!(kept, "a route that nobody goes is remembered");
    }
}
