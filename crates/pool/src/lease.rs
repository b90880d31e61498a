//! A server connection, checked out: dropped it is closed, given back it is reused.

use crate::reset::{self, ResetError};
use crate::state::Pool;
use crate::{Key, Pools, Reported, Server};
use std::sync::Arc;

/// A server connection that is one session's alone.
#[derive(Debug)]
pub struct Lease {
    /// The connection. Whoever replaces it breaks the pool's count of nothing but its own connection.
    pub server: Box<Server>,
    account: Account,
    /// Who had it before, if it was somebody else.
    stranger: bool,
}

/// Counts the connection as active in its pool until dropped.
#[derive(Debug)]
struct Account {
    pools: Arc<Pools>,
    pool: Arc<Pool>,
    open: bool,
}

impl Lease {
    pub(crate) fn new(pools: Arc<Pools>, pool: Arc<Pool>, mut server: Box<Server>, session: u64) -> Self {
        let stranger = server.last_session != session;
        server.last_session = session;
        Self { server, account: Account { pools, pool, open: true }, stranger }
    }

    /// Whether another session used the connection since this one last did.
    #[must_use]
    pub fn was_strangers(&self) -> bool {
        self.stranger
    }

    /// Which pool it belongs to.
    #[must_use]
    pub fn key(&self) -> Key {
        self.account.pool.key()
    }

    /// The pool's schema epoch (see [`crate::StatementId::epoch`]).
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.account.pool.epoch()
    }

    /// Has the pool remember what this connection reports, for sessions that start alike, and returns it.
    #[must_use]
    pub fn remember_welcome(&self) -> Arc<Reported> {
        let parameters = Arc::clone(&self.server.facts.parameters);
        self.account.pool.remember_welcome(self.server.facts.applied, Arc::clone(&parameters));
        parameters
    }

    /// The schema has changed: statements parsed from now on get plans of their own. With `same_code`,
    /// no function, trigger or the like was made or changed.
    pub fn schema_changed(&self, same_code: bool) {
        self.account.pool.next_epoch(same_code);
    }

    /// Code has run that may have made other code unseen: what [`Lease::note_stateful`] was told holds
    /// until the schema changes, and no longer.
    pub fn doubt_stateful(&self) {
        self.account.pool.doubt_stateful();
    }

    /// Makes the connection reusable. To be called at a safe point, with nothing unread, nothing
    /// unsent, no cancel on its way and no session state left on it. Closed instead is one of which the
    /// first three can be seen to be untrue, or whose last [`Lease::reset`] or [`Lease::run`] was not
    /// confirmed.
    pub fn give_back(mut self) {
        let clean = self.server.peer.inbox.is_empty()
            && !self.server.peer.is_sending()
            && !self.server.asking
            && self.server.cancel.is_harmless();
        if !clean {
            return;
        }
        self.account.open = false;
        self.server.peer.shrink();
        let Account { pools, pool, .. } = &self.account;
        let (pools, pool) = (Arc::clone(pools), Arc::clone(pool));
        pool.give_back(&pools, self.server);
    }

    /// Clears every kind of session state and verifies that the server confirmed it.
    /// Not cancel-safe: a lease dropped in the middle closes its connection, which is right.
    ///
    /// # Errors
    /// Whatever kept the reset from being confirmed; the lease must then be dropped.
    pub async fn reset(&mut self) -> Result<(), ResetError> {
        let limit = self.account.pools.settings().reset_timeout;
        reset::reset(&mut self.server, limit).await
    }

    /// Names in the pool's database behind which session state may change, as of this schema epoch,
    /// if [`Lease::note_stateful`] was told.
    #[must_use]
    pub fn stateful(&self) -> Option<Arc<[Box<str>]>> {
        self.account.pool.stateful()
    }

    /// Remembers such names for all sessions of the pool, until the schema changes.
    pub fn note_stateful(&self, epoch: u32, names: Arc<[Box<str>]>) {
        self.account.pool.note_stateful(epoch, names);
    }

    /// Runs a query of the gate's own; the first column of its first row, if there is one.
    ///
    /// # Errors
    /// As [`Lease::run`].
    pub async fn ask(&mut self, sql: &str) -> Result<Option<String>, ResetError> {
        let limit = self.account.pools.settings().reset_timeout;
        reset::ask(&mut self.server, sql, limit).await
    }

    /// Runs simple queries of the gate's own and verifies that none failed.
    ///
    /// # Errors
    /// The store's error, or what the connection met; the lease must then be dropped.
    pub async fn run(&mut self, sql: &str) -> Result<(), ResetError> {
        let limit = self.account.pools.settings().reset_timeout;
        reset::run(&mut self.server, sql, limit).await
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.open {
            // Nobody has looked at what ran on it last.
            self.pool.doubt_stateful();
            self.pool.closed(&self.pools);
        }
    }
}
