//! The parameters a client has set, which travel with its session from server to server.

use crate::alike::Alike;
use crate::date_style;
use model::partition::{quote_identifier, quote_literal};
use sql::Effects;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Most parameters that one session may set; further ones pin it instead.
pub(crate) const MAX_PARAMETERS: usize = 64;

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    /// One text, as for `set_config`.
    Text(String),
    /// SQL as it stood behind `TO`.
    Sql(String),
}

/// Those under which Postgres reads the constants of a statement, which it does once, when the statement is prepared
/// (PostgreSQL manual, "PREPARE": input functions are run then).
const READ_UNDER: [&str; 11] = [
    "array_nulls",
    "backslash_quote",
    "datestyle",
    "intervalstyle",
    "lc_monetary",
    "standard_conforming_strings",
    "timezone",
    "timezone_abbreviations",
    "transform_null_equals",
    "xmlbinary",
    "xmloption",
];

/// What a statement does to the parameters, once it has succeeded and its transaction is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// `SET name TO value`
    Set(String, Value),
    /// `SET LOCAL search_path TO value`: told while the transaction lasts
    LocalPath(String),
    /// `UNLISTEN *` and its kin: nothing is left of such effects
    Released(Effects),
    /// `RESET name`
    Reset(String),
    /// `RESET ALL`
    ResetAll,
    /// `DISCARD ALL`
    DiscardAll,
    /// `DEALLOCATE ALL`
    DeallocateAll,
    /// `COMMIT`, `ROLLBACK` and their kin: all that came before is settled
    Ends {
        /// Not a rollback.
        commits: bool,
        /// More statements stand behind it in the same message.
        followed: bool,
    },
}

impl Change {
    /// Whether a server falls back to its own defaults with it.
    pub(crate) fn resets(&self) -> bool {
        matches!(self, Self::Reset(_) | Self::ResetAll | Self::DiscardAll)
    }

    /// Whether what is known of the session is another once the server has carried it out.
    pub(crate) fn settles(&self) -> bool {
        matches!(self, Self::Ends { .. } | Self::DiscardAll | Self::DeallocateAll)
    }
}

/// Pseudo name of `SET SESSION CHARACTERISTICS AS TRANSACTION`.
pub(crate) const CHARACTERISTICS: &str = "session characteristics";

/// What a start-up packet sets.
pub(crate) type Start = Vec<(String, Value)>;

/// The same, and what constants are read under with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Started {
    values: Start,
    reading: u64,
}

impl Started {
    fn of(values: Start) -> Self {
        let reading = reading(values.iter());
        Self { values, reading }
    }
}

/// A session's parameters.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    /// From the start-up packet: what `RESET` comes back to. Sessions that start alike share it.
    startup: Arc<Started>,
    /// What differs from that since.
    set: Vec<(String, Value)>,
    fingerprint: u64,
}

impl Parameters {
    /// What the start-up packet sets; a later setting wins.
    pub(crate) fn starting(all: Vec<(String, Value)>, starts: &Alike<Started>) -> Self {
        let mut startup = Vec::new();
        for (name, value) in all {
            put(&mut startup, name, value);
        }
        let startup = starts.share(Arc::new(Started::of(startup)));
        let mut parameters = Self { startup, set: Vec::new(), fingerprint: 0 };
        parameters.note();
        parameters
    }

    /// Identifies the values in force; 0 if there are none.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Identifies those in force under which constants are read; 0 if there are none. The same text means the same
    /// to two sessions only where this is the same.
    pub(crate) fn reading(&self) -> u64 {
        if self.set.iter().any(is_read_under) { reading(self.in_force()) } else { self.startup.reading }
    }

    /// Whether one more can be kept.
    pub(crate) fn has_room(&self) -> bool {
        self.set.len() < MAX_PARAMETERS
    }

