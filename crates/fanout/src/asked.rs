//! The legs of one statement, as far as the answer goes: what each came to, whatever becomes of its rows later.

use crate::Event;
use crate::legs::{Fault, Finished, Scope};
use model::{Coverage, Disclosure, LegReport, Outcome};
use std::time::{Duration, Instant};

/// What every store in scope came to, as far as it is known.
#[derive(Debug)]
pub(crate) struct Asked {
    scope: Scope,
    reports: Vec<Option<LegReport>>,
    began: Instant,
    last: Duration,
}

impl Asked {
    /// Nothing has come back.
    pub(crate) fn of(scope: Scope) -> Self {
        let reports = (0..scope.len()).map(|_| None).collect();
        Self { scope, reports, began: Instant::now(), last: Duration::ZERO }
    }

    /// A leg is over.
    pub(crate) fn note(&mut self, finished: &Finished) {
        self.last = self.began.elapsed();
        if let Some(report) = self.reports.get_mut(finished.index) {
            *report = Some(finished.report.clone());
        }
    }

    /// Whose store it is.
    pub(crate) fn user(&self, index: usize) -> &str {
        self.scope.stores().get(index).map_or("", |store| store.user.as_str())
    }

    /// How many legs are over.
    pub(crate) fn progress(&self) -> Event {
        Event::Progress { done: self.reports.iter().flatten().count(), asked: self.reports.len() }
    }

    /// Whether some store that is part of the answer does not show single values.
    pub(crate) fn has_guarded(&self) -> bool {
        let mut stores = self.reports.iter().zip(self.scope.stores());
        let has_part = |report: &LegReport| report.outcome != Outcome::NotGranted;
        stores.any(|(report, store)| store.class < Disclosure::Values && report.as_ref().is_none_or(has_part))
    }

    /// A leg that was ok is no part of the answer after all.
    pub(crate) fn drop_leg(&mut self, index: usize, fault: &Fault) {
        if let Some(Some(report)) = self.reports.get_mut(index) {
            report.outcome = fault.outcome;
            report.sqlstate = fault.sqlstate.map(|code| code.to_string());
            report.message = Some(fault.message.clone());
        }
    }

    /// Whether a leg has come to that.
    pub(crate) fn has(&self, outcome: Outcome) -> bool {
        self.reports.iter().flatten().any(|report| report.outcome == outcome)
    }

    /// All of it. A leg that is not over is cancelled with the statement.
    pub(crate) fn coverage(&self) -> Coverage {
        let reports = self.reports.iter().zip(self.scope.stores());
        let legs = reports.map(|(report, store)| {
            report.clone().unwrap_or_else(|| LegReport {
                user: store.user.clone(),
                outcome: Outcome::Cancelled,
                sqlstate: None,
                message: Some("the statement ended before it was done".to_owned()),
                rows: None,
                bytes: None,
                elapsed: self.began.elapsed(),
            })
        });
        Coverage { legs: legs.collect(), elapsed: self.last }
    }
}

/// Codes, or their classes, of errors that the text and the values decide, not the store: about a value, and about a
/// collation that is open or cannot do what is asked of it (`LIKE` under one that is not deterministic).
const OF_THE_STATEMENT: [&str; 5] = ["0A000", "21", "22", "42P22", "54"];

/// Whether a leg says that the statement itself may be at fault, which home is to judge over the rows: an error
/// that is the statement's, or a store that collates otherwise.
pub(crate) fn wants_bare(finished: &Finished) -> bool {
    let code = finished.report.sqlstate.as_deref().unwrap_or_default();
    finished.collates_otherwise || OF_THE_STATEMENT.iter().any(|start| code.starts_with(start))
}
