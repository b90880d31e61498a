//! How many legs may be under way at a time where each may have to wait for its reader.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// Legs of one statement that are read side by side.
#[derive(Debug)]
pub(crate) struct Crowd {
    seats: Semaphore,
    most: usize,
    /// Legs that have not begun.
    outside: AtomicUsize,
    /// Legs that wait for their reader, or have.
    parked: AtomicUsize,
    changed: Notify,
}

impl Crowd {
    /// `legs` of them, `most` at a time.
    pub(crate) fn new(most: usize, legs: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self {
            seats: Semaphore::new(most),
            most,
            outside: AtomicUsize::new(legs),
            parked: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Waits until one more leg may begin; it is under way until what is returned is dropped. Cancel-safe.
    pub(crate) async fn seat(&self) -> Option<SemaphorePermit<'_>> {
        let seat = self.seats.acquire().await.ok();
        self.outside.fetch_sub(1, Ordering::AcqRel);
        seat
    }

    /// A leg that is under way waits for its reader from now on.
    pub(crate) fn park(&self) {
        self.parked.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Waits until all that may be under way wait for their readers and others have not begun: as long as
    /// nothing is read of those, that is how it stays. Cancel-safe.
    pub(crate) async fn stuck(&self) {
        loop {
            let changed = self.changed.notified();
            let parked = self.parked.load(Ordering::Acquire);
            if parked >= self.most && self.outside.load(Ordering::Acquire) > 0 {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_crowd_is_stuck_when_all_seats_wait_and_somebody_stands_outside() {
        let is_stuck = async |crowd: &Crowd| timeout(Duration::from_millis(20), crowd.stuck()).await.is_ok();
        let crowd = Crowd::new(2, 4);
        let one = crowd.seat().await;
        crowd.park();
        let two = crowd.seat().await;
        assert!(!is_stuck(&crowd).await, "the second is still at work");
        drop(two);
        let three = crowd.seat().await;
        crowd.park();
        assert!(is_stuck(&crowd).await, "the fourth never begins");
        drop((one, three));
        let _four = crowd.seat().await;
        assert!(!is_stuck(&crowd).await, "nobody stands outside");
    }
}
