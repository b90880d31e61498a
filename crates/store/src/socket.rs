//! From an endpoint to a stream that is ready for the start-up packet.

use crate::StoreError;
use crate::guard::{Bytes, Guard};
use crate::tls;
use model::{Endpoint, TlsMode};
use rustls_pki_types::ServerName;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

/// `Int32(8) Int32(80877103)` (PostgreSQL manual, "Message Formats", SSLRequest).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Longest wait for one of a host's addresses, so that a dead one leaves time for the next.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(5);

/// `host:port/database`, for messages.
pub(crate) fn name(endpoint: &Endpoint) -> String {
    format!("{}:{}/{}", endpoint.host, endpoint.port, endpoint.database)
}

/// Connects, and does TLS as the endpoint asks; over a Unix socket there is none, as in libpq.
///
/// # Errors
/// [`StoreError::Unreachable`] and [`StoreError::Tls`]. Dropping the future closes the socket.
pub(crate) async fn open(endpoint: &Endpoint) -> Result<Guard, StoreError> {
    let unreachable = |reason: String| StoreError::Unreachable { endpoint: name(endpoint), reason };
    if endpoint.host.starts_with('/') {
        let path = format!("{}/.s.PGSQL.{}", endpoint.host, endpoint.port);
        let socket = UnixStream::connect(&path).await.map_err(|e| unreachable(format!("{path}: {e}")))?;
        return Ok(Guard::new(Box::new(socket), None));
    }
    let socket = tcp(endpoint).await.map_err(unreachable)?;
    match endpoint.tls {
        TlsMode::Disable => Ok(Guard::new(Box::new(socket), None)),
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => secure(endpoint, socket).await,
    }
}

async fn tcp(endpoint: &Endpoint) -> Result<TcpStream, String> {
    let host = endpoint.host.trim_start_matches('[').trim_end_matches(']');
    let addresses = lookup_host((host, endpoint.port))
        .await
        .map_err(|error| format!("the host name does not resolve ({error}); correct the name in its URL"))?;
    let mut last = "the host name has no address".to_owned();
    for address in addresses {
        match timeout(ADDRESS_PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                last = format!("nothing listens on {address}; start the server, or correct host and port");
            }
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address} does not answer; is a firewall in the way?"),
        }
    }
    Err(last)
}

async fn secure(endpoint: &Endpoint, mut socket: TcpStream) -> Result<Guard, StoreError> {
    let refused = |reason: String| StoreError::Tls { endpoint: name(endpoint), reason };
    let broken = |error: io::Error| StoreError::Unreachable {
        endpoint: name(endpoint),
        reason: format!("the connection broke: {error}"),
    };
    socket.write_all(&SSL_REQUEST).await.map_err(broken)?;
    // One byte and no more: what a man in the middle sends ahead of the handshake stays in the socket,
    // where the handshake stumbles over it.
    let mut answer = [0];
    socket.read_exact(&mut answer).await.map_err(broken)?;
    if answer != *b"S" {
        return Err(refused(
            "the server does not offer TLS; switch it on there (ssl = on), or use sslmode=disable on a network you trust"
                .into(),
        ));
    }
    let host = endpoint.host.to_string();
    let server_name = ServerName::try_from(host)
        .map_err(|_| refused("its host name is not one that TLS can check".into()))?;
    let Some(config) = tls::config(endpoint).map_err(refused)? else {
        return Err(refused("TLS is switched off for it".into()));
    };
    let stream = tokio_rustls::TlsConnector::from(config)
        .connect(server_name, socket)
        .await
        .map_err(|error| refused(tls::explain(&error)))?;
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let end_point = certificates.first().and_then(wire::tls::end_point_hash).map(Vec::from);
    Ok(Guard::new(Box::new(stream) as Box<dyn Bytes>, end_point))
}
