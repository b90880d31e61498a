//! A home and some stores in one server, and a session's view of fan-outs over them.

use bytes::Bytes;
use fanout::{Asker, Described, Done, Event, Fanout, Limits, Reader, Readers, Settings, TierWish, Values};
use model::{
    Change, Coverage, Credential, Directory, Disclosure, Endpoint, Grant, GrantId, GrantState, Home, Name,
    Partition, Sealed, Service, ServiceId, Store, StoreId, StoreState, TlsMode, User, UserId,
};
use pool::{Budgets, Credentials, Key, NoCredential, Place, Pools};
use scratch::{Binaries, Options, SUPERUSER, Server};
use secrecy::SecretString;
use sql::fanout::Tier;
use std::sync::Arc;
use std::time::Duration;
use wire::Fields;
use wire::dial::AddressPolicy;
use wire::frame::{HEADER_BYTES, Header, Reader as Values_};

/// Everybody's password.
const PASSWORD: &str = "a secret of the tests";

/// The role that reads a store.
const READER: &str = "reader";

const SERVICE: ServiceId = ServiceId(1);

/// The schema that home and every store have.
const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE TABLE lists (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
    CREATE TABLE todos (id serial PRIMARY KEY, list uuid REFERENCES lists (id), title text NOT NULL,
        done bool NOT NULL DEFAULT false, hours numeric, mood mood, at timestamptz, tags text[], spent interval);
    CREATE VIEW open_todos AS SELECT id, title, hours FROM todos WHERE NOT done;
    CREATE FUNCTION doubled(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';";

struct Plain;

impl Credentials for Plain {
    fn open(&self, _: Key, sealed: &Sealed) -> Result<Credential, NoCredential> {
        Ok(Credential::Password(SecretString::from(sealed.as_text().to_owned())))
    }
}

struct OneReader;

impl Readers for OneReader {
    fn find(&self, grants: &[GrantId]) -> Vec<Option<Reader>> {
        let reader = Reader { role: READER.into(), credential: Sealed::from_text(PASSWORD) };
        grants.iter().map(|_| Some(reader.clone())).collect()
    }
}

/// A home and three stores.
pub(crate) struct Bed {
    pub(crate) server: Server,
    /// Servers of stores that were moved.
    others: Vec<Server>,
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) asker: Asker,
    pub(crate) directory: Arc<Directory>,
}

/// A whole answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) names: Vec<String>,
    pub(crate) oids: Vec<u32>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
    pub(crate) copied: String,
    pub(crate) tag: String,
    pub(crate) coverage: Option<Arc<Coverage>>,
}

impl Answer {
    /// Rows with their values between bars.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |row: &Vec<Option<String>>| {
            row.iter()
                .map(|value| value.clone().unwrap_or_else(|| "-".to_owned()))
                .collect::<Vec<_>>()
                .join("|")
        };
        self.rows.iter().map(line).collect()
    }
}

pub(crate) fn limits() -> Limits {
    Limits {
        concurrency: 8,
        leg_timeout: Duration::from_secs(10),
        deadline: Duration::from_secs(20),
        leg_rows: 100_000,
        leg_bytes: 64 << 20,
        total_bytes: 256 << 20,
        gate_bytes: 1 << 30,
    }
}

impl Bed {
    /// With stores of ann, ben and cem, each filled by `rows` for its number.
    pub(crate) async fn with(rows: impl Fn(usize) -> String) -> Self {
        let binaries = Binaries::find().expect("an installed Postgres");
        let options = Options { superuser_password: Some(PASSWORD.to_owned()), ..Options::default() };
        let server = Server::start(&binaries, options).expect("a server");
        let sql = |database: &str, sql: &str| server.sql(database, sql).expect("it is valid");
        sql("postgres", &format!("CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'"));
        let users = ["ann", "ben", "cem"];
        for database in ["home"].iter().chain(&users) {
            sql("postgres", &format!("CREATE DATABASE {database}"));
            sql(database, &format!("{SCHEMA} GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"));
        }
        for (number, user) in users.iter().enumerate() {
            sql(user, &rows(number));
        }
        let directory = Arc::new(Directory::default());
        directory.apply(&Change::Service(service(server.port())));
        for (number, user) in users.iter().enumerate() {
            add(&directory, number as i64 + 1, user, server.port());
        }
        let pools = Pools::new(pool_settings(), Arc::new(Plain));
        let fanout = Fanout::new(Arc::clone(&directory), pools, Arc::new(OneReader), limits());
        Self { asker: asker(server.port()), server, others: Vec::new(), fanout, directory }
    }

