//! Listening to one leg: what comes is read, counted, and kept or passed on, for as long as the leg may take.

use super::budget::Held;
use super::crowd::Crowd;
use super::hear::{Heard, Hearing};
use super::leg::Came;
use super::outcome::Fault;
use super::run::Arrival;
use crate::Settings;
use model::Outcome;
use pool::Lease;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::time::timeout_at;
use wire::frame::Header;

/// Bytes of rows that a leg keeps before any of them is passed on: one that is done by then is passed on whole,
/// or, if it breaks, not at all.
pub(crate) const HOLD_BYTES: usize = 64 * 1024;

/// Bytes of a batch that is passed on although its reader is not ready for it yet.
const BATCH_BYTES: usize = 32 * 1024;

/// Unread bytes of one leg that are not counted in what the statement holds.
const UNCOUNTED_BYTES: usize = 64 * 1024;

/// Where a leg's rows go.
pub(crate) enum Sink {
    /// They are kept until it is done.
    Keep,
    /// To whoever reads, as they come, once there are [`HOLD_BYTES`] of them; the crowd is told when from then on
    /// the leg waits for its reader rather than for its store.
    Pass(mpsc::Sender<Arrival>, Option<Arc<Crowd>>),
}

/// How long a leg may take.
pub(crate) struct Clock {
    pub(crate) index: usize,
    pub(crate) settings: Settings,
    pub(crate) until: Instant,
    pub(crate) deadline: Instant,
}

impl Clock {
    pub(crate) fn end(&self) -> tokio::time::Instant {
        self.until.min(self.deadline).into()
    }

    pub(crate) fn late(&self) -> Fault {
        if self.deadline <= self.until {
            Fault::late(self.settings.deadline, "fanout.deadline")
        } else {
            Fault::late(self.settings.leg_timeout, "fanout.leg_timeout")
        }
    }
}

/// Why a leg is over.
pub(crate) enum Ended {
    Fault(Fault),
    /// What was left of an earlier leg may have been in the way; otherwise it is this.
    Stale(Fault),
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Listens until ReadyForQuery; its transaction status.
pub(crate) async fn listen(
    lease: &mut Lease,
    hearing: &mut Hearing<'_>,
    waiting: &mut Held,
    sink: &mut Sink,
    clock: &mut Clock,
    came: &mut Came,
) -> Result<u8, Ended> {
    loop {
        let heard = match take_all(lease, hearing) {
            // Such as the farewell of a server that was stopped since.
            Err(fault) if fault.outcome == Outcome::Unreachable => return Err(gone(fault, hearing)),
            heard => heard?,
        };
        if let Heard::Ready(status) = heard {
            pass_on(hearing, sink, clock, came, true).await?;
            return Ok(status);
        }
        hearing.current.count().map_err(Fault::from)?;
        let unread = lease.server.peer.inbox.unread().len();
        waiting.resize(if unread > UNCOUNTED_BYTES { unread } else { 0 }).map_err(Fault::from)?;
        pass_on(hearing, sink, clock, came, false).await?;
        let read = timeout_at(clock.end(), fill(lease)).await.map_err(|_| clock.late())?;
        match read {
            Ok(1..) => {}
            Ok(0) => return Err(gone(Fault::closed(), hearing)),
            Err(error) => return Err(gone(Fault::broke(&error), hearing)),
        }
    }
}

/// The connection is gone: perhaps since long, while nobody used it.
fn gone(fault: Fault, hearing: &Hearing<'_>) -> Ended {
    if hearing.was_found_dead() { Ended::Stale(fault) } else { Ended::Fault(fault) }
}

/// Takes every whole message that has come.
fn take_all(lease: &mut Lease, hearing: &mut Hearing<'_>) -> Result<Heard, Fault> {
    let server = &mut *lease.server;
    loop {
        let unread = server.peer.inbox.unread();
        let Some(header) = Header::peek(unread).map_err(|fault| Fault::bad(fault.to_string()))? else {
            return Ok(Heard::More);
        };
        hearing.announce(header)?;
        let Some(message) = unread.get(..header.total()) else { return Ok(Heard::More) };
        let heard = hearing.take(header.tag, message, &mut server.facts)?;
        server.peer.inbox.consume(header.total());
        if heard != Heard::More {
            return Ok(heard);
        }
    }
}

/// Passes rows on, if that is what is done with them and they are more than a leg keeps: at once where their
/// reader is ready, or as soon as it is where they are many or (`all`) the last.
async fn pass_on(
    hearing: &mut Hearing<'_>,
    sink: &mut Sink,
    clock: &mut Clock,
    came: &mut Came,
    all: bool,
) -> Result<(), Fault> {
    let Sink::Pass(sender, crowd) = sink else { return Ok(()) };
    let held = hearing.current.messages().len();
    if held == 0 || (!came.passed && !all && held < HOLD_BYTES) {
        return Ok(());
    }
    if all && !came.passed {
        let mut rows = hearing.current.take();
        rows.settle();
        hearing.done.push(rows);
        return Ok(());
    }
    if let Some(crowd) = crowd.take() {
        crowd.park();
    }
    let room = match sender.try_reserve() {
        Ok(room) => room,
        Err(_) if !all && held < BATCH_BYTES => return Ok(()),
        Err(_) => {
            let room = timeout_at(clock.deadline.into(), sender.reserve()).await;
            let room = room.map_err(|_| Fault::late(clock.settings.deadline, "fanout.deadline"))?;
            room.map_err(|_| Fault::new(Outcome::Cancelled, "the statement ended first"))?
        }
    };
    came.passed = true;
    // From here on the store has its time for each batch, and none of the time that its reader takes.
    clock.until = Instant::now() + clock.settings.leg_timeout;
    room.send(Arrival::Rows { index: clock.index, rows: hearing.current.take() });
    Ok(())
}

/// Sends what is owed while it reads what comes: neither side ever waits for the other in vain.
async fn fill(lease: &mut Lease) -> io::Result<usize> {
    let peer = &mut lease.server.peer;
    let turn = |cx: &mut Context<'_>| {
        if let Poll::Ready(Err(error)) = peer.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        peer.poll_fill(cx)
    };
    poll_fn(turn).await
}
