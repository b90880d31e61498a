//! A Postgres URL without a secret, as `store add` and a service's home take it
//! (PostgreSQL manual, "Connection URIs").

use super::Failure;
use model::{Endpoint, TlsMode};
use percent_encoding::percent_decode_str;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

const DEFAULT_PORT: u16 = 5432;

/// Parameters that say nothing about where the store is, so that a provider's URL can be pasted.
const IGNORED: [&str; 4] = ["application_name", "channel_binding", "connect_timeout", "gssencmode"];

/// Where a URL leads, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The database.
    pub(crate) endpoint: Endpoint,
    /// The role.
    pub(crate) role: Box<str>,
}

/// Reads `postgres://ROLE@HOST[:PORT][/DATABASE][?sslmode=…&sslrootcert=FILE&host=DIR&port=…]`. A relative
/// CA file is looked for in `folder`. Messages never repeat the URL: it may hold a secret.
///
/// # Errors
/// What is wrong with the URL, with exit code 2.
pub(crate) fn parse(text: &str, folder: &Path) -> Result<Target, Failure> {
    parse_target(text, folder).map_err(Failure::usage)
}

fn parse_target(text: &str, folder: &Path) -> Result<Target, String> {
    let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let rest =
        rest.ok_or("a store's URL starts with postgres://, as in postgres://owner@db.example.org/stuff")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (role, hosts) =
        authority.rsplit_once('@').ok_or("the URL names no role: postgres://ROLE@HOST/DATABASE")?;
    if role.contains(':') {
        return Err(PASSWORD_HINT.to_owned());
    }
    let role = decoded(role)?;
    if role.is_empty() {
        return Err("the URL names no role: postgres://ROLE@HOST/DATABASE".to_owned());
    }
    let (host, port) = host_and_port(hosts)?;
    let database = if database.is_empty() { role.clone() } else { decoded(database)? };
    let mut endpoint = Endpoint { host, port, database, tls: TlsMode::VerifyFull, ca: None };
    let mut mode = None;
    for (key, value) in query.split('&').filter(|pair| !pair.is_empty()).map(pair) {
        match key {
            "sslmode" => mode = Some(decoded(value)?.parse()?),
            "sslrootcert" => endpoint.ca = ca(&decoded(value)?, folder)?,
            "host" => endpoint.host = decoded(value)?,
            "port" => endpoint.port = port_number(value)?,
            "password" => return Err(PASSWORD_HINT.to_owned()),
            key if IGNORED.contains(&key) => {}
            key => return Err(format!("parameter {key:?} is not understood in a store's URL")),
        }
    }
    if endpoint.host.is_empty() {
        return Err("the URL names no host".to_owned());
    }
    endpoint.tls = mode.unwrap_or_else(|| default_tls(&endpoint.host));
    Ok(Target { endpoint, role })
}

const PASSWORD_HINT: &str = "a secret on the command line can be read by everybody on this machine: leave it out of \
                             the URL, and type it when asked, or use --secret-stdin or --secret-file FILE";

/// Nobody listens on the way to this machine; everywhere else somebody may.
fn default_tls(host: &str) -> TlsMode {
    let here = host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if here { TlsMode::Disable } else { TlsMode::VerifyFull }
}

fn host_and_port(text: &str) -> Result<(Box<str>, u16), String> {
    if text.contains(',') {
        return Err("a store is one host; the URL names several".to_owned());
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or("the URL's IPv6 address has no closing bracket")?;
        let address: Ipv6Addr =
            address.parse().map_err(|_| "what the URL has in brackets is no IPv6 address")?;
        let port = port.strip_prefix(':').map_or(Ok(DEFAULT_PORT), port_number)?;
        return Ok((address.to_string().into(), port));
    }
    match text.split_once(':') {
        Some((host, port)) => Ok((decoded(host)?, port_number(port)?)),
        None => Ok((decoded(text)?, DEFAULT_PORT)),
    }
}

fn port_number(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| format!("{text:?} is not a port"))
}

fn pair(text: &str) -> (&str, &str) {
    text.split_once('=').unwrap_or((text, ""))
}

fn decoded(text: &str) -> Result<Box<str>, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "the URL is not UTF-8")?;
    if text.contains('\0') {
        return Err("the URL holds a NUL".to_owned());
    }
    Ok(text.into())
}

fn ca(path: &str, folder: &Path) -> Result<Option<std::sync::Arc<str>>, String> {
    if path == "system" {
        return Ok(None);
    }
    let path = folder.join(path);
    let pem = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(format!("{} holds no certificate in PEM form", path.display()));
    }
    Ok(Some(pem.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Target, String> {
        parse_target(text, Path::new("/nowhere"))
    }

    fn shown(text: &str) -> String {
        let target = read(text).expect(text);
        let Endpoint { host, port, database, tls, .. } = target.endpoint;
        format!("{}@{host}:{port}/{database} {}", target.role, tls.as_str())
    }

    #[test]
    fn urls_lead_where_libpq_would_go() {
        for (url, target) in [
            ("postgres://o@db.example.org/stuff", "o@db.example.org:5432/stuff verify-full"),
            ("postgresql://o@db:6000", "o@db:6000/o verify-full"),
            ("postgres://o@localhost/d", "o@localhost:5432/d disable"),
            ("postgres://o@127.0.0.2/d?sslmode=require", "o@127.0.0.2:5432/d require"),
            ("postgres://o@[::1]:7/d", "o@::1:7/d disable"),
            ("postgres://o@%2Frun%2Fpg/d", "o@/run/pg:5432/d disable"),
            ("postgres://o@/d?host=/run/pg&port=9", "o@/run/pg:9/d disable"),
            ("postgres://a%40b@db/d%2Fe?channel_binding=require", "a@b@db:5432/d/e verify-full"),
        ] {
            assert_eq!(shown(url), target, "{url}");
        }
    }

    #[test]
    fn a_secret_in_a_url_is_refused_and_not_repeated() {
        for url in ["postgres://o:hunter2@db/d", "postgres://o:@db/d", "postgres://o@db/d?password=hunter2"] {
            let message = read(url).expect_err(url);
            assert!(message.contains("--secret-stdin") && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn what_cannot_be_a_store_is_refused() {
        for url in [
            "mysql://o@db/d",
            "postgres://db/d",
            "postgres://@db/d",
            "postgres://o@/d",
            "postgres://o@a,b/d",
            "postgres://o@db:0/d",
            "postgres://o@db:65536/d",
            "postgres://o@[::1/d",
            "postgres://o@db/d?sslmode=prefer",
            "postgres://o@db/d?options=-c%20x",
            "postgres://o@db/d?sslrootcert=missing.pem",
            "postgres://o@db/%00",
        ] {
            assert!(read(url).is_err(), "{url} was taken");
        }
    }
}
