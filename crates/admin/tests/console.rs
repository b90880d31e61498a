//! The console over a real socket: with tokio-postgres where it can say it, byte by byte where it cannot.

#![allow(clippy::expect_used, clippy::panic, reason = "test code")]

use admin::{Facts, MaterializedRow, PoolRow, SessionRow};
use model::scram::ScramVerifier;
use model::{
    Change, Directory, Disclosure, Endpoint, Grant, GrantId, GrantState, Home, Login, LoginId, LoginKind,
    Name, Partition, Sealed, Service, ServiceId, Store, StoreId, StoreState, TlsMode, User, UserId,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use wire::{Peer, Stream, frame};

/// A text that stands in everything that must never be shown.
const SECRET: &str = "s3cr3t";

/// Facts that a test chooses.
#[derive(Default)]
struct Made {
    directory: Arc<Directory>,
    ended: AtomicU32,
    broken_config: AtomicBool,
    stopped: AtomicBool,
    over: Notify,
}

impl Facts for Made {
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    fn pools(&self) -> Vec<PoolRow> {
        let failing = Some("connection refused".to_owned());
        let (place, service) = ("the store of alice".to_owned(), "todo".to_owned());
        vec![PoolRow { place, service, idle: 1, active: 2, waiting: 3, failing }]
    }

    fn sessions(&self) -> Vec<SessionRow> {
        let session = |number, ending| SessionRow {
            number,
            login: "alice".to_owned(),
            service: "todo".to_owned(),
            working: true,
            ending,
        };
        vec![session(9, Some("draining")), session(4, None)]
    }

    fn materialized(&self) -> Vec<MaterializedRow> {
        vec![MaterializedRow {
            name: "done".to_owned(),
            service: "todo".to_owned(),
            every_s: 3600,
            as_of: Some(1_000_000_000),
            asked: Some(4),
            ok: Some(3),
            rows: Some(2),
            due_at: 1_000_003_600,
            last_error: None,
        }]
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("pool.total", "1000".to_owned())]
    }

    fn version(&self) -> &'static str {
        "1.2.3"
    }

    fn end_session(&self, number: u32) -> bool {
        self.ended.store(number, Ordering::Release);
        number == 4
    }

    fn reload(&self) -> Result<(), String> {
        if self.broken_config.load(Ordering::Acquire) { Err("line 3".to_owned()) } else { Ok(()) }
    }

    fn shut_down(&self) {
        self.stopped.store(true, Ordering::Release);
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn endpoint() -> Endpoint {
    Endpoint {
        host: "db.example.org".into(),
        port: 5432,
        database: "stuff".into(),
        tls: TlsMode::VerifyFull,
        ca: Some(SECRET.into()),
    }
}

/// Alice, her store, her grant to todo, and a login of each kind.
fn filled() -> Directory {
    let directory = Directory::default();
    let sealed = || Sealed::from_text(SECRET);
    directory.apply(&Change::User(User { id: UserId(1), name: name("alice"), disabled: false }));
    directory.apply(&Change::User(User { id: UserId(2), name: name("bob"), disabled: true }));
    let home = Some(Home { endpoint: endpoint(), role: "homer".into(), credential: sealed() });
    let extensions = vec!["citext".into(), "pg_trgm".into()];
    directory.apply(&Change::Service(Service { id: ServiceId(1), name: name("todo"), home, extensions }));
    let state = StoreState::Reconciling;
    directory.apply(&Change::Store(Store { id: StoreId(1), user: UserId(1), endpoint: endpoint(), state }));
    directory.apply(&Change::Grant(Grant {
        id: GrantId(1),
        user: UserId(1),
        service: ServiceId(1),
        store: StoreId(1),
        partition: Partition::Schema { schema: "todo".into(), extensions: "ext".into() },
        database: None,
        role: "g_todo".into(),
        credential: sealed(),
        state: GrantState::Active,
        expires_at: Some(1_000_000_000),
        fanout: Disclosure::Rows,
    }));
    let verifier = || ScramVerifier {
        iterations: 4096,
        salt: SECRET.as_bytes().into(),
        stored_key: [b'k'; 32],
        server_key: [b'k'; 32],
    };
    let kinds = [
        LoginKind::User(UserId(2)),
        LoginKind::Service(ServiceId(1)),
        LoginKind::Analyst(ServiceId(1)),
        LoginKind::Admin,
    ];
    for (id, kind) in (1..).zip(kinds) {
        let (id, name) = (LoginId(id), name(&format!("l-{}", kind.as_str())));
        directory.apply(&Change::Login(Login {
            id,
            name,
            kind,
            verifier: verifier(),
            disabled: false,
            expires_at: None,
            min_stores_per_group: 5,
        }));
    }
    directory
}

/// Takes one connection and serves the console on it; whoever connects is an admin.
async fn console(facts: Arc<Made>) -> TcpStream {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a listener");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.expect("a client");
        let length = tcp.read_u32().await.expect("a start-up packet");
        let mut rest = vec![0; length as usize - 4];
        tcp.read_exact(&mut rest).await.expect("the rest of it");
        let mut client = Peer::new(Stream::tcp(tcp).expect("a stream"));
        frame::authentication_ok(client.outbox.buffer());
        frame::ready_for_query(client.outbox.buffer(), b'I');
        let _ = admin::serve(&mut client, &*facts, "ops", facts.over.notified()).await;
    });
    TcpStream::connect(address).await.expect("connected")
}

