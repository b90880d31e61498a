//! The configuration file's own shape, with its defaults, and the way from it to the checked parts.

use super::{Config, Log, LogFormat, PoolLimits, SessionLimits, Tls, TlsFiles};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::dial::AddressPolicy;

/// Every setting's last word, for the test that the template shows them all.
#[cfg(test)]
pub(super) const KEYS: &[&str] = &[
    "addresses",
    "workers",
    "mode",
    "cert",
    "key",
    "client_ca",
    "path",
    "kek",
    "allow_addresses",
    "per_store",
    "per_service",
    "total",
    "max_waiters",
    "prepared_statements",
    "idle_timeout_s",
    "wait_timeout_ms",
    "connect_timeout_ms",
    "reset_timeout_ms",
    "max_clients",
    "login_timeout_ms",
    "statement_bytes",
    "statements_total_bytes",
    "drain_timeout_ms",
    "concurrency",
    "leg_timeout_ms",
    "deadline_ms",
    "leg_rows",
    "leg_bytes",
    "total_bytes",
    "gate_bytes",
    "listen",
    "format",
    "filter",
];

/// Most threads that serve clients.
const MAX_WORKERS: usize = 1024;

/// A setting and what is wrong with it.
type Wrong = (&'static str, String);

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    listen: Listen,
    tls: TlsTable,
    registry: Registry,
    stores: Stores,
    pool: Pool,
    session: Session,
    fanout: Fanout,
    http: Http,
    log: LogTable,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Listen {
    addresses: Vec<String>,
    workers: usize,
}

impl Default for Listen {
    fn default() -> Self {
        Self { addresses: vec!["127.0.0.1:6432".to_owned()], workers: 0 }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TlsTable {
    mode: TlsWord,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TlsWord {
    #[default]
    Off,
    Prefer,
    Require,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Registry {
    path: PathBuf,
    kek: PathBuf,
}

impl Default for Registry {
    fn default() -> Self {
        Self { path: "registry.db".into(), kek: "kek".into() }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Stores {
    allow_addresses: Vec<AddressWord>,
}

/// Addresses that a store may not have unless the operator says so: a user's store URL must not become a
/// way into the machine and the network that the gate runs in.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AddressWord {
    Loopback,
    LinkLocal,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Pool {
    per_store: usize,
    per_service: usize,
    total: usize,
    max_waiters: usize,
    prepared_statements: usize,
    idle_timeout_s: u64,
    wait_timeout_ms: u64,
    connect_timeout_ms: u64,
    reset_timeout_ms: u64,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            per_store: 20,
            per_service: 500,
            total: 1000,
            max_waiters: 1000,
            prepared_statements: 200,
            idle_timeout_s: 60,
            wait_timeout_ms: 15_000,
            connect_timeout_ms: 5_000,
            reset_timeout_ms: 2_000,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Session {
    max_clients: usize,
    login_timeout_ms: u64,
    statement_bytes: usize,
    statements_total_bytes: usize,
    drain_timeout_ms: u64,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            max_clients: 10_000,
            login_timeout_ms: 15_000,
            statement_bytes: 67_108_864,
            statements_total_bytes: 268_435_456,
            drain_timeout_ms: 30_000,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fanout {
    concurrency: usize,
    leg_timeout_ms: u64,
    deadline_ms: u64,
    leg_rows: u64,
    leg_bytes: usize,
    total_bytes: usize,
    gate_bytes: usize,
}

impl Default for Fanout {
    fn default() -> Self {
        Self {
            concurrency: 64,
            leg_timeout_ms: 10_000,
            deadline_ms: 300_000,
            leg_rows: 1_000_000,
            leg_bytes: 33_554_432,
            total_bytes: 134_217_728,
            gate_bytes: 1_073_741_824,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Http {
    listen: String,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LogTable {
    format: LogFormat,
    filter: String,
}

impl Default for LogTable {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

impl File {
    /// The checked parts. Relative paths start where the file is.
    pub(super) fn check(self, source: &Path) -> Result<Config, Wrong> {
        let folder = source.parent().unwrap_or_else(|| Path::new(""));
        Ok(Config {
            workers: self.listen.workers()?,
            listen: self.listen.check()?,
            tls: self.tls.check(folder)?,
            registry: folder.join(self.registry.path),
            kek: folder.join(self.registry.kek),
            allow_addresses: self.stores.policy(),
            pool: self.pool.check()?,
            session: self.session.check()?,
            fanout: self.fanout.check()?,
            http: match self.http.listen.as_str() {
                "" => None,
                text => Some(address("http.listen", text)?),
            },
            log: Log { format: self.log.format, filter: self.log.filter },
            source: source.to_owned(),
        })
    }
}

impl Listen {
    fn check(&self) -> Result<Vec<SocketAddr>, Wrong> {
        if self.addresses.is_empty() {
            return Err(("listen.addresses", "name at least one, such as \"127.0.0.1:6432\"".to_owned()));
        }
        self.addresses.iter().map(|text| address("listen.addresses", text)).collect()
    }

    fn workers(&self) -> Result<usize, Wrong> {
        if self.workers > MAX_WORKERS {
            return Err(("listen.workers", format!("must be at most {MAX_WORKERS}")));
        }
        Ok(self.workers)
    }
}

impl TlsTable {
    fn check(self, folder: &Path) -> Result<Tls, Wrong> {
        let files = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Some(TlsFiles {
                cert: folder.join(cert),
                key: folder.join(key),
                client_ca: self.client_ca.map(|path| folder.join(path)),
            }),
            (None, None) if self.client_ca.is_none() => None,
            (None, _) => return Err(("tls.cert", "the certificate's file is missing".to_owned())),
            (Some(_), None) => return Err(("tls.key", "the key's file is missing".to_owned())),
        };
        match (self.mode, files) {
            (TlsWord::Off, None) => Ok(Tls::Off),
            (TlsWord::Off, Some(_)) => {
                Err(("tls.mode", "files are named but TLS is off: say \"prefer\" or \"require\"".to_owned()))
            }
            (_, None) => Err(("tls.cert", "TLS needs a certificate and a key file".to_owned())),
            (TlsWord::Prefer, Some(files)) => Ok(Tls::Prefer(files)),
            (TlsWord::Require, Some(files)) => Ok(Tls::Require(files)),
        }
    }
}

impl Stores {
    fn policy(&self) -> AddressPolicy {
        AddressPolicy {
            loopback: self.allow_addresses.contains(&AddressWord::Loopback),
            link_local: self.allow_addresses.contains(&AddressWord::LinkLocal),
        }
    }
}

impl Pool {
    fn check(&self) -> Result<PoolLimits, Wrong> {
        if self.total < self.per_service {
            return Err(("pool.total", "is less than pool.per_service".to_owned()));
        }
        if self.per_service < self.per_store {
            return Err(("pool.per_service", "is less than pool.per_store".to_owned()));
        }
        Ok(PoolLimits {
            per_store: some("pool.per_store", self.per_store)?,
            per_service: some("pool.per_service", self.per_service)?,
            total: some("pool.total", self.total)?,
            max_waiters: some("pool.max_waiters", self.max_waiters)?,
            prepared_statements: some("pool.prepared_statements", self.prepared_statements)?,
            idle_timeout: Duration::from_secs(self.idle_timeout_s),
            wait_timeout: time("pool.wait_timeout_ms", self.wait_timeout_ms)?,
            connect_timeout: time("pool.connect_timeout_ms", self.connect_timeout_ms)?,
            reset_timeout: time("pool.reset_timeout_ms", self.reset_timeout_ms)?,
        })
    }
}

impl Session {
    fn check(&self) -> Result<SessionLimits, Wrong> {
        // A long statement is counted twice: as it came, and as it is sent.
        if self.statements_total_bytes / 2 < self.statement_bytes {
            let why = "is less than twice session.statement_bytes".to_owned();
            return Err(("session.statements_total_bytes", why));
        }
        Ok(SessionLimits {
            max_clients: some("session.max_clients", self.max_clients)?,
            login_timeout: time("session.login_timeout_ms", self.login_timeout_ms)?,
            statement_bytes: some("session.statement_bytes", self.statement_bytes)?,
            statements_total_bytes: self.statements_total_bytes,
            drain_timeout: Duration::from_millis(self.drain_timeout_ms),
        })
    }
}

impl Fanout {
    fn check(&self) -> Result<fanout::Limits, Wrong> {
        if self.total_bytes < self.leg_bytes {
            return Err(("fanout.total_bytes", "is less than fanout.leg_bytes".to_owned()));
        }
        if self.gate_bytes < self.total_bytes {
            return Err(("fanout.gate_bytes", "is less than fanout.total_bytes".to_owned()));
        }
        if self.leg_rows == 0 {
            return Err(("fanout.leg_rows", "must be at least 1".to_owned()));
        }
        Ok(fanout::Limits {
            concurrency: some("fanout.concurrency", self.concurrency)?,
            leg_timeout: time("fanout.leg_timeout_ms", self.leg_timeout_ms)?,
            deadline: time("fanout.deadline_ms", self.deadline_ms)?,
            leg_rows: self.leg_rows,
            leg_bytes: some("fanout.leg_bytes", self.leg_bytes)?,
            total_bytes: self.total_bytes,
            gate_bytes: self.gate_bytes,
        })
    }
}

fn address(key: &'static str, text: &str) -> Result<SocketAddr, Wrong> {
    text.parse()
        .map_err(|_| (key, format!("{text:?} is not an IP address with a port, such as \"127.0.0.1:6432\"")))
}

fn some(key: &'static str, count: usize) -> Result<usize, Wrong> {
    if count == 0 { Err((key, "must be at least 1".to_owned())) } else { Ok(count) }
}

fn time(key: &'static str, milliseconds: u64) -> Result<Duration, Wrong> {
    if milliseconds == 0 {
        return Err((key, "must be at least 1".to_owned()));
    }
    Ok(Duration::from_millis(milliseconds))
}
