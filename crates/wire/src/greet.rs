//! The gate greets a client: encryption, protocol version, start-up packet or cancel request.

use crate::certificate::common_name;
use crate::error::Fields;
use crate::exchange::{refuse, send};
use crate::frame;
use crate::sqlstate;
use crate::startup::{MIN_STARTUP_BYTES, Opening, Start, violation};
use crate::stream::Stream;
use crate::tls::{ALPN, ClientTls, TlsPolicy};
use std::io;
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsStream;

pub use crate::startup::{CANCEL_SECRET_BYTES, CancelKey, MAX_STARTUP_BYTES, NEWEST_MINOR};

/// First byte of a TLS record that begins a handshake (RFC 8446, section 5.1). A start-up packet's first
/// byte is the top of its length and always 0.
const TLS_HANDSHAKE: u8 = 0x16;

/// Bytes of a start-up packet's length.
const LENGTH_BYTES: usize = 4;

/// What a client wants.
#[derive(Debug)]
pub enum Greeting {
    /// A session.
    Startup(Box<Startup>),
    /// A query of another session cancelled. There is no answer but the connection's end, for which clients
    /// wait before they send their next statement: it must outlive the cancel's delivery.
    Cancel {
        /// Which session's.
        key: CancelKey,
        /// The connection: drop it when nothing can be hit any more.
        stream: Box<Stream>,
    },
}

/// A client that wants a session and has proved nothing yet.
#[derive(Debug)]
pub struct Startup {
    /// The connection; nothing has been read beyond the start-up packet.
    pub stream: Stream,
    /// Minor version of protocol 3 that is spoken: 0 or 2. The client has been told if it asked for more.
    pub minor: u16,
    /// Login name.
    pub user: String,
    /// Service name.
    pub database: String,
    /// Settings out of `options`, in order.
    pub options: Vec<(String, String)>,
    /// Every other parameter, in order; a later one overrides an earlier.
    pub parameters: Vec<(String, String)>,
    /// Protocol options that the gate does not know. The client has been told.
    pub unknown_protocol_options: Vec<String>,
    /// Whether it wants a replication connection.
    pub replication: bool,
    /// Common name of the certificate the client showed, if it showed one and the gate asked for it.
    pub certificate_name: Option<String>,
}

/// Why there is no greeting. The connection is closed already, or only good for dropping.
#[derive(Debug, thiserror::Error)]
pub enum GreetError {
    /// The client went away before it said anything: a health check or a port scan.
    #[error("the client went away before it said anything")]
    Nothing,
    /// The connection broke.
    #[error("the connection to the client broke: {0}")]
    Io(#[from] io::Error),
    /// The TLS handshake failed.
    #[error("the TLS handshake with the client failed: {0}")]
    Tls(io::Error),
    /// The client was refused, and told so where it could be.
    #[error("the client was refused: {0}")]
    Refused(Box<Fields>),
}

/// Greets a client. The deadline is the caller's: dropping the future closes the connection. Memory is
/// bounded by [`MAX_STARTUP_BYTES`] and one TLS handshake, whatever the client sends.
///
/// # Errors
/// See [`GreetError`]; the client has been told what it can be told.
pub async fn greet(stream: Stream, tls: &ClientTls) -> Result<Greeting, GreetError> {
    let (mut stream, opening) = Box::pin(open(stream, tls)).await?;
    let start = match opening {
        Opening::Cancel(key) => return Ok(Greeting::Cancel { key, stream: Box::new(stream) }),
        Opening::Start(start) => start,
        Opening::Ssl | Opening::GssEnc => {
            return Err(refused(stream, violation("encryption was asked for twice")).await);
        }
    };
    if tls.policy() == TlsPolicy::Require && !stream.is_tls() {
        let fields = Fields::fatal(
            sqlstate::INVALID_AUTHORIZATION_SPECIFICATION,
            "the gate takes encrypted connections only",
        );
        let fields = fields.with_hint("Connect with sslmode=require or stronger.");
        return Err(refused(stream, Box::new(fields)).await);
    }
    let minor = negotiate(&mut stream, &start).await?;
    let certificate_name = peer_name(&stream);
    let Start { user, database, options, parameters, unknown_protocol_options, replication, .. } = start;
    Ok(Greeting::Startup(Box::new(Startup {
        stream,
        minor,
        user,
        database,
        options,
        parameters,
        unknown_protocol_options,
        replication,
        certificate_name,
    })))
}

/// Answers requests for encryption until something else comes.
async fn open(mut stream: Stream, tls: &ClientTls) -> Result<(Stream, Opening), GreetError> {
    let mut length = None;
    if let Some(tcp) = stream.plain_tcp() {
        let mut first = [0; LENGTH_BYTES];
        match tcp.peek(&mut first).await {
            Ok(0) | Err(_) => return Err(GreetError::Nothing),
            Ok(_) if first[0] == TLS_HANDSHAKE => return direct(stream, tls).await,
            Ok(seen) => length = (seen == first.len()).then(|| u32::from_be_bytes(first)),
        }
    }
    let (mut asked_ssl, mut asked_gss) = (false, false);
    loop {
        let opening;
        (stream, opening) = packet(stream, length.take()).await?;
        match opening {
            Opening::Ssl if !asked_ssl => {
                asked_ssl = true;
                stream = nothing_early(stream).await?;
                if tls.acceptor().is_some() {
                    send(&mut stream, b"S").await?;
                    stream = encrypt(stream, tls).await?;
                    return packet(stream, None).await;
                }
                send(&mut stream, b"N").await?;
            }
            Opening::GssEnc if !asked_gss => {
                asked_gss = true;
                stream = nothing_early(stream).await?;
                send(&mut stream, b"N").await?;
            }
            other => return Ok((stream, other)),
        }
    }
}

/// Refuses bytes that arrived behind a request for encryption and ahead of the gate's answer. An honest
/// client waits; these were put there by somebody who can write to the connection but not decrypt it, and
/// who hopes that they are read as if the encrypted client had sent them (CVE-2021-23214, CVE-2021-3935).
/// Nothing is ever read ahead here, so such bytes could at worst spoil the handshake: the refusal is for
/// the log and the client.
async fn nothing_early(stream: Stream) -> Result<Stream, GreetError> {
    match stream.peek_now() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(stream),
        Err(error) => Err(GreetError::Io(error)),
        Ok(0) => Err(GreetError::Io(io::ErrorKind::UnexpectedEof.into())),
        Ok(_) => {
            let fields = violation("unencrypted bytes arrived ahead of the encryption that was asked for");
            let fields = fields.with_detail(
                "Either the client does not wait for the answer, or somebody interferes with the connection.",
            );
            Err(refused(stream, Box::new(fields)).await)
        }
    }
}

