//! Authorities and certificates made on the spot, and TLS configurations that use them.

use crate::Error;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// The protocol name of PostgreSQL in direct TLS (PostgreSQL manual, "SSL Session Encryption").
pub const ALPN: &[u8] = b"postgresql";

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, as PEM text.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// A new authority; two of the same name do not trust each other.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(said)?).map_err(said)?))
    }

    /// Its own certificate, as PEM text.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for host names and addresses.
    ///
    /// # Errors
    /// When a host is neither a name nor an address.
    pub fn server(&self, hosts: &[&str]) -> Result<Issued, Error> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).map_err(said)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(&params)
    }

    /// A client's certificate; its common name is the login.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn client(&self, login: &str) -> Result<Issued, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, login);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Result<Issued, Error> {
        let key = KeyPair::generate().map_err(said)?;
        let certificate = params.signed_by(&key, &self.0).map_err(said)?;
        Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// A client that trusts this authority alone, shows `own` if asked, and names `alpn`.
    ///
    /// # Errors
    /// When a certificate cannot be read back.
    pub fn client_config(&self, own: Option<&Issued>, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).map_err(said)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(said)?
            .with_root_certificates(roots);
        let mut config = match own {
            Some(own) => builder.with_client_auth_cert(own.chain()?, own.private_key()?).map_err(said)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

impl Issued {
    /// A server that shows this certificate.
    ///
    /// # Errors
    /// When it cannot be read back.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, Error> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(said)?
            .with_no_client_auth()
            .with_single_cert(self.chain()?, self.private_key()?)
            .map_err(said)?;
        Ok(Arc::new(config))
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect::<Result<_, _>>().map_err(said)
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(said)
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn said(error: impl std::fmt::Display) -> Error {
    Error::Certificate(error.to_string())
}
