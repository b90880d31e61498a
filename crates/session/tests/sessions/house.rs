//! A gate over one real server: the stores of alice and bob, and the home of service `todo`.

use fanout::{Fanout, Reader, Readers};
use model::{
    Change, Credential, Directory, Disclosure, Endpoint, Grant, GrantId, GrantState, Home, Login, LoginId,
    LoginKind, Partition, ScramVerifier, Sealed, Service, ServiceId, Store, StoreId, StoreState, TlsMode,
    User, UserId,
};
use pool::{Budgets, Credentials, Key, NoCredential, Pools, Settings};
use scratch::{Account, Binaries, Options, Server};
use session::{Console, Gate, Limits, Parts};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use testkit::{Client, Login as Secret};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use wire::scram::Keys;
use wire::{Peer, Stream};

/// Everybody's secret in these tests.
pub(crate) const SECRET: &str = "open sesame";

/// A schema as a store's owner may call it.
const SCHEMA: &str = "todo";

/// A schema as the gate calls those that it makes.
pub(crate) const DISTINCT_SCHEMA: &str = "stuff_todo_0a1b2c3d";

/// Whoever opens this gets the server's password.
struct OneSecret;

impl Credentials for OneSecret {
    fn open(&self, _: Key, _: &Sealed) -> Result<Credential, NoCredential> {
        Ok(Credential::Password(SECRET.to_owned().into()))
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

/// The gate, its server and its directory.
pub(crate) struct House {
    pub(crate) server: Server,
    directory: Arc<Directory>,
    port: u16,
}

impl House {
    /// A house whose pools may open `connections` to each store.
    pub(crate) async fn with(connections: usize) -> Self {
        Self::of(connections, SCHEMA).await
    }

    /// The same, whose partitions have names that nothing else has.
    pub(crate) async fn distinct(connections: usize) -> Self {
        Self::of(connections, DISTINCT_SCHEMA).await
    }

    async fn of(connections: usize, schema: &'static str) -> Self {
        Self::on(connections, schema, Vec::new()).await
    }

    /// A house with these workers; clients are accepted on the runtime that this is called in.
    pub(crate) async fn with_workers(connections: usize, workers: Vec<Handle>) -> Self {
        Self::on(connections, SCHEMA, workers).await
    }

    async fn on(connections: usize, schema: &'static str, workers: Vec<Handle>) -> Self {
        let server = tokio::task::spawn_blocking(move || {
            let server = Server::start(&Binaries::find().expect("Postgres"), Options::default()).expect("a server");
            let accounts = ["alice", "bob", "home"].map(|name| Account::owner(name, SECRET));
            server.create(&accounts).expect("accounts");
            for user in ["alice", "bob"] {
                let sql = format!(
                    "SET ROLE {user}; CREATE SCHEMA {schema}; CREATE SCHEMA stuffgate_ext;
                     CREATE TABLE {schema}.whose (name text); INSERT INTO {schema}.whose VALUES ('{user}')"
                );
                server.sql(user, &sql).expect("a partition");
            }
            server
                .sql("home", "SET ROLE home; CREATE SCHEMA h; CREATE TABLE h.whose (name text); INSERT INTO h.whose VALUES ('home'); ALTER ROLE home SET search_path = h, public")
                .expect("a home");
            server
        })
        .await
        .expect("set up");
        let directory = Arc::new(Directory::default());
        fill(&directory, server.port(), schema);
        let settings = Settings {
            budgets: Budgets { total: 20, per_service: 20, per_store: connections },
            wait_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            reset_timeout: Duration::from_secs(5),
            max_waiters: 100,
            prepared_statements: 4,
            addresses: wire::dial::AddressPolicy { loopback: true, link_local: false },
        };
        let pools = Pools::new(settings, Arc::new(OneSecret));
        let limits = Limits {
            max_clients: 100,
            login_timeout: Duration::from_secs(10),
            statement_bytes: 1 << 20,
            statements_total_bytes: 4 << 20,
        };
        let tls = wire::tls::ClientTls::off();
        let bounds = fanout::Limits {
            concurrency: 8,
            leg_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(10),
            leg_rows: 1000,
            leg_bytes: 1 << 20,
            total_bytes: 1 << 22,
            gate_bytes: 1 << 30,
        };
        let gate = Gate::new(Parts {
            fanout: Fanout::new(Arc::clone(&directory), Arc::clone(&pools), Arc::new(NoReaders), bounds),
            directory: Arc::clone(&directory),
            pools,
            console: Arc::new(NoConsole),
            tls,
            limits,
            workers: session::Workers::new(workers),
            mock_secret: [7; 32],
        });
        let listener = TcpListener::bind((scratch::HOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(session::serve(Arc::clone(&gate), Stream::tcp(tcp).expect("a stream")));
            }
        });
        Self { server, directory, port }
    }

    /// Where the gate listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Moves alice's and bob's stores to another port, behind which the server is expected.
    pub(crate) fn move_stores(&self, port: u16) {
        for id in [1, 2] {
            let store = self.directory.store(StoreId(id)).expect("a store");
            let endpoint = Endpoint { port, ..store.endpoint };
            self.directory.apply(&Change::Store(Store { endpoint, ..store }));
        }
    }

    /// A session of the service's own login.
    pub(crate) async fn service(&self) -> Client {
        self.client("svc", &[]).await.expect("a session")
    }

    /// A session of a user's login.
    pub(crate) async fn user(&self, name: &str) -> Client {
        self.client(name, &[]).await.expect("a session")
    }

    /// A session with start-up parameters.
    pub(crate) async fn client(
        &self,
        user: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Client, testkit::Error> {
        let login = Secret { port: self.port, user, secret: SECRET, database: "todo", parameters };
        Client::connect(&login).await
    }
}

/// Alice's or bob's grant.
fn grant(user: i64, schema: &str) -> Grant {
    let name = if user == 1 { "alice" } else { "bob" };
    Grant {
        id: GrantId(user),
        user: UserId(user),
        service: ServiceId(1),
        store: StoreId(user),
        partition: Partition::Schema { schema: schema.into(), extensions: "stuffgate_ext".into() },
        database: None,
        role: name.into(),
        credential: Sealed::from_text(name),
        state: GrantState::Active,
        expires_at: None,
        fanout: Disclosure::Rows,
    }
}

fn fill(directory: &Directory, port: u16, schema: &str) {
    let endpoint = |database: &str| Endpoint {
        host: scratch::HOST.into(),
        port,
        database: database.into(),
        tls: TlsMode::Disable,
        ca: None,
    };
    let home =
        Home { endpoint: endpoint("home"), role: "home".into(), credential: Sealed::from_text("home") };
    directory.apply(&Change::Service(Service {
        id: ServiceId(1),
        name: "todo".parse().expect("a name"),
        home: Some(home),
        extensions: Vec::new(),
    }));
    let login = |id, name: &str, kind| {
        let verifier = Keys::derive(SECRET, b"sixteen bytes ok", 4096).verifier();
        let verifier = ScramVerifier {
            iterations: verifier.iterations,
            salt: verifier.salt.clone(),
            stored_key: verifier.stored_key,
            server_key: verifier.server_key,
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
    };
    for (id, name) in [(1, "alice"), (2, "bob")] {
        let user = User { id: UserId(id), name: name.parse().expect("a name"), disabled: false };
        directory.apply(&Change::User(user));
        let store =
            Store { id: StoreId(id), user: UserId(id), endpoint: endpoint(name), state: StoreState::Active };
        directory.apply(&Change::Store(store));
        directory.apply(&Change::Grant(grant(id, schema)));
        directory.apply(&login(id, name, LoginKind::User(UserId(id))));
    }
    directory.apply(&login(3, "svc", LoginKind::Service(ServiceId(1))));
}
