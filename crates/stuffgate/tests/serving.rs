//! A running gate as its operator meets it: ready file, console, HTTP, reload, limits, the end.

#![allow(clippy::expect_used, clippy::panic, reason = "test code")]

mod common;

use common::Gate;
use rustix::process::{Pid, Signal, kill_process};
use scratch::{Account, Binaries, Options, Server};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(5);

/// A gate that serves. Dropping it kills it.
struct Serving {
    process: Child,
    listen: SocketAddr,
    http: SocketAddr,
    gate: Gate,
}

/// A gate with users alice and admin login ops, on ports that the system chooses.
fn prepared() -> Gate {
    let gate = Gate::new();
    let config = std::fs::read_to_string(gate.path("stuffgate.toml")).expect("the configuration");
    let config = config
        .replace("# addresses = [\"127.0.0.1:6432\"]", "addresses = [\"127.0.0.1:0\"]\nworkers = 2")
        .replace("# listen = \"\"", "listen = \"127.0.0.1:0\"")
        .replace("# drain_timeout_ms = 30000", "drain_timeout_ms = 2000");
    gate.write("stuffgate.toml", &config);
    gate.run(&["service", "add", "todo"]).done();
    gate.run_with("a", &["user", "add", "alice", "--secret-stdin"]).done();
    gate.run_with("o", &["login", "add", "ops", "--kind", "admin", "--secret-stdin"]).done();
    gate
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(LOOK);
    }
}

impl Serving {
    fn start(gate: Gate) -> Self {
        Self::start_as(gate, Command::new(env!("CARGO_BIN_EXE_stuffgate")))
    }

    /// Starts `program`, which is the gate's or becomes it.
    fn start_as(gate: Gate, mut program: Command) -> Self {
        let log = std::fs::File::create(gate.path("log")).expect("a log");
        let process = program
            .args(["serve", "--ready-file", "ready.json"])
            .current_dir(gate.folder())
            .env_remove("STUFFGATE_CONFIG")
            .env_remove("STUFFGATE_KEK")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the gate");
        let ready: serde_json::Value = wait_for("the ready file", || {
            let text = std::fs::read_to_string(gate.path("ready.json")).ok()?;
            Some(serde_json::from_str(&text).expect("all of the file"))
        });
        assert_eq!(ready["pid"], process.id());
        let address =
            |value: &serde_json::Value| value.as_str().expect("an address").parse().expect("an address");
        Self { process, listen: address(&ready["listen"][0]), http: address(&ready["http"]), gate }
    }

    async fn connect(&self, login: &str, secret: &str, database: &str) -> Client {
        let url = format!("postgres://{login}:{secret}@{}/{database}", self.listen);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a session");
        tokio::spawn(connection);
        client
    }

    async fn console(&self) -> Client {
        self.connect("ops", "o", "stuffgate").await
    }

