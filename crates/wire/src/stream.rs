//! One connection's bytes: TCP, a Unix socket, or TLS over TCP.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// How long a TCP connection is silent before the kernel asks whether the peer is still there.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// How long the kernel waits between such questions.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// How many of them stay unanswered before the connection is given up.
pub const KEEPALIVE_RETRIES: u32 = 4;

/// A connection. Reading and writing are cancel-safe as those of [`AsyncRead`] and [`AsyncWrite`] are.
#[derive(Debug)]
pub enum Stream {
    /// Plain TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
    /// TLS over TCP; boxed, since it is some kilobytes and most streams are moved often.
    Tls(Box<Tls>),
}

/// TLS over TCP, with what must be remembered of the handshake.
#[derive(Debug)]
pub struct Tls {
    pub(crate) io: TlsStream<TcpStream>,
    pub(crate) end_point: Option<Box<[u8]>>,
}

impl Stream {
    /// Takes a TCP connection: no delay for small messages, keep-alive on.
    ///
    /// # Errors
    /// When the kernel refuses an option, that is, when the connection is already gone.
    pub fn tcp(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE_IDLE)
            .with_interval(KEEPALIVE_INTERVAL)
            .with_retries(KEEPALIVE_RETRIES);
        SockRef::from(&tcp).set_tcp_keepalive(&keepalive)?;
        Ok(Self::Tcp(tcp))
    }

    pub(crate) fn tls(io: TlsStream<TcpStream>, end_point: Option<Box<[u8]>>) -> Self {
        Self::Tls(Box::new(Tls { io, end_point }))
    }

    /// Whether bytes travel encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// The `tls-server-end-point` channel binding: a hash of the server's certificate (RFC 5929, section
    /// 4). `None` without TLS, or where the certificate's signature names no hash (Ed25519).
    #[must_use]
    pub fn channel_binding(&self) -> Option<&[u8]> {
        match self {
            Self::Tls(tls) => tls.end_point.as_deref(),
            Self::Tcp(_) | Self::Unix(_) => None,
        }
    }

    /// The other end's address; `None` for a Unix socket.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn peer_addr(&self) -> io::Result<Option<SocketAddr>> {
        self.tcp_below().map(TcpStream::peer_addr).transpose()
    }

    /// This end's address; `None` for a Unix socket.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn local_addr(&self) -> io::Result<Option<SocketAddr>> {
        self.tcp_below().map(TcpStream::local_addr).transpose()
    }

    /// Ready once the peer sent anything or went away: what an idle connection is watched for. Takes no
    /// byte. Over TLS it may also be woken by a record that carries no data.
    pub fn poll_read_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_decrypted() {
            return Poll::Ready(Ok(()));
        }
        loop {
            // Readiness may be left over from the last read; the peek tells, and clears it if so.
            ready!(match self {
                Self::Tcp(tcp) => tcp.poll_read_ready(context),
                Self::Unix(unix) => unix.poll_read_ready(context),
                Self::Tls(tls) => tls.io.get_ref().0.poll_read_ready(context),
            })?;
            let peeked = match self {
                Self::Tcp(tcp) => tcp.try_io(Interest::READABLE, || peek(&SockRef::from(&*tcp))),
                Self::Unix(unix) => unix.try_io(Interest::READABLE, || peek(&SockRef::from(&*unix))),
                Self::Tls(tls) => {
                    let tcp = tls.io.get_ref().0;
                    tcp.try_io(Interest::READABLE, || peek(&SockRef::from(tcp)))
                }
            };
            match peeked {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other.map(|_| ())),
            }
        }
    }

    /// Whether nothing has arrived and the peer is still there, asked of the kernel now: what an idle
    /// connection must be before it is used again.
    pub fn is_quiet(&mut self) -> bool {
        if self.has_decrypted() {
            return false;
        }
        matches!(self.peek_now(), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What has arrived below TLS, asked of the kernel now: the number of bytes seen is 0 when the peer
    /// has closed, 1 when anything is there, `WouldBlock` when nothing is.
    pub(crate) fn peek_now(&self) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => peek(&SockRef::from(tcp)),
            Self::Unix(unix) => peek(&SockRef::from(unix)),
            Self::Tls(tls) => peek(&SockRef::from(tls.io.get_ref().0)),
        }
    }

    /// Throws away what has arrived, at most `limit` bytes, without waiting for more.
    pub(crate) fn discard(&self, limit: usize) {
        let mut scratch = [0; 4096];
        let mut left = limit;
        while left > 0 {
            let read = match self {
                Self::Tcp(tcp) => tcp.try_read(&mut scratch),
                Self::Unix(unix) => unix.try_read(&mut scratch),
                Self::Tls(tls) => tls.io.get_ref().0.try_read(&mut scratch),
            };
            match read {
                Ok(count @ 1..) => left = left.saturating_sub(count),
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Whether TLS holds data that was decrypted and not read yet.
    fn has_decrypted(&mut self) -> bool {
        let Self::Tls(tls) = self else { return false };
        let state = match &mut tls.io {
            TlsStream::Client(io) => io.get_mut().1.process_new_packets(),
            TlsStream::Server(io) => io.get_mut().1.process_new_packets(),
        };
        state.map_or(true, |state| state.plaintext_bytes_to_read() > 0 || state.peer_has_closed())
    }

    fn tcp_below(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Unix(_) => None,
            Self::Tls(tls) => Some(tls.io.get_ref().0),
        }
    }
}

/// Looks at one byte of what a socket has received, without taking it and without waiting.
fn peek(socket: &SockRef<'_>) -> io::Result<usize> {
    socket.peek(&mut [MaybeUninit::uninit()])
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(context, buf),
            Self::Unix(unix) => Pin::new(unix).poll_read(context, buf),
            Self::Tls(tls) => Pin::new(&mut tls.io).poll_read(context, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(context, buf),
            Self::Unix(unix) => Pin::new(unix).poll_write(context, buf),
            Self::Tls(tls) => Pin::new(&mut tls.io).poll_write(context, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(context, bufs),
            Self::Unix(unix) => Pin::new(unix).poll_write_vectored(context, bufs),
            Self::Tls(tls) => Pin::new(&mut tls.io).poll_write_vectored(context, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_write_vectored(),
            Self::Unix(unix) => unix.is_write_vectored(),
            Self::Tls(tls) => tls.io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Unix(unix) => Pin::new(unix).poll_flush(context),
            Self::Tls(tls) => Pin::new(&mut tls.io).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(&mut tls.io).poll_shutdown(context),
        }
    }
}
