//! The route of a statement: one store, home, or refused; decided from the directory alone.

use crate::gate::Gate;
use crate::look::SchemaNames;
use model::{Directory, GrantId, Home, LoginId, LoginKind, Name, Partition, ServiceId, StoreState, UserId};
use pool::{Key, Place};
use std::sync::Arc;

/// Where a session's statements go, and under which names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) place: Arc<Place>,
    /// Names of a schema partition; `None` where `public` is `public`.
    pub(crate) names: Option<SchemaNames>,
    pub(crate) grant: Option<GrantId>,
    /// When the grant ends by itself, in seconds since the Unix epoch.
    pub(crate) expires_at: Option<i64>,
}

impl Route {
    /// Whether its grant has ended by itself.
    pub(crate) fn is_over(&self) -> bool {
        self.expires_at.is_some_and(|end| end <= Gate::now())
    }
}

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRoute {
    /// Not bound, and the service has no home.
    #[error("this session is not bound to a user, and service {0} has no home")]
    Unbound(String),
    /// The user is unknown, or has not granted the service, or no longer.
    #[error("user \"{user}\" has not granted service {service}")]
    NotGranted {
        /// As the client named the user.
        user: String,
        /// The service.
        service: String,
    },
    /// The grant is recorded, and the store is not ready.
    #[error("the store of user \"{user}\" is not ready for service {service}: {why}")]
    NotReady {
        /// The user.
        user: String,
        /// The service.
        service: String,
        /// What is being waited for.
        why: &'static str,
    },
    /// The service itself is gone.
    #[error("service {0} does not exist any more")]
    NoService(String),
}

/// What of a login decides routes. Sessions of one login share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Caller {
    pub(crate) login: LoginId,
    pub(crate) kind: LoginKind,
    pub(crate) name: Name,
    pub(crate) service: ServiceId,
    pub(crate) service_name: Name,
    /// For a `user` login: the grant that its sessions live by.
    pub(crate) grant: Option<GrantId>,
}

impl Caller {
    /// Whether the session may change whom it is for.
    pub(crate) fn may_bind(&self) -> bool {
        matches!(self.kind, LoginKind::Service(_))
    }
}

/// The route of a session that is for `user` now (`None`: nobody, so home).
pub(crate) fn route(directory: &Directory, caller: &Caller, user: Option<&Name>) -> Result<Route, NoRoute> {
    let service = directory
        .service(caller.service)
        .ok_or_else(|| NoRoute::NoService(caller.service_name.to_string()))?;
    match (caller.kind, user) {
        (LoginKind::User(id), _) => to_store(directory, caller, id, caller.name.as_str()),
        (_, Some(user)) => {
            let known = directory.user_named(user.as_str()).filter(|known| !known.disabled);
            let known = known.ok_or_else(|| not_granted(caller, user.as_str()))?;
            to_store(directory, caller, known.id, user.as_str())
        }
        (_, None) => match &service.home {
            Some(home) => Ok(to_home(caller, home)),
            None => Err(NoRoute::Unbound(caller.service_name.to_string())),
        },
    }
}

fn not_granted(caller: &Caller, user: &str) -> NoRoute {
    NoRoute::NotGranted { user: user.to_owned(), service: caller.service_name.to_string() }
}

fn to_store(directory: &Directory, caller: &Caller, user: UserId, name: &str) -> Result<Route, NoRoute> {
    let not_ready =
        |why| NoRoute::NotReady { user: name.to_owned(), service: caller.service_name.to_string(), why };
    let grant = directory.grant_of(caller.service, user).ok_or_else(|| not_granted(caller, name))?;
    if grant.state == model::GrantState::Pending {
        return Err(not_ready("the grant has not been carried out in the store yet"));
    }
    if !grant.is_usable(Gate::now()) {
        return Err(not_granted(caller, name));
    }
    let store = directory.store(grant.store).ok_or_else(|| not_granted(caller, name))?;
    if store.state == StoreState::Reconciling {
        return Err(not_ready("earlier changes are still being carried out in the store"));
    }
    let mut endpoint = store.endpoint;
    if let Some(database) = grant.database {
        endpoint.database = database;
    }
    let startup =
        grant.partition.search_path().map(|path| ("search_path".to_owned(), path)).into_iter().collect();
    let names = match grant.partition {
        Partition::Schema { schema, extensions } => Some(SchemaNames {
            schema,
            extensions,
            database: caller.service_name.as_str().into(),
            store_database: endpoint.database.clone(),
        }),
        Partition::Database => None,
    };
    let place = Arc::new(Place {
        key: Key::Grant(grant.id),
        service: caller.service,
        label: format!("the store of {name}").into(),
        endpoint,
        role: grant.role,
        credential: grant.credential,
        startup,
        allow_trust: false,
    });
    Ok(Route { place, names, grant: Some(grant.id), expires_at: grant.expires_at })
}

fn to_home(caller: &Caller, home: &Home) -> Route {
    let place = Arc::new(home_of(caller.service, &caller.service_name, home));
    Route { place, names: None, grant: None, expires_at: None }
}

/// Where a service's home is leased.
#[must_use]
pub fn home_of(service: ServiceId, name: &Name, home: &Home) -> Place {
    Place {
        key: Key::Home(service),
        service,
        label: format!("the home of {name}").into(),
        endpoint: home.endpoint.clone(),
        role: home.role.clone(),
        credential: home.credential.clone(),
        startup: Vec::new(),
        allow_trust: false,
    }
}
