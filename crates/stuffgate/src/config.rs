//! The configuration file, checked once and turned into plain typed parts.

mod file;

use file::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::dial::AddressPolicy;

/// The commented file that `stuffgate init` writes: every setting with its default.
pub(crate) const TEMPLATE: &str = include_str!("config/stuffgate.toml");

/// Everything the gate is told by its file. Paths are absolute or relative to where the program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The file itself, to be read again on SIGHUP.
    pub(crate) source: PathBuf,
    /// Where clients connect.
    pub(crate) listen: Vec<SocketAddr>,
    /// Threads that serve clients; 0 for one on each core.
    pub(crate) workers: usize,
    /// TLS towards clients.
    pub(crate) tls: Tls,
    /// The registry file.
    pub(crate) registry: PathBuf,
    /// The key file; the environment may hold the key instead.
    pub(crate) kek: PathBuf,
    /// Where stores may be besides ordinary addresses.
    pub(crate) allow_addresses: AddressPolicy,
    /// Bounds of the server connections.
    pub(crate) pool: PoolLimits,
    /// Bounds of the sessions.
    pub(crate) session: SessionLimits,
    /// Bounds of fan-outs.
    pub(crate) fanout: fanout::Limits,
    /// Where health and metrics are served, if anywhere.
    pub(crate) http: Option<SocketAddr>,
    /// What is logged, and how.
    pub(crate) log: Log,
}

/// TLS towards clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// None.
    Off,
    /// For clients that ask for it.
    Prefer(TlsFiles),
    /// Nobody without.
    Require(TlsFiles),
}

/// PEM files for TLS towards clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// Certificate chain, the gate's own first.
    pub(crate) cert: PathBuf,
    /// Private key.
    pub(crate) key: PathBuf,
    /// CAs of client certificates; without it none is asked for.
    pub(crate) client_ca: Option<PathBuf>,
}

/// Bounds of the server connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PoolLimits {
    /// Connections to one store for one service.
    pub(crate) per_store: usize,
    /// Connections for one service over all stores.
    pub(crate) per_service: usize,
    /// Connections over all.
    pub(crate) total: usize,
    /// Sessions that may wait for one store.
    pub(crate) max_waiters: usize,
    /// Prepared statements kept on one connection.
    pub(crate) prepared_statements: usize,
    /// How long a connection may be idle.
    pub(crate) idle_timeout: Duration,
    /// Longest wait for a connection, from asking to having it.
    pub(crate) wait_timeout: Duration,
    /// Longest time to connect and log in to a store.
    pub(crate) connect_timeout: Duration,
    /// Longest time a reset may take.
    pub(crate) reset_timeout: Duration,
}

/// Bounds of the sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionLimits {
    /// Clients at a time.
    pub(crate) max_clients: usize,
    /// Longest time from accepting a client to its being logged in.
    pub(crate) login_timeout: Duration,
    /// Longest statement that is looked into, in bytes.
    pub(crate) statement_bytes: usize,
    /// Texts of statements that all sessions together may hold, in bytes.
    pub(crate) statements_total_bytes: usize,
    /// How long transactions may go on after SIGTERM.
    pub(crate) drain_timeout: Duration,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// One line of text or of JSON per event.
    pub(crate) format: LogFormat,
    /// Which events, as `tracing_subscriber::EnvFilter` reads it.
    pub(crate) filter: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Why a configuration cannot be used; each is one message that says where and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}; `stuffgate init` makes a configuration, -c or STUFFGATE_CONFIG names one", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is no TOML, or has a key that does not exist or does not fit.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// A value makes no sense.
    #[error("{}: {key}: {why}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The setting, such as `pool.total`.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Checks a configuration file's text; `path` is where relative paths in it start.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        file.check(path).map_err(|(key, why)| ConfigError::Invalid { path: path.to_owned(), key, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("/etc/stuffgate/stuffgate.toml"), text)
    }

    fn refused(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn the_file_that_init_writes_shows_every_default_as_it_is() {
        let defaults = parse("").expect("an empty file");
        assert_eq!(parse(TEMPLATE).expect("the template"), defaults);
        let setting = |line: &str| {
            let (key, _) = line.split_once(" = ")?;
            key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then_some(())
        };
        let uncommented: String = TEMPLATE
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| setting(rest).is_some()).unwrap_or(line))
            .filter(|line| !line.contains(".pem\""))
            .flat_map(|line| [line, "\n"])
            .collect();
        assert_ne!(uncommented, TEMPLATE);
        assert_eq!(parse(&uncommented).expect("all settings"), defaults);
    }

    #[test]
    fn every_setting_of_the_file_is_in_the_template() {
        let shown: Vec<&str> = TEMPLATE
            .lines()
            .filter_map(|line| line.trim_start_matches("# ").split_once(" = ").map(|(key, _)| key))
            .collect();
        for key in file::KEYS {
            assert!(shown.contains(key), "{key} is not shown");
        }
    }

    #[test]
    fn paths_start_where_the_file_is() {
        let config = parse("[registry]\npath = \"data/r.db\"\nkek = \"/run/key\"").expect("a configuration");
        assert_eq!(config.registry, Path::new("/etc/stuffgate/data/r.db"));
        assert_eq!(config.kek, Path::new("/run/key"));
    }

    #[test]
    fn a_key_that_does_not_exist_is_refused_with_its_place() {
        let message = refused("[pool]\nper_stroe = 3");
        assert!(message.contains("per_stroe") && message.contains("per_store"), "{message}");
        assert!(refused("[pools]\n").contains("pools"));
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_name() {
        for (text, key) in [
            ("[listen]\naddresses = []", "listen.addresses"),
            ("[listen]\naddresses = [\"localhost\"]", "listen.addresses"),
            ("[listen]\nworkers = 5000", "listen.workers"),
            ("[tls]\nmode = \"require\"", "tls.cert"),
            ("[tls]\ncert = \"c.pem\"", "tls.key"),
            ("[tls]\ncert = \"c.pem\"\nkey = \"k.pem\"", "tls.mode"),
            ("[pool]\nper_store = 0", "pool.per_store"),
            ("[pool]\ntotal = 1\nper_service = 5", "pool.total"),
            ("[pool]\nwait_timeout_ms = 0", "pool.wait_timeout_ms"),
            ("[session]\nmax_clients = 0", "session.max_clients"),
            ("[session]\nstatement_bytes = 200000000", "session.statements_total_bytes"),
            ("[fanout]\nconcurrency = 0", "fanout.concurrency"),
            ("[fanout]\nleg_timeout_ms = 0", "fanout.leg_timeout_ms"),
            ("[fanout]\nleg_bytes = 200000000", "fanout.total_bytes"),
            ("[fanout]\ntotal_bytes = 2000000000", "fanout.gate_bytes"),
            ("[http]\nlisten = \"nine\"", "http.listen"),
        ] {
            let message = refused(text);
            assert!(message.contains(key), "{text:?} gave {message}");
        }
    }

    #[test]
    fn tls_files_come_with_a_mode() {
        let config = parse("[tls]\nmode = \"prefer\"\ncert = \"c.pem\"\nkey = \"k.pem\"").expect("tls");
        let Tls::Prefer(files) = config.tls else { panic!("prefer was asked for") };
        assert_eq!(files.cert, Path::new("/etc/stuffgate/c.pem"));
        assert_eq!(files.client_ca, None);
    }
}
