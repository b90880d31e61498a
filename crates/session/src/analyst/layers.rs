//! The parameters of a session that asks many stores: those of its start, what it set, and what only its
//! transaction set; pure.

use crate::parameters::{Change, Parameters, Value};
use fanout::{BadSetting, Limits, Settings};
use pool::Reported;
use sql::Scope;
use std::sync::Arc;

/// What `SHOW search_path` says, whatever home's own is.
pub(super) const PATH: &str = "\"$user\", public";

/// Parameters, as they are in force and as they will be once the transaction is over.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    session: Parameters,
    /// From `SET LOCAL`; `None` for what the session started with.
    local: Vec<(String, Option<Value>)>,
    limits: Limits,
    settings: Settings,
    set_up: Arc<str>,
    fingerprint: u64,
    /// What home reports under these; `None` where it was not asked yet.
    pub(super) reported: Option<Arc<Reported>>,
}

/// The session's `fanout.*` parameters, whose values are checked.
///
/// # Errors
/// The first that there is not, or whose value it cannot have.
pub(super) fn settings_of(parameters: &Parameters, limits: &Limits) -> Result<Settings, BadSetting> {
    let mut settings = Settings::of(limits);
    for (name, value) in parameters.in_force().filter(|(name, _)| is_fanout(name)) {
        match value {
            Value::Text(text) => settings.set(name, text, limits)?,
            Value::Sql(raw) => settings.set(name, raw, limits)?,
        }
    }
    Ok(settings)
}

/// Whether a parameter is one of fan-outs.
pub(super) fn is_fanout(name: &str) -> bool {
    name.starts_with(fanout::PREFIX)
}

/// Whether a search path is the one that a session without one has: tables are found in `public`.
pub(super) fn is_default_path(path: &str) -> bool {
    let mut schemas = path.split(',').map(|schema| schema.trim().trim_matches('"'));
    schemas.clone().any(|schema| schema.eq_ignore_ascii_case("public"))
        && schemas
            .all(|schema| matches!(schema.to_ascii_lowercase().as_str(), "public" | "$user" | "pg_catalog"))
}

impl Layers {
    /// What a session starts with.
    ///
    /// # Errors
    /// See [`settings_of`].
    pub(super) fn starting(session: Parameters, limits: Limits) -> Result<Self, BadSetting> {
        let settings = settings_of(&session, &limits)?;
        let mut layers = Self {
            session,
            local: Vec::new(),
            limits,
            settings,
            set_up: "".into(),
            fingerprint: 0,
            reported: None,
        };
        layers.note()?;
        Ok(layers)
    }

    /// These with a parameter set, or reset where there is no value.
    ///
    /// # Errors
    /// See [`settings_of`].
    pub(super) fn with(&self, scope: Scope, name: &str, value: Option<Value>) -> Result<Self, BadSetting> {
        let mut next = self.clone();
        let value = value.map(|value| self.in_force().following(name, value));
        next.local.retain(|(known, _)| known != name);
        match scope {
            Scope::Local => next.local.push((name.to_owned(), value)),
            Scope::Session => next.session.apply(&match value {
                Some(value) => Change::Set(name.to_owned(), value),
                None => Change::Reset(name.to_owned()),
            }),
        }
        next.note()?;
        Ok(next)
    }

    /// These as the session started.
    ///
    /// # Errors
    /// See [`settings_of`].
    pub(super) fn at_start(&self) -> Result<Self, BadSetting> {
        let mut next = self.clone();
        next.local.clear();
        next.session.apply(&Change::ResetAll);
        next.note()?;
        Ok(next)
    }

    /// The transaction is over: what only it had goes. Whether there was something.
    ///
    /// # Errors
    /// See [`settings_of`].
    pub(super) fn end_local(&mut self) -> Result<bool, BadSetting> {
        if self.local.is_empty() {
            return Ok(false);
        }
        self.local.clear();
        self.note().map(|()| true)
    }

    /// Whether one more parameter can be kept.
    pub(super) fn has_room(&self) -> bool {
        self.session.has_room() && self.local.len() < crate::parameters::MAX_PARAMETERS
    }

    fn in_force(&self) -> Parameters {
        let mut in_force = self.session.clone();
        for (name, value) in &self.local {
            in_force.apply(&match value {
                Some(value) => Change::Set(name.clone(), value.clone()),
                None => Change::Reset(name.clone()),
            });
        }
        in_force
    }