async fn connect(facts: &Arc<Made>) -> Client {
    let stream = console(Arc::clone(facts)).await;
    let mut config = tokio_postgres::Config::new();
    let (client, connection) =
        config.user("ops").dbname("stuffgate").connect_raw(stream, NoTls).await.expect("connected");
    tokio::spawn(connection);
    client
}

async fn client() -> Client {
    connect(&Arc::new(Made { directory: Arc::new(filled()), ..Made::default() })).await
}

/// The first column of a simple query's rows.
async fn words(client: &Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.expect(query);
    let word = |message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    messages.into_iter().filter_map(word).collect()
}

/// Code, message and hint of what a query is refused with.
async fn refused(client: &Client, query: &str) -> (String, String, String) {
    let error = client.simple_query(query).await.expect_err(query);
    let error = error.as_db_error().expect("the console's error");
    let hint = error.hint().unwrap_or_default().to_owned();
    (error.code().code().to_owned(), error.message().to_owned(), hint)
}

const SHOWS: [&str; 12] = [
    "SHOW CLIENTS",
    "SHOW CONFIG",
    "SHOW GRANTS",
    "SHOW HELP",
    "SHOW LOGINS",
    "SHOW MATERIALIZED",
    "SHOW POOLS",
    "SHOW SERVERS",
    "SHOW SERVICES",
    "SHOW STORES",
    "SHOW USERS",
    "SHOW VERSION",
];

#[tokio::test]
async fn every_listing_is_the_same_by_either_protocol_and_holds_no_secret() {
    let client = client().await;
    for show in SHOWS {
        let simple = client.simple_query(show).await.expect(show);
        let simple: Vec<Vec<Option<&str>>> = simple
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at)).collect()),
                _ => None,
            })
            .collect();
        let rows = client.query(show, &[]).await.expect(show);
        let extended: Vec<Vec<Option<&str>>> =
            rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect();
        assert_eq!(simple, extended, "{show}");
        assert!(!simple.is_empty(), "{show}");
        assert!(!format!("{simple:?}").contains(SECRET), "{show}: {simple:?}");
    }
}

#[tokio::test]
async fn what_is_listed_is_what_there_is() {
    let client = client().await;
    let line = async |show: &str, at: usize| {
        let rows = client.query(show, &[]).await.expect(show);
        let row = &rows[at];
        let cells: Vec<&str> =
            (0..row.len()).map(|at| row.get::<_, Option<&str>>(at).unwrap_or("-")).collect();
        cells.join("|")
    };
    assert_eq!(line("SHOW CLIENTS", 0).await, "4|alice|todo|working|-");
    assert_eq!(line("SHOW CLIENTS", 1).await, "9|alice|todo|working|draining");
    assert_eq!(line("SHOW POOLS", 0).await, "the store of alice|todo|1|2|3|connection refused");
    assert_eq!(line("SHOW SERVERS", 0).await, "todo|1|3|1|2|3|1");
    assert_eq!(line("SHOW USERS", 1).await, "bob|disabled");
    assert_eq!(line("SHOW STORES", 0).await, "1|alice|db.example.org|5432|stuff|verify-full|own|reconciling");
    assert_eq!(line("SHOW SERVICES", 0).await, "todo|db.example.org:5432/stuff|homer|citext, pg_trgm");
    assert_eq!(
        line("SHOW GRANTS", 0).await,
        "1|alice|todo|1|schema todo|g_todo|expired|2001-09-09T01:46:40Z|rows"
    );
    assert_eq!(line("SHOW LOGINS", 0).await, "l-admin|admin|-|active|-|-");
    assert_eq!(line("SHOW LOGINS", 1).await, "l-analyst|analyst|todo|active|-|5");
    assert_eq!(line("SHOW LOGINS", 3).await, "l-user|user|bob|disabled|-|-");
    assert_eq!(
        line("SHOW MATERIALIZED", 0).await,
        "done|todo|3600|2001-09-09T01:46:40Z|4|3|2|2001-09-09T02:46:40Z|-"
    );
    assert_eq!(line("SHOW CONFIG", 0).await, "pool.total|1000");
    assert_eq!(line("SHOW VERSION", 0).await, "1.2.3");
    let help = words(&client, "SHOW HELP").await;
    assert!(SHOWS.iter().all(|show| help.iter().any(|line| line == show)), "{help:?}");
}

