//! TLS as a store's endpoint asks for it (PostgreSQL manual, "SSL Support", "Client Verification of
//! Server Certificates").

use aws_lc_rs::digest;
use model::{Endpoint, TlsMode};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs::default_provider};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;

/// The rustls configuration for an endpoint whose mode is not `disable`.
///
/// # Errors
/// What is wrong with its CA bundle, in words.
pub(crate) fn config(endpoint: &Endpoint) -> Result<ClientConfig, String> {
    let provider = Arc::new(default_provider());
    let verifier = Verifier {
        chain: match endpoint.tls {
            TlsMode::Disable | TlsMode::Require => None,
            TlsMode::VerifyCa | TlsMode::VerifyFull => Some(chain_verifier(endpoint, &provider)?),
        },
        check_name: endpoint.tls == TlsMode::VerifyFull,
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn chain_verifier(
    endpoint: &Endpoint,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    match &endpoint.ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| format!("its CA file is no PEM: {error}"))?;
                roots.add(certificate).map_err(|error| format!("its CA file is of no use: {error}"))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("there is no CA to check its certificate with; name a CA file for this store".into());
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| error.to_string())
}

/// Checks as much of the store's certificate as the mode asks for; its signature always.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    check_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The name is looked at last, so a wrong name says that the chain is good.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.check_name => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
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

/// Channel binding data `tls-server-end-point`: the certificate's hash by the hash function of its own
/// signature, SHA-256 in place of MD5 and SHA-1 (RFC 5929, section 4.1). `None` where that function is
/// not defined (Ed25519) or not named outright (RSASSA-PSS).
pub(crate) fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let algorithm = match signature_oid(certificate)? {
        // PKCS #1: md5, sha1, sha256, sha384, sha512 with RSA.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 4 | 5 | 11] => &digest::SHA256,
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 12] => &digest::SHA384,
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 13] => &digest::SHA512,
        // ANSI X9.62: ECDSA with SHA-1, SHA-256, SHA-384, SHA-512.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => &digest::SHA256,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 2] => &digest::SHA256,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 3] => &digest::SHA384,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 4] => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

/// The object identifier, DER-encoded, of `Certificate.signatureAlgorithm` (RFC 5280, section 4.1).
fn signature_oid<'a>(certificate: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    let (certificate, _) = der_value(certificate, 0x30)?;
    let (_, after_tbs) = der_value(certificate, 0x30)?;
    let (algorithm, _) = der_value(after_tbs, 0x30)?;
    der_value(algorithm, 0x06).map(|(oid, _)| oid)
}

/// The content of the DER value of type `tag` that `input` begins with, and what follows it.
fn der_value(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    if found == tag { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_bound_by_the_hash_of_its_own_signature() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("a key");
        let params = rcgen::CertificateParams::new(vec!["localhost".into()]).expect("parameters");
        let certificate = params.self_signed(&key).expect("a certificate");
        let expected = digest::digest(&digest::SHA384, certificate.der());
        assert_eq!(end_point(certificate.der()).as_deref(), Some(expected.as_ref()));
    }

    #[test]
    fn what_is_no_certificate_binds_nothing() {
        for bytes in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x02\x30\x00"] {
            assert_eq!(end_point(&CertificateDer::from(bytes.to_vec())), None);
        }
    }
}
