//! What every session of a gate is given.

use crate::alike::Alike;
use crate::console::Console;
use crate::login::{Numbers, nowhere};
use crate::look::Looks;
use crate::parameters::Started;
use crate::room::Budget;
use crate::route::Caller;
use crate::routes::Routes;
use crate::sessions::Sessions;
use crate::workers::Workers;
use dashmap::DashMap;
use fanout::Fanout;
use model::{Directory, ServiceId};
use pool::{Pools, Reported};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use wire::scram::Mock;
use wire::tls::ClientTls;

/// Sessions of the admin console that find room when all others are taken: somebody must be able to look.
pub(crate) const CONSOLE_PLACES: usize = 3;

/// Bounds of sessions.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sessions at a time, those that are still logging in included.
    pub max_clients: usize,
    /// From accepting a connection to the end of its login.
    pub login_timeout: Duration,
    /// Longest Query or Parse message, in bytes.
    pub statement_bytes: usize,
    /// Texts of statements that all sessions together may hold, in bytes: long ones that are being read
    /// or sent, each counted twice, and prepared ones.
    pub statements_total_bytes: usize,
}

/// What a gate is made of.
pub struct Parts {
    /// Who and what there is.
    pub directory: Arc<Directory>,
    /// Where leases come from.
    pub pools: Arc<Pools>,
    /// What answers statements over many stores.
    pub fanout: Arc<Fanout>,
    /// Who serves `admin` logins.
    pub console: Arc<dyn Console>,
    /// What new connections are offered.
    pub tls: ClientTls,
    /// Bounds.
    pub limits: Limits,
    /// Where sessions may go on.
    pub workers: Workers,
    /// Random, and this gate's alone: it makes unknown logins look like known ones.
    pub mock_secret: [u8; 32],
}

/// What every session is given: nothing in this crate is global.
pub struct Gate {
    /// Who and what there is.
    pub directory: Arc<Directory>,
    /// Where leases come from.
    pub pools: Arc<Pools>,
    /// What answers statements over many stores.
    pub fanout: Arc<Fanout>,
    /// The sessions that live now.
    pub sessions: Sessions,
    /// Who serves `admin` logins.
    pub console: Arc<dyn Console>,
    /// Bounds.
    pub limits: Limits,
    pub(crate) workers: Workers,
    pub(crate) looks: Looks,
    pub(crate) routes: Routes,
    /// Callers, which the sessions of a login share.
    pub(crate) callers: Alike<Caller>,
    /// Parameters of start-up packets, which the sessions of an application share.
    pub(crate) starts: Alike<Started>,
    /// What sessions without any server are told at their start.
    pub(crate) nowhere: Arc<Reported>,
    pub(crate) budget: Budget,
    /// Services of which a session has asked for sequence state (`currval`, `lastval`).
    pub(crate) sequences: DashMap<ServiceId, Arc<AtomicBool>>,
    pub(crate) mock: Mock,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) console_places: Arc<Semaphore>,
    pub(crate) numbers: Numbers,
    tls: RwLock<Arc<ClientTls>>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate without sessions.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { directory, pools, fanout, console, tls, limits, workers, mock_secret } = parts;
        Arc::new(Self {
            directory,
            pools,
            fanout,
            sessions: Sessions::default(),
            console,
            limits,
            workers,
            looks: Looks::default(),
            routes: Routes::default(),
            callers: Alike::default(),
            starts: Alike::default(),
            nowhere: nowhere(),
            sequences: DashMap::new(),
            budget: Budget::new(limits.statements_total_bytes),
            mock: Mock::new(mock_secret),
            numbers: Numbers::default(),
            console_places: Arc::new(Semaphore::new(CONSOLE_PLACES)),
            places: Arc::new(Semaphore::new(limits.max_clients)),
            tls: RwLock::new(Arc::new(tls)),
        })
    }

    /// The TLS that new connections are offered.
    #[must_use]
    pub fn tls(&self) -> Arc<ClientTls> {
        Arc::clone(&self.tls.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Offers new connections another certificate or policy; running ones keep theirs.
    pub fn set_tls(&self, tls: ClientTls) {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tls);
    }

    /// Closes connections that were idle for too long, and forgets what only idle stores need. Called now and
    /// then by one task.
    pub fn sweep(&self, now: Instant) {
        self.pools.sweep(now);
        self.routes.sweep();
    }

    /// Seconds since the Unix epoch.
    pub(crate) fn now() -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .unwrap_or_default()
    }
}
