//! A TCP or Unix socket that can go from one worker's runtime to another's.

use socket2::SockRef;
use std::io;
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A socket, known to the runtime that it was made in or moved to last.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// A move has failed, and the socket went with it.
    Lost,
}

impl Socket {
    /// Has the runtime that this is called in watch the socket, and no other one. Two system calls.
    ///
    /// # Errors
    /// When the kernel refuses it; the socket is then closed.
    pub(crate) fn move_here(&mut self) -> io::Result<()> {
        *self = match mem::replace(self, Self::Lost) {
            Self::Tcp(tcp) => Self::Tcp(TcpStream::from_std(tcp.into_std()?)?),
            Self::Unix(unix) => Self::Unix(UnixStream::from_std(unix.into_std()?)?),
            Self::Lost => return Err(lost()),
        };
        Ok(())
    }

    /// The TCP connection, unless it is a Unix socket.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Unix(_) | Self::Lost => None,
        }
    }

    /// Ready once its runtime has heard of something to read, or of the end. No system call.
    pub(crate) fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => tcp.poll_read_ready(context),
            Self::Unix(unix) => unix.poll_read_ready(context),
            Self::Lost => Poll::Ready(Err(lost())),
        }
    }

    /// Looks at one byte of what the kernel has received, without taking it and without waiting.
    pub(crate) fn peek(&self) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => peek(&SockRef::from(tcp)),
            Self::Unix(unix) => peek(&SockRef::from(unix)),
            Self::Lost => Err(lost()),
        }
    }

    /// The same, and the kernel is asked only if its runtime has heard of something.
    pub(crate) fn peek_if_told(&self) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.try_io(Interest::READABLE, || peek(&SockRef::from(tcp))),
            Self::Unix(unix) => unix.try_io(Interest::READABLE, || peek(&SockRef::from(unix))),
            Self::Lost => Err(lost()),
        }
    }

    /// Takes what has arrived, without waiting.
    pub(crate) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.try_read(into),
            Self::Unix(unix) => unix.try_read(into),
            Self::Lost => Err(lost()),
        }
    }
}

fn peek(socket: &SockRef<'_>) -> io::Result<usize> {
    socket.peek(&mut [MaybeUninit::uninit()])
}

fn lost() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(context, buf),
            Self::Unix(unix) => Pin::new(unix).poll_read(context, buf),
            Self::Lost => Poll::Ready(Err(lost())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(context, buf),
            Self::Unix(unix) => Pin::new(unix).poll_write(context, buf),
            Self::Lost => Poll::Ready(Err(lost())),
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
            Self::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Unix(unix) => Pin::new(unix).poll_flush(context),
            Self::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(context),
            Self::Lost => Poll::Ready(Err(lost())),
        }
    }
}
