//! What a session may say of its fan-outs: the `fanout.*` parameters.

use crate::Limits;
use sql::fanout::Tier;
use std::time::Duration;

/// Which tier a session wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    /// `fanout.progress`: whether the session is told how many stores are done while a statement runs.
    pub progress: bool,
}

/// A `fanout.*` parameter that does not exist (42704), a value that it cannot have (22023), or one that no
/// session sets (42501).
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
    /// The operator's alone.
    #[error("permission denied to set parameter {0:?}")]
    Operators(String),
}

/// What the names of all parameters of fan-outs begin with.
pub const PREFIX: &str = "fanout.";

const TIER: &str = "fanout.tier";
const CONCURRENCY: &str = "fanout.concurrency";
const LEG_TIMEOUT: &str = "fanout.leg_timeout";
const DEADLINE: &str = "fanout.deadline";
const MIN_COVERAGE: &str = "fanout.min_coverage";
const PROGRESS: &str = "fanout.progress";
const MIN_STORES_PER_GROUP: &str = "fanout.min_stores_per_group";

/// Units of time as Postgres knows them (PostgreSQL manual, "Parameter Names and Values"), the largest first, in
/// microseconds.
const UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Microseconds of a bare number.
const MILLISECOND: u64 = 1_000;

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
            progress: false,
        }
    }

    /// Sets a parameter, whose name is in lower case, within the operator's bounds.
    ///
    /// # Errors
    /// See [`BadSetting`]; nothing has changed then.
    pub fn set(&mut self, name: &str, value: &str, limits: &Limits) -> Result<(), BadSetting> {
        let bad = |hint: String| BadSetting::Value { name: name.to_owned(), value: shortened(value), hint };
        match name {
            TIER => {
                self.tier = tier(value).ok_or_else(|| bad("It can be auto, t0, t1, t2 or t3.".to_owned()))?;
            }
            CONCURRENCY => {
                let most = limits.concurrency;
                let number = value.trim().parse().ok().filter(|number| (1..=most).contains(number));
                self.concurrency = number.ok_or_else(|| {
                    bad(format!("It can be 1 to {most}, the operator's fanout.concurrency."))
                })?;
            }
            LEG_TIMEOUT => {
                self.leg_timeout = within(value, limits.leg_timeout, "leg_timeout_ms").map_err(bad)?;
            }
            DEADLINE => self.deadline = within(value, limits.deadline, "deadline_ms").map_err(bad)?,
            MIN_COVERAGE => {
                let part = value.trim().parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part));
                self.min_coverage = part.ok_or_else(|| bad("It can be a number from 0 to 1.".to_owned()))?;
            }
            PROGRESS => {
                self.progress = switch(value).ok_or_else(|| bad("It can be on or off.".to_owned()))?;
            }
            MIN_STORES_PER_GROUP => return Err(BadSetting::Operators(name.to_owned())),
            _ => return Err(BadSetting::Unknown(name.to_owned())),
        }
        Ok(())
    }

    /// A parameter's value as `SHOW` has it; `None` where there is none of that name. `min_stores_per_group` is
    /// the login's.
    #[must_use]
    pub fn show(&self, name: &str, min_stores_per_group: u32) -> Option<String> {
        Some(match name {
            TIER => match self.tier {
                TierWish::Auto => "auto".to_owned(),
                TierWish::Only(tier) => tier.as_str().to_owned(),
            },
            CONCURRENCY => self.concurrency.to_string(),
            LEG_TIMEOUT => shown(self.leg_timeout),
            DEADLINE => shown(self.deadline),
            MIN_COVERAGE => self.min_coverage.to_string(),
            PROGRESS => (if self.progress { "on" } else { "off" }).to_owned(),
            MIN_STORES_PER_GROUP => min_stores_per_group.max(1).to_string(),
            _ => return None,
        })
    }
}

fn tier(value: &str) -> Option<TierWish> {
    if value.eq_ignore_ascii_case("auto") {
        return Some(TierWish::Auto);
    }
    [Tier::Stream, Tier::Fold, Tier::Combine, Tier::Gather]
        .into_iter()
        .find(|tier| tier.as_str().eq_ignore_ascii_case(value))
        .map(TierWish::Only)
}

/// A boolean as Postgres reads the words for one.
fn switch(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// A time from a millisecond up to the operator's bound, which is the setting `key`; or what it can be.
fn within(value: &str, most: Duration, key: &str) -> Result<Duration, String> {
    let hint = || {
        format!(
            "It can be 1ms to {}, the operator's fanout.{key}; units are \"us\", \"ms\", \"s\", \"min\", \"h\" and \"d\".",
            shown(most)
        )
    };
    let time = duration(value).ok_or_else(hint)?;
    if (Duration::from_millis(1)..=most).contains(&time) { Ok(time) } else { Err(hint()) }
}

/// A time as Postgres writes one: a number, which may have a fraction, and a unit; without one, milliseconds.
fn duration(value: &str) -> Option<Duration> {
    let value = value.trim();
    let digits = value.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, unit) = value.split_at_checked(digits)?;
    let unit = match unit.trim_start() {
        "" => MILLISECOND,
        name => UNITS.iter().find(|(known, _)| *known == name).map(|(_, micros)| *micros)?,
    };
    let micros = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(unit)?,
        Err(_) => fraction(number, unit)?,
    };
    Some(Duration::from_micros(micros))
}

