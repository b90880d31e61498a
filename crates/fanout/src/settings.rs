//! What a session may say of its fan-outs: the `fanout.*` parameters.

use crate::Limits;
use sql::fanout::Tier;
use std::time::Duration;

/// Which tier a session wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TierWish {
    /// The cheapest that can answer.
    #[default]
    Auto,
    /// This one, or an error.
    Only(Tier),
}

/// A session's `fanout.*` parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// `fanout.tier`: `auto`, `t0` to `t3`.
    pub tier: TierWish,
    /// `fanout.concurrency`
    pub concurrency: usize,
    /// `fanout.leg_timeout`, as Postgres writes times; a bare number is milliseconds.
    pub leg_timeout: Duration,
    /// `fanout.deadline`, likewise.
    pub deadline: Duration,
    /// `fanout.min_coverage`: below this part of the stores, from 0 to 1, the statement is an error.
    pub min_coverage: f64,
}

/// A `fanout.*` parameter that does not exist (42704), or a value that it cannot have (22023).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSetting {
    /// No such parameter.
    #[error("unrecognized configuration parameter {0:?}")]
    Unknown(String),
    /// Not a value for it.
    #[error("invalid value for parameter {name:?}: {value:?}")]
    Value {
        /// The parameter.
        name: String,
        /// What it was to be.
        value: String,
        /// What it can be.
        hint: String,
    },
}

impl Settings {
    /// What a session starts with.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self {
            tier: TierWish::Auto,
            concurrency: limits.concurrency,
            leg_timeout: limits.leg_timeout,
            deadline: limits.deadline,
            min_coverage: 0.0,
        }
    }
}
