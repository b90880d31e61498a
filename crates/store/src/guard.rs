//! The stream under an admin connection: it lets no store ask for a secret in another way than SCRAM,
//! nor send without end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// Most bytes that a store may send over one admin connection. The largest honest answer, the list of
/// available extensions, stays below 100 kB.
const RECEIVED_MAX: usize = 16 * 1024 * 1024;
/// `R`, Int32 length, Int32 kind (PostgreSQL manual, "Message Formats", AuthenticationSASL).
const HEAD_BYTES: usize = 9;
/// AuthenticationSASL.
const SASL: [u8; 4] = [0, 0, 0, 10];

/// Any byte stream.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// Why the guard ended a connection; found inside the `io::Error` that it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The store's first word was not SCRAM.
    #[error(
        "the server does not ask for SCRAM; set `scram-sha-256` for this role in its pg_hba.conf and set the password anew with password_encryption = 'scram-sha-256'"
    )]
    NotScram,
    /// The store sent more than [`RECEIVED_MAX`].
    #[error("the server sent more than {RECEIVED_MAX} bytes")]
    TooMuch,
}

/// A stream, TLS done where it is wanted.
pub(crate) struct Guard {
    inner: Box<dyn Bytes>,
    end_point: Option<Vec<u8>>,
    head: [u8; HEAD_BYTES],
    received: usize,
}

impl Guard {
    /// `end_point` is the channel binding data `tls-server-end-point` of RFC 5929, where there is TLS.
    pub(crate) fn new(inner: Box<dyn Bytes>, end_point: Option<Vec<u8>>) -> Self {
        Self { inner, end_point, head: [0; HEAD_BYTES], received: 0 }
    }

    fn watch(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let start = self.received.min(HEAD_BYTES);
        let taken = bytes.len().min(HEAD_BYTES - start);
        self.head[start..start + taken].copy_from_slice(&bytes[..taken]);
        self.received = self.received.saturating_add(bytes.len());
        if self.received > RECEIVED_MAX {
            return Err(Refusal::TooMuch);
        }
        let known = &self.head[..self.received.min(HEAD_BYTES)];
        match known {
            [] | [b'E', ..] => Ok(()),
            [b'R', rest @ ..] if rest.len() < 8 || rest[4..] == SASL => Ok(()),
            _ => Err(Refusal::NotScram),
        }
    }
}

impl AsyncRead for Guard {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        Poll::Ready(this.watch(&buf.filled()[before..]).map_err(io::Error::other))
    }
}

impl AsyncWrite for Guard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl TlsStream for Guard {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.end_point {
            Some(hash) => ChannelBinding::tls_server_end_point(hash.clone()),
            None => ChannelBinding::none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    async fn first_read(sent: &'static [u8]) -> io::Result<usize> {
        let mut guard = Guard::new(Box::new(tokio::io::join(sent, tokio::io::sink())), None);
        guard.read(&mut [0; 64]).await
    }

    #[tokio::test]
    async fn only_scram_and_an_error_may_be_a_stores_first_word() {
        let message = |kind: u8| -> &'static [u8] {
            match kind {
                0 => b"R\0\0\0\x08\0\0\0\0",
                3 => b"R\0\0\0\x08\0\0\0\x03",
                5 => b"R\0\0\0\x0c\0\0\0\x05salt",
                _ => b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0",
            }
        };
        for kind in [0, 3, 5] {
            assert!(first_read(message(kind)).await.is_err(), "kind {kind} was let through");
        }
        assert!(first_read(message(10)).await.is_ok());
        assert!(first_read(b"E\0\0\0\x05\0").await.is_ok());
        assert!(first_read(b"S\0\0\0\x05\0").await.is_err());
    }

    #[test]
    fn the_first_word_is_judged_the_same_in_pieces() {
        let mut guard = Guard::new(Box::new(tokio::io::empty()), None);
        let cleartext = b"R\0\0\0\x08\0\0\0\x03";
        for byte in &cleartext[..8] {
            assert_eq!(guard.watch(&[*byte]), Ok(()));
        }
        assert_eq!(guard.watch(&cleartext[8..]), Err(Refusal::NotScram));
    }

    #[test]
    fn a_flood_is_cut_off() {
        let mut guard = Guard::new(Box::new(tokio::io::empty()), None);
        assert_eq!(guard.watch(b"R\0\0\0\x17\0\0\0\x0a"), Ok(()));
        let chunk = vec![0; RECEIVED_MAX];
        assert_eq!(guard.watch(&chunk), Err(Refusal::TooMuch));
    }
}
