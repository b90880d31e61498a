//! Stores with read-only roles, a directory that knows them, and plans to ask them with.

use fanout::legs::{Check, Expected, Finished, Found, Legs, Rows, Statement, Stores, database_sql};
use fanout::{Limits, Reader, Readers, Settings};
use model::{
    Change, Credential, Directory, Disclosure, Endpoint, Grant, GrantId, GrantState, Outcome, Partition,
    Sealed, Service, ServiceId, Store, StoreId, StoreState, TlsMode, User, UserId,
};
use pool::{Budgets, Collation, Credentials, Key, NoCredential, Pools};
use scratch::{Binaries, Options, Server};
use secrecy::SecretString;
use sql::fanout::{Answered, Discloses, Piece, Plan, TableNeeded, Tier, Type};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wire::dial::AddressPolicy;

/// Longest time that anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The secret of every reader.
pub(crate) const SECRET: &str = "the secret of a reader";

pub(crate) const SERVICE: ServiceId = ServiceId(1);

/// "Sealed" secrets of the tests are their own text.
struct Plain;

impl Credentials for Plain {
    fn open(&self, key: Key, sealed: &Sealed) -> Result<Credential, NoCredential> {
        assert!(matches!(key, Key::Reader(_)), "fan-outs lease as readers only, not as {key}");
        Ok(Credential::Password(SecretString::from(sealed.as_text().to_owned())))
    }
}

/// Readers of the tests, and how often they were looked for.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) readers: Mutex<HashMap<GrantId, Reader>>,
    pub(crate) looked: AtomicUsize,
}

impl Readers for Known {
    fn find(&self, grants: &[GrantId]) -> Vec<Option<Reader>> {
        self.looked.fetch_add(grants.len(), Ordering::Relaxed);
        let readers = self.readers.lock().expect("unpoisoned");
        grants.iter().map(|grant| readers.get(grant).cloned()).collect()
    }
}

/// A gate's worth of what legs need.
pub(crate) struct World {
    pub(crate) directory: Arc<Directory>,
    pub(crate) known: Arc<Known>,
    pub(crate) pools: Arc<Pools>,
    pub(crate) stores: Arc<Stores>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut pool::Settings)) -> Self {
        let mut settings = pool::Settings {
            budgets: Budgets { total: 200, per_service: 200, per_store: 4 },
            wait_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(10),
            reset_timeout: Duration::from_secs(5),
            max_waiters: 100,
            prepared_statements: 10,
            addresses: AddressPolicy { loopback: true, link_local: false },
        };
        change(&mut settings);
        let directory = Arc::new(Directory::default());
        let name = "todo".parse().expect("a name");
        let service = Service { id: SERVICE, name, home: None, extensions: Vec::new() };
        directory.apply(&Change::Service(service));
        let known = Arc::new(Known::default());
        let pools = Pools::new(settings, Arc::new(Plain));
        let stores =
            Stores::new(Arc::clone(&directory), Arc::clone(&pools), Arc::clone(&known) as _, 1 << 30);
        Self { directory, known, pools, stores }
    }

    /// A user with a store at that port and database, and a grant on the partition `p_todo` in it.
    pub(crate) fn add(&self, number: i64, user: &str, port: u16, database: &str) {
        let name = user.parse().expect("a name");
        self.directory.apply(&Change::User(User { id: UserId(number), name, disabled: false }));
        self.directory.apply(&Change::Store(store(number, port, database)));
        self.directory.apply(&Change::Grant(grant(number)));
        let reader = Reader { role: role(database).into(), credential: Sealed::from_text(SECRET) };
        self.known.readers.lock().expect("unpoisoned").insert(GrantId(number), reader);
    }

    /// Asks everybody and waits for all: legs in the order of users' names.
    pub(crate) async fn ask(&self, statement: Statement) -> Vec<Finished> {
        let scope = self.stores.scope(SERVICE, statement.plan.discloses).await;
        let mut legs = Legs::start(&self.stores, scope, statement);
        let mut all = Vec::new();
        while let Some(finished) = tokio::time::timeout(PATIENCE, legs.next()).await.expect("in time") {
            all.push(finished);
        }
        all.sort_by_key(|finished| finished.index);
        all
    }

    /// Asks everybody; the only leg.
    pub(crate) async fn ask_one(&self, statement: Statement) -> Finished {
        let mut all = self.ask(statement).await;
        assert_eq!(all.len(), 1);
        all.pop().expect("a leg")
    }
}