#[tokio::test]
async fn commands_act_and_say_what_is_wrong() {
    let facts = Arc::new(Made::default());
    let client = connect(&facts).await;
    client.simple_query("kill 4;").await.expect("ended");
    assert_eq!(facts.ended.load(Ordering::Acquire), 4);
    let (code, _, hint) = refused(&client, "KILL 5").await;
    assert!(code == "42704" && hint.contains("SHOW CLIENTS"), "{code} {hint}");
    client.simple_query("RELOAD").await.expect("reloaded");
    facts.broken_config.store(true, Ordering::Release);
    let (code, message, hint) = refused(&client, "RELOAD").await;
    assert!(code == "F0000" && message.contains("line 3") && hint.contains("old one"), "{message} {hint}");
    let (code, message, hint) = refused(&client, "SELECT version()").await;
    assert_eq!(code, "42601");
    assert!(message.contains("SELECT version()") && hint.contains("SHOW HELP"), "{message} {hint}");
    assert!(!facts.stopped.load(Ordering::Acquire));
    client.simple_query("SHUTDOWN").await.expect("told");
    assert!(facts.stopped.load(Ordering::Acquire));
}

#[tokio::test]
async fn several_statements_are_answered_in_order_up_to_the_first_error() {
    let client = client().await;
    assert_eq!(words(&client, "SHOW VERSION; ;show users;").await, ["1.2.3", "alice", "bob"]);
    assert_eq!(words(&client, " ;; ").await, [""; 0]);
    refused(&client, "SHOW VERSION; NONSENSE; SHOW USERS").await;
    assert_eq!(words(&client, "SHOW VERSION").await, ["1.2.3"]);
}

#[tokio::test]
async fn drivers_may_wrap_commands_in_transactions() {
    let mut client = client().await;
    let transaction = client.transaction().await.expect("begun");
    assert_eq!(transaction.query("SHOW USERS", &[]).await.expect("users").len(), 2);
    let failed = transaction.query("NONSENSE", &[]).await.expect_err("nonsense");
    assert_eq!(failed.code().map(|code| code.code()), Some("42601"));
    let failed = transaction.query("SHOW USERS", &[]).await.expect_err("aborted");
    assert_eq!(failed.code().map(|code| code.code()), Some("25P02"));
    transaction.rollback().await.expect("rolled back");
    assert_eq!(words(&client, "SET x = 1; SHOW VERSION; RESET ALL").await, ["1.2.3"]);
}

#[tokio::test]
async fn a_portal_gives_its_rows_a_few_at_a_time() {
    let mut client = client().await;
    let transaction = client.transaction().await.expect("begun");
    let statement = transaction.prepare("SHOW LOGINS").await.expect("prepared");
    let portal = transaction.bind(&statement, &[]).await.expect("bound");
    let mut counts = Vec::new();
    for _ in 0..3 {
        counts.push(transaction.query_portal(&portal, 3).await.expect("rows").len());
    }
    assert_eq!(counts, [3, 1, 0]);
    transaction.commit().await.expect("committed");
}

#[tokio::test]
async fn a_listing_of_a_hundred_thousand_stores_arrives_whole() {
    let directory = filled();
    for id in 1..=100_000 {
        let (user, state) = (UserId(1), StoreState::Active);
        directory.apply(&Change::Store(Store { id: StoreId(id), user, endpoint: endpoint(), state }));
    }
    let client = connect(&Arc::new(Made { directory: Arc::new(directory), ..Made::default() })).await;
    let rows = client.query("SHOW STORES", &[]).await.expect("stores");
    assert_eq!(rows.len(), 100_000);
    assert_eq!(rows[99_999].get::<_, &str>(0), "100000");
}