    fn signal(&self, which: Signal) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).expect("its id");
        kill_process(pid, which).expect("told");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.gate.path("log")).expect("its log")
    }

    /// Waits for its end and returns its exit code.
    fn ended(&mut self) -> Option<i32> {
        wait_for("the gate's end", || self.process.try_wait().expect("its state")).code()
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http).expect("connected");
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// The value of a metric in what is scraped.
    fn metric(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics");
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("a number"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn rows(client: &Client, query: &str) -> Vec<Vec<String>> {
    let messages = client.simple_query(query).await.expect(query);
    let cells = |row: &tokio_postgres::SimpleQueryRow| {
        (0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect()
    };
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(cells(row)),
            _ => None,
        })
        .collect()
}

/// Waits until the session is over.
async fn over(client: &Client) {
    let end = Instant::now() + PATIENCE;
    while !client.is_closed() {
        assert!(Instant::now() < end, "the session goes on");
        tokio::time::sleep(LOOK).await;
    }
}

/// A gate that serves alice, who has granted todo a place in her store.
fn with_a_store() -> (Server, Serving) {
    let server = Server::start(&Binaries::find().expect("Postgres"), Options::default()).expect("a server");
    server.create(&[Account::owner("alice", "0wner")]).expect("an account");
    let gate = prepared();
    let store = format!("postgres://alice@127.0.0.1:{}/alice", server.port());
    gate.run_with("0wner", &["store", "add", "alice", &store, "--secret-stdin"]).done();
    gate.run(&["grant", "alice", "todo"]).done();
    (server, Serving::start(gate))
}

#[tokio::test]
async fn an_admin_sees_pools_and_sessions_and_ends_one() {
    let (_server, serving) = with_a_store();
    let console = serving.console().await;
    assert_eq!(rows(&console, "SHOW POOLS").await, [[""; 0]; 0]);

    let alice = serving.connect("alice", "a", "todo").await;
    assert_eq!(rows(&alice, "SELECT 6 * 7").await, [["42"]]);
    let pools = rows(&console, "SHOW POOLS").await;
    assert_eq!(pools.len(), 1, "{pools:?}");
    assert_eq!(pools[0][1..], ["todo", "1", "0", "0", ""], "{pools:?}");
    alice.simple_query("BEGIN; SELECT 1").await.expect("a transaction");
    assert_eq!(rows(&console, "SHOW SERVERS").await, [["todo", "1", "1", "0", "1", "0", "0"]]);
    assert!(serving.metric("stuffgate_sessions{state=\"working\"}") == 1.0);
    assert!(serving.metric("stuffgate_logins_total{outcome=\"ok\"}") == 2.0);

    let sessions = rows(&console, "SHOW CLIENTS").await;
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0][1..], ["alice", "todo", "working", ""]);
    console.simple_query(&format!("KILL {}", sessions[0][0])).await.expect("ended");
    over(&alice).await;
    wait_for("the session's end", || {
        (serving.metric("stuffgate_sessions{state=\"working\"}") == 0.0).then_some(())
    });
}

#[tokio::test]
async fn a_running_gate_takes_a_rotated_key_up() {
    let (server, serving) = with_a_store();
    let busy = serving.connect("alice", "a", "todo").await;
    busy.simple_query("BEGIN; SELECT 1").await.expect("a transaction");
    serving.gate.run(&["key", "rotate"]).done();
    // The first connection is in use: this one is made, with a credential that the new key seals.
    let client = serving.connect("alice", "a", "todo").await;
    let end = Instant::now() + PATIENCE;
    while !serving.log().contains("another key") {
        rows(&client, "SELECT 1").await;
        assert!(Instant::now() < end, "{}", serving.log());
        let another = serving.connect("alice", "a", "todo").await;
        another.simple_query("BEGIN; SELECT 1").await.expect("a connection of its own");
    }
    // What waits for stores needs it too.
    server.sql("postgres", "ALTER ROLE alice NOLOGIN").expect("locked out");
    serving.gate.run(&["revoke", "alice", "todo"]);
    server.sql("postgres", "ALTER ROLE alice LOGIN").expect("let in");
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'g\\_%'";
    wait_for("the clean-up", || {
        (server.sql("postgres", roles).expect("a count").trim() == "0").then_some(())
    });
    assert_eq!(serving.metric("stuffgate_outbox_total{outcome=\"done\"}"), 1.0);
}