pub(crate) fn store(number: i64, port: u16, database: &str) -> Store {
    let endpoint = Endpoint {
        host: scratch::HOST.into(),
        port,
        database: database.into(),
        tls: TlsMode::Disable,
        ca: None,
    };
    Store { id: StoreId(number), user: UserId(number), endpoint, state: StoreState::Active }
}

pub(crate) fn grant(number: i64) -> Grant {
    Grant {
        id: GrantId(number),
        user: UserId(number),
        service: SERVICE,
        store: StoreId(number),
        partition: Partition::Schema { schema: "p_todo".into(), extensions: "ext".into() },
        database: None,
        role: "g_todo".into(),
        credential: Sealed::from_text("no fan-out opens this"),
        state: GrantState::Active,
        expires_at: None,
        fanout: Disclosure::Rows,
    }
}

/// The read-only role of the partition in `database`.
pub(crate) fn role(database: &str) -> String {
    format!("r_{database}")
}

/// A server with these databases, each with a partition `p_todo` in which `sql` was run.
pub(crate) fn postgres(databases: &[&str], sql: &str) -> Server {
    postgres_by(&Binaries::find().expect("an installed Postgres"), databases, sql)
}

pub(crate) fn postgres_by(binaries: &Binaries, databases: &[&str], sql: &str) -> Server {
    let options = Options { conf: vec!["max_connections = 200".into()], ..Options::default() };
    let server = Server::start(binaries, options).expect("a server");
    for database in databases {
        let make =
            format!("CREATE DATABASE {database}; CREATE ROLE {} LOGIN PASSWORD '{SECRET}'", role(database));
        server.sql("postgres", &make.replace("; ", ";\n")).expect("made");
        let reader = role(database);
        let partition = format!(
            "CREATE SCHEMA ext; CREATE SCHEMA p_todo; SET search_path = p_todo, ext;
             GRANT USAGE ON SCHEMA p_todo, ext TO {reader};
             ALTER DEFAULT PRIVILEGES IN SCHEMA p_todo GRANT SELECT ON TABLES TO {reader};
             {sql}"
        );
        server.sql(database, &partition).expect("a partition");
    }
    server
}

/// As [`Server::sql`], in the partition.
pub(crate) fn in_partition(server: &Server, database: &str, sql: &str) -> String {
    let sql = format!("SET search_path = p_todo, ext;\n{sql}");
    server.sql(database, &sql).expect("it runs").trim().to_owned()
}

pub(crate) fn kind(name: &str) -> Type {
    let (oid, category) = match name {
        "integer" => (23, 'N'),
        "bigint" => (20, 'N'),
        "text" => (25, 'S'),
        "boolean" => (16, 'B'),
        "timestamp with time zone" => (1184, 'D'),
        "mood" => (99_999, 'E'),
        other => panic!("a type that the tests do not know: {other}"),
    };
    Type { oid, name: name.to_owned(), array: None, category, collatable: name == "text" }
}

/// A plan of one piece.
pub(crate) fn plan(sql: &str, columns: &[&str], tables: Vec<TableNeeded>) -> Plan {
    let columns = columns.iter().map(|name| kind(name)).collect();
    Plan {
        tier: Tier::Combine,
        discloses: Discloses::Sums,
        collates: false,
        tables,
        pieces: vec![Piece { sql: sql.to_owned(), parameters: Vec::new(), columns, meanings: Vec::new() }],
        answered: Answered::Combined { sql: String::new(), parameters: Vec::new(), fold: None },
    }
}

