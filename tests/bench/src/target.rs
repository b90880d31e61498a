//! What the load is sent to: an address, a login, and the process whose CPU time counts.

use crate::client::Client;
use crate::listener;
use crate::scram::Keys;
use anyhow::{Context, Result, bail};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::process::Command;
use std::time::{Duration, Instant};

/// Longest wait for somebody to start what the command line names.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two tries.
const LOOK: Duration = Duration::from_millis(500);

/// Names that the report knows; others come from the command line.
pub(crate) const DIRECT: &str = "direct";
pub(crate) const RELAY: &str = "relay";
pub(crate) const PGBOUNCER: &str = "pgbouncer";
pub(crate) const HAPROXY: &str = "haproxy";
pub(crate) const GATE: &str = "gate";

/// One way to the same tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) pid: Option<u32>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
    /// `options` of the connection, for programs that use libpq.
    pub(crate) options: String,
}

impl Target {
    /// Reads `NAME=URL` or `NAME=PID@URL` of the command line.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (name, rest) = text.split_once('=').context("NAME=URL or NAME=PID@URL is wanted")?;
        let (pid, url) = match rest.split_once('@') {
            Some((pid, url)) if pid.bytes().all(|byte| byte.is_ascii_digit()) => (Some(pid.parse()?), url),
            _ => (None, rest),
        };
        let Some(url) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")) else {
            bail!("{name}: a URL begins with postgres://");
        };
        let (login, place) = url.rsplit_once('@').context("the URL has no login")?;
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (address, database) = place.split_once('/').context("the URL has no database")?;
        let (host, port) = address.split_once(':').unwrap_or((address, "5432"));
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned);
        Ok(Self {
            name: name.to_owned(),
            pid,
            host: host.to_owned(),
            port: port.parse()?,
            user: decoded(user)?,
            password: decoded(password)?,
            database: decoded(database)?,
            options: String::new(),
        })
    }

    /// Waits until somebody lets us in there, and finds out whose CPU time counts, unless that was told.
    pub(crate) fn until_there(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            match Client::connect(self, &mut Keys::default()) {
                Ok(_) => break,
                Err(error) if Instant::now() > end => return Err(error.context(self.name.clone())),
                Err(_) => std::thread::sleep(LOOK),
            }
        }
        self.pid = self.pid.or_else(|| listener::pid_of(self.port));
        Ok(())
    }

    /// What [`Target::parse`] reads, for people.
    pub(crate) fn url(&self) -> String {
        let part = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let (user, password, database) = (part(&self.user), part(&self.password), part(&self.database));
        format!("postgres://{user}:{password}@{}:{}/{database}", self.host, self.port)
    }

    /// Tells a program that uses libpq where to connect, and that it shall not ask for TLS.
    pub(crate) fn point(&self, command: &mut Command) {
        command
            .env("PGHOST", &self.host)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", &self.database)
            .env("PGOPTIONS", &self.options)
            .env("PGSSLMODE", "disable")
            .env("PGGSSENCMODE", "disable");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_with_and_without_its_process() {
        let found = Target::parse("pgcat=4711@postgres://a%40b:c%3Ad@127.0.0.1:6432/db").unwrap();
        let expected = Target {
            name: "pgcat".into(),
            pid: Some(4711),
            host: "127.0.0.1".into(),
            port: 6432,
            user: "a@b".into(),
            password: "c:d".into(),
            database: "db".into(),
            options: String::new(),
        };
        assert_eq!(found, expected);
        let found = Target::parse("odyssey=postgres://a:b@h/db").unwrap();
        assert_eq!((found.pid, found.port, found.user.as_str()), (None, 5432, "a"));
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["pgcat", "pgcat=http://a:b@h/db", "pgcat=postgres://h/db", "pgcat=postgres://a:b@h"] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
