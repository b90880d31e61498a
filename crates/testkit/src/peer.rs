//! One end of a connection that speaks raw frames, with a deadline on every wait.

use crate::Error;
use bytes::{Buf, Bytes, BytesMut};
use rustls_pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Longest wait for the other side, unless [`Peer::patience`] says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// One message: its type and what follows its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The type byte.
    pub tag: u8,
    /// The body.
    pub body: Bytes,
}

impl Frame {
    /// The zero-terminated texts in the body, from byte `from` on.
    #[must_use]
    pub fn texts(&self, from: usize) -> Vec<String> {
        let rest = self.body.get(from..).unwrap_or_default();
        let texts = rest.strip_suffix(&[0]).unwrap_or(rest).split(|byte| *byte == 0);
        texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()
    }

    /// The big-endian number at byte `at`, or 0.
    #[must_use]
    pub fn number(&self, at: usize) -> u32 {
        self.body.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
    }
}

/// A connection and what was read from it but not used yet.
pub struct Peer {
    socket: Box<dyn Socket>,
    unread: BytesMut,
    patience: Duration,
    certificate: Option<CertificateDer<'static>>,
}

impl Peer {
    /// Speaks over any stream.
    pub fn over(socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self { socket: Box::new(socket), unread: BytesMut::new(), patience: PATIENCE, certificate: None }
    }

    /// The longest wait from now on.
    pub fn patience(&mut self, longest: Duration) {
        self.patience = longest;
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the socket fails, or the other side takes nothing in for too long.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sent = async {
            self.socket.write_all(bytes).await?;
            self.socket.flush().await
        };
        Ok(tokio::time::timeout(self.patience, sent).await.map_err(|_| Error::Late(self.patience))??)
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn end(&mut self) -> Result<(), Error> {
        Ok(self.socket.shutdown().await?)
    }

    /// The next `count` bytes as they come. Nothing is lost when it is cancelled.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Late`].
    pub async fn bytes(&mut self, count: usize) -> Result<Bytes, Error> {
        self.fill(count).await?;
        Ok(self.unread.split_to(count).freeze())
    }

    async fn fill(&mut self, count: usize) -> Result<(), Error> {
        while self.unread.len() < count {
            let read = self.socket.read_buf(&mut self.unread);
            match tokio::time::timeout(self.patience, read).await {
                Err(_) => return Err(Error::Late(self.patience)),
                Ok(Ok(0)) => return Err(Error::Closed),
                Ok(Err(error)) if is_gone(&error) => return Err(Error::Closed),
                Ok(more) => more?,
            };
        }
        Ok(())
    }

    /// The next message. Nothing is lost when it is cancelled.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Late`], [`Error::Unexpected`] when its length is below 4.
    pub async fn frame(&mut self) -> Result<Frame, Error> {
        self.fill(5).await?;
        let mut head = &self.unread[..5];
        let (tag, length) = (head.get_u8(), head.get_u32());
        let size = length.checked_sub(4).and_then(|size| usize::try_from(size).ok());
        let size = size.ok_or_else(|| Error::Unexpected(format!("length {length} of message {tag}")))?;
        self.fill(5 + size).await?;
        self.unread.advance(5);
        Ok(Frame { tag, body: self.unread.split_to(size).freeze() })
    }

    /// Messages up to and with the first of type `tag`.
    ///
    /// # Errors
    /// As [`Peer::frame`].
    pub async fn frames_until(&mut self, tag: u8) -> Result<Vec<Frame>, Error> {
        let mut frames = Vec::new();
        loop {
            let frame = self.frame().await?;
            let last = frame.tag == tag;
            frames.push(frame);
            if last {
                return Ok(frames);
            }
        }
    }

    /// The next message, which must be of type `tag`.
    ///
    /// # Errors
    /// As [`Peer::frame`], and [`Error::Unexpected`] for another type.
    pub async fn expect(&mut self, tag: u8) -> Result<Frame, Error> {
        let frame = self.frame().await?;
        if frame.tag == tag {
            return Ok(frame);
        }
        let (wanted, came) = (char::from(tag), char::from(frame.tag));
        let body = String::from_utf8_lossy(&frame.body).into_owned();
        Err(Error::Unexpected(format!("{came:?} {body:?} instead of {wanted:?}")))
    }

    /// Waits until the other side closes, and returns everything it sent before.
    ///
    /// # Errors
    /// [`Error::Late`] when it does not close.
    pub async fn rest(&mut self) -> Result<Bytes, Error> {
        loop {
            match self.fill(self.unread.len() + 1).await {
                Ok(()) => {}
                Err(Error::Closed) => return Ok(self.unread.split().freeze()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Turns the connection into TLS, as its client.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn into_tls_client(self, config: Arc<rustls::ClientConfig>, host: &str) -> Result<Self, Error> {
        let host = ServerName::try_from(host.to_owned()).map_err(|e| Error::Certificate(e.to_string()))?;
        let handshake = TlsConnector::from(config).connect(host, self.socket);
        let tls = tokio::time::timeout(self.patience, handshake)
            .await
            .map_err(|_| Error::Late(self.patience))??;
        let certificates = tls.get_ref().1.peer_certificates();
        let certificate = certificates.and_then(|all| all.first()).map(|leaf| leaf.clone().into_owned());
        Ok(Self { certificate, patience: self.patience, ..Self::over(tls) })
    }

    /// Turns the connection into TLS, as its server.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn into_tls_server(self, config: Arc<rustls::ServerConfig>) -> Result<Self, Error> {
        let handshake = TlsAcceptor::from(config).accept(self.socket);
        let tls = tokio::time::timeout(self.patience, handshake)
            .await
            .map_err(|_| Error::Late(self.patience))??;
        Ok(Self { patience: self.patience, ..Self::over(tls) })
    }

    /// The server's certificate, inside TLS.
    pub(crate) fn server_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.certificate.as_ref()
    }
}

/// Ways in which a closed connection shows itself beside an orderly end.
fn is_gone(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
}