    /// The `number`th user's store is one of another version of Postgres from now on, and holds `rows`.
    pub(crate) fn move_store(&mut self, number: i64, user: &str, major: u32, rows: &str) {
        let binaries = Binaries::of_major(major).expect("tests/fetch-postgres has fetched it");
        let options = Options { superuser_password: Some(PASSWORD.to_owned()), ..Options::default() };
        let server = Server::start(&binaries, options).expect("a server");
        let sql = |database: &str, sql: &str| server.sql(database, sql).expect("it is valid");
        sql("postgres", &format!("CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'"));
        sql("postgres", &format!("CREATE DATABASE {user}"));
        sql(user, &format!("{SCHEMA} GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"));
        sql(user, rows);
        self.directory.apply(&Change::Store(store(number, user, server.port())));
        self.others.push(server);
    }

    /// The `number`th user's store is one that collates otherwise than home from now on.
    pub(crate) fn collate_otherwise(&self, number: i64, rows: &str) {
        let home = self.sql("postgres", "SELECT datcollate FROM pg_database WHERE datname = 'home'");
        let other = if home.trim() == "POSIX" { "C" } else { "POSIX" };
        self.sql(
            "postgres",
            &format!("CREATE DATABASE other TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE '{other}' LC_CTYPE '{other}'"),
        );
        self.sql("other", &format!("{SCHEMA} GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"));
        self.sql("other", rows);
        self.directory.apply(&Change::Store(store(number, "other", self.server.port())));
    }

    /// What home's connections are doing, but the one that asks.
    pub(crate) fn at_home(&self) -> String {
        self.sql(
            "postgres",
            "SELECT string_agg(state || ' ' || coalesce(wait_event, ''), ',') FROM pg_stat_activity \
             WHERE datname = 'home' AND state <> 'idle'",
        )
        .trim()
        .to_owned()
    }

    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        self.server.sql(database, sql).expect("it is valid")
    }

    /// The asker, for one tier.
    pub(crate) fn at(&self, tier: Tier) -> Asker {
        let mut asker = self.asker.clone();
        asker.settings.tier = TierWish::Only(tier);
        asker
    }

    /// Describes a statement that is run later, when home's transaction is over.
    pub(crate) async fn describe(&self, sql: &str) -> Result<Arc<Described>, Box<Fields>> {
        let described = self.fanout.describe(&self.asker, sql, &[]).await;
        while !self.at_home().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        described
    }

    /// The answer to a statement without parameters.
    pub(crate) async fn ask(&self, sql: &str) -> Answer {
        self.ask_as(&self.asker, sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The error that a statement comes to.
    pub(crate) async fn refused(&self, sql: &str) -> Box<Fields> {
        self.ask_as(&self.asker, sql, &[]).await.map(|answer| answer.lines()).expect_err("no answer")
    }

    pub(crate) async fn ask_as(
        &self,
        asker: &Asker,
        sql: &str,
        parameters: &[Option<&str>],
    ) -> Result<Answer, Box<Fields>> {
        let described = self.fanout.describe(asker, sql, &[]).await?;
        let parameters =
            parameters.iter().map(|value| value.map(|text| Bytes::copy_from_slice(text.as_bytes())));
        let values = Values { parameters: parameters.collect(), ..Values::default() };
        self.run(asker, described, values).await
    }

    pub(crate) async fn run(
        &self,
        asker: &Asker,
        described: Arc<Described>,
        values: Values,
    ) -> Result<Answer, Box<Fields>> {
        let columns = described.columns.clone().unwrap_or_default();
        let mut answer = Answer {
            names: columns.iter().map(|column| column.name.clone()).collect(),
            oids: columns.iter().map(|column| column.oid).collect(),
            ..Answer::default()
        };
        let mut run = self.fanout.run(asker.clone(), described, values);
        while let Some(event) = run.events.recv().await {
            match event {
                Event::Rows { messages, count } => {
                    let before = answer.rows.len();
                    answer.rows.extend(messages_of(&messages).map(texts));
                    assert_eq!((answer.rows.len() - before) as u64, count);
                }
                Event::Copied(messages) => {
                    let mut rest = &messages[..];
                    while let Ok(Some(header)) = Header::peek(rest) {
                        if header.tag == b'd' {
                            answer.copied += &String::from_utf8_lossy(&rest[HEADER_BYTES..header.total()]);
                        }
                        rest = &rest[header.total()..];
                    }
                }
                Event::Notice(_) | Event::Progress { .. } => {}
                Event::End(Ok(Done { tag, coverage })) => {
                    (answer.tag, answer.coverage) = (tag, coverage);
                    return Ok(answer);
                }
                Event::End(Err(failure)) => return Err(failure.fields),
            }
        }
        panic!("no end was told")
    }
}

fn messages_of(mut messages: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let header = Header::peek(messages).expect("a length")?;
        let (message, rest) = messages.split_at(header.total());
        messages = rest;
        Some(&message[HEADER_BYTES..])
    })
}

