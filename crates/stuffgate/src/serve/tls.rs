//! TLS towards clients, from the files that the configuration names.

use crate::config::{Tls, TlsFiles};
use anyhow::Context as _;
use std::path::Path;
use wire::tls::{ClientTls, TlsPolicy};
use zeroize::Zeroizing;

/// Reads the files and checks that they go together.
///
/// # Errors
/// A file that cannot be read, or that does not fit the others.
pub(crate) fn load(tls: &Tls) -> anyhow::Result<ClientTls> {
    let (policy, TlsFiles { cert, key, client_ca }) = match tls {
        Tls::Off => return Ok(ClientTls::off()),
        Tls::Prefer(files) => (TlsPolicy::Prefer, files),
        Tls::Require(files) => (TlsPolicy::Require, files),
    };
    let chain = read(cert)?;
    let key_pem = Zeroizing::new(read(key)?);
    let ca = client_ca.as_deref().map(read).transpose()?;
    ClientTls::new(policy, &chain, &key_pem, ca.as_deref())
        .with_context(|| format!("{} with {}", cert.display(), key.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}
