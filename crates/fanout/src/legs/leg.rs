//! One leg: a connection, one write, and what comes of it.

use super::hear::{Hearing, Lost};
use super::listen::{Clock, Ended, Sink, listen};
use super::outcome::Fault;
use super::run::{Finished, Shared};
use super::scope::InScope;
use model::{Disclosure, LegReport, Outcome};
use pool::{CancelSlot, Lease};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;
use tracing::Instrument as _;

/// How often a leg is tried: again where it met what was left of an earlier one, such as one of several idle
/// connections that a store has ended.
const ATTEMPTS: usize = 4;

/// Cancels what a store runs for a leg when it is dropped before the store was done.
struct Watch {
    cancel: Arc<CancelSlot>,
    limit: Duration,
    armed: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let (cancel, limit) = (self.cancel.announce(), self.limit);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let sent = tokio::time::timeout(limit, cancel.send()).await;
                tracing::debug!(ok = matches!(sent, Ok(Ok(()))), "cancelled a leg");
            });
        }
    }
}

/// What a leg came to, before it is reported.
#[derive(Default)]
pub(crate) struct Came {
    rows: u64,
    bytes: usize,
    results: Vec<super::Rows>,
    collates_otherwise: bool,
    /// Rows have been passed on: the leg cannot be tried again.
    pub(crate) passed: bool,
}

/// Runs the leg of store `index`. Dropped, it cancels what the store runs for it.
pub(crate) async fn run(shared: &Shared, index: usize, sink: Sink) -> Option<Finished> {
    let store = shared.scope.stores().get(index)?;
    let span = tracing::debug_span!("leg", user = store.user.as_str(), grant = store.grant.0);
    let finished = report(shared, index, store, sink).instrument(span.clone()).await;
    let report = &finished.report;
    let outcome = report.outcome.as_str();
    metrics::counter!("stuffgate_fanout_legs_total", "outcome" => outcome).increment(1);
    metrics::histogram!("stuffgate_fanout_leg_seconds").record(report.elapsed);
    let _inside = span.entered();
    tracing::debug!(
        outcome,
        sqlstate = report.sqlstate.as_deref(),
        message = report.message.as_deref(),
        rows = report.rows,
        bytes = report.bytes,
        "a leg has ended"
    );
    Some(finished)
}

async fn report(shared: &Shared, index: usize, store: &InScope, mut sink: Sink) -> Finished {
    let began = Instant::now();
    let settings = shared.request.statement.settings;
    let until = began + settings.leg_timeout;
    let mut clock = Clock { index, settings, until, deadline: shared.deadline };
    let mut came = Came::default();
    let mut result = shared.scope.place(index).map(drop);
    if result.is_ok() {
        result = attempts(shared, index, &mut sink, &mut clock, &mut came).await;
    }
    if result.is_ok() && !shared.stores.is_granted(store.grant) {
        result = Err(Fault::new(Outcome::Revoked, "the grant ended while the store was asked"));
    }
    let floor = shared.request.statement.floor;
    let guarded = floor || store.class < Disclosure::Values;
    let (outcome, sqlstate, message) = match result {
        Ok(()) => (Outcome::Ok, None, None),
        Err(fault) => {
            let fault = if guarded { fault.without_words() } else { fault };
            (fault.outcome, fault.sqlstate.map(|code| code.to_string()), Some(fault.message))
        }
    };
    let report = LegReport {
        user: store.user.clone(),
        outcome,
        sqlstate,
        message,
        rows: (!floor).then_some(came.rows),
        bytes: (!floor).then_some(came.bytes as u64),
        elapsed: began.elapsed(),
    };
    if !came.passed {
        // Rows that are passed on take their reader's time.
        let took = if outcome == Outcome::Ok { report.elapsed } else { Duration::ZERO };
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        store.took.store(took, Ordering::Relaxed);
    }
    let results = (outcome == Outcome::Ok).then_some(came.results);
    Finished { index, report, results, collates_otherwise: came.collates_otherwise }
}

