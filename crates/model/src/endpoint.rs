//! Where a Postgres is and how its connection is protected.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a connection to a store is protected (PostgreSQL manual, "SSL Support", `sslmode`).
/// `prefer` and `allow` do not exist here: an attacker could always turn them into `disable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS without checking who answers.
    Require,
    /// TLS, the certificate chains up to a trusted CA.
    VerifyCa,
    /// TLS, trusted CA and matching host name.
    VerifyFull,
}

impl TlsMode {
    /// The mode's name as in `sslmode=`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl std::str::FromStr for TlsMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Disable, Self::Require, Self::VerifyCa, Self::VerifyFull]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| format!("sslmode {text:?} is not one of disable, require, verify-ca, verify-full"))
    }
}

/// One database of one Postgres server, without a role or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Host name, IP address, or absolute path of a Unix-socket directory.
    pub host: Box<str>,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub database: Box<str>,
    /// Protection of the connection.
    pub tls: TlsMode,
    /// PEM bundle of the CAs to trust instead of the system's, shared between endpoints that use the same.
    pub ca: Option<Arc<str>>,
}
