//! As whom `stuffgate query` asks, and where: an analyst's URL, or a login that is made for one statement.

use super::super::gate::{ConfigPath, here};
use super::super::secret::GivenSecret;
use super::super::{Exit, Failure, time, url};
use crate::config::{Config, Tls};
use model::{Endpoint, LoginKind, Name, TlsMode};
use registry::{FOLLOW_INTERVAL, LoginTarget, OperationId, Registry, scram};
use secrecy::SecretString;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};
use wire::Stream;
use wire::dial::{AddressPolicy, AuthFault, DialError, DialTarget, ServerTls, ServerTlsMode, dial};
use wire::scram::Secret;

/// How long a gate may take to hear of a login that was made for it.
const LOGIN_PATIENCE: Duration = Duration::from_secs(10);

/// Longest life of a login that is made for one statement, in seconds: it is removed at the end, and this is
/// for the end that never came.
const OWN_LOGIN_S: i64 = 3600;

/// What the names of such logins begin with.
const OWN_LOGIN: &str = "query-";

/// Where to ask, and as whom.
pub(super) struct Asking {
    endpoint: Endpoint,
    login: Box<str>,
    secret: SecretString,
    own: Option<OwnLogin>,
}

/// A login that was made for one statement, and goes with this.
struct OwnLogin {
    registry: std::cell::RefCell<Registry>,
    name: Name,
}

impl Drop for OwnLogin {
    fn drop(&mut self) {
        if let Err(error) = self.registry.borrow_mut().remove_login(&self.name) {
            eprintln!("warning: login {} is still there, and ends within an hour: {error}", self.name);
        }
    }
}

impl Asking {
    /// By the login that a URL names.
    pub(super) fn by_url(text: &str, service: &Name, secret: &GivenSecret) -> Result<Self, Failure> {
        let url::Target { mut endpoint, role } = url::parse(text, here())?;
        // A URL without a database means the role's.
        if *endpoint.database != *service.as_str() && endpoint.database != role {
            let message = format!("the URL is for service {}, not for {service}", endpoint.database);
            return Err(Failure::usage(message));
        }
        endpoint.database = service.as_str().into();
        let secret = secret.read(&role)?;
        Ok(Self { endpoint, login: role, secret, own: None })
    }

    /// By an analyst's login that is made in the registry for this, at the gate of this configuration.
    pub(super) fn by_own_login(config: &ConfigPath, service: &Name) -> Result<Self, Failure> {
        let settings = config.load()?;
        let mut registry = config.registry()?;
        registry.service(service)?;
        remove_left(&mut registry)?;
        let text = format!("{OWN_LOGIN}{:.8}", OperationId::fresh()?.to_string());
        let name: Name = text.parse().map_err(|_| Failure::new(Exit::Failed, "the login has no name"))?;
        let secret = scram::fresh_secret()?;
        let target = LoginTarget::Analyst { service: service.clone(), min_stores_per_group: 0 };
        registry.add_login(&name, &target, &secret, Some(time::now() + OWN_LOGIN_S))?;
        let endpoint = own_gate(&settings, service)?;
        let login = name.as_str().into();
        Ok(Self { endpoint, login, secret, own: Some(OwnLogin { registry: registry.into(), name }) })
    }

    /// Connects and logs in.
    pub(super) async fn connect(&self) -> Result<Stream, Failure> {
        let patience = Instant::now() + LOGIN_PATIENCE;
        loop {
            match Box::pin(dial(&self.target()?, &Secret::Password(self.secret.clone()))).await {
                Ok(server) => return Ok(server.stream),
                // It has not heard of the login yet.
                Err(DialError::Auth(AuthFault::Rejected(_)))
                    if self.own.is_some() && Instant::now() < patience =>
                {
                    tokio::time::sleep(FOLLOW_INTERVAL).await;
                }
                Err(error) => return Err(self.refused(&error)),
            }
        }
    }

    fn target(&self) -> Result<DialTarget, Failure> {
        let Endpoint { host, port, database, tls, ca } = &self.endpoint;
        let tls = match tls {
            TlsMode::Disable => Ok(ServerTls::disable()),
            TlsMode::Require => ServerTls::new(ServerTlsMode::Require, ca.as_deref()),
            TlsMode::VerifyCa => ServerTls::new(ServerTlsMode::VerifyCa, ca.as_deref()),
            TlsMode::VerifyFull => ServerTls::new(ServerTlsMode::VerifyFull, ca.as_deref()),
        };
        Ok(DialTarget {
            host: host.to_string(),
            port: *port,
            database: database.to_string(),
            user: self.login.to_string(),
            tls: tls.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?,
            startup: [("application_name", "stuffgate query"), ("stuffgate.fanout", "on")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            // Whoever runs this command says where it goes.
            allow: AddressPolicy { loopback: true, link_local: true },
            allow_trust: false,
        })
    }

    fn refused(&self, error: &DialError) -> Failure {
        let place = format!("the gate at {}:{}", self.endpoint.host, self.endpoint.port);
        let hint = match error {
            DialError::Connect { .. } if self.own.is_some() => "; is it running? `stuffgate serve` runs it",
            _ => "",
        };
        Failure::new(Exit::Failed, format!("{error}{hint}")).at(&place)
    }
}

/// Removes logins whose statement never came to its end.
fn remove_left(registry: &mut Registry) -> Result<(), Failure> {
    let now = time::now();
    for record in registry.logins()? {
        let login = record.login;
        let over = login.expires_at.is_some_and(|end| end <= now);
        if over && matches!(login.kind, LoginKind::Analyst(_)) && login.name.as_str().starts_with(OWN_LOGIN) {
            registry.remove_login(&login.name)?;
        }
    }
    Ok(())
}

/// Where the gate of this configuration is, as seen from this machine.
fn own_gate(config: &Config, service: &Name) -> Result<Endpoint, Failure> {
    let at = config.listen.iter().find(|address| address.port() != 0).ok_or_else(|| {
        Failure::usage("listen.addresses leaves the port to the system: say with --url where the gate is")
    })?;
    let host = match at {
        SocketAddr::V4(at) if at.ip().is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        SocketAddr::V6(at) if at.ip().is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
        other => other.ip().to_string(),
    };
    // The name on its certificate is not known here; that the gate knows the login's secret proves it.
    let tls = if matches!(config.tls, Tls::Require(_)) { TlsMode::Require } else { TlsMode::Disable };
    Ok(Endpoint { host: host.into(), port: at.port(), database: service.as_str().into(), tls, ca: None })
}
