//! Rows of one statement from one store: checked DataRow messages, one behind the other in one piece of memory.

use super::budget::{Held, Spent};
use bytes::Bytes;
use wire::frame::{HEADER_BYTES, Reader};

/// Checked rows. Each is a whole DataRow message, so that [`Rows::messages`] can be sent to a client as it is.
/// What they take counts in the statement's `total_bytes` until they are dropped.
#[derive(Debug)]
pub struct Rows {
    messages: Vec<u8>,
    /// Where each message ends.
    ends: Vec<u32>,
    held: Held,
}

impl Rows {
    pub(crate) fn new(held: Held) -> Self {
        Self { messages: Vec::new(), ends: Vec::new(), held }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them: DataRow messages, header and all.
    #[must_use]
    pub fn messages(&self) -> &[u8] {
        &self.messages
    }

    /// The messages alone, which count no more in what the statement holds.
    #[must_use]
    pub fn into_messages(self) -> Bytes {
        Bytes::from(self.messages)
    }

    /// One DataRow message, header and all.
    #[must_use]
    pub fn message(&self, row: usize) -> Option<&[u8]> {
        let end = *self.ends.get(row)? as usize;
        let start =
            row.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.messages.get(start..end)
    }

    /// The bodies of all DataRow messages, in order.
    pub fn bodies(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|row| self.body(row))
    }

    /// The body of one DataRow message.
    #[must_use]
    pub fn body(&self, row: usize) -> &[u8] {
        self.message(row).and_then(|message| message.get(HEADER_BYTES..)).unwrap_or_default()
    }

    /// The values of one row; NULL is `None`. The row was checked: it has as many as the statement has columns.
    pub fn values(&self, row: usize) -> impl Iterator<Item = Option<&[u8]>> {
        let mut reader = Reader::new(self.body(row));
        let count = reader.u16().unwrap_or_default();
        (0..count).map_while(move |_| reader.value())
    }

    /// Counts the memory that they have by now.
    ///
    /// # Errors
    /// [`Spent`]: it is more than the statement may hold.
    pub(crate) fn count(&mut self) -> Result<(), Spent> {
        self.held.resize(self.messages.capacity() + self.ends.capacity() * size_of::<u32>())
    }

    /// Adds a message. `None` if they would be more than an offset can say.
    pub(crate) fn push(&mut self, message: &[u8]) -> Option<()> {
        let end = u32::try_from(self.messages.len() + message.len()).ok()?;
        self.messages.extend_from_slice(message);
        self.ends.push(end);
        Some(())
    }

    /// Takes what is there, and leaves room for more.
    pub(crate) fn take(&mut self) -> Self {
        let held = self.held.another();
        std::mem::replace(self, Self::new(held))
    }

    /// Gives back the memory that growing has left over.
    pub(crate) fn settle(&mut self) {
        self.messages.shrink_to_fit();
        self.ends.shrink_to_fit();
        // Fewer bytes always fit.
        let _ = self.count();
    }
}
