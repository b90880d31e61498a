//! Waiting for an answer while the client is heard: it may cancel, or leave, and the session may have to end.

use super::refusals;
use super::talk::Talk;
use crate::error;
use crate::life::End;
use std::future::poll_fn;
use std::task::{Context, Poll};
use wire::Fields;

/// Unhandled bytes that a client may send ahead while a statement of its runs.
const MAX_AHEAD_BYTES: usize = 64 * 1024;

/// Bytes that a client may be owed before more of an answer is taken.
const MAX_OWED_BYTES: usize = 64 * 1024;

/// Why there is no answer.
pub(super) enum Fault {
    /// The statement fails with this.
    Told(Box<Fields>),
    /// The session is over.
    End(End),
}

impl Fault {
    /// An error in a text that comes behind so many characters of the client's.
    pub(super) fn behind(mut self, characters: usize) -> Self {
        if let Self::Told(fields) = &mut self {
            let characters = u32::try_from(characters).unwrap_or(u32::MAX);
            fields.position = fields.position.map(|position| position.saturating_add(characters));
        }
        self
    }

    /// An error in a text of the gate's own: the client has no place for it.
    pub(super) fn unplaced(mut self) -> Self {
        if let Self::Told(fields) = &mut self {
            fields.position = None;
        }
        self
    }
}

impl From<Fields> for Fault {
    fn from(fields: Fields) -> Self {
        Self::Told(Box::new(fields))
    }
}

impl From<Box<Fields>> for Fault {
    fn from(fields: Box<Fields>) -> Self {
        Self::Told(fields)
    }
}

impl From<End> for Fault {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl Talk<'_> {
    /// Waits until `wanted` is ready. What the client is owed is sent meanwhile, and nothing is asked of `wanted`
    /// while it is owed much. Ends early by a cancel, by the client's leaving, or because the session has to end;
    /// whoever asked then drops what it waited for.
    pub(super) async fn heeding<T>(
        &mut self,
        mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Fault> {
        let known = Some(crate::sessions::EndReason::Draining);
        poll_fn(|cx| {
            if self.handle.poll_cancelled(cx).is_ready() {
                return Poll::Ready(Err(refusals::cancelled().into()));
            }
            if let Poll::Ready(reason) = self.handle.poll_end(cx, known) {
                return Poll::Ready(Err(End::Told(Box::new(error::ended(reason))).into()));
            }
            if self.client.outbox.len() >= MAX_OWED_BYTES
                && let Poll::Ready(Err(end)) = self.poll_owed(cx)
            {
                return Poll::Ready(Err(end.into()));
            }
            if self.client.outbox.len() < MAX_OWED_BYTES
                && let Poll::Ready(done) = wanted(cx)
            {
                return Poll::Ready(Ok(done));
            }
            if let Poll::Ready(Err(end)) = self.poll_owed(cx) {
                return Poll::Ready(Err(end.into()));
            }
            while self.client.inbox.unread().len() < MAX_AHEAD_BYTES {
                match self.client.poll_fill(cx) {
                    // Nothing that was asked writes: there is no reason to go on for nobody.
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(End::Gone.into())),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => break,
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Sends what is owed.
    fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        match self.client.poll_send(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(Err(End::Gone)),
            other => other.map(|_| Ok(())),
        }
    }
}