#[tokio::test]
async fn whose_time_is_over_is_told_so() {
    let facts = Arc::new(Made::default());
    let client = connect(&facts).await;
    client.simple_query("SHOW VERSION").await.expect("served");
    facts.over.notify_one();
    while !client.is_closed() {
        tokio::task::yield_now().await;
    }
    let mut raw = Raw::connect(&facts).await;
    facts.over.notify_one();
    assert!(raw.rest().await.contains("57P01"));
}

/// A client that sends bytes.
struct Raw(TcpStream);

impl Raw {
    async fn connect(facts: &Arc<Made>) -> Self {
        let mut stream = console(Arc::clone(facts)).await;
        stream.write_all(&[0, 0, 0, 8, 0, 3, 0, 0]).await.expect("sent");
        let mut greeting = [0; 15];
        stream.read_exact(&mut greeting).await.expect("a greeting");
        Self(stream)
    }

    async fn send(&mut self, messages: &[(u8, &[u8])]) {
        let mut out = Vec::new();
        for (tag, body) in messages {
            frame::write(&mut out, *tag, |out| out.extend_from_slice(body));
        }
        self.0.write_all(&out).await.expect("sent");
    }

    /// The tags of what is answered, up to and including that many ReadyForQuery.
    async fn tags(&mut self, readies: usize) -> String {
        let mut tags = String::new();
        while tags.matches('Z').count() < readies {
            tags.push(char::from(self.0.read_u8().await.expect("an answer")));
            let length = self.0.read_u32().await.expect("its length");
            let mut body = vec![0; length as usize - 4];
            self.0.read_exact(&mut body).await.expect("its body");
        }
        tags
    }

    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).await.expect("the end");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[tokio::test]
async fn an_error_in_a_pipeline_skips_to_its_sync() {
    let mut raw = Raw::connect(&Arc::new(Made::default())).await;
    let bind: &[u8] = b"\0\0\0\0\0\0\0\0";
    let execute: &[u8] = b"\0\0\0\0\0";
    raw.send(&[
        (b'P', b"\0SHOW VERSION\0\0\0"),
        (b'B', bind),
        (b'D', b"P\0"),
        (b'E', execute),
        (b'P', b"\0NONSENSE\0\0\0"),
        (b'B', bind),
        (b'E', execute),
        (b'Q', b"SHOW VERSION\0"),
        (b'S', b""),
        (b'P', b"\0\0\0\0"),
        (b'B', bind),
        (b'D', b"P\0"),
        (b'E', execute),
        (b'H', b""),
        (b'C', b"Sx\0"),
        (b'E', b"gone\0\0\0\0\0"),
        (b'S', b""),
        (b'F', b""),
    ])
    .await;
    assert_eq!(raw.tags(3).await, "12TDCEZ12nI3EZEZ");
}

#[tokio::test]
async fn what_the_protocol_does_not_allow_ends_the_session() {
    let table: [(&[u8], &str); 7] = [
        (b"Q\0\x01\0\0", "54000"),
        (b"Q\0\0\0\x03", "08P01"),
        (b"Q\xff\xff\xff\xff", "08P01"),
        (b"?\0\0\0\x04", "08P01"),
        (b"B\0\0\0\x07\0\0\xff", "08P01"),
        (b"D\0\0\0\x06?\0", "08P01"),
        (b"E\0\0\0\x05\0", "08P01"),
    ];
    for (bytes, code) in table {
        let mut raw = Raw::connect(&Arc::new(Made::default())).await;
        raw.0.write_all(bytes).await.expect("sent");
        let said = raw.rest().await;
        assert!(said.contains("FATAL") && said.contains(code), "{bytes:?}: {said:?}");
    }
}

#[tokio::test]
async fn named_statements_and_portals_are_bounded() {
    let mut raw = Raw::connect(&Arc::new(Made::default())).await;
    let mut answer = String::new();
    for at in 0..=100 {
        let body = format!("s{at}\0SHOW HELP\0\0\0");
        raw.send(&[(b'P', body.as_bytes()), (b'S', b"")]).await;
        answer = raw.tags(1).await;
        if at < 100 {
            assert_eq!(answer, "1Z");
        }
    }
    assert_eq!(answer, "EZ", "one more than there may be");
}
