//! What the session decides for the relay: how each message with text or names in it is sent on.

use crate::{Ledger, Notes, ServerFault, Status};
use wire::Outbox;

/// What to do with one client message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it as it came; the relay writes the ledger.
    Pass,
    /// As [`Verdict::Pass`], with these notes in the ledger.
    PassNoted(Notes),
    /// The front has written what goes out, and the ledger, itself. The first `head` bytes of the
    /// message are done with; the rest of it follows as it came.
    Sent {
        /// Bytes of the message, from its tag on, that the front has replaced.
        head: usize,
    },
    /// The whole message must be read before it can be judged.
    Gather,
    /// Show the message again once everything owed has come.
    Wait,
    /// Settle what is owed and give control back; the message stays unread.
    Hold,
}

/// Where a [`Front`] writes: the server's buffer and the ledger of what it will owe.
#[derive(Debug)]
pub struct Desk<'a> {
    /// Bytes for the server.
    pub server: &'a mut Outbox,
    /// What the server owes for them.
    pub ledger: &'a mut Ledger,
}

/// What the session decides for the relay. All methods are called synchronously and must not block.
pub trait Front {
    /// Whether a message of `total` bytes, more than [`crate::Limits::free_bytes`], may be read whole now.
    /// If not, it is left unread and held (see [`Verdict::Hold`]).
    fn admits(&mut self, total: usize) -> bool;

    /// Judges a message that carries text or names: Query, Parse, Bind, Describe, Execute, Close,
    /// FunctionCall. `message` starts at the tag. A Bind holds at least its two names, a
    /// FunctionCall at least its header, the others are whole. `total` is the whole message's
    /// length in bytes.
    fn judge(&mut self, message: &[u8], total: usize, desk: &mut Desk<'_>) -> Verdict;

    /// The server has answered a message with an error: what its transaction did is undone, or can only be
    /// rolled back. Told behind [`Front::finished`] of what went well before.
    fn failed(&mut self);

    /// A ReadyForQuery that is the client's has come: the transaction status is now this.
    fn ready(&mut self, status: Status);

    /// A watched message has ended, oldest first; `ok` if the server did not answer it with an error.
    fn finished(&mut self, ok: bool);

    /// The oldest `count` marks: their messages were carried out. Told at the latest with the next
    /// ReadyForQuery.
    fn marks_kept(&mut self, count: usize);

    /// The oldest `count` marks: their messages were skipped after an error; the first of them was the
    /// one that failed, if `first_failed`.
    fn marks_undone(&mut self, count: usize, first_failed: bool);

    /// A ParameterStatus of the server; the client gets it if the answer is true.
    fn parameter(&mut self, name: &[u8], value: &[u8]) -> bool;

    /// An ErrorResponse, NoticeResponse or NotificationResponse, whole; what is returned goes to the
    /// client in its place.
    /// `about` is what the message it answers has to do with (see [`Ledger::about`]).
    fn report(&mut self, message: &[u8], about: u32) -> Option<Vec<u8>>;

    /// A DataRow, or CopyData, of an answer whose rows were asked for with [`Notes::rows`], whole; what
    /// is returned goes to the client in its place.
    ///
    /// # Errors
    /// [`ServerFault::Malformed`]
    fn row(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, ServerFault>;
}
