//! The operator's desk: what the console, HTTP and signals can see of the gate and do to it.

use super::credentials::Opener;
use super::phase::{Phase, Phases};
use super::refreshes::Kept;
use super::{now, settings, tls};
use crate::config::Config;
use crate::telemetry::Telemetry;
use admin::{Gauges, MaterializedRow, Metrics, PoolRow, SessionRow};
use model::Directory;
use registry::Materialized;
use session::{EndReason, Gate};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use wire::{Peer, Stream};

/// Between two looks whether an admin's login may still be used.
const LOOK: Duration = Duration::from_secs(1);

/// The operator's desk.
pub(crate) struct Desk {
    directory: Arc<Directory>,
    /// Set once, right after the gate is made: each of the two needs the other.
    gate: OnceLock<Weak<Gate>>,
    phases: Phases,
    opener: Arc<Opener>,
    telemetry: Telemetry,
    metrics: Metrics,
    kept: Kept,
    /// The settings in force.
    config: Mutex<Config>,
    /// Whether the registry can be read.
    following: AtomicBool,
    /// Admins at the console.
    consoles: AtomicUsize,
    /// Told when an admin ends the gate.
    told_to_stop: Notify,
}

/// What a desk is made of.
pub(crate) struct DeskParts {
    pub(crate) directory: Arc<Directory>,
    pub(crate) phases: Phases,
    pub(crate) opener: Arc<Opener>,
    pub(crate) telemetry: Telemetry,
    pub(crate) metrics: Metrics,
    pub(crate) kept: Kept,
    pub(crate) config: Config,
}

impl Desk {
    pub(crate) fn new(parts: DeskParts) -> Arc<Self> {
        Arc::new(Self {
            directory: parts.directory,
            gate: OnceLock::new(),
            phases: parts.phases,
            opener: parts.opener,
            telemetry: parts.telemetry,
            metrics: parts.metrics,
            kept: parts.kept,
            config: Mutex::new(parts.config),
            following: AtomicBool::new(true),
            consoles: AtomicUsize::new(0),
            told_to_stop: Notify::new(),
        })
    }

    /// From now on it shows this gate.
    pub(crate) fn show(&self, gate: &Arc<Gate>) {
        let _first = self.gate.set(Arc::downgrade(gate));
    }

    /// Notes whether the registry can be read.
    pub(crate) fn set_following(&self, following: bool) {
        self.following.store(following, Ordering::Release);
    }

    /// Keeps measurements from piling up where nobody reads the metrics.
    pub(crate) fn sum_up_metrics(&self) {
        self.metrics.sum_up();
    }

    /// Returns once an admin has told the gate to end. Cancel-safe.
    pub(crate) async fn told_to_stop(&self) {
        self.told_to_stop.notified().await;
    }

    /// How long transactions may go on after the gate was told to end.
    pub(crate) fn drain_timeout(&self) -> Duration {
        self.lock_config().session.drain_timeout
    }

    /// How many admins are at the console.
    pub(crate) fn consoles(&self) -> usize {
        self.consoles.load(Ordering::Acquire)
    }

    /// Reads configuration, certificates and key again. Blocks on small files.
    ///
    /// # Errors
    /// What is wrong with them; then everything stays as it was.
    pub(crate) fn read_again(&self) -> anyhow::Result<()> {
        let mut running = self.lock_config();
        let new = Config::load(&running.source)?;
        let tls = tls::load(&new.tls)?;
        self.opener.read_key_again()?;
        self.telemetry.change(&new.log)?;
        if let Some(gate) = self.gate() {
            gate.set_tls(tls);
        }
        tracing::info!(configuration = %new.source.display(), "read again");
        if settings::take_over(&mut running, &new) {
            tracing::warn!(
                "settings other than tls, log.filter and session.drain_timeout_ms have changed: they count from the next start on"
            );
        }
        Ok(())
    }

    fn gate(&self) -> Option<Arc<Gate>> {
        self.gate.get().and_then(Weak::upgrade)
    }