#[tokio::test]
async fn an_admin_ends_the_gate_in_order() {
    let mut serving = Serving::start(prepared());
    assert!(serving.get("/ready").starts_with("HTTP/1.1 200"));
    let console = serving.console().await;
    console.simple_query("SHUTDOWN").await.expect("told");
    assert_eq!(serving.ended(), Some(0), "{}", serving.log());
    over(&console).await;
    assert!(!serving.gate.path("ready.json").exists(), "the ready file stays");
    assert!(TcpStream::connect(serving.listen).is_err());
    let log = serving.log();
    assert!(log.contains("takes clients") && log.contains("has ended"), "{log}");
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_leaves_the_old_one_in_force() {
    let serving = Serving::start(prepared());
    let console = serving.console().await;
    let good = std::fs::read_to_string(serving.gate.path("stuffgate.toml")).expect("the configuration");
    for bad in ["nonsense", "[pool]\ntotal = 0", "[tls]\nmode = \"require\"\ncert = \"no\"\nkey = \"no\""] {
        serving.gate.write("stuffgate.toml", bad);
        let error = console.simple_query("RELOAD").await.expect_err(bad);
        let error = error.as_db_error().expect("the console's error");
        assert_eq!(error.code().code(), "F0000", "{error:?}");
    }
    serving.signal(Signal::HUP);
    wait_for("the log", || serving.log().contains("the old one stays in force").then_some(()));
    serving
        .gate
        .write("stuffgate.toml", &good.replace("# filter = \"info\"", "filter = \"info,session=debug\""));
    console.simple_query("RELOAD").await.expect("reloaded");
    let settings = rows(&console, "SHOW CONFIG").await;
    assert!(settings.contains(&vec!["log.filter".to_owned(), "info,session=debug".to_owned()]));
    assert!(serving.get("/ready").starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn an_admin_whose_login_goes_is_shown_out() {
    let serving = Serving::start(prepared());
    let console = serving.console().await;
    assert_eq!(rows(&console, "SHOW LOGINS").await.len(), 2);
    serving.gate.run(&["login", "remove", "ops"]).done();
    let began = Instant::now();
    over(&console).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_session_ends_when_its_login_expires() {
    let gate = prepared();
    let login = ["login", "add", "brief", "--kind", "service", "--service", "todo", "--expires", "3s"];
    gate.run_with("b", &[&login[..], &["--secret-stdin"]].concat()).done();
    let serving = Serving::start(gate);
    let brief = serving.connect("brief", "b", "todo").await;
    over(&brief).await;
    let console = serving.console().await;
    let logins = rows(&console, "SHOW LOGINS").await;
    assert!(logins.iter().any(|login| login[0] == "brief" && login[3] == "expired"), "{logins:?}");
}

#[test]
fn a_second_gate_on_the_same_address_is_refused_with_the_reason() {
    let serving = Serving::start(prepared());
    let other = prepared();
    let config = std::fs::read_to_string(other.path("stuffgate.toml")).expect("the configuration");
    let taken = serving.listen.to_string();
    other.write("stuffgate.toml", &config.replacen("127.0.0.1:0", &taken, 1));
    let said = other.run(&["serve"]).failed(1);
    assert!(said.contains(&taken) && said.contains("in use"), "{said}");
}

/// Time of the processor that a process has used, in ticks (proc(5), `/proc/pid/stat`, fields 14 and 15).
fn processor_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("its state");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    fields[11].parse::<u64>().expect("user") + fields[12].parse::<u64>().expect("system")
}

#[tokio::test]
async fn without_file_descriptors_the_gate_waits_quietly_and_goes_on_later() {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 48; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_stuffgate")]);
    let serving = Serving::start_as(prepared(), limited);
    assert!(serving.log().contains("raise the limit"), "{}", serving.log());
    let clients: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(serving.listen).expect("in the kernel's queue")).collect();
    wait_for("the failure", || serving.log().contains("cannot be accepted").then_some(()));
    let (began, before) = (Instant::now(), processor_ticks(serving.process.id()));
    wait_for("a while", || (began.elapsed() > Duration::from_millis(500)).then_some(()));
    let used = processor_ticks(serving.process.id()) - before;
    assert!(used <= 15, "{used} ticks of the processor in half a second: it spins");
    assert!(serving.log().matches("cannot be accepted").count() <= 2, "told once by each worker");
    drop(clients);
    let end = Instant::now() + PATIENCE;
    loop {
        let url = format!("postgres://ops:o@{}/stuffgate", serving.listen);
        if tokio_postgres::connect(&url, NoTls).await.is_ok() {
            break;
        }
        assert!(Instant::now() < end, "{}", serving.log());
    }
    assert!(serving.metric("stuffgate_accept_failures_total") >= 1.0);
}
