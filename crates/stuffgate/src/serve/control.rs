//! The gate's own thread while it runs: signals, what must happen now and then, and the end.

use super::credentials::Opener;
use super::desk::Desk;
use super::enforce::enforce;
use super::now;
use super::phase::{Phase, Phases};
use crate::config::Config;
use crate::reconcile::Reconciler;
use session::{EndReason, Gate};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// Between two looks at what time alone changes, such as a grant that expires.
const ENFORCE_INTERVAL: Duration = Duration::from_secs(1);

/// Least time between two looks for idle connections.
const MIN_SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Between two looks whether the last session has ended.
const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// How long sessions may take to tell their clients that it is over.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The signals that a gate listens to.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From here on none of them ends the process by itself. Needs a runtime.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Returns once the gate is told to end.
pub(crate) async fn until_told_to_end(signals: &mut Signals, desk: &Desk) {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return tracing::info!("SIGTERM: the gate ends"),
            _ = signals.interrupt.recv() => return tracing::info!("SIGINT: the gate ends"),
            () = desk.told_to_stop() => return,
            _ = signals.hang_up.recv() => {
                if let Err(error) = desk.read_again() {
                    let error = format!("{error:#}");
                    tracing::error!(error, "the configuration cannot be used: the old one stays in force");
                }
            }
        }
    }
}

/// Ends the gate: no new clients, transactions may end until the configured time is over, then everybody
/// is told. A second signal skips what is left of it.
pub(crate) async fn end(gate: &Gate, phases: &Phases, desk: &Desk, signals: &mut Signals) {
    phases.advance(Phase::Draining);
    let orderly = async {
        let left = gate.sessions.count();
        tracing::info!(sessions = left, "waiting for transactions to end");
        if timeout(desk.drain_timeout(), all_gone(gate, EndReason::Draining, || 0)).await.is_err() {
            tracing::warn!(sessions = gate.sessions.count(), "transactions are cut off");
        }
        phases.advance(Phase::Ending);
        let _in_time = timeout(LAST_WORDS, all_gone(gate, EndReason::Shutdown, || desk.consoles())).await;
    };
    tokio::select! {
        () = orderly => {}
        () = signals.end() => tracing::warn!("a second signal: the gate ends at once"),
    }
    phases.advance(Phase::Over);
}

/// Tells every session to end, those too that log in meanwhile, until none is left.
async fn all_gone(gate: &Gate, reason: EndReason, others: impl Fn() -> usize) {
    loop {
        gate.sessions.end_all(reason);
        if gate.sessions.count() + others() == 0 {
            return;
        }
        sleep(DRAIN_LOOK).await;
    }
}

/// Everything that happens now and then. Runs until dropped.
pub(crate) async fn look_after(gate: Arc<Gate>, desk: Arc<Desk>, changed: Arc<Notify>) {
    let idle_timeout = gate.pools.settings().idle_timeout;
    let mut sweep = interval((idle_timeout / 4).max(MIN_SWEEP_INTERVAL));
    let mut every_second = interval(ENFORCE_INTERVAL);
    for ticks in [&mut sweep, &mut every_second] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            _ = sweep.tick() => gate.sweep(Instant::now()),
            _ = every_second.tick() => {
                enforce(&gate, now());
                desk.sum_up_metrics();
            }
            () = changed.notified() => enforce(&gate, now()),
        }
    }
}

/// Keeps a reconciler at work with the key that is in use: a rotated key needs a new one. Runs until dropped.
pub(crate) async fn reconcile(config: Config, opener: Arc<Opener>) {
    let mut running: Option<(String, Reconciler)> = None;
    loop {
        let kek = opener.kek();
        if running.as_ref().is_none_or(|(with, _)| with != kek.id()) {
            drop(running.take());
            match Reconciler::start(&config, kek.clone()) {
                Ok(reconciler) => running = Some((kek.id().to_owned(), reconciler)),
                Err(error) => tracing::error!(%error, "work that waits for stores cannot be begun"),
            }
        }
        sleep(ENFORCE_INTERVAL).await;
    }
}
