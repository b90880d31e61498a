//! One logged-in server connection with all that is known of its state.

use crate::budget::Permit;
use crate::{Database, Prepared};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use wire::dial::{CancelTarget, DialError};
use wire::{Peer, Stream};

/// A server connection. While it is idle its peer's buffers are empty.
#[derive(Debug)]
pub struct Server {
    /// Stream and buffers.
    pub peer: Peer<Stream>,
    /// How to cancel what it runs.
    pub cancel: Arc<CancelSlot>,
    /// What is known of its session state.
    pub facts: Facts,
    /// The session that used it last.
    pub(crate) last_session: u64,
    pub(crate) since: Instant,
    pub(crate) generation: u64,
    /// The runtime that watches the stream.
    pub(crate) runtime: runtime::Id,
    /// A query of the gate's own was sent and its success is not confirmed.
    pub(crate) asking: bool,
    pub(crate) _permit: Permit,
}

/// Longest value of a reported parameter that is remembered, in bytes.
pub const MAX_VALUE_BYTES: usize = 1024;

/// The parameter that tells as whom the gate has logged in: nobody's business but the gate's, and the one
/// in which servers of a service differ that are otherwise alike.
pub const ROLE_PARAMETER: &str = "session_authorization";

/// Names and values of parameters as a server reported them: one list for all connections that report alike.
pub type Reported = [(String, String)];

/// What is known of a server connection's session state.
#[derive(Debug)]
pub struct Facts {
    /// What it reported by ParameterStatus, as last told, without [`ROLE_PARAMETER`].
    pub parameters: Arc<Reported>,
    /// Protocol-level prepared statements it holds.
    pub prepared: Prepared,
    /// Which text its unnamed statement has, as the session's hash.
    pub unnamed: Option<u128>,
    /// Fingerprint of the session parameters in force; 0 for the start-up ones.
    pub applied: u64,
    /// What its database is like, once it was asked: it stays so while the connection lasts.
    pub database: Option<Arc<Database>>,
}

impl Server {
    /// Brings it to the runtime that this is called in, unless it is there already. Whether nothing has
    /// arrived while it was idle and nothing is left over: what it must be to be used again.
    pub(crate) fn settle_here(&mut self) -> bool {
        if !self.peer.inbox.is_empty() || self.peer.is_sending() {
            return false;
        }
        let here = Handle::current().id();
        if self.runtime == here {
            return self.peer.stream.seems_quiet();
        }
        self.runtime = here;
        // What came before the move, this runtime will hear of later.
        self.peer.stream.move_here().is_ok() && self.peer.stream.is_quiet()
    }
}

impl Facts {
    /// Notes a ParameterStatus.
    pub fn note_parameter(&mut self, name: &str, value: &str) {
        if value.len() > MAX_VALUE_BYTES || name == ROLE_PARAMETER {
            return;
        }
        if self.parameters.iter().any(|known| known.0 == name && known.1 == value) {
            return;
        }
        let mut parameters = self.parameters.to_vec();
        let room = parameters.len() < wire::dial::MAX_PARAMETERS;
        match parameters.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None if room => parameters.push((name.to_owned(), value.to_owned())),
            None => return,
        }
        self.parameters = parameters.into();
    }
}

/// How to cancel one server connection's query, and how many cancels are on their way to it.
#[derive(Debug)]
pub struct CancelSlot {
    target: CancelTarget,
    in_flight: AtomicUsize,
    /// Cancels that were sent, perhaps, and of which nobody knows whether they have landed.
    lost: AtomicUsize,
    landed: Notify,
}

/// A cancel on its way; counted until dropped.
#[derive(Debug)]
pub struct CancelInFlight(Arc<CancelSlot>);

impl CancelSlot {
    pub(crate) fn new(target: CancelTarget) -> Self {
        Self { target, in_flight: AtomicUsize::new(0), lost: AtomicUsize::new(0), landed: Notify::new() }
    }

    /// The process that serves the connection.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.target.key.process
    }

    /// Announces a cancel. The caller must know that the connection is still leased by the session
    /// it means; from here on the connection serves nobody else until the cancel has landed.
    #[must_use]
    pub fn announce(self: &Arc<Self>) -> CancelInFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        CancelInFlight(Arc::clone(self))
    }

    /// Waits until no cancel is on its way. Cancel-safe.
    pub async fn quiet(&self) {
        loop {
            let landed = self.landed.notified();
            if self.in_flight.load(Ordering::Acquire) == 0 {
                return;
            }
            landed.await;
        }
    }

    /// Whether no cancel is on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) == 0
    }

    /// Whether no cancel can hit whoever uses the connection next.
    pub(crate) fn is_harmless(&self) -> bool {
        self.is_quiet() && self.lost.load(Ordering::Acquire) == 0
    }
}

impl CancelInFlight {
    /// Sends it, over TLS where the session has it, and waits until the store has acted on it. If that
    /// is given up or fails on the way, the request may still arrive, so the connection will serve
    /// nobody else.
    ///
    /// # Errors
    /// When the store cannot be reached or does not answer; the query then runs on.
    pub async fn send(self) -> Result<(), DialError> {
        self.0.lost.fetch_add(1, Ordering::AcqRel);
        let sent = wire::dial::cancel(&self.0.target).await;
        if !matches!(sent, Err(DialError::Broke(_))) {
            self.0.lost.fetch_sub(1, Ordering::AcqRel);
        }
        sent
    }
}

impl Drop for CancelInFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.0.landed.notify_waiters();
    }
}
