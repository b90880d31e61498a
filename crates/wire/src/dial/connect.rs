//! From a host name to a protected connection.

use super::{Address, DialError, DialTarget};
use crate::certificate::end_point_hash;
use crate::exchange::send;
use crate::stream::Stream;
use crate::tls::ServerTls;
use bytes::BytesMut;
use pgwire::messages::Message;
use pgwire::messages::response::SslResponse;
use pgwire::messages::startup::SslRequest;
use rustls::CertificateError;
use rustls_pki_types::ServerName;
use std::io;
use std::path::Path;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_rustls::TlsStream;

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// Resolves the host and connects to the first of its addresses that is allowed and answers.
pub(super) async fn connect(target: &DialTarget) -> Result<(Stream, Address), DialError> {
    for address in addresses(target).await? {
        match to(&address.0).await {
            Err(_) if !address.1 => {}
            Err(error) => return Err(error),
            Ok(stream) => return Ok((stream, address.0)),
        }
    }
    Err(DialError::Resolve { host: target.host.clone(), reason: "no address".to_owned() })
}

/// The allowed addresses, each with whether it is the last.
async fn addresses(target: &DialTarget) -> Result<Vec<(Address, bool)>, DialError> {
    let host = &target.host;
    if host.starts_with('/') {
        if !target.allow.loopback {
            let why = "a Unix socket of the gate's own machine";
            return Err(DialError::Forbidden { host: host.clone(), address: host.clone(), why });
        }
        let path = Path::new(host).join(format!(".s.PGSQL.{}", target.port));
        return Ok(vec![(Address::Unix(path), true)]);
    }
    // The addresses that are checked are the ones connected to: a second look-up could say otherwise.
    let resolved: Vec<_> = lookup_host((host.as_str(), target.port))
        .await
        .map_err(|error| DialError::Resolve { host: host.clone(), reason: error.to_string() })?
        .take(MAX_ADDRESSES)
        .collect();
    let mut forbidden = None;
    let mut allowed = Vec::new();
    for address in resolved {
        match target.allow.check(address.ip()) {
            Ok(()) => allowed.push((Address::Tcp(address), false)),
            Err(why) => forbidden = forbidden.or(Some(DialError::forbidden(host, address.ip(), why))),
        }
    }
    match (allowed.last_mut(), forbidden) {
        (Some(last), _) => last.1 = true,
        (None, Some(error)) => return Err(error),
        (None, None) => {}
    }
    Ok(allowed)
}

/// Connects to one address.
pub(super) async fn to(address: &Address) -> Result<Stream, DialError> {
    let connected = match address {
        Address::Tcp(address) => TcpStream::connect(address).await.and_then(Stream::tcp),
        Address::Unix(path) => UnixStream::connect(path).await.map(Stream::unix),
    };
    connected.map_err(|error| DialError::Connect { address: address.to_string(), error })
}

/// Encrypts a connection as `tls` says. There is no going on without: a server that says no, or somebody
/// who says so in its place, ends the attempt.
pub(super) async fn protect(stream: Stream, tls: &ServerTls, host: &str) -> Result<Stream, DialError> {
    let (mut stream, connector) = match (stream, tls.connector()) {
        (stream, Some(connector)) if stream.plain_tcp().is_some() => (stream, connector),
        (stream, _) => return Ok(stream),
    };
    let failed = |reason: String| DialError::Tls { host: host.to_owned(), reason };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| failed("the host name is not one a certificate can have".to_owned()))?;
    let mut request = BytesMut::new();
    SslRequest::new().encode(&mut request).map_err(|error| failed(error.to_string()))?;
    send(&mut stream, &request).await.map_err(DialError::Broke)?;
    match stream.read_u8().await.map_err(DialError::Broke)? {
        SslResponse::BYTE_ACCEPT => {}
        SslResponse::BYTE_REFUSE => return Err(DialError::TlsRefused { host: host.to_owned() }),
        // What follows an `E` is not encrypted, so anybody may have said it: it is not repeated.
        b'E' => return Err(DialError::Protocol("it answers the request for TLS with an error")),
        _ => return Err(DialError::Protocol("it does not answer the request for TLS as Postgres does")),
    }
    // A server has nothing to say before the gate begins the handshake. Such bytes were put there by
    // somebody who hopes that they are read as if they had come encrypted (CVE-2021-23222). Nothing is
    // read ahead here, so they could at worst spoil the handshake.
    match (stream.peek_now(), stream.into_tcp()) {
        (Err(error), Ok(tcp)) if error.kind() == io::ErrorKind::WouldBlock => {
            let io = Box::pin(connector.connect(name, tcp)).await.map_err(|error| failed(reason(&error)))?;
            let end_point =
                io.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(end_point_hash);
            Ok(Stream::tls(TlsStream::Client(io), end_point))
        }
        (Ok(1..), _) => {
            Err(failed("unencrypted bytes arrived ahead of the handshake; possible attack".to_owned()))
        }
        (Ok(0), _) => Err(DialError::Broke(io::ErrorKind::UnexpectedEof.into())),
        (Err(error), _) => Err(DialError::Broke(error)),
    }
}

/// What to look at when a handshake failed.
fn reason(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::UnknownIssuer => {
                "its certificate is not signed by a trusted CA; give the store's own CA".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another host name; use the name in the certificate, or verify-ca"
                    .to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired".to_owned()
            }
            other => format!("its certificate is not acceptable: {other:?}"),
        },
        _ => error.to_string(),
    }
}
