//! Who a client is and what it may reach: from the start-up packet to the first ReadyForQuery.

use crate::analyst::{self, Arrival, FAN_OUT, Seat, always_on, binds, not_boolean};
use crate::error;
use crate::gate::Gate;
use crate::life::{End, Segment, Session};
use crate::parameters::{Parameters, Start, Value};
use crate::prepared::{flag, is_ours, is_readable_encoding};
use crate::relayed::NoLease;
use crate::route::{Caller, NoRoute, Route, route};
use crate::sessions::{CancelSecret, Registration};
use crate::state::{FanOut, State};
use crate::told::Told;
use model::{Login, LoginKind, Name, ScramVerifier};
use pool::{Key, Reported};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::greet::Startup;
use wire::scram::Verifier;
use wire::{Fields, Peer, Stream, frame, sqlstate};

/// The database that the admin console is.
pub(crate) const CONSOLE: &str = "stuffgate";

/// What a session without any server says of itself: what drivers look for at start-up.
const NOWHERE: [(&str, &str); 9] = [
    ("server_version", "15.0"),
    ("server_encoding", "UTF8"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("integer_datetimes", "on"),
    ("standard_conforming_strings", "on"),
    ("is_superuser", "off"),
];

/// The same, for sessions to share.
pub(crate) fn nowhere() -> Arc<Reported> {
    NOWHERE.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Bytes of a usual welcome, so that its buffer grows once.
const WELCOME_BYTES: usize = 1024;

/// Start-up parameters that would change who the session is in the store.
const NOT_THE_CLIENTS: [&str; 3] = ["role", "session_authorization", "is_superuser"];

/// Numbers sessions over the whole life of the process's gates.
#[derive(Debug, Default)]
pub(crate) struct Numbers(AtomicU64);

impl Numbers {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A client that has proved its login.
pub(crate) enum Admitted {
    /// A session for a service.
    Session(Box<Session>),
    /// An analyst's.
    Analyst(Box<Seat>),
    /// The admin console.
    Console(Box<Peer<Stream>>, Name),
}

/// Why a client is not admitted; it is told `fields`, unless it has been told already.
pub(crate) struct Refused {
    pub(crate) told: Option<(Box<Peer<Stream>>, Box<Fields>)>,
    pub(crate) reason: String,
}

impl Refused {
    fn silent(reason: impl Into<String>) -> Self {
        Self { told: None, reason: reason.into() }
    }
}

/// What a login may reach, were its secret right.
enum Reach {
    Service(Caller),
    Console,
    /// Right secret, wrong database.
    NoService,
    /// Fan-out.
    Analyst(Caller),
}

/// Authenticates a client and begins its session. What a store is not asked before the secret is
/// proved, it is not asked at all: no start-up parameter goes anywhere earlier than that.
pub(crate) async fn log_in(gate: &Arc<Gate>, startup: Startup) -> Result<Admitted, Refused> {
    let Startup { stream, minor, user, database, options, parameters, replication, .. } = startup;
    let known = known_login(gate, &user);
    let reach = known.as_ref().and_then(|login| reach(gate, login, &database));
    let verifier = known.as_ref().filter(|_| reach.is_some()).map(|login| convert(&login.verifier));
    let mut client = Peer::new(stream);
    let outcome = wire::admit::authenticate(&mut client, &user, verifier.as_ref(), &gate.mock).await;
    if let Err(error) = outcome {
        return Err(Refused::silent(error.to_string()));
    }
    let (Some(login), Some(reach)) = (known, reach) else {
        return Err(Refused::silent("the mock verifier was satisfied"));
    };
    let refuse = |client: Peer<Stream>, fields: Fields| {
        let reason = fields.message.clone();
        Err(Refused { told: Some((Box::new(client), Box::new(fields))), reason })
    };
    if replication {
        let fields =
            Fields::fatal(sqlstate::FEATURE_NOT_SUPPORTED, "the gate takes no replication connections");
        return refuse(client, fields.with_hint("Replicate from the store itself."));
    }
    let caller = match reach {
        Reach::Console => {
            greet_console(client.outbox.buffer());
            return Ok(Admitted::Console(Box::new(client), login.name.clone()));
        }
        Reach::NoService => {
            let fields = Fields::fatal(
                sqlstate::INVALID_CATALOG_NAME,
                format!("login \"{user}\" does not belong to service \"{database}\""),
            );
            return refuse(client, fields.with_hint("The database name in the URL is the service's name."));
        }
        Reach::Analyst(caller) | Reach::Service(caller) => gate.callers.share(Arc::new(caller)),
    };
    let settings = match settings(options.into_iter().chain(parameters), &caller) {
        Ok(settings) => settings,
        Err(fields) => return refuse(client, fields.with_severity(wire::Severity::Fatal)),
    };
    let opening = Opening { client, minor, caller, settings };
    match opening.caller.kind {
        LoginKind::Analyst(_) => seat(gate, opening).await,
        _ => begin(gate, opening).await,
    }
}

/// All that a session begins with.
struct Opening {
    client: Peer<Stream>,
    minor: u16,
    caller: Arc<Caller>,
    settings: Settings,
}

/// What a start-up packet sets.
#[derive(Default)]
struct Settings {
    user: Option<Name>,
    /// `stuffgate.fanout`
    fans_out: Option<bool>,
    start: Start,
}

/// Makes the session known.
fn register(gate: &Arc<Gate>, opening: &Opening) -> Result<Registration, Refused> {
    // Protocol 3.0 has room for 4 bytes.
    let Some(secret) = CancelSecret::random(if opening.minor == 0 { 4 } else { 32 }) else {
        return Err(Refused::silent("no random numbers"));
    };
    Ok(Registration::of(gate, Arc::clone(&opening.caller), secret))
}

/// Begins an analyst's session.
async fn seat(gate: &Arc<Gate>, opening: Opening) -> Result<Admitted, Refused> {
    let handle = register(gate, &opening)?;
    let Opening { client, caller, settings, .. } = opening;
    let number = gate.numbers.next();
    let arrival = Arrival { gate: Arc::clone(gate), caller, handle, number, start: settings.start };
    match Box::pin(analyst::seat(Box::new(client), arrival)).await {
        Ok(seat) => Ok(Admitted::Analyst(Box::new(seat))),
        Err((client, fields)) => {
            let reason = fields.message.clone();
            let fields = Box::new(fields.with_severity(wire::Severity::Fatal));
            Err(Refused { told: Some((client, fields)), reason })
        }
    }
}

async fn begin(gate: &Arc<Gate>, opening: Opening) -> Result<Admitted, Refused> {
    let registration = register(gate, &opening)?;
    let Opening { client, caller, settings: Settings { user, fans_out, start }, .. } = opening;
    let parameters = Parameters::starting(start, &gate.starts);
    let mut session = Box::new(Session {
        client,
        state: State::new(Arc::clone(gate), caller, user, parameters),
        leased: None,
        handle: registration,
        number: gate.numbers.next(),
        segment: Segment::Closed,
        skipping: false,
        last_route: None,
        place: None,
    });
    let fans_out = fans_out.unwrap_or_default();
    session.state.fan_out = FanOut { is_on: fans_out, starts: fans_out };
    let may = if fans_out { session.state.may_fan_out() } else { Ok(()) };
    let welcomed = match may {
        Ok(()) => session.welcome().await,
        Err(fields) => Err(End::Told(fields)),
    };
    match welcomed {
        Ok(()) => Ok(Admitted::Session(session)),
        Err(end) => {
            let fields = match end {
                End::Told(fields) | End::Lost(fields) => fields,
                End::Quit | End::Gone => return Err(Refused::silent("the client went away")),
            };
            let reason = fields.message.clone();
            let fields = Box::new(fields.with_severity(wire::Severity::Fatal));
            Err(Refused { told: Some((Box::new(session.client), fields)), reason })
        }
    }
}

impl Session {
    /// Writes everything up to the first ReadyForQuery. The server's own parameters come from a
    /// lease, unless the pool remembers what they are: so a parameter that a server refuses is
    /// refused here, and an unreachable store is told of at once.
    async fn welcome(&mut self) -> Result<(), End> {
        match self.first_route() {
            Ok(Some(route)) => self.learn(&route).await?,
            Ok(None) => self.state.told = Told::starting(Arc::clone(&self.state.gate.nowhere)),
            Err(error) => return Err(End::Told(Box::new(error::no_route(&error)))),
        }
        let out = self.client.outbox.buffer();
        out.reserve(WELCOME_BYTES);
        frame::authentication_ok(out);
        for (name, value) in self.state.told.iter() {
            frame::parameter_status(out, name, value);
        }
        // As whom the gate is logged in at a store is not the client's business.
        frame::parameter_status(out, pool::ROLE_PARAMETER, self.state.caller.name.as_str());
        frame::backend_key_data(out, self.handle.process, self.handle.secret());
        frame::ready_for_query(out, b'I');
        Ok(())
    }

    /// The one place that all its statements go to, as far as can be told from its start.
    pub(crate) fn home(&self) -> Option<Key> {
        let start = self.state.binding.start();
        let stays = start.is_some() && start == self.state.binding.effective();
        let bound = !self.state.caller.may_bind() || stays;
        let route = self.first_route().ok().flatten().filter(|_| bound)?;
        Some(route.place.key)
    }

    /// Where the session would go now; `None` where it is for nobody and has no home.
    fn first_route(&self) -> Result<Option<Arc<Route>>, NoRoute> {
        let found = self.state.gate.route(&self.state.caller, self.state.binding.effective());
        match found {
            Err(NoRoute::Unbound(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    async fn learn(&mut self, route: &Route) -> Result<(), End> {
        let fingerprint = self.state.parameters.fingerprint();
        if let Some(known) = self.state.gate.pools.welcome(route.place.key, fingerprint) {
            self.note_welcome(known, route);
            return Ok(());
        }
        let owed = self.client.outbox.buffer().len();
        let taken = Box::pin(self.take_lease(None)).await;
        // What the lease had to tell is part of the welcome.
        self.client.outbox.buffer().truncate(owed);
        taken.map_err(|no_lease| match no_lease {
            NoLease::Refused(fields) => End::Told(fields),
            NoLease::End(end) => end,
        })?;
        if let Some(leased) = &self.leased {
            let known = leased.lease.remember_welcome();
            self.note_welcome(known, route);
        }
        self.at_safe_point().await
    }

    fn note_welcome(&mut self, reported: Arc<Reported>, route: &Route) {
        let shows_path = route.names.is_some() && reported.iter().any(|(name, _)| name == "search_path");
        self.state.told = Told::starting(reported);
        if shows_path {
            self.state.told.note("search_path", sql::show_search_path(None));
        }
    }
}

/// A login that may be used now.
fn known_login(gate: &Gate, name: &str) -> Option<Login> {
    let login = gate.directory.login_named(name)?;
    gate.directory.login_is_usable(login.id, Gate::now()).then_some(login)
}

fn reach(gate: &Gate, login: &Login, database: &str) -> Option<Reach> {
    let caller = |service: Arc<model::Service>, grant| Caller {
        login: login.id,
        grant,
        kind: login.kind,
        name: login.name.clone(),
        service: service.id,
        service_name: service.name.clone(),
    };
    match login.kind {
        LoginKind::Admin if database == CONSOLE => Some(Reach::Console),
        LoginKind::Admin => Some(Reach::NoService),
        LoginKind::User(user) => {
            let service = gate.directory.service_named(database)?;
            let grant = gate.directory.grant_id_of(service.id, user);
            let caller = caller(service, grant);
            match route(&gate.directory, &caller, None) {
                Ok(_) | Err(NoRoute::NotReady { .. }) => Some(Reach::Service(caller)),
                // Not granted, revoked, expired: as if the secret were wrong.
                Err(_) => None,
            }
        }
        LoginKind::Service(id) | LoginKind::Analyst(id) => {
            let service = gate.directory.service(id)?;
            if service.name.as_str() != database {
                return Some(Reach::NoService);
            }
            Some(match login.kind {
                LoginKind::Analyst(_) => Reach::Analyst(caller(service, None)),
                _ => Reach::Service(caller(service, None)),
            })
        }
    }
}

/// Whom the start-up packet binds to, and the parameters it sets; a later setting wins.
fn settings(all: impl Iterator<Item = (String, String)>, caller: &Caller) -> Result<Settings, Box<Fields>> {
    let mut settings = Settings::default();
    for (name, value) in all {
        let name = name.to_ascii_lowercase();
        if name == FAN_OUT {
            settings.fans_out = Some(fans_out(&value, caller)?);
        } else if name == "stuffgate.user" {
            if let LoginKind::Analyst(_) = caller.kind {
                return Err(Box::new(binds()));
            }
            let named: Name = value.parse().map_err(|_| Box::new(error::bad_user_name(&value)))?;
            if matches!(caller.kind, LoginKind::User(_)) && named != caller.name {
                return Err(Box::new(error::not_yours(caller.name.as_str(), named.as_str())));
            }
            settings.user = Some(named);
        } else if is_ours(&name) {
            return Err(Box::new(error::no_parameter(&name)));
        } else if NOT_THE_CLIENTS.contains(&name.as_str()) || !is_parameter_name(&name) {
            let fields = Fields::error(
                sqlstate::INSUFFICIENT_PRIVILEGE,
                format!("start-up parameter \"{name}\" cannot be set by a client of the gate"),
            );
            return Err(Box::new(fields.with_hint("Leave it out of the connection's options.")));
        } else if name == "client_encoding" && !is_readable_encoding(&value) {
            return Err(Box::new(error::unreadable_encoding(&value)));
        } else {
            settings.start.push((name, Value::Text(value)));
        }
    }
    settings.user = settings.user.filter(|_| caller.may_bind());
    Ok(settings)
}

/// What the start-up packet says of `stuffgate.fanout`.
fn fans_out(value: &str, caller: &Caller) -> Result<bool, Box<Fields>> {
    let on = flag(value).ok_or_else(|| Box::new(not_boolean(FAN_OUT)))?;
    if !on && matches!(caller.kind, LoginKind::Analyst(_)) {
        return Err(Box::new(always_on()));
    }
    Ok(on)
}

fn is_parameter_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$')
        })
}

fn greet_console(out: &mut Vec<u8>) {
    frame::authentication_ok(out);
    for (name, value) in NOWHERE {
        frame::parameter_status(out, name, value);
    }
    frame::ready_for_query(out, b'I');
}

fn convert(verifier: &ScramVerifier) -> Verifier {
    Verifier {
        iterations: verifier.iterations,
        salt: verifier.salt.clone(),
        stored_key: verifier.stored_key,
        server_key: verifier.server_key,
    }
}
