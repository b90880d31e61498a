//! The listings: their columns, and their rows made one at a time.

use crate::command::Listing;
use crate::facts::{Facts, MaterializedRow, PoolRow};
use model::{
    Directory, Endpoint, Grant, GrantState, Login, LoginKind, Partition, Store, StoreState, TlsMode,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One value, `None` for NULL.
pub(crate) type Cell = Option<String>;

/// Rows that are made when they are sent: a listing of a hundred thousand stores is never held as text.
pub(crate) type Rows = Box<dyn Iterator<Item = Vec<Cell>> + Send>;

/// Every command, for `SHOW HELP`.
const HELP: [(&str, &str); 15] = [
    ("SHOW CLIENTS", "the sessions, each with its number"),
    ("SHOW POOLS", "the pools of server connections, each with its last failure while it fails"),
    ("SHOW SERVERS", "server connections by service"),
    ("SHOW STORES", "the users' stores"),
    ("SHOW USERS", "the people who own stores"),
    ("SHOW SERVICES", "the applications that use the gate"),
    ("SHOW GRANTS", "which service may use a partition of which store"),
    ("SHOW LOGINS", "what clients connect with"),
    ("SHOW MATERIALIZED", "answers that are kept on homes, and how their last refresh ended"),
    ("SHOW CONFIG", "the settings in force"),
    ("SHOW VERSION", "the program's version"),
    ("SHOW HELP", "this"),
    ("KILL session", "end a session with 57P01"),
    ("RELOAD", "read configuration and certificates again, as SIGHUP does"),
    ("SHUTDOWN", "end the gate once transactions have ended, as SIGTERM does"),
];

/// A listing's columns. All are of type text.
pub(crate) fn columns(listing: Listing) -> &'static [&'static str] {
    match listing {
        Listing::Clients => &["session", "login", "service", "state", "ending"],
        Listing::Config => &["setting", "value"],
        Listing::Grants => {
            &["grant", "user", "service", "store", "partition", "role", "state", "expires_at", "fanout"]
        }
        Listing::Help => &["command", "what"],
        Listing::Logins => &["login", "kind", "of", "state", "expires_at", "min_stores_per_group"],
        Listing::Materialized => {
            &["name", "service", "every_s", "as_of", "asked", "ok", "rows", "due_at", "last_error"]
        }
        Listing::Pools => &["pool", "service", "idle", "active", "waiting", "failing"],
        Listing::Servers => {
            &["service", "pools", "connections", "idle", "active", "waiting", "failing_pools"]
        }
        Listing::Services => &["service", "home", "home_role", "extensions"],
        Listing::Stores => &["store", "user", "host", "port", "database", "tls", "ca", "state"],
        Listing::Users => &["user", "state"],
        Listing::Version => &["version"],
    }
}

/// A listing's rows, as things stand now.
pub(crate) fn rows(listing: Listing, facts: &dyn Facts) -> Rows {
    match listing {
        Listing::Clients => clients(facts),
        Listing::Config => Box::new(facts.settings().into_iter().map(|(name, value)| row([name, &value]))),
        Listing::Grants => grants(facts.directory()),
        Listing::Help => Box::new(HELP.into_iter().map(|(command, what)| row([command, what]))),
        Listing::Logins => logins(facts.directory()),
        Listing::Materialized => Box::new(facts.materialized().into_iter().map(materialized)),
        Listing::Pools => Box::new(facts.pools().into_iter().map(pool)),
        Listing::Servers => servers(&facts.pools()),
        Listing::Services => services(&facts.directory()),
        Listing::Stores => stores(facts.directory()),
        Listing::Users => users(facts.directory()),
        Listing::Version => Box::new(std::iter::once(row([facts.version()]))),
    }
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<Cell> {
    cells.into_iter().map(|cell| Some(cell.to_owned())).collect()
}

fn some<T: ToString + ?Sized>(value: &T) -> Cell {
    Some(value.to_string())
}

fn clients(facts: &dyn Facts) -> Rows {
    let mut sessions = facts.sessions();
    sessions.sort_unstable_by_key(|session| session.number);
    Box::new(sessions.into_iter().map(|session| {
        let state = if session.working { "working" } else { "idle" };
        vec![
            some(&session.number),
            Some(session.login),
            Some(session.service),
            some(state),
            session.ending.map(str::to_owned),
        ]
    }))
}

fn pool(pool: PoolRow) -> Vec<Cell> {
    vec![
        Some(pool.place),
        Some(pool.service),
        some(&pool.idle),
        some(&pool.active),
        some(&pool.waiting),
        pool.failing,
    ]
}

fn servers(pools: &[PoolRow]) -> Rows {
    let mut by_service: BTreeMap<String, [usize; 5]> = BTreeMap::new();
    for pool in pools {
        let sums = by_service.entry(pool.service.clone()).or_default();
        let more = [1, pool.idle, pool.active, pool.waiting, usize::from(pool.failing.is_some())];
        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    Box::new(by_service.into_iter().map(|(service, [pools, idle, active, waiting, failing])| {
        let counts = [pools, idle + active, idle, active, waiting, failing];
        std::iter::once(Some(service)).chain(counts.map(|count| some(&count))).collect()
    }))
}

fn users(directory: Arc<Directory>) -> Rows {
    let named = |id| Some((directory.user(id)?.name, id));
    let mut users: Vec<_> = directory.user_ids().into_iter().filter_map(named).collect();
    users.sort_unstable();
    Box::new(users.into_iter().filter_map(move |(_, id)| {
        let user = directory.user(id)?;
        let state = if user.disabled { "disabled" } else { "active" };
        Some(row([user.name.as_str(), state]))
    }))
}

fn services(directory: &Directory) -> Rows {
    let mut services = directory.services();
    services.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Box::new(services.into_iter().map(|service| {
        let home = service.home.as_ref();
        vec![
            some(&service.name),
            home.map(|home| address(&home.endpoint)),
            home.map(|home| home.role.to_string()),
            Some(service.extensions.join(", ")),
        ]
    }))
}

fn stores(directory: Arc<Directory>) -> Rows {
    let stores = directory.store_ids().into_iter();
    Box::new(stores.filter_map(move |id| Some(store(&directory.store(id)?, &directory))))
}

fn store(store: &Store, directory: &Directory) -> Vec<Cell> {
    let at = &store.endpoint;
    let state = match store.state {
        StoreState::Active => "active",
        StoreState::Reconciling => "reconciling",
    };
    vec![
        some(&store.id),
        directory.user(store.user).map(|user| user.name.to_string()),
        some(&at.host),
        some(&at.port),
        some(&at.database),
        some(at.tls.as_str()),
        trusted(at).map(str::to_owned),
        some(state),
    ]
}

/// Whose certificates are trusted, where they are looked at.
fn trusted(endpoint: &Endpoint) -> Option<&'static str> {
    match endpoint.tls {
        TlsMode::Disable | TlsMode::Require => None,
        TlsMode::VerifyCa | TlsMode::VerifyFull => Some(if endpoint.ca.is_some() { "own" } else { "system" }),
    }
}

fn grants(directory: Arc<Directory>) -> Rows {
    let now = now();
    let grants = directory.grant_ids().into_iter();
    Box::new(grants.filter_map(move |id| Some(grant(&directory.grant(id)?, &directory, now))))
}

fn grant(grant: &Grant, directory: &Directory, now: i64) -> Vec<Cell> {
    vec![
        some(&grant.id),
        directory.user(grant.user).map(|user| user.name.to_string()),
        directory.service(grant.service).map(|service| service.name.to_string()),
        some(&grant.store),
        Some(partition(grant)),
        some(&grant.role),
        some(grant_state(grant, now)),
        grant.expires_at.map(time),
        some(&grant.fanout),
    ]
}

fn partition(grant: &Grant) -> String {
    match (&grant.partition, &grant.database) {
        (Partition::Schema { schema, .. }, _) => format!("schema {schema}"),
        (Partition::Database, Some(database)) => format!("database {database}"),
        (Partition::Database, None) => "database".to_owned(),
    }
}

fn grant_state(grant: &Grant, now: i64) -> &'static str {
    match grant.state {
        GrantState::Pending => "pending",
        GrantState::Revoked => "revoked",
        GrantState::Active if grant.is_usable(now) => "active",
        GrantState::Active => "expired",
    }
}

