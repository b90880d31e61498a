//! The operator's bounds of fan-outs, which no session can raise.

use std::time::Duration;

/// Bounds and defaults from the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Legs of one statement that run at a time; also the largest a session may set.
    pub concurrency: usize,
    /// Longest time for one leg, from asking for its connection; also the longest a session may set.
    pub leg_timeout: Duration,
    /// Longest time for all legs; also the longest a session may set.
    pub deadline: Duration,
    /// Most rows of one leg that are kept.
    pub leg_rows: u64,
    /// Most bytes of one leg that are kept.
    pub leg_bytes: usize,
    /// Most bytes of all legs of one statement that are kept.
    pub total_bytes: usize,
    /// Most bytes of all statements together that are kept.
    pub gate_bytes: usize,
}
