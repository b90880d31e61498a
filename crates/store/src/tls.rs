//! TLS as a store's endpoint asks for it: checked by the same piece that checks it for sessions, so what
//! `stuffgate store test` accepts is what a session is given.

use model::{Endpoint, TlsMode};
use rustls::{CertificateError, ClientConfig};
use std::sync::Arc;
use wire::tls::{ServerTls, ServerTlsMode, TlsError};

/// The rustls configuration for an endpoint, `None` if its mode is `disable`.
///
/// # Errors
/// What is wrong with its CA bundle, in words.
pub(crate) fn config(endpoint: &Endpoint) -> Result<Option<Arc<ClientConfig>>, String> {
    let mode = match endpoint.tls {
        TlsMode::Disable => ServerTlsMode::Disable,
        TlsMode::Require => ServerTlsMode::Require,
        TlsMode::VerifyCa => ServerTlsMode::VerifyCa,
        TlsMode::VerifyFull => ServerTlsMode::VerifyFull,
    };
    match ServerTls::new(mode, endpoint.ca.as_deref()) {
        Ok(tls) => Ok(tls.client_config()),
        Err(error @ TlsError::Pem { .. }) => Err(format!(
            "there is no CA to check its certificate with ({error}); name a CA file for this store"
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// A failed handshake in words that say what to do.
pub(crate) fn explain(error: &std::io::Error) -> String {
    let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return format!("the TLS handshake failed: {error}");
    };
    match cause {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "its certificate is not from a CA that is trusted here; name its CA file, or correct it".into(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "its certificate is for another host name; use the name in the certificate, or sslmode=verify-ca"
                .into()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired; renew it on the server".into(),
        other => format!("its TLS certificate or protocol was refused: {other}"),
    }
}