/// A table that is needed, with columns and their types.
pub(crate) fn table(name: &str, columns: &[(&str, &str)]) -> TableNeeded {
    let columns = columns.iter().map(|(column, kind)| ((*column).to_owned(), (*kind).to_owned())).collect();
    TableNeeded { name: name.to_owned(), columns }
}

pub(crate) fn limits() -> Limits {
    Limits {
        concurrency: 64,
        leg_timeout: Duration::from_secs(10),
        deadline: Duration::from_secs(15),
        leg_rows: 100_000,
        leg_bytes: 4 << 20,
        total_bytes: 64 << 20,
        gate_bytes: 1 << 30,
    }
}

pub(crate) fn statement(plan: Plan) -> Statement {
    let limits = limits();
    Statement {
        expected: Expected::of(&plan.tables, None),
        plan: Arc::new(plan),
        pinned: Vec::new(),
        parameters: Vec::new(),
        formats: Vec::new(),
        now: "2026-01-02 03:04:05.678901+00".into(),
        results: Vec::new(),
        settings: Settings::of(&limits),
        limits,
        floor: false,
        began: Instant::now(),
        session: 7,
    }
}

/// `SELECT` of one constant, from no table.
pub(crate) fn one() -> Statement {
    statement(plan("SELECT 1::int4", &["integer"], Vec::new()))
}

/// What a home of the same kind as `server`'s database says to a plan's check.
pub(crate) fn home_says(server: &Server, database: &str, tables: &[TableNeeded]) -> Found {
    let rows = |sql: &str| -> Vec<Vec<u8>> {
        let answer = in_partition(server, database, &format!("\\pset null '<null>'\n{sql}"));
        let row = |line: &str| {
            let values: Vec<_> = line.split('|').map(|value| (value != "<null>").then_some(value)).collect();
            testkit::frames::data_row(&values)[5..].to_vec()
        };
        answer.lines().map(row).collect()
    };
    let mut found = Found::awaited(None, tables.iter().map(|table| table.columns.len()).sum());
    for row in rows(database_sql(server.binaries().major())) {
        found.take_database(&row).expect("a row about the database");
    }
    for row in Check::of(tables).made_of().iter().flat_map(|sql| rows(sql)) {
        found.take_column(&row).expect("a row about a column");
    }
    found
}

pub(crate) fn outcome(finished: &Finished) -> (Outcome, Option<&str>) {
    (finished.report.outcome, finished.report.sqlstate.as_deref())
}

/// All rows as text, `NULL` for NULL.
pub(crate) fn texts(rows: &Rows) -> Vec<Vec<String>> {
    let text = |value: Option<&[u8]>| {
        value.map_or_else(|| "NULL".to_owned(), |value| String::from_utf8(value.to_vec()).expect("text"))
    };
    (0..rows.len()).map(|row| rows.values(row).map(text).collect()).collect()
}

/// The rows of the only piece of an ok leg.
pub(crate) fn rows_of(finished: &Finished) -> Vec<Vec<String>> {
    assert_eq!(finished.report.outcome, Outcome::Ok, "{:?}", finished.report);
    let results = finished.results.as_ref().expect("results");
    assert_eq!(results.len(), 1);
    texts(&results[0])
}

/// Gives way until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it never came to be: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Connections that are leased at this moment.
pub(crate) fn active(pools: &Pools) -> usize {
    pools.report().iter().map(|report| report.active).sum()
}

/// Idle connections at this moment.
pub(crate) fn idle(pools: &Pools) -> usize {
    pools.report().iter().map(|report| report.idle).sum()
}

/// The default collation of a server that the tests start.
pub(crate) fn another_collation() -> Collation {
    Collation {
        provider: "i".into(),
        collate: "de_DE".into(),
        ctype: "de_DE".into(),
        locale: Some("de-DE".into()),
        version: Some("153.120".into()),
    }
}
