//! Bytes in memory between two ends that are polled by hand: small, slow or cut where a test says so.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipe(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    capacity: usize,
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Rc::new(RefCell::new(State { capacity, ..State::default() })))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().bytes.len()
    }

    /// Puts in what fits; how much that was.
    pub(crate) fn put(&self, bytes: &[u8]) -> usize {
        let mut state = self.0.borrow_mut();
        let now = bytes.len().min(state.capacity.saturating_sub(state.bytes.len()));
        state.bytes.extend(&bytes[..now]);
        if now > 0 {
            state.reader.take().inspect(Waker::wake_by_ref);
        }
        now
    }

    /// Takes out at most `count`.
    pub(crate) fn take(&self, count: usize) -> Vec<u8> {
        let mut state = self.0.borrow_mut();
        let now = count.min(state.bytes.len());
        if now > 0 {
            state.writer.take().inspect(Waker::wake_by_ref);
        }
        state.bytes.drain(..now).collect()
    }

    pub(crate) fn close(&self) {
        let mut state = self.0.borrow_mut();
        state.closed = true;
        state.reader.take().inspect(Waker::wake_by_ref);
        state.writer.take().inspect(Waker::wake_by_ref);
    }
}

/// The gate's end of a connection.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) read: Pipe,
    pub(crate) write: Pipe,
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.read.take(buf.remaining());
        if bytes.is_empty() && !self.read.0.borrow().closed {
            self.read.0.borrow_mut().reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        buf.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.write.0.borrow().closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        match self.write.put(bytes) {
            0 => {
                self.write.0.borrow_mut().writer = Some(context.waker().clone());
                Poll::Pending
            }
            count => Poll::Ready(Ok(count)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.close();
        Poll::Ready(Ok(()))
    }
}
