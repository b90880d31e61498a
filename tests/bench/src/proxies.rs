//! The proxies that the gate is held against: how each is set up and started.

use crate::child::{Child, without_root};
use crate::stage::POOL;
use crate::target::{HAPROXY, PGBOUNCER, RELAY, Target};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use testkit::certificates::Issued;
use testkit::scratch::{Folder, HOST, free_port};

/// A program under this checkout's target folder, where our own is too.
pub(crate) fn built(path: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).context("the bench is in no target folder")?;
    let program = target.join(path);
    ensure!(program.exists(), "{} is missing: tests/bench/run makes it", program.display());
    Ok(program)
}

fn target(name: &str, child: &Child, port: u16, direct: &Target) -> Target {
    Target { name: name.to_owned(), pid: Some(child.pid()), port, ..direct.clone() }
}

/// `crates/relay/examples/bare_relay.rs`: one thread, one connection to Postgres for each client.
pub(crate) fn start_relay(direct: &Target) -> Result<(Child, Target)> {
    let port = free_port();
    let mut command = Command::new(built("release/examples/bare_relay")?);
    command.args([format!("{HOST}:{port}"), format!("{HOST}:{}", direct.port)]);
    let mut child = Child::start(Folder::new("stuffgate-relay-")?, &mut command)?;
    child.until_listening(port)?;
    let target = target(RELAY, &child, port, direct);
    Ok((child, target))
}

/// TCP mode with default settings: as many threads as cores.
pub(crate) fn start_haproxy(direct: &Target) -> Result<(Child, Target)> {
    let (port, folder) = (free_port(), Folder::new("stuffgate-haproxy-")?);
    let configuration = format!(
        "global\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  \
         timeout server 1h\nlisten postgres\n  bind {HOST}:{port}\n  server one {HOST}:{}\n",
        direct.port
    );
    fs::write(folder.path().join("haproxy.cfg"), configuration)?;
    let mut child = Child::start(folder, Command::new("haproxy").args(["-db", "-f", "haproxy.cfg"]))?;
    child.until_listening(port)?;
    let target = target(HAPROXY, &child, port, direct);
    Ok((child, target))
}

/// Transaction pooling with as many server connections and prepared statements as the gate has. It is given
/// the SCRAM verifier, which costs it least, and logs no connections.
pub(crate) fn start_pgbouncer(
    direct: &Target,
    verifier: &str,
    certificate: &Issued,
) -> Result<(Child, Target)> {
    let (port, folder) = (free_port(), Folder::new("stuffgate-pgbouncer-")?);
    let users = format!("\"{}\" \"{verifier}\"\n", direct.user);
    for (name, text) in [
        ("pgbouncer.ini", &pgbouncer_settings(port, direct)),
        ("users.txt", &users),
        ("cert.pem", &certificate.certificate),
        ("key.pem", &certificate.key),
    ] {
        fs::write(folder.path().join(name), text)?;
    }
    let mut command = Command::new(built("bench/pgbouncer")?);
    without_root(&mut command, &folder)?.arg("pgbouncer.ini");
    let mut child = Child::start(folder, &mut command)?;
    child.until_listening(port)?;
    let target = target(PGBOUNCER, &child, port, direct);
    Ok((child, target))
}

fn pgbouncer_settings(port: u16, direct: &Target) -> String {
    let (postgres, database) = (direct.port, &direct.database);
    format!(
        "[databases]\n{database} = host={HOST} port={postgres} dbname={database}\n\
         [pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = users.txt\n\
         pool_mode = transaction\ndefault_pool_size = {POOL}\nmax_client_conn = 12000\n\
         max_prepared_statements = 200\n\
         server_tls_sslmode = disable\nclient_tls_sslmode = allow\n\
         client_tls_cert_file = cert.pem\nclient_tls_key_file = key.pem\n\
         log_connections = 0\nlog_disconnections = 0\nlog_stats = 0\n"
    )
}