fn texts(body: &[u8]) -> Vec<Option<String>> {
    let mut row = Values_::new(body);
    let count = row.u16().expect("a count");
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    (0..count).map(|_| row.value().expect("a value").map(text)).collect()
}

fn endpoint(port: u16, database: &str) -> Endpoint {
    Endpoint { host: scratch::HOST.into(), port, database: database.into(), tls: TlsMode::Disable, ca: None }
}

fn service(port: u16) -> Service {
    let home = Home {
        endpoint: endpoint(port, "home"),
        role: SUPERUSER.into(),
        credential: Sealed::from_text(PASSWORD),
    };
    Service { id: SERVICE, name: "todo".parse().expect("a name"), home: Some(home), extensions: Vec::new() }
}

fn add(directory: &Directory, id: i64, user: &str, port: u16) {
    let name: Name = user.parse().expect("a name");
    directory.apply(&Change::User(User { id: UserId(id), name, disabled: false }));
    directory.apply(&Change::Store(store(id, user, port)));
    directory.apply(&Change::Grant(grant(id)));
}

fn store(id: i64, user: &str, port: u16) -> Store {
    let endpoint = endpoint(port, user);
    Store { id: StoreId(id), user: UserId(id), endpoint, state: StoreState::Active }
}

pub(crate) fn grant(id: i64) -> Grant {
    Grant {
        id: GrantId(id),
        user: UserId(id),
        service: SERVICE,
        store: StoreId(id),
        partition: Partition::Database,
        database: None,
        role: "g_todo".into(),
        credential: Sealed::from_text(PASSWORD),
        state: GrantState::Active,
        expires_at: None,
        fanout: Disclosure::Rows,
    }
}

fn pool_settings() -> pool::Settings {
    pool::Settings {
        budgets: Budgets { total: 50, per_service: 50, per_store: 4 },
        wait_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_mins(10),
        reset_timeout: Duration::from_secs(5),
        max_waiters: 100,
        prepared_statements: 100,
        addresses: AddressPolicy { loopback: true, link_local: false },
    }
}

fn asker(port: u16) -> Asker {
    let place = Place {
        key: Key::Home(SERVICE),
        service: SERVICE,
        label: "the home of todo".into(),
        endpoint: endpoint(port, "home"),
        role: SUPERUSER.into(),
        credential: Sealed::from_text(PASSWORD),
        startup: vec![("client_encoding".into(), "UTF8".into())],
        allow_trust: false,
    };
    Asker {
        service: SERVICE,
        home: Arc::new(place),
        min_stores_per_group: 1,
        session: 7,
        settings: Settings::of(&limits()),
        set_up: "".into(),
        fingerprint: 0,
    }
}