async fn attempts(
    shared: &Shared,
    index: usize,
    sink: &mut Sink,
    clock: &mut Clock,
    came: &mut Came,
) -> Result<(), Fault> {
    let mut tried = 1;
    loop {
        match attempt(shared, index, sink, clock, came).await {
            Ok(()) => return Ok(()),
            Err(Ended::Stale(_)) if tried < ATTEMPTS && !came.passed => tried += 1,
            Err(Ended::Fault(fault) | Ended::Stale(fault)) => return Err(fault),
        }
    }
}

async fn attempt(
    shared: &Shared,
    index: usize,
    sink: &mut Sink,
    clock: &mut Clock,
    came: &mut Came,
) -> Result<(), Ended> {
    let place = shared.scope.place(index)?;
    let leasing = shared.stores.pools.lease(place, shared.request.statement.session);
    let leased = timeout_at(clock.end(), leasing).await.map_err(|_| clock.late())?;
    let mut lease = leased.map_err(|error| Fault::no_lease(&error))?;
    let user = shared.scope.stores().get(index).map_or("", |store| store.user.as_str());
    let major = major_of(&lease)?;
    let server = &mut *lease.server;
    server.facts.unnamed = None;
    let out = server.peer.outbox.buffer();
    let written = shared.request.write(out, &mut server.facts, user, major);
    let passes = matches!(sink, Sink::Pass(..));
    let mut hearing = Hearing::new(&shared.request, user, written, &shared.budget, passes);
    let limit = shared.stores.pools.settings().connect_timeout;
    let mut watch = Watch { cancel: Arc::clone(&lease.server.cancel), limit, armed: true };
    let mut waiting = shared.budget.hold();
    let heard = listen(&mut lease, &mut hearing, &mut waiting, sink, clock, came).await;
    (came.rows, came.bytes) = (hearing.rows, hearing.bytes);
    match (heard, hearing.take_lost()) {
        (Ok(status), Some(lost)) => {
            watch.armed = false;
            if !lost.is_about_transaction() {
                keep(lease, &hearing, status, matches!(lost, Lost::Stale(_)));
            }
            return Err(ended(lost, came));
        }
        // It had come to that before the rest of the answer turned out to be of no use.
        (Err(_), Some(lost)) => return Err(ended(lost, came)),
        (heard, None) => heard?,
    };
    watch.armed = false;
    came.results = std::mem::take(&mut hearing.done);
    lease.give_back();
    Ok(())
}

/// The major version that the store says it is.
fn major_of(lease: &Lease) -> Result<u32, Fault> {
    let parameters = &lease.server.facts.parameters;
    let version = parameters.iter().find(|(name, _)| name == "server_version").map(|(_, version)| version);
    let digits = |version: &String| version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    version.and_then(digits).ok_or_else(|| Fault::bad("it does not say which version it is"))
}

/// What a leg came to that is not ok although its connection is.
fn ended(lost: Lost, came: &mut Came) -> Ended {
    match lost {
        Lost::Stale(fault) => Ended::Stale(fault),
        Lost::Fault(fault) => Ended::Fault(fault),
        Lost::CollatesOtherwise => {
            came.collates_otherwise = true;
            Ended::Fault(Fault::new(Outcome::Schema, "it collates text otherwise than home"))
        }
    }
}

/// Keeps the connection of such a leg, if all that it holds prepared is known.
fn keep(mut lease: Lease, hearing: &Hearing<'_>, status: u8, stale: bool) {
    for id in hearing.unparsed() {
        lease.server.facts.prepared.remove(id);
    }
    if !hearing.is_unsure() {
        tokio::spawn(clean(lease, status, stale));
    }
}

/// Brings a connection back to its pool on which a leg has failed.
async fn clean(mut lease: Lease, status: u8, stale: bool) {
    let sql = match (stale, status) {
        (true, _) => "ROLLBACK; DEALLOCATE ALL",
        (false, b'I') => return lease.give_back(),
        (false, _) => "ROLLBACK",
    };
    if lease.run(sql).await.is_ok() {
        if stale {
            lease.server.facts.prepared.clear();
        }
        lease.give_back();
    }
}
