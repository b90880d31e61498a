//! One connection's bytes: TCP, a Unix socket, or TLS over TCP.

use crate::socket::Socket;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
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
pub struct Stream(Layers);

#[derive(Debug)]
enum Layers {
    Plain(Socket),
    /// Boxed, since it is some kilobytes and most streams are moved often.
    Tls(Box<Tls>),
}

/// TLS over TCP, with what must be remembered of the handshake.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) io: TlsStream<Socket>,
    pub(crate) end_point: Option<Box<[u8]>>,
}

impl Stream {
    /// Takes a TCP connection: no delay for small messages, keep-alive on.
    ///
    /// # Errors
    /// When the kernel refuses an option, that is, when the connection is already gone.
    pub fn tcp(tcp: TcpStream) -> io::Result<Self> {
        set_options(&SockRef::from(&tcp))?;
        Ok(Self::accepted(tcp))
    }

    /// Takes a connection that was accepted on a listener with [`set_options`] in force: Linux gives what
    /// it accepts the listener's options, which saves five system calls for each client.
    #[must_use]
    pub fn accepted(tcp: TcpStream) -> Self {
        Self(Layers::Plain(Socket::Tcp(tcp)))
    }

    /// Takes a Unix socket.
    #[must_use]
    pub fn unix(unix: UnixStream) -> Self {
        Self(Layers::Plain(Socket::Unix(unix)))
    }

    pub(crate) fn tls(io: TlsStream<Socket>, end_point: Option<Box<[u8]>>) -> Self {
        Self(Layers::Tls(Box::new(Tls { io, end_point })))
    }

    /// The TCP socket itself, to put TLS over; the stream again if it is anything else.
    pub(crate) fn into_tcp(self) -> Result<Socket, Self> {
        match self.0 {
            Layers::Plain(socket @ Socket::Tcp(_)) => Ok(socket),
            other => Err(Self(other)),
        }
    }

    /// The TCP connection, as long as there is no TLS over it.
    pub(crate) fn plain_tcp(&self) -> Option<&TcpStream> {
        match &self.0 {
            Layers::Plain(socket) => socket.tcp(),
            Layers::Tls(_) => None,
        }
    }

    pub(crate) fn tls_session(&self) -> Option<&rustls::CommonState> {
        match &self.0 {
            Layers::Plain(_) => None,
            Layers::Tls(tls) => Some(tls.io.get_ref().1),
        }
    }

    /// Whether bytes travel encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.0, Layers::Tls(_))
    }

    /// The `tls-server-end-point` channel binding: a hash of the server's certificate (RFC 5929, section
    /// 4). `None` without TLS, or where the certificate's signature names no hash (Ed25519).
    #[must_use]
    pub fn channel_binding(&self) -> Option<&[u8]> {
        match &self.0 {
            Layers::Tls(tls) => tls.end_point.as_deref(),
            Layers::Plain(_) => None,
        }
    }

    /// The other end's address; `None` for a Unix socket.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn peer_addr(&self) -> io::Result<Option<SocketAddr>> {
        self.socket().tcp().map(TcpStream::peer_addr).transpose()
    }

    /// This end's address; `None` for a Unix socket.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn local_addr(&self) -> io::Result<Option<SocketAddr>> {
        self.socket().tcp().map(TcpStream::local_addr).transpose()
    }

    /// Has the runtime that this is called in watch the connection in place of the one that did: whoever
    /// reads and writes it from here on is woken without going from one thread to another.
    ///
    /// # Errors
    /// When the kernel refuses it; the connection is then closed.
    pub fn move_here(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Layers::Plain(socket) => socket.move_here(),
            Layers::Tls(tls) => tls.io.get_mut().0.move_here(),
        }
    }

    /// Ready once there is something to read, perhaps, or the peer went away: what an idle connection is
    /// waited for with. No system call, so it may be a false alarm, and the next read tells.
    pub fn poll_read_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_decrypted() {
            return Poll::Ready(Ok(()));
        }
        self.socket().poll_read_ready(context)
    }

    /// Whether nothing has arrived and the peer is still there, asked of the kernel now.
    pub fn is_quiet(&mut self) -> bool {
        !self.has_decrypted() && is_nothing(&self.peek_now())
    }

    /// The same, as far as this thread's runtime, which must be the one that watches the connection, has
    /// heard: what an idle connection must be before it is used again. The kernel is asked only where there
    /// may be something.
    pub fn seems_quiet(&mut self) -> bool {
        !self.has_decrypted() && is_nothing(&self.socket().peek_if_told())
    }

    /// What has arrived below TLS, asked of the kernel now: the number of bytes seen is 0 when the peer
    /// has closed, 1 when anything is there, `WouldBlock` when nothing is.
    pub(crate) fn peek_now(&self) -> io::Result<usize> {
        self.socket().peek()
    }

    /// Throws away what has arrived, at most `limit` bytes, without waiting for more.
    pub(crate) fn discard(&self, limit: usize) {
        let mut scratch = [0; 4096];
        let mut left = limit;
        while left > 0 {
            match self.socket().try_read(&mut scratch) {
                Ok(count @ 1..) => left = left.saturating_sub(count),
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Whether TLS holds data that was decrypted and not read yet.
    fn has_decrypted(&mut self) -> bool {
        let Layers::Tls(tls) = &mut self.0 else { return false };
        let state = match &mut tls.io {
            TlsStream::Client(io) => io.get_mut().1.process_new_packets(),
            TlsStream::Server(io) => io.get_mut().1.process_new_packets(),
        };
        state.map_or(true, |state| state.plaintext_bytes_to_read() > 0 || state.peer_has_closed())
    }

    fn socket(&self) -> &Socket {
        match &self.0 {
            Layers::Plain(socket) => socket,
            Layers::Tls(tls) => tls.io.get_ref().0,
        }
    }
}

/// Sets what every TCP connection of the gate has, on one or on a listener for all that it accepts: no
/// delay for small messages, keep-alive on.
///
/// # Errors
/// When the kernel refuses an option.
pub fn set_options(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)
}

/// Whether a look at a socket found nothing, not even its end.
fn is_nothing(peeked: &io::Result<usize>) -> bool {
    matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Layers::Plain(socket) => Pin::new(socket).poll_read(context, buf),
            Layers::Tls(tls) => Pin::new(&mut tls.io).poll_read(context, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Layers::Plain(socket) => Pin::new(socket).poll_write(context, buf),
            Layers::Tls(tls) => Pin::new(&mut tls.io).poll_write(context, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Layers::Plain(socket) => Pin::new(socket).poll_write_vectored(context, bufs),
            Layers::Tls(tls) => Pin::new(&mut tls.io).poll_write_vectored(context, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Layers::Plain(socket) => socket.is_write_vectored(),
            Layers::Tls(tls) => tls.io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Layers::Plain(socket) => Pin::new(socket).poll_flush(context),
            Layers::Tls(tls) => Pin::new(&mut tls.io).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Layers::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Layers::Tls(tls) => Pin::new(&mut tls.io).poll_shutdown(context),
        }
    }
}
