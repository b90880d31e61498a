//! Room for one connection that is being made; given back on every path.

use crate::budget::Permit;
use crate::server::{CancelSlot, Facts, Server};
use crate::state::{Failure, Pool};
use crate::{Lease, LeaseError, Pools, Prepared};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Handle;
use wire::Peer;

/// Room for one connection that is being made, counted as active. Dropped, it is free again.
pub(crate) struct Slot {
    pools: Arc<Pools>,
    pool: Arc<Pool>,
    generation: u64,
    settled: bool,
}

impl Slot {
    pub(crate) fn new(pools: &Arc<Pools>, pool: &Arc<Pool>, generation: u64) -> Self {
        Self { pools: Arc::clone(pools), pool: Arc::clone(pool), generation, settled: false }
    }

    /// The connection was made.
    pub(crate) fn filled(mut self, dialed: wire::dial::Server, permit: Permit, session: u64) -> Lease {
        self.settled = true;
        self.pool.dial_succeeded(self.generation);
        let server = Server {
            peer: Peer::new(dialed.stream),
            cancel: Arc::new(CancelSlot::new(dialed.cancel)),
            facts: Facts {
                parameters: self.pools.reported().share(dialed.parameters),
                prepared: Prepared::with_limit(self.pools.settings().prepared_statements),
                unnamed: None,
                applied: 0,
                database: None,
            },
            last_session: session,
            since: Instant::now(),
            generation: self.generation,
            runtime: Handle::current().id(),
            asking: false,
            _permit: permit,
        };
        Lease::new(Arc::clone(&self.pools), Arc::clone(&self.pool), Box::new(server), session)
    }

    /// The connection could not be made, which is the store's fault.
    pub(crate) fn failed(mut self, error: &LeaseError) {
        self.settled = true;
        let failure = Failure { reason: reason_of(error), code: error.code() };
        self.pool.dial_failed(self.generation, failure);
        self.pool.closed(&self.pools);
    }
}

/// The reason without the place's label, which is put before it again.
fn reason_of(error: &LeaseError) -> String {
    match error {
        LeaseError::Refused { reason, .. } => reason.to_string(),
        LeaseError::TimedOut { waited_ms, .. } => format!("no answer within {waited_ms} ms"),
        other => other.to_string(),
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.settled {
            self.pool.dial_abandoned();
            self.pool.closed(&self.pools);
        }
    }
}
