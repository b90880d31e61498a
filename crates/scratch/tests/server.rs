//! What a scratch server promises, shown on real Postgres.
#![allow(clippy::unwrap_used)]

use scratch::{Account, Binaries, Options, Server, Stop};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn server(options: Options) -> Server {
    Server::start(&Binaries::find().unwrap(), options).unwrap()
}

#[test]
fn a_server_is_ready_when_start_returns_and_takes_the_passwords_it_was_given() {
    let options = Options {
        superuser_password: Some("it's".into()),
        conf: vec!["max_connections = 7".into()],
        ..Options::default()
    };
    let server = server(options);
    assert_eq!(server.sql("postgres", "SHOW max_connections").unwrap(), "7\n");
    assert!(server.superuser_url("postgres").contains("it%27s"));
    assert!(TcpStream::connect((scratch::HOST, server.port())).is_ok());
}

#[test]
fn an_account_owns_its_database_and_is_no_superuser() {
    let server = server(Options::default());
    server.create(&[Account::owner("alice", "a"), Account::owner("bob", "b")]).unwrap();
    let rows = server
        .sql("postgres", "SELECT datname, rolname, rolcreaterole, rolsuper FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname IN ('alice', 'bob') ORDER BY 1")
        .unwrap();
    assert_eq!(rows, "alice|alice|t|f\nbob|bob|t|f\n");
}

#[test]
fn a_stopped_server_keeps_data_and_port() {
    for how in [Stop::Fast, Stop::Immediate, Stop::Kill] {
        let mut server = server(Options::default());
        server.sql("postgres", "CREATE TABLE t AS SELECT 42 AS x; CHECKPOINT").unwrap();
        let port = server.port();
        server.stop(how).unwrap();
        assert!(TcpStream::connect((scratch::HOST, port)).is_err());
        server.start_again().unwrap();
        assert_eq!(server.port(), port);
        assert_eq!(server.sql("postgres", "SELECT x FROM t").unwrap(), "42\n");
    }
}

#[test]
fn a_paused_server_goes_on_where_it_stood() {
    let server = server(Options::default());
    server.pause();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| server.sql("postgres", "SELECT 1"));
        let answered_while_paused = asked.is_finished();
        server.resume();
        assert_eq!(asked.join().unwrap().unwrap(), "1\n");
        assert!(!answered_while_paused);
    });
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let options = Options { conf: vec!["no_such_setting = 1".into()], ..Options::default() };
    let error = Server::start(&Binaries::find().unwrap(), options).unwrap_err().to_string();
    assert!(error.contains("no_such_setting"), "{error}");
}

#[test]
fn dropping_ends_the_server_and_removes_the_folder() {
    let server = server(Options::default());
    let (pid, data) = (server.pid().unwrap(), server.sql("postgres", "SHOW data_directory").unwrap());
    drop(server);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(!std::path::Path::new(data.trim()).exists());
}

/// Runs this very test program again as the process that dies.
#[test]
fn a_killed_process_leaves_no_server_and_no_folder() {
    const ROLE: &str = "SCRATCH_TEST_VICTIM";
    if let Some(told) = std::env::var_os(ROLE) {
        let server = server(Options::default());
        server.pause();
        let data = std::fs::read_link(format!("/proc/{}/cwd", server.pid().unwrap())).unwrap();
        std::fs::write(&told, format!("{} {}", server.pid().unwrap(), data.display())).unwrap();
        loop {
            std::thread::park();
        }
    }
    let folder = scratch::Folder::new("scratch-victim-").unwrap();
    let told = folder.path().join("told");
    let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_process_leaves_no_server_and_no_folder"])
        .env(ROLE, &told)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let read = || std::fs::read_to_string(&told).unwrap_or_default();
    until(|| read().contains(' '));
    let words = read();
    let (pid, data) = words.split_once(' ').unwrap();
    victim.kill().unwrap();
    victim.wait().unwrap();
    until(|| !std::path::Path::new(data).parent().unwrap().exists());
    until(|| std::fs::read_link(format!("/proc/{pid}/cwd")).is_err());
}

fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain");
        std::thread::yield_now();
    }
}