/// A number with a fraction, in whole microseconds.
fn fraction(number: &str, unit: u64) -> Option<u64> {
    let (whole, part) = number.split_once('.')?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    if part.len() > 9 || (whole == 0 && part.is_empty()) {
        return None;
    }
    let parts: u64 = if part.is_empty() { 0 } else { part.parse().ok()? };
    let scale = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
    whole.checked_mul(unit)?.checked_add(parts.checked_mul(unit)? / scale)
}

/// A time in the largest unit that it is a whole number of.
fn shown(time: Duration) -> String {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let unit = UNITS.iter().find(|(_, unit)| micros >= *unit && micros % unit == 0);
    unit.map_or_else(|| "0".to_owned(), |(name, unit)| format!("{}{name}", micros / unit))
}

/// As much of a value as a message shows.
fn shortened(value: &str) -> String {
    value.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        concurrency: 32,
        leg_timeout: Duration::from_secs(30),
        deadline: Duration::from_secs(60),
        leg_rows: 1,
        leg_bytes: 1,
        total_bytes: 1,
        gate_bytes: 1 << 30,
    };

    #[test]
    fn what_is_set_is_shown_as_postgres_would() {
        for (name, value, shown) in [
            (TIER, "auto", "auto"),
            (TIER, "T3", "t3"),
            (TIER, "t0", "t0"),
            (CONCURRENCY, "1", "1"),
            (CONCURRENCY, " 32 ", "32"),
            (LEG_TIMEOUT, "250", "250ms"),
            (LEG_TIMEOUT, "1000", "1s"),
            (LEG_TIMEOUT, "1.5s", "1500ms"),
            (LEG_TIMEOUT, "1500us", "1500us"),
            (LEG_TIMEOUT, ".5 s", "500ms"),
            (LEG_TIMEOUT, "2. s", "2s"),
            (DEADLINE, "1min", "1min"),
            (DEADLINE, "0.5 min", "30s"),
            (DEADLINE, "60 s", "1min"),
            (MIN_COVERAGE, "0.95", "0.95"),
            (MIN_COVERAGE, "1", "1"),
            (MIN_COVERAGE, "0", "0"),
            (PROGRESS, "ON", "on"),
            (PROGRESS, "false", "off"),
        ] {
            let mut settings = Settings::of(&LIMITS);
            assert_eq!(settings.set(name, value, &LIMITS), Ok(()), "{name} {value}");
            assert_eq!(settings.show(name, 0).as_deref(), Some(shown), "{name} {value}");
        }
    }

    #[test]
    fn what_a_parameter_cannot_be_is_refused_and_changes_nothing() {
        for (name, value) in [
            (TIER, "t4"),
            (TIER, ""),
            (CONCURRENCY, "0"),
            (CONCURRENCY, "33"),
            (CONCURRENCY, "-1"),
            (CONCURRENCY, "many"),
            (LEG_TIMEOUT, "31s"),
            (LEG_TIMEOUT, "0"),
            (LEG_TIMEOUT, "999us"),
            (LEG_TIMEOUT, "-1"),
            (LEG_TIMEOUT, "1 fortnight"),
            (LEG_TIMEOUT, "1S"),
            (LEG_TIMEOUT, "."),
            (LEG_TIMEOUT, "1.2.3s"),
            (LEG_TIMEOUT, "18446744073709551615d"),
            (LEG_TIMEOUT, ""),
            (DEADLINE, "61000"),
            (MIN_COVERAGE, "1.01"),
            (MIN_COVERAGE, "-0.1"),
            (MIN_COVERAGE, "NaN"),
            (PROGRESS, "maybe"),
        ] {
            let mut settings = Settings::of(&LIMITS);
            let refused = settings.set(name, value, &LIMITS);
            assert!(matches!(refused, Err(BadSetting::Value { .. })), "{name} {value}: {refused:?}");
            assert_eq!(settings, Settings::of(&LIMITS), "{name} {value}");
        }
    }

    #[test]
    fn the_floor_is_shown_and_never_set_and_other_names_are_unknown() {
        let mut settings = Settings::of(&LIMITS);
        let refused = settings.set(MIN_STORES_PER_GROUP, "1", &LIMITS);
        assert_eq!(refused, Err(BadSetting::Operators(MIN_STORES_PER_GROUP.to_owned())));
        assert_eq!(settings.show(MIN_STORES_PER_GROUP, 5).as_deref(), Some("5"));
        assert_eq!(settings.show(MIN_STORES_PER_GROUP, 0).as_deref(), Some("1"));
        let unknown = settings.set("fanout.tiers", "t0", &LIMITS);
        assert_eq!(unknown, Err(BadSetting::Unknown("fanout.tiers".to_owned())));
        assert_eq!(settings.show("fanout.tiers", 0), None);
        assert_eq!(settings.show(DEADLINE, 0).as_deref(), Some("1min"));
    }
}
