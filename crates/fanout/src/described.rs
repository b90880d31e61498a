//! What a statement takes and returns.

use crate::Asker;
use crate::cache::Key;
use crate::facts::Begun;
use crate::home::Home;
use crate::prepare::Prepared;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long home's transaction stays open behind a description, for the statement to be run in: most are run at
/// once.
const KEPT_OPEN: Duration = Duration::from_millis(20);

/// A statement as home judged it.
#[derive(Debug)]
pub struct Described {
    /// The client's text.
    pub text: String,
    /// Types of its parameters.
    pub parameters: Vec<u32>,
    /// Columns of its result; `None` if it returns no rows (a COPY, for one).
    pub columns: Option<Vec<ColumnDescribed>>,
    pub(crate) key: Key,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) open: Open,
}

/// A transaction on home that waits for its statement to be run.
#[derive(Default)]
pub(crate) struct Open(Mutex<Option<Box<(u64, Home, Begun)>>>);

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open(..)")
    }
}

impl Open {
    /// The transaction of this session.
    pub(crate) fn of(session: u64, home: Home, begun: Begun) -> Self {
        Self(Mutex::new(Some(Box::new((session, home, begun)))))
    }

    fn take(&self) -> Option<Box<(u64, Home, Begun)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let (Some(open), Ok(runtime)) = (self.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(open.1.finish());
        }
    }
}

impl Described {
    /// The transaction that it was described in, if that is still open and the asker's.
    pub(crate) fn take_open(&self, asker: &Asker) -> Option<(Home, Begun)> {
        let same = self.key.fingerprint == asker.fingerprint && self.key.service == asker.service;
        let (session, home, begun) = *self.open.take()?;
        if same && session == asker.session {
            return Some((home, begun));
        }
        tokio::spawn(home.finish());
        None
    }

    /// Has the transaction end soon if the statement is not run.
    pub(crate) fn close_soon(self: &Arc<Self>) {
        let described = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(KEPT_OPEN).await;
            let open = described.upgrade().and_then(|described| described.open.take());
            if let Some(open) = open {
                open.1.finish().await;
            }
        });
    }
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDescribed {
    /// Name.
    pub name: String,
    /// Type on home.
    pub oid: u32,
    /// `pg_type.typlen`
    pub length: i16,
    /// `pg_attribute.atttypmod`
    pub modifier: i32,
}