fn logins(directory: Arc<Directory>) -> Rows {
    let now = now();
    let named = |id| Some((directory.login(id)?.name, id));
    let mut logins: Vec<_> = directory.login_ids().into_iter().filter_map(named).collect();
    logins.sort_unstable();
    Box::new(
        logins.into_iter().filter_map(move |(_, id)| Some(login(&directory.login(id)?, &directory, now))),
    )
}

fn login(login: &Login, directory: &Directory, now: i64) -> Vec<Cell> {
    let of = match login.kind {
        LoginKind::User(user) => directory.user(user).map(|user| user.name.to_string()),
        LoginKind::Service(service) | LoginKind::Analyst(service) => {
            directory.service(service).map(|service| service.name.to_string())
        }
        LoginKind::Admin => None,
    };
    vec![
        some(&login.name),
        some(login.kind.as_str()),
        of,
        some(login_state(login, directory, now)),
        login.expires_at.map(time),
        matches!(login.kind, LoginKind::Analyst(_)).then(|| login.min_stores_per_group.to_string()),
    ]
}

fn login_state(login: &Login, directory: &Directory, now: i64) -> &'static str {
    if directory.login_is_usable(login.id, now) {
        "active"
    } else if login.expires_at.is_some_and(|end| end <= now) {
        "expired"
    } else {
        "disabled"
    }
}

fn materialized(known: MaterializedRow) -> Vec<Cell> {
    vec![
        Some(known.name),
        Some(known.service),
        some(&known.every_s),
        known.as_of.map(time),
        known.asked.map(|count| count.to_string()),
        known.ok.map(|count| count.to_string()),
        known.rows.map(|count| count.to_string()),
        Some(time(known.due_at)),
        known.last_error,
    ]
}

fn address(endpoint: &Endpoint) -> String {
    format!("{}:{}/{}", endpoint.host, endpoint.port, endpoint.database)
}

/// Seconds since the Unix epoch as RFC 3339; a time that no calendar has stays a number.
fn time(seconds: i64) -> String {
    let since = u64::try_from(seconds).ok().map(Duration::from_secs);
    // Year 9999 is the last that RFC 3339 can write.
    match since.filter(|since| since.as_secs() < 253_402_300_800) {
        Some(since) => humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string(),
        None => seconds.to_string(),
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_people_write_them() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(time(-1), "-1");
        assert_eq!(time(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn servers_are_counted_by_service() {
        let pool = |service: &str, idle, failing: Option<&str>| PoolRow {
            place: "a store".to_owned(),
            service: service.to_owned(),
            idle,
            active: 2,
            waiting: 1,
            failing: failing.map(str::to_owned),
        };
        let pools = [pool("todo", 1, None), pool("chat", 0, None), pool("todo", 3, Some("refused"))];
        let rows: Vec<Vec<Cell>> = servers(&pools).collect();
        let texts = |cells: [&str; 7]| cells.map(|cell| Some(cell.to_owned())).to_vec();
        assert_eq!(
            rows,
            [texts(["chat", "1", "2", "0", "2", "1", "0"]), texts(["todo", "2", "8", "4", "4", "2", "1"])]
        );
    }
}