    fn lock_config(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once an admin may not stay at the console.
    async fn console_ended(&self, login: &str) {
        let usable = || {
            let login = self.directory.login_named(login);
            login.is_some_and(|login| self.directory.login_is_usable(login.id, now()))
        };
        while usable() {
            tokio::select! {
                () = self.phases.reached(Phase::Ending) => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn gauges(&self) -> Gauges {
        let mut gauges = Gauges {
            ready: admin::Health::not_ready(self).is_none(),
            directory_version: self.directory.version(),
            ..Gauges::default()
        };
        let Some(gate) = self.gate() else { return gauges };
        for session in gate.sessions.all() {
            *(if session.is_working() { &mut gauges.working } else { &mut gauges.idle }) += 1;
        }
        for pool in gate.pools.report() {
            gauges.pools += 1;
            gauges.failing += usize::from(pool.failing.is_some());
            gauges.active_connections += pool.active;
            gauges.idle_connections += pool.idle;
            gauges.waiting += pool.waiting;
        }
        gauges
    }
}

impl admin::Facts for Desk {
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    fn pools(&self) -> Vec<PoolRow> {
        let Some(gate) = self.gate() else { return Vec::new() };
        let row = |report: pool::PoolReport| PoolRow {
            place: report.label,
            service: match self.directory.service(report.service) {
                Some(service) => service.name.to_string(),
                None => format!("service {}, removed", report.service),
            },
            idle: report.idle,
            active: report.active,
            waiting: report.waiting,
            failing: report.failing,
        };
        gate.pools.report().into_iter().map(row).collect()
    }

    fn sessions(&self) -> Vec<SessionRow> {
        let Some(gate) = self.gate() else { return Vec::new() };
        let row = |session: Arc<session::Handle>| SessionRow {
            number: session.process,
            login: session.login_name().to_owned(),
            service: session.service().to_owned(),
            working: session.is_working(),
            ending: session.end_reason().map(why),
        };
        gate.sessions.all().into_iter().map(row).collect()
    }

    fn materialized(&self) -> Vec<MaterializedRow> {
        let row = |known: &Materialized| MaterializedRow {
            name: known.definition.name.to_string(),
            service: known.definition.service.to_string(),
            every_s: known.definition.every_s,
            as_of: known.kept.map(|kept| kept.as_of),
            asked: known.kept.map(|kept| kept.asked),
            ok: known.kept.map(|kept| kept.ok),
            rows: known.kept.map(|kept| kept.rows),
            due_at: known.due_at,
            last_error: known.last_error.clone(),
        };
        self.kept.all().iter().map(row).collect()
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        settings::rows(&self.lock_config())
    }

    fn version(&self) -> &'static str {
        super::VERSION
    }

    fn end_session(&self, number: u32) -> bool {
        let Some(gate) = self.gate() else { return false };
        let found = gate.sessions.all().into_iter().find(|session| session.process == number);
        found.is_some_and(|session| {
            session.end(EndReason::Operator);
            true
        })
    }

    fn reload(&self) -> Result<(), String> {
        self.read_again().map_err(|error| format!("{error:#}"))
    }

    fn shut_down(&self) {
        self.told_to_stop.notify_one();
    }
}

fn why(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Draining => "draining",
        EndReason::Shutdown => "shutdown",
        EndReason::Operator => "operator",
        EndReason::Revoked => "revoked",
    }
}

impl admin::Health for Desk {
    fn not_ready(&self) -> Option<String> {
        if self.phases.now() > Phase::Running {
            Some("the gate is shutting down".to_owned())
        } else if !self.following.load(Ordering::Acquire) {
            Some("the registry cannot be read".to_owned())
        } else {
            None
        }
    }

    fn metrics(&self) -> String {
        self.metrics.render(&self.gauges())
    }
}

/// Counts an admin at the console until dropped.
struct AtConsole<'a>(&'a AtomicUsize);

impl<'a> AtConsole<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for AtConsole<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl session::Console for Desk {
    fn serve<'a>(
        &'a self,
        client: &'a mut Peer<Stream>,
        login: &'a str,
    ) -> Pin<Box<dyn Future<Output = std::io::Result<()>> + Send + 'a>> {
        Box::pin(async move {
            let _here = AtConsole::new(&self.consoles);
            admin::serve(client, self, login, self.console_ended(login)).await
        })
    }
}
