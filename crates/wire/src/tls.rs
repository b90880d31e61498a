//! What TLS the gate speaks: as a server to clients, as a client to servers.

pub use crate::certificate::end_point_hash;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::sync::Arc;

/// The protocol name that direct TLS must agree on (PostgreSQL manual, "Protocol Flow", ALPN).
pub const ALPN: &[u8] = b"postgresql";

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM text is not what it should be.
    #[error("the {what} is not usable PEM: {why}")]
    Pem {
        /// Which text.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key do not go together, or a certificate is not acceptable.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
    /// The machine's own list of CAs cannot be read.
    #[error(
        "the system's trusted CAs cannot be read ({0}); install ca-certificates or name a CA for this server"
    )]
    NoSystemRoots(String),
}

/// Whether clients get TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsPolicy {
    /// Never.
    Off,
    /// If they ask.
    Prefer,
    /// Only with it.
    Require,
}

/// TLS as clients of the gate see it. Cloning shares the configuration.
#[derive(Clone, Debug)]
pub struct ClientTls {
    policy: TlsPolicy,
    config: Option<Arc<ServerConfig>>,
    end_point: Option<Box<[u8]>>,
}

impl ClientTls {
    /// No TLS: requests for it are answered `N`.
    #[must_use]
    pub fn off() -> Self {
        Self { policy: TlsPolicy::Off, config: None, end_point: None }
    }

    /// TLS with a certificate chain (the gate's own first) and its key. With `client_ca`, a client may
    /// show a certificate, and one that does not chain up to that CA ends the handshake.
    ///
    /// # Errors
    /// PEM that cannot be read, or a key that is not the certificate's.
    pub fn new(
        policy: TlsPolicy,
        chain_pem: &str,
        key_pem: &str,
        client_ca_pem: Option<&str>,
    ) -> Result<Self, TlsError> {
        let chain = certificates("certificate", chain_pem)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
            .map_err(|error| TlsError::Pem { what: "private key", why: error.to_string() })?;
        let end_point = chain.first().and_then(end_point_hash);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(setup)?;
        let builder = match client_ca_pem {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let roots = Arc::new(root_store(certificates("client CA", pem)?)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(setup)?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(setup)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Postgres clients do not resume TLS sessions, so tickets would be bytes and memory for nothing.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { policy, config: Some(Arc::new(config)), end_point })
    }

    /// Whether clients get TLS.
    #[must_use]
    pub fn policy(&self) -> TlsPolicy {
        self.policy
    }

    /// The configuration to accept TLS with, unless the policy is off.
    pub(crate) fn acceptor(&self) -> Option<tokio_rustls::TlsAcceptor> {
        let config = self.config.as_ref().filter(|_| self.policy != TlsPolicy::Off)?;
        Some(tokio_rustls::TlsAcceptor::from(Arc::clone(config)))
    }

    pub(crate) fn end_point(&self) -> Option<Box<[u8]>> {
        self.end_point.clone()
    }
}

/// How a connection to a server is protected (PostgreSQL manual, "SSL Support", `sslmode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerTlsMode {
    /// No TLS.
    Disable,
    /// TLS without checking who answers.
    Require,
    /// TLS, and the certificate chains up to a trusted CA.
    VerifyCa,
    /// TLS, trusted CA and matching host name.
    VerifyFull,
}

/// TLS as servers see it. Building one parses certificates: build one per CA bundle and share it by
/// cloning, which copies a pointer.
#[derive(Clone, Debug)]
pub struct ServerTls {
    mode: ServerTlsMode,
    config: Option<Arc<ClientConfig>>,
}

impl ServerTls {
    /// No TLS.
    #[must_use]
    pub fn disable() -> Self {
        Self { mode: ServerTlsMode::Disable, config: None }
    }

    /// TLS in `mode`, trusting the CAs in `ca_pem`, or the system's where there is none. A server's own
    /// self-signed certificate may stand in `ca_pem` as well: then exactly that certificate is trusted.
    /// Reads files when it looks for the system's CAs: not for async code.
    ///
    /// # Errors
    /// PEM that cannot be read, or no CA to trust where one is needed.
    pub fn new(mode: ServerTlsMode, ca_pem: Option<&str>) -> Result<Self, TlsError> {
        let trusted = match (mode, ca_pem) {
            (ServerTlsMode::Disable, _) => return Ok(Self::disable()),
            (ServerTlsMode::Require, _) => Vec::new(),
            (_, Some(pem)) => certificates("CA", pem)?,
            (_, None) => system_roots()?,
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = StoreCertificate {
            mode,
            roots: root_store(trusted.iter().cloned())?,
            pinned: if ca_pem.is_some() { trusted } else { Vec::new() },
            provider: Arc::clone(&provider),
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Resumption would carry a session over without looking at the certificate again.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self { mode, config: Some(Arc::new(config)) })
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> ServerTlsMode {
        self.mode
    }

    /// The configuration for a connection that somebody else makes, unless the mode is `Disable`.
    #[must_use]
    pub fn client_config(&self) -> Option<Arc<ClientConfig>> {
        self.config.clone()
    }

    /// The configuration to connect with, unless the mode is `Disable`.
    pub(crate) fn connector(&self) -> Option<tokio_rustls::TlsConnector> {
        self.config.as_ref().map(|config| tokio_rustls::TlsConnector::from(Arc::clone(config)))
    }
}

/// Checks a server's certificate as far as the mode says. rustls itself only knows `VerifyFull`.
/// In every mode the server must prove that it holds the certificate's key.
#[derive(Debug)]
struct StoreCertificate {
    mode: ServerTlsMode,
    roots: RootCertStore,
    /// Certificates that are trusted as they are: webpki refuses a CA certificate as a server's own,
    /// which is what `openssl req -x509` makes and the PostgreSQL manual shows.
    pinned: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for StoreCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (chain, name) = match self.mode {
            ServerTlsMode::Disable | ServerTlsMode::Require => (false, false),
            ServerTlsMode::VerifyCa => (true, false),
            ServerTlsMode::VerifyFull => (true, true),
        };
        if chain || name {
            let parsed = ParsedCertificate::try_from(end_entity)?;
            if !self.pinned.contains(end_entity) {
                let algorithms = self.provider.signature_verification_algorithms.all;
                verify_server_cert_signed_by_trust_anchor(
                    &parsed,
                    &self.roots,
                    intermediates,
                    now,
                    algorithms,
                )?;
            }
            if name {
                verify_server_name(&parsed, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::Pem { what, why: error.to_string() })?;
    if found.is_empty() {
        return Err(TlsError::Pem { what, why: "no certificate in it".to_owned() });
    }
    Ok(found)
}

fn root_store(
    certificates: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(setup)?;
    }
    Ok(roots)
}

/// The system's CAs; the few that webpki cannot read are left out, as browsers do.
fn system_roots() -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let usable: Vec<_> =
        found.certs.into_iter().filter(|der| RootCertStore::empty().add(der.clone()).is_ok()).collect();
    if usable.is_empty() {
        let why = found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
        return Err(TlsError::NoSystemRoots(why));
    }
    Ok(usable)
}

fn setup(error: impl std::fmt::Display) -> TlsError {
    TlsError::Setup(error.to_string())
}
