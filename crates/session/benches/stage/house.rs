//! The gate itself: alice's store, granted to one service, and a login for each.

use fanout::{Fanout, Reader, Readers};
use model::{
    Change, Credential, Directory, Disclosure, Endpoint, Grant, GrantId, GrantState, Login, LoginId,
    LoginKind, Partition, ScramKeys, ScramVerifier, Sealed, Service, ServiceId, Store, StoreId, StoreState,
    TlsMode, User, UserId,
};
use pool::{Budgets, Credentials, Key, NoCredential, Pools, Settings};
use session::{Console, Gate, Limits, Parts, Workers};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use testkit::server::{ITERATIONS, SALT};
use wire::scram::Keys;
use wire::{Peer, Stream};

/// Everybody's secret.
pub(crate) const SECRET: &str = "open sesame";
/// The user, and the login of kind `user`.
pub(crate) const USER: &str = "alice";
/// The service, and the login of kind `service`.
pub(crate) const SERVICE: &str = "todo";

/// Opens as keys that need not be derived: that would take another thread, whose memory and the gate's come
/// into each other's way, each time in another one.
struct OneSecret;

impl Credentials for OneSecret {
    fn open(&self, _: Key, _: &Sealed) -> Result<Credential, NoCredential> {
        let keys = Keys::derive(SECRET, SALT, ITERATIONS);
        Ok(Credential::Keys(ScramKeys {
            iterations: keys.iterations,
            salt: keys.salt.clone(),
            client_key: keys.client_key,
            server_key: keys.server_key,
        }))
    }
}

struct NoConsole;

impl Console for NoConsole {
    fn serve<'a>(
        &'a self,
        _: &'a mut Peer<Stream>,
        _: &'a str,
    ) -> Pin<Box<dyn Future<Output = std::io::Result<()>> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

struct NoReaders;

impl Readers for NoReaders {
    fn find(&self, grants: &[GrantId]) -> Vec<Option<Reader>> {
        grants.iter().map(|_| None).collect()
    }
}

/// A gate whose one store is at `port`.
pub(crate) fn gate(port: u16) -> Arc<Gate> {
    let long = Duration::from_mins(10);
    let settings = Settings {
        budgets: Budgets { total: 10, per_service: 10, per_store: 10 },
        wait_timeout: long,
        connect_timeout: long,
        idle_timeout: long,
        reset_timeout: long,
        max_waiters: 10,
        prepared_statements: 100,
        addresses: wire::dial::AddressPolicy { loopback: true, link_local: false },
    };
    let limits = Limits {
        max_clients: 10,
        login_timeout: long,
        statement_bytes: 1 << 20,
        statements_total_bytes: 4 << 20,
    };
    let pools = Pools::new(settings, Arc::new(OneSecret));
    let tls = wire::tls::ClientTls::off();
    let directory = directory(port);
    let bounds = fanout::Limits {
        concurrency: 1,
        leg_timeout: long,
        deadline: long,
        leg_rows: 1,
        leg_bytes: 1,
        total_bytes: 1,
        gate_bytes: 1 << 30,
    };
    Gate::new(Parts {
        fanout: Fanout::new(Arc::clone(&directory), Arc::clone(&pools), Arc::new(NoReaders), bounds),
        directory,
        pools,
        console: Arc::new(NoConsole),
        tls,
        limits,
        workers: Workers::default(),
        mock_secret: [7; 32],
    })
}

fn directory(port: u16) -> Arc<Directory> {
    let directory = Arc::new(Directory::default());
    let (user, service, store) = (UserId(1), ServiceId(1), StoreId(1));
    let name = |text: &str| text.parse().expect("a name");
    let endpoint = Endpoint {
        host: testkit::scratch::HOST.into(),
        port,
        database: "theirs".into(),
        tls: TlsMode::Disable,
        ca: None,
    };
    for change in [
        Change::Service(Service { id: service, name: name(SERVICE), home: None, extensions: Vec::new() }),
        Change::User(User { id: user, name: name(USER), disabled: false }),
        Change::Store(Store { id: store, user, endpoint, state: StoreState::Active }),
        Change::Grant(Grant {
            id: GrantId(1),
            user,
            service,
            store,
            partition: Partition::Schema {
                schema: "stuff_todo_0a1b2c3d".into(),
                extensions: "extensions".into(),
            },
            database: None,
            role: "g_todo".into(),
            credential: Sealed::from_text("sealed"),
            state: GrantState::Active,
            expires_at: None,
            fanout: Disclosure::Rows,
        }),
        login(1, USER, LoginKind::User(user)),
        login(2, SERVICE, LoginKind::Service(service)),
    ] {
        directory.apply(&change);
    }
    directory
}

fn login(id: i64, name: &str, kind: LoginKind) -> Change {
    let keys = Keys::derive(SECRET, b"sixteen bytes ok", 4096).verifier();
    let verifier = ScramVerifier {
        iterations: keys.iterations,
        salt: keys.salt.clone(),
        stored_key: keys.stored_key,
        server_key: keys.server_key,
    };
    let name = name.parse().expect("a name");
    Change::Login(Login {
        id: LoginId(id),
        name,
        kind,
        verifier,
        disabled: false,
        expires_at: None,
        min_stores_per_group: 0,
    })
}
