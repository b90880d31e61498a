//! What a session that waited for a store is handed: one of the pool's places, counted on every path.

use crate::Pools;
use crate::server::Server;
use crate::state::Pool;
use std::sync::Arc;

/// One of a pool's places, with the connection that fills it if it came with one. It stays counted as
/// active until it is taken; dropped on the way, by a session that has left, it goes to the next.
#[derive(Debug)]
pub(crate) struct Handoff {
    pools: Arc<Pools>,
    pool: Arc<Pool>,
    server: Option<Box<Server>>,
    open: bool,
}

impl Handoff {
    pub(crate) fn new(pools: &Arc<Pools>, pool: &Arc<Pool>, server: Option<Box<Server>>) -> Self {
        Self { pools: Arc::clone(pools), pool: Arc::clone(pool), server, open: true }
    }

    /// The connection, if there is one; the place stays in here.
    pub(crate) fn take_server(&mut self) -> Option<Box<Server>> {
        self.server.take()
    }

    /// From here on the place is counted by the caller; returned is the connection, if it still has it.
    pub(crate) fn take(mut self) -> Option<Box<Server>> {
        self.open = false;
        self.server.take()
    }
}

impl Drop for Handoff {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        match self.server.take() {
            Some(server) => self.pool.give_back(&self.pools, server),
            None => self.pool.closed(&self.pools),
        }
    }
}