    /// A parameter's value in force, if the client has set it.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let find = |list: &'_ [(String, Value)]| list.iter().position(|(known, _)| known == name);
        match find(&self.set) {
            Some(at) => self.set.get(at).map(|(_, value)| value),
            None => {
                find(&self.startup.values).and_then(|at| self.startup.values.get(at)).map(|(_, value)| value)
            }
        }
    }

    /// What a parameter that is set to `value` comes to, whatever the server is on which it is set again.
    pub(crate) fn following(&self, name: &str, value: Value) -> Value {
        if name == date_style::NAME { date_style::following(self.get(name), value) } else { value }
    }

    /// Takes a change over.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Set(name, value) => {
                let value = self.following(name, value.clone());
                put(&mut self.set, name.clone(), value);
            }
            Change::Reset(name) => self.set.retain(|(known, _)| known != name),
            Change::ResetAll | Change::DiscardAll => self.set.clear(),
            Change::DeallocateAll | Change::LocalPath(_) | Change::Released(_) | Change::Ends { .. } => {}
        }
        self.note();
    }

    /// The statements that bring a server from whatever it has to these parameters.
    /// `search_path` maps the client's path to the partition's names.
    pub(crate) fn sql(&self, search_path: impl Fn(&str) -> String) -> String {
        let mut sql = String::from("RESET ALL");
        for (name, value) in self.in_force() {
            sql.push_str("; ");
            sql.push_str(&assignment(name, value, &search_path));
        }
        sql
    }

    /// The parameters that a server puts back to its own defaults with this change, and the session to those
    /// of its start.
    pub(crate) fn falling<'a>(&'a self, change: &'a Change) -> impl Iterator<Item = &'a String> {
        let falls = move |name: &str| match change {
            Change::Reset(reset) => reset == name,
            other => other.resets(),
        };
        self.startup.values.iter().map(|(name, _)| name).filter(move |name| falls(name))
    }

    /// The statements that bring these back to what the session started with, where it has not set them
    /// since; everything else stays. `None` where there are none.
    pub(crate) fn restoring(&self, names: &[String], search_path: impl Fn(&str) -> String) -> Option<String> {
        let fallen = self.startup.values.iter().filter(|(name, _)| names.contains(name));
        let unset = fallen.filter(|(name, _)| !self.set.iter().any(|(set, _)| set == name));
        let sql: Vec<String> = unset.map(|(name, value)| assignment(name, value, &search_path)).collect();
        (!sql.is_empty()).then(|| sql.join("; "))
    }

    /// All of them, with their values in force.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &(String, Value)> {
        let kept =
            self.startup.values.iter().filter(|(name, _)| !self.set.iter().any(|(set, _)| set == name));
        kept.chain(&self.set)
    }

    /// The same without those whose names `left_out` knows.
    pub(crate) fn without(&self, left_out: impl Fn(&str) -> bool) -> Self {
        let kept = |list: &[(String, Value)]| -> Vec<(String, Value)> {
            list.iter().filter(|(name, _)| !left_out(name)).cloned().collect()
        };
        let startup = Arc::new(Started::of(kept(&self.startup.values)));
        let mut rest = Self { startup, set: kept(&self.set), fingerprint: 0 };
        rest.note();
        rest
    }

    fn note(&mut self) {
        self.fingerprint = identify(self.in_force().collect());
    }
}

fn is_read_under((name, _): &(String, Value)) -> bool {
    READ_UNDER.contains(&name.as_str())
}

/// Identifies those of these values under which constants are read; 0 if there are none.
fn reading<'a>(values: impl Iterator<Item = &'a (String, Value)>) -> u64 {
    identify(values.filter(|value| is_read_under(value)).collect())
}

/// A number for these values, in whatever order; 0 if there are none.
fn identify(mut values: Vec<&(String, Value)>) -> u64 {
    if values.is_empty() {
        return 0;
    }
    values.sort_by(|a, b| a.0.cmp(&b.0));
    let mut hasher = DefaultHasher::new();
    values.hash(&mut hasher);
    hasher.finish().max(1)
}

fn put(list: &mut Vec<(String, Value)>, name: String, value: Value) {
    list.retain(|(known, _)| *known != name);
    list.push((name, value));
}

