//! Places, secrets and stores for the tests, and how they wait.

use model::{Credential, Endpoint, GrantId, Sealed, ServiceId, TlsMode};
use pool::{Budgets, Credentials, Key, Lease, NoCredential, Place, PoolReport, Pools, Settings};
use scratch::{Binaries, Options, SUPERUSER, Server};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{Error, FakeStore, Peer, frames};
use wire::dial::AddressPolicy;

/// Longest time that anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The superuser's password on every server of these tests.
const PASSWORD: &str = "a secret of the tests";

/// "Sealed" secrets of the tests are their own text; `broken` does not open.
struct Plain;

impl Credentials for Plain {
    fn open(&self, _: Key, sealed: &Sealed) -> Result<Credential, NoCredential> {
        match sealed.as_text() {
            "broken" => Err(NoCredential),
            text => Ok(Credential::Password(SecretString::from(text.to_owned()))),
        }
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        budgets: Budgets { total: 10, per_service: 8, per_store: 4 },
        wait_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_mins(10),
        reset_timeout: Duration::from_secs(5),
        max_waiters: 100,
        prepared_statements: 10,
        addresses: AddressPolicy { loopback: true, link_local: false },
    }
}

pub(crate) fn pools(settings: Settings) -> Arc<Pools> {
    Pools::new(settings, Arc::new(Plain))
}

/// A place of grant `number` and of `service` behind `port`.
pub(crate) fn place_of(service: i64, number: i64, port: u16) -> Place {
    Place {
        key: Key::Grant(GrantId(number)),
        service: ServiceId(service),
        label: format!("store {number}").into(),
        endpoint: Endpoint {
            host: scratch::HOST.into(),
            port,
            database: "postgres".into(),
            tls: TlsMode::Disable,
            ca: None,
        },
        role: SUPERUSER.into(),
        credential: Sealed::from_text(PASSWORD),
        startup: Vec::new(),
        allow_trust: true,
    }
}

pub(crate) fn place(number: i64, port: u16) -> Arc<Place> {
    Arc::new(place_of(1, number, port))
}

pub(crate) fn postgres() -> Server {
    let binaries = Binaries::find().expect("an installed Postgres");
    let options = Options { superuser_password: Some(PASSWORD.to_owned()), ..Options::default() };
    Server::start(&binaries, options).expect("a server")
}

/// Lets somebody in who need not prove anything.
pub(crate) async fn let_in(peer: &mut Peer) -> Result<(), Error> {
    peer.accept_start_up().await?;
    let welcome = [
        frames::authentication(0, &[]),
        frames::parameter_status("server_version", "15.0"),
        frames::backend_key(4711, b"key!"),
        frames::ready(b'I'),
    ];
    peer.send(&welcome.concat()).await
}

/// A store that lets everybody in and has an empty answer to every query.
pub(crate) async fn obliging_store() -> FakeStore {
    let script = |mut peer: Peer| async move {
        peer.patience(PATIENCE * 10);
        let_in(&mut peer).await?;
        loop {
            peer.frame().await?;
            peer.send(&[frames::command_complete("DONE"), frames::ready(b'I')].concat()).await?;
        }
    };
    FakeStore::start(script).await.expect("a port")
}

/// The process id of a lease's server.
pub(crate) async fn pid(lease: &mut Lease) -> String {
    lease.ask("SELECT pg_backend_pid()").await.expect("an answer").expect("a row")
}

/// Gives way until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it never came to be: {what}");
        tokio::task::yield_now().await;
    }
}

pub(crate) fn report_of(pools: &Pools, place: &Place) -> Option<PoolReport> {
    pools.report().into_iter().find(|report| report.key == place.key)
}

/// Idle, active and waiting.
pub(crate) fn counts(pools: &Pools, place: &Place) -> (usize, usize, usize) {
    report_of(pools, place).map_or((0, 0, 0), |report| (report.idle, report.active, report.waiting))
}

/// Everything is given up: closes what is idle, and nothing must be left.
pub(crate) async fn assert_nothing_leaks(pools: &Arc<Pools>) {
    until("nothing is active", || {
        pools.report().iter().all(|report| (report.active, report.waiting) == (0, 0))
    })
    .await;
    let idle: usize = pools.report().iter().map(|report| report.idle).sum();
    assert_eq!(pools.connections(), idle, "connections that no pool knows");
    // Long after everything has become stale, breakers too.
    pools.sweep(Instant::now() + Duration::from_hours(1));
    assert_eq!(pools.connections(), 0);
    let left: Vec<_> = pools.report().into_iter().filter(|report| report.failing.is_none()).collect();
    assert!(left.is_empty(), "pools without a connection: {left:?}");
}
