//! Why there is no server connection, told apart by what the caller does next.

use crate::error::Fields;
use crate::scram::ScramError;
use std::io;
use std::net::IpAddr;

/// Why a server connection could not be made. Each message is one line that says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The target cannot be put into a start-up packet; the gate's own data is wrong.
    #[error("the connection cannot be asked for: {0}")]
    Target(&'static str),
    /// The host name has no address.
    #[error("host {host:?} has no address ({reason}); check the name in the store's URL")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// The host is, or resolves to, an address that the operator does not allow.
    #[error("{host:?} is {address}, {why}, which the operator does not allow")]
    Forbidden {
        /// The name.
        host: String,
        /// The first such address; none for a Unix socket.
        address: String,
        /// What kind of address.
        why: &'static str,
    },
    /// Nobody answers there.
    #[error("{address} cannot be connected to ({error}); check host, port and firewall")]
    Connect {
        /// The last address that was tried.
        address: String,
        /// The kernel's reason.
        error: io::Error,
    },
    /// The connection broke during the handshake.
    #[error(
        "the connection broke while logging in ({0}); the server may be starting, stopping or overloaded"
    )]
    Broke(io::Error),
    /// The server has no TLS, and the gate does not go on without.
    #[error("{host:?} refuses TLS; switch it on there, or use sslmode=disable if the network is trusted")]
    TlsRefused {
        /// The name.
        host: String,
    },
    /// The TLS handshake failed, or the certificate is not acceptable.
    #[error("TLS with {host:?} failed: {reason}")]
    Tls {
        /// The name.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// Gate and server do not agree on who they are.
    #[error("login failed: {0}")]
    Auth(AuthFault),
    /// The server refused for another reason, in its own words.
    #[error("the server refused: {0}")]
    Refused(Box<Fields>),
    /// What answers does not speak the protocol, or speaks it with ill intent.
    #[error("not a usable Postgres server: {0}")]
    Protocol(&'static str),
}

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum AuthFault {
    /// The server says so: wrong secret, unknown role, not allowed from here.
    #[error("{0}")]
    Rejected(Box<Fields>),
    /// The server wants the secret in a form that would give it away.
    #[error(
        "the server asks for {0}; the gate proves itself by SCRAM-SHA-256 only (password_encryption and pg_hba.conf)"
    )]
    Method(&'static str),
    /// The server asks for nothing, so it proves nothing.
    #[error(
        "the server asks for no proof (trust in pg_hba.conf), which is not allowed for this target; use scram-sha-256"
    )]
    Trust,
    /// SCRAM failed.
    #[error(transparent)]
    Scram(#[from] ScramError),
}

impl DialError {
    pub(super) fn forbidden(host: &str, address: IpAddr, why: &'static str) -> Self {
        Self::Forbidden { host: host.to_owned(), address: address.to_string(), why }
    }
}

impl From<ScramError> for DialError {
    fn from(error: ScramError) -> Self {
        Self::Auth(error.into())
    }
}
