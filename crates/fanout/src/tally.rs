//! What is counted of statements.

use crate::{Done, Failure};
use std::time::Instant;

/// One statement, counted when it is over.
pub(crate) struct Tally {
    began: Instant,
    tier: &'static str,
    outcome: &'static str,
}

impl Tally {
    /// It begins now; if it never ends, it was cut off.
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), tier: "none", outcome: "cancelled" }
    }

    /// How it is answered: by a tier, or by home `alone`.
    pub(crate) fn tier(&mut self, tier: &'static str) {
        self.tier = tier;
    }

    /// How it ended.
    pub(crate) fn end(&mut self, end: &Result<Done, Failure>) {
        self.outcome = match end {
            Ok(Done { coverage: Some(coverage), .. }) if !coverage.is_full() => "partial",
            Ok(_) => "ok",
            Err(_) => "error",
        };
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let labels = [("tier", self.tier), ("outcome", self.outcome)];
        metrics::counter!("stuffgate_fanout_statements_total", &labels).increment(1);
        metrics::histogram!("stuffgate_fanout_statement_seconds", "tier" => self.tier)
            .record(self.began.elapsed());
        tracing::debug!(
            tier = self.tier,
            outcome = self.outcome,
            milliseconds = self.began.elapsed().as_millis(),
            "a fan-out is over"
        );
    }
}
