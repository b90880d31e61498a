//! Room for the texts of statements: what all sessions together may hold, and what each of them does.

use crate::look::LongLooks;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

/// Longest message that needs no room, in bytes: what a session may own anyway.
pub(crate) const FREE_MESSAGE_BYTES: usize = 64 * 1024;

/// Texts of prepared statements that one session keeps without taking room for them, in bytes.
const FREE_PREPARED_BYTES: usize = 256 * 1024;

/// What a prepared statement takes beside its text, in bytes, roughly.
const STATEMENT_BYTES: usize = 256;

/// How often a long text may be there at a time: as it came, and as it is sent.
const COPIES: usize = 2;

/// Bytes of one unit of room.
const UNIT: usize = 1024;

/// All the room there is.
#[derive(Debug)]
pub(crate) struct Budget {
    units: Arc<Semaphore>,
}

/// Room that is taken; dropped, it is given back.
#[derive(Debug)]
pub(crate) struct Room {
    /// Of the longest message that it is enough for.
    bytes: usize,
    /// The message has gone into the server's outbox.
    pub(crate) spent: bool,
    /// What was seen in the message.
    pub(crate) looks: LongLooks,
    /// Of the message, as far as is known.
    arrived: usize,
    /// When there was nothing more of it for too long.
    stalls: Option<Pin<Box<Sleep>>>,
    _taken: OwnedSemaphorePermit,
}

impl Budget {
    /// Room for so many bytes in all.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { units: Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))) }
    }

    /// Takes room for a message of so many bytes, if there is some at once.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<Room> {
        let taken = Arc::clone(&self.units).try_acquire_many_owned(units(bytes * COPIES)).ok()?;
        Some(Room::of(bytes, taken))
    }

    /// Waits for room for a message of so many bytes, in the order of asking; `None`: there will never
    /// be so much. Cancel-safe.
    pub(crate) fn take(&self, bytes: usize) -> impl Future<Output = Option<Room>> + Send + use<> {
        let all = Arc::clone(&self.units);
        async move {
            let taken = all.acquire_many_owned(units(bytes * COPIES)).await.ok()?;
            Some(Room::of(bytes, taken))
        }
    }
}

impl Room {
    fn of(bytes: usize, taken: OwnedSemaphorePermit) -> Self {
        Self { bytes, spent: false, looks: LongLooks::default(), arrived: 0, stalls: None, _taken: taken }
    }

    /// Ready once nothing more of the message has come for `limit`; `unread` bytes are there.
    pub(crate) fn poll_stalled(&mut self, cx: &mut Context<'_>, unread: usize, limit: Duration) -> Poll<()> {
        if self.spent || unread >= self.bytes {
            return Poll::Pending;
        }
        let end = Instant::now() + limit;
        let stalls = self.stalls.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if unread != self.arrived {
            self.arrived = unread;
            stalls.as_mut().reset(end);
        }
        stalls.as_mut().poll(cx)
    }

    /// Whether it is enough for a message of so many bytes that has not gone yet.
    pub(crate) fn is_for(&self, bytes: usize) -> bool {
        !self.spent && self.bytes >= bytes
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// What one session's prepared statements take.
#[derive(Debug)]
pub(crate) struct Shelf {
    all: Arc<Semaphore>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    /// For what is more than [`FREE_PREPARED_BYTES`].
    taken: Option<OwnedSemaphorePermit>,
}

/// A prepared statement's place on the shelf, until dropped.
#[derive(Debug)]
pub(crate) struct Place {
    shelf: Arc<Shelf>,
    bytes: usize,
}

impl Shelf {
    /// Nothing yet.
    pub(crate) fn new(budget: &Budget) -> Arc<Self> {
        Arc::new(Self { all: Arc::clone(&budget.units), held: Mutex::default() })
    }

    /// A place for a statement whose text has so many bytes; `None` if there is no room.
    pub(crate) fn place(self: &Arc<Self>, text: usize) -> Option<Place> {
        let bytes = text + STATEMENT_BYTES;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let over = (held.bytes + bytes).saturating_sub(FREE_PREPARED_BYTES);
        let missing = units(over).saturating_sub(held.units());
        if missing > 0 {
            let more = Arc::clone(&self.all).try_acquire_many_owned(missing).ok()?;
            match &mut held.taken {
                Some(taken) => taken.merge(more),
                None => held.taken = Some(more),
            }
        }
        held.bytes += bytes;
        Some(Place { shelf: Arc::clone(self), bytes })
    }
}

impl Held {
    fn units(&self) -> u32 {
        self.taken.as_ref().map_or(0, |taken| u32::try_from(taken.num_permits()).unwrap_or(u32::MAX))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.shelf.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes -= self.bytes;
        let over = units(held.bytes.saturating_sub(FREE_PREPARED_BYTES));
        let idle = held.units().saturating_sub(over);
        if let Some(taken) = &mut held.taken
            && let Ok(idle) = usize::try_from(idle)
        {
            drop(taken.split(idle));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_counted_for_both_copies_and_comes_back() {
        let budget = Budget::new(1024 * 1024);
        let room = budget.try_take(300 * 1024).expect("room");
        assert!(room.is_for(300 * 1024) && !room.is_for(300 * 1024 + 1));
        assert!(budget.try_take(300 * 1024).is_none());
        drop(room);
        assert!(budget.try_take(512 * 1024).is_some());
    }

    #[test]
    fn many_small_statements_of_one_session_take_nothing_from_the_others() {
        let budget = Budget::new(0);
        let shelf = Shelf::new(&budget);
        let kept: Vec<Place> = (0..200).filter_map(|_| shelf.place(1024 - STATEMENT_BYTES)).collect();
        assert_eq!(kept.len(), 200);
        assert!(shelf.place(FREE_PREPARED_BYTES).is_none(), "there is no room at all");
    }

    #[test]
    fn what_is_over_is_taken_and_given_back_statement_by_statement() {
        let budget = Budget::new(1024 * 1024);
        let shelf = Shelf::new(&budget);
        let one = shelf.place(FREE_PREPARED_BYTES).expect("a place");
        let two = shelf.place(512 * 1024).expect("a place");
        assert!(shelf.place(600 * 1024).is_none(), "more than is left");
        drop(two);
        let three = shelf.place(900 * 1024).expect("a place");
        drop((one, three));
        assert_eq!(budget.units.available_permits(), 1024);
    }
}
