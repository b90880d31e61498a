//! The gate dials a server: resolve, connect, encrypt, log in; and cancel a query the way it dialed.

mod address;
mod connect;
mod error;
mod login;

pub use crate::startup::CancelKey;
pub use crate::tls::{ServerTls, ServerTlsMode};
pub use address::AddressPolicy;
pub use error::{AuthFault, DialError};
pub use login::{MAX_LOGIN_BYTES, MAX_MESSAGE_BYTES, MAX_PARAMETER_BYTES, MAX_PARAMETERS};

use crate::scram::{Keys, Secret};
use crate::stream::Stream;
use bytes::{Bytes, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::SecretKey;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::io::AsyncReadExt;

/// Most bytes read while waiting for the end of a cancel connection; an honest server sends none.
const MAX_CANCEL_ANSWER_BYTES: usize = 1024;

/// Where to dial, as whom, and what to put up with.
#[derive(Clone, Debug)]
pub struct DialTarget {
    /// Host name, IP address, or absolute path of a Unix-socket directory.
    pub host: String,
    /// TCP port; for a Unix socket, the number in its name.
    pub port: u16,
    /// Database.
    pub database: String,
    /// Role.
    pub user: String,
    /// How the connection is protected. Unix sockets never are.
    pub tls: ServerTls,
    /// Further start-up parameters. They cannot override the role or the database.
    pub startup: Vec<(String, String)>,
    /// Which addresses may be connected to.
    pub allow: AddressPolicy,
    /// Whether a server that asks for no proof at all is acceptable. Such a server has not proved that it
    /// knows the secret either.
    pub allow_trust: bool,
}

/// A server connection that is logged in and idle.
#[derive(Debug)]
pub struct Server {
    /// The connection; nothing has been read beyond the first ReadyForQuery, and nothing more had come.
    pub stream: Stream,
    /// What the server reported about itself, in order, each name once.
    pub parameters: Vec<(String, String)>,
    /// How to cancel what it runs.
    pub cancel: CancelTarget,
    /// The keys that were derived, to be used for the next connection; `None` where the server did not
    /// ask for a proof.
    pub keys: Option<Keys>,
}

/// What was connected to, after the name was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// How to cancel what a server connection runs: the same machine, the same protection.
#[derive(Clone, Debug)]
pub struct CancelTarget {
    /// The address that the session is connected to.
    pub address: Address,
    /// How the session is protected.
    pub tls: ServerTls,
    /// The host name that the session's certificate was checked against.
    pub host: String,
    /// The session's key.
    pub key: CancelKey,
}

/// Connects and logs in. The deadline is the caller's: dropping the future closes the connection. Memory
/// is bounded by [`MAX_LOGIN_BYTES`], whatever the server sends.
///
/// # Errors
/// See [`DialError`].
pub async fn dial(target: &DialTarget, secret: &Secret) -> Result<Server, DialError> {
    // Boxed: a TLS handshake is some kilobytes, and few callers are in one at any moment.
    Box::pin(async {
        let start_up = login::start_up(target)?;
        let (stream, address) = connect::connect(target).await?;
        let stream = connect::protect(stream, &target.tls, &target.host).await?;
        let login::Welcome { stream, parameters, key, keys } =
            login::log_in(stream, &start_up, secret, target.allow_trust).await?;
        let cancel = CancelTarget { address, tls: target.tls.clone(), host: target.host.clone(), key };
        Ok(Server { stream, parameters, cancel, keys })
    })
    .await
}

/// Asks a server to cancel what a session of it runs (PostgreSQL manual, "Canceling Requests in
/// Progress"). Done when the server has closed the connection, that is, when the signal has been sent: what
/// the session is given after that cannot be hit. The deadline is the caller's: dropping the future closes
/// the connection, and the request may or may not be heard.
///
/// # Errors
/// When the server cannot be reached, or not with the protection the session has.
pub async fn cancel(target: &CancelTarget) -> Result<(), DialError> {
    Box::pin(async {
        let stream = connect::to(&target.address).await?;
        let mut stream = connect::protect(stream, &target.tls, &target.host).await?;
        let secret = SecretKey::Bytes(Bytes::copy_from_slice(&target.key.secret));
        let mut request = BytesMut::new();
        // The number travels as it came; that pgwire holds it with a sign makes no difference.
        CancelRequest::new(target.key.process.cast_signed(), secret)
            .encode(&mut request)
            .map_err(|_| DialError::Protocol("its cancel key cannot be sent"))?;
        crate::exchange::send(&mut stream, &request).await.map_err(DialError::Broke)?;
        until_closed(&mut stream).await.map_err(DialError::Broke)
    })
    .await
}

async fn until_closed(stream: &mut Stream) -> io::Result<()> {
    let mut scratch = [0; 256];
    let mut seen = 0;
    while seen < MAX_CANCEL_ANSWER_BYTES {
        match stream.read(&mut scratch).await {
            Ok(0) => return Ok(()),
            Ok(count) => seen += count,
            // Postgres closes without TLS's farewell, and may leave the request's last bytes unread.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the server answers a cancel request, which none does"))
}