/// TLS from the first byte (libpq's `sslnegotiation=direct`). The application protocol must be agreed on,
/// or a client of another protocol could be made to talk to the gate (the ALPACA attack).
async fn direct(stream: Stream, tls: &ClientTls) -> Result<(Stream, Opening), GreetError> {
    let stream = encrypt(stream, tls).await?;
    if stream.tls_session().is_some_and(|session| session.alpn_protocol() == Some(ALPN)) {
        return packet(stream, None).await;
    }
    let fields = violation("direct TLS without the application protocol \"postgresql\" (ALPN)");
    Err(refused(stream, Box::new(fields.with_hint("Use sslnegotiation=postgres, or a newer client."))).await)
}

async fn encrypt(stream: Stream, tls: &ClientTls) -> Result<Stream, GreetError> {
    let (Ok(tcp), Some(acceptor)) = (stream.into_tcp(), tls.acceptor()) else {
        return Err(GreetError::Tls(io::Error::other("TLS is switched off")));
    };
    let io = Box::pin(acceptor.accept(tcp)).await.map_err(GreetError::Tls)?;
    Ok(Stream::tls(TlsStream::Server(io), tls.end_point()))
}

/// Reads exactly one opening packet and not a byte after it. Its length, which may have been seen in the
/// stream already, is checked before anything is allocated.
async fn packet(mut stream: Stream, seen: Option<u32>) -> Result<(Stream, Opening), GreetError> {
    let length = match seen {
        Some(length) => length,
        None => stream.read_u32().await?,
    };
    if !(MIN_STARTUP_BYTES..=MAX_STARTUP_BYTES).contains(&length) {
        return Err(refused(stream, violation("the start-up packet has an impossible length")).await);
    }
    let skipped = if seen.is_some() { LENGTH_BYTES } else { 0 };
    let mut packet = vec![0; length as usize - LENGTH_BYTES + skipped];
    stream.read_exact(&mut packet).await?;
    match Opening::decode(packet.get(skipped..).unwrap_or_default()) {
        Ok(opening) => Ok((stream, opening)),
        Err(fields) => Err(refused(stream, fields).await),
    }
}

/// Settles the minor version and tells a client that wants more than there is (PostgreSQL manual,
/// "NegotiateProtocolVersion"). 3.1 was never released: whoever asks for it gets 3.0.
async fn negotiate(stream: &mut Stream, start: &Start) -> io::Result<u16> {
    let minor = if start.minor >= NEWEST_MINOR { NEWEST_MINOR } else { 0 };
    if start.minor > NEWEST_MINOR || !start.unknown_protocol_options.is_empty() {
        let mut out = Vec::new();
        frame::negotiate_protocol_version(&mut out, minor, &start.unknown_protocol_options);
        send(stream, &out).await?;
    }
    Ok(minor)
}

fn peer_name(stream: &Stream) -> Option<String> {
    stream.tls_session()?.peer_certificates()?.first().and_then(common_name)
}

async fn refused(mut stream: Stream, fields: Box<Fields>) -> GreetError {
    refuse(&mut stream, &fields).await;
    GreetError::Refused(fields)
}