fn assignment(name: &str, value: &Value, search_path: impl Fn(&str) -> String) -> String {
    match value {
        Value::Text(text) if name == "search_path" => set_config(name, &search_path(text)),
        Value::Text(text) => set_config(name, text),
        Value::Sql(raw) if name == CHARACTERISTICS => {
            format!("SET SESSION CHARACTERISTICS AS TRANSACTION {raw}")
        }
        Value::Sql(raw) if name == "timezone" => format!("SET TIME ZONE {raw}"),
        Value::Sql(raw) => format!("SET {} TO {raw}", dotted(name)),
    }
}

fn set_config(name: &str, value: &str) -> String {
    format!("SELECT pg_catalog.set_config({}, {}, false)", quote_literal(name), quote_literal(value))
}

fn dotted(name: &str) -> String {
    name.split('.').map(quote_identifier).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn starting(start: &[(&str, &str)]) -> Parameters {
        let start = start.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
        Parameters::starting(start.collect(), &Alike::default())
    }

    #[test]
    fn what_was_set_is_set_again_elsewhere_and_reset_falls_back_to_the_start() {
        let mut parameters = starting(&[("timezone", "UTC")]);
        let start = parameters.fingerprint();
        assert_ne!(start, 0);
        parameters.apply(&Change::Set("timezone".to_owned(), text("Asia/Tokyo")));
        assert_ne!(parameters.fingerprint(), start);
        assert_eq!(
            parameters.sql(str::to_owned),
            "RESET ALL; SELECT pg_catalog.set_config('timezone', 'Asia/Tokyo', false)"
        );
        parameters.apply(&Change::ResetAll);
        assert_eq!(parameters.fingerprint(), start);
        assert_eq!(parameters.get("timezone"), Some(&text("UTC")));
    }

    #[test]
    fn only_what_fell_back_and_was_not_set_since_is_restored() {
        let mut parameters = starting(&[("timezone", "UTC"), ("a.x", "1")]);
        let fallen: Vec<String> = parameters.falling(&Change::ResetAll).cloned().collect();
        assert_eq!(fallen, ["timezone", "a.x"]);
        assert_eq!(parameters.falling(&Change::Reset("a.x".to_owned())).collect::<Vec<_>>(), ["a.x"]);
        assert_eq!(parameters.falling(&Change::DeallocateAll).count(), 0);
        parameters.apply(&Change::Set("timezone".to_owned(), text("Asia/Tokyo")));
        let sql = parameters.restoring(&fallen, str::to_owned);
        assert_eq!(sql.as_deref(), Some("SELECT pg_catalog.set_config('a.x', '1', false)"));
        assert_eq!(parameters.restoring(&[], str::to_owned), None);
    }

    #[test]
    fn the_order_of_setting_does_not_matter_to_the_fingerprint() {
        let (mut one, mut other) = (starting(&[]), starting(&[]));
        let (a, b) =
            (Change::Set("a.x".to_owned(), text("1")), Change::Set("work_mem".to_owned(), text("1MB")));
        for change in [&a, &b] {
            one.apply(change);
        }
        for change in [&b, &a] {
            other.apply(change);
        }
        assert_eq!(one.fingerprint(), other.fingerprint());
    }

    #[test]
    fn only_what_constants_are_read_under_tells_readings_apart() {
        let reading = |start: &[(&str, &str)]| starting(start).reading();
        assert_eq!(reading(&[]), 0);
        assert_eq!(reading(&[("application_name", "a"), ("app.user", "7")]), 0);
        assert_ne!(reading(&[("timezone", "UTC")]), reading(&[("timezone", "Asia/Tokyo")]));
        assert_eq!(reading(&[("timezone", "UTC"), ("app.user", "7")]), reading(&[("timezone", "UTC")]));
    }

    #[test]
    fn values_cannot_leave_their_quotes() {
        let parameters = starting(&[("app.note", "a'; DROP TABLE t; --\\")]);
        assert_eq!(
            parameters.sql(str::to_owned),
            r"RESET ALL; SELECT pg_catalog.set_config('app.note', E'a''; DROP TABLE t; --\\', false)"
        );
    }
}
