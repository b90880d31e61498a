//! A stream with its two buffers: what was read from it and is not handled yet, and what it is owed.

use crate::frame::frontend;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Bytes asked of the kernel by one read, and the capacity of a buffer while it is in use.
pub const READ_BYTES: usize = 16 * 1024;

/// Smallest capacity of an outbox that is in use: most messages fit without growing it, in bytes.
const FIRST_BYTES: usize = 1024;

/// Capacity that a buffer keeps when it is emptied in the middle of a conversation, in bytes.
const KEPT_BYTES: usize = 4 * READ_BYTES;

/// Bytes read and not handled yet. Owns memory only while there is something in it.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    at: usize,
}

impl Inbox {
    /// What is unread.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Whether nothing is unread.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Whether what is unread ends with Terminate: the client waits for no more answers.
    #[must_use]
    pub fn ends_in_farewell(&self) -> bool {
        self.unread().ends_with(&[frontend::TERMINATE, 0, 0, 0, 4])
    }

    /// Bytes of memory it owns.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Marks `count` bytes as handled.
    pub fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
        if self.is_empty() {
            empty(&mut self.bytes);
            self.at = 0;
        }
    }

    /// Puts bytes in as if they had been read, behind what is there.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn make_room(&mut self) {
        if self.at > 0 {
            self.bytes.drain(..self.at);
            self.at = 0;
            if self.bytes.capacity() > KEPT_BYTES && self.bytes.len() < self.bytes.capacity() / 4 {
                self.bytes.shrink_to(self.bytes.len() + READ_BYTES);
            }
        }
        if self.bytes.capacity() - self.bytes.len() < READ_BYTES / 4 {
            // Grows with what arrived, never with what a length field promises.
            self.bytes.reserve(READ_BYTES.max(self.bytes.len() / 2));
        }
    }
}

/// Bytes owed to a stream. Owns memory only while there is something in it.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Writers append here.
    bytes: Vec<u8>,
    at: usize,
}

impl Outbox {
    /// Where message writers append.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(FIRST_BYTES);
        }
        &mut self.bytes
    }

    /// How many bytes are unsent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Bytes of memory it owns.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether everything was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first `count` unread bytes of `inbox`. When that is all there is to send, the two
    /// buffers change places and nothing is copied.
    pub fn take(&mut self, inbox: &mut Inbox, count: usize) {
        if count == 0 {
            return;
        }
        if self.is_empty() && inbox.at == 0 && count >= READ_BYTES / 4 {
            let rest = inbox.bytes.get(count..).unwrap_or_default().to_vec();
            inbox.bytes.truncate(count);
            self.bytes.clear();
            self.at = 0;
            std::mem::swap(&mut self.bytes, &mut inbox.bytes);
            inbox.bytes.extend_from_slice(&rest);
            return;
        }
        let end = inbox.at + count;
        self.buffer().extend_from_slice(inbox.bytes.get(inbox.at..end).unwrap_or_default());
        inbox.consume(count);
    }
}

/// Empties a buffer. One that has grown for a long message is given back.
fn empty(bytes: &mut Vec<u8>) {
    if bytes.capacity() > KEPT_BYTES {
        *bytes = Vec::new();
    } else {
        bytes.clear();
    }
}

/// A stream with its two buffers.
#[derive(Debug)]
pub struct Peer<S> {
    /// The stream itself.
    pub stream: S,
    /// Read, not handled.
    pub inbox: Inbox,
    /// Owed, not sent.
    pub outbox: Outbox,
    /// The stream has taken bytes that it may still hold back.
    unflushed: bool,
}

impl<S> Peer<S> {
    /// A peer with nothing read and nothing owed.
    pub fn new(stream: S) -> Self {
        Self { stream, inbox: Inbox::default(), outbox: Outbox::default(), unflushed: false }
    }

    /// Whether [`Peer::poll_send`] has something to do: bytes are owed, or were taken by a stream that
    /// has not said that they are out. TLS holds back what its socket does not take.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.unflushed || !self.outbox.is_empty()
    }

    /// Forgets what is owed: nobody is there any more to take it.
    pub fn forget_owed(&mut self) {
        self.outbox = Outbox::default();
        self.unflushed = false;
    }

    /// Gives the memory of empty buffers back; an idle peer owns none.
    pub fn shrink(&mut self) {
        if self.inbox.is_empty() {
            self.inbox = Inbox::default();
        }
        if self.outbox.is_empty() {
            self.outbox = Outbox::default();
        }
    }
}

impl<S: AsyncRead + Unpin> Peer<S> {
    /// Reads what is there, one read call at most. `Ok(0)` is the end of the stream.
    /// Cancel-safe: bytes are either in the inbox or still in the stream.
    ///
    /// # Errors
    /// The stream's own.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.inbox.make_room();
        pin!(self.stream.read_buf(&mut self.inbox.bytes)).poll(cx)
    }

    /// As [`Peer::poll_fill`], as a future. Cancel-safe.
    ///
    /// # Errors
    /// The stream's own.
    pub async fn fill(&mut self) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_fill(cx)).await
    }
}

impl<S: AsyncWrite + Unpin> Peer<S> {
    /// Sends what is owed; ready when all of it, and what the stream itself held back, is out.
    /// Cancel-safe: what was sent is forgotten, the rest is kept.
    ///
    /// # Errors
    /// The stream's own; a stream that takes no more bytes is `WriteZero`.
    pub fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            let unsent = self.outbox.bytes.get(self.outbox.at..).unwrap_or_default();
            let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, unsent))?;
            self.unflushed = true;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outbox.at += sent;
        }
        empty(&mut self.outbox.bytes);
        self.outbox.at = 0;
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// As [`Peer::poll_send`], as a future. Cancel-safe.
    ///
    /// # Errors
    /// The stream's own.
    pub async fn send(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_send(cx)).await
    }
}