    /// Works out what is in force.
    fn note(&mut self) -> Result<(), BadSetting> {
        let in_force = self.in_force();
        self.settings = settings_of(&in_force, &self.limits)?;
        let homes = in_force.without(|name| is_fanout(name) || name == "search_path");
        if homes.fingerprint() != self.fingerprint || self.set_up.is_empty() {
            self.fingerprint = homes.fingerprint();
            self.set_up = homes.sql(str::to_owned).into();
            self.reported = None;
        }
        Ok(())
    }

    /// The `fanout.*` parameters in force.
    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    /// Statements that bring home to the parameters in force.
    pub(super) fn set_up(&self) -> Arc<str> {
        Arc::clone(&self.set_up)
    }

    /// Identifies what they come to; 0 where nothing is set.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The session's own, once its transaction is over.
    pub(super) fn into_session(self) -> Parameters {
        self.session
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alike::Alike;
    use std::time::Duration;

    const LIMITS: Limits = Limits {
        concurrency: 8,
        leg_timeout: Duration::from_secs(10),
        deadline: Duration::from_secs(20),
        leg_rows: 1,
        leg_bytes: 1,
        total_bytes: 1,
        gate_bytes: 1 << 30,
    };

    fn starting(start: &[(&str, &str)]) -> Result<Layers, BadSetting> {
        let start = start.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
        Layers::starting(Parameters::starting(start.collect(), &Alike::default()), LIMITS)
    }

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn tier(layers: &Layers) -> Option<String> {
        layers.settings().show("fanout.tier", 0)
    }

    fn set(layers: &Layers, scope: Scope, name: &str, value: &str) -> Layers {
        layers.with(scope, name, Some(text(value))).expect("a value")
    }

    #[test]
    fn what_is_local_ends_with_its_transaction_and_covers_what_the_session_set() {
        let layers = set(&starting(&[]).expect("a start"), Scope::Session, "fanout.tier", "t2");
        let mut local = set(&layers, Scope::Local, "fanout.tier", "t3");
        assert_eq!(tier(&local).as_deref(), Some("t3"));
        assert_eq!((local.end_local(), local.end_local()), (Ok(true), Ok(false)));
        assert_eq!(tier(&local).as_deref(), Some("t2"));
        let later =
            set(&set(&layers, Scope::Local, "fanout.tier", "t3"), Scope::Session, "fanout.tier", "t1");
        assert_eq!(tier(&later).as_deref(), Some("t1"), "the later one counts");
        let back = later.with(Scope::Local, "fanout.tier", None).expect("the default");
        assert_eq!(tier(&back).as_deref(), Some("auto"));
        assert_eq!(tier(&later.at_start().expect("the start")).as_deref(), Some("auto"));
    }

    #[test]
    fn home_hears_nothing_of_what_is_the_gates() {
        let layers = starting(&[("fanout.tier", "t3"), ("search_path", "public")]).expect("a start");
        assert_eq!(layers.fingerprint(), 0);
        let zoned = set(&layers, Scope::Session, "timezone", "Asia/Tokyo");
        assert_ne!(zoned.fingerprint(), 0);
        assert!(zoned.set_up().contains("Asia/Tokyo") && !zoned.set_up().contains("fanout"));
        let faster = set(&zoned, Scope::Session, "fanout.concurrency", "4");
        assert_eq!(faster.fingerprint(), zoned.fingerprint());
        assert_eq!(faster.settings().concurrency, 4);
    }

    #[test]
    fn a_start_with_what_cannot_be_is_refused_and_so_is_a_change() {
        assert!(starting(&[("fanout.concurrency", "9")]).is_err());
        assert!(starting(&[("fanout.nonsense", "9")]).is_err());
        let layers = starting(&[]).expect("a start");
        assert!(layers.with(Scope::Session, "fanout.deadline", Some(text("1h"))).is_err());
    }

    #[test]
    fn only_a_path_that_finds_tables_in_public_is_the_default() {
        for (path, is) in [
            ("public", true),
            ("\"$user\", public", true),
            ("\"$user\",public", true),
            ("pg_catalog, public", true),
            ("other, public", false),
            ("other", false),
            ("pg_catalog", false),
            ("", false),
        ] {
            assert_eq!(is_default_path(path), is, "{path}");
        }
    }
}
