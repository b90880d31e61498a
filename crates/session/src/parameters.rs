//! The parameters a client has set, which travel with its session from server to server.

use model::partition::{quote_identifier, quote_literal};
use sql::Effects;
use std::hash::{DefaultHasher, Hash, Hasher};

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
}

impl Change {
    /// Whether a server falls back to its own defaults with it.
    pub(crate) fn resets(&self) -> bool {
        !matches!(self, Self::Set(..) | Self::LocalPath(_) | Self::Released(_))
    }
}

/// Pseudo name of `SET SESSION CHARACTERISTICS AS TRANSACTION`.
pub(crate) const CHARACTERISTICS: &str = "session characteristics";

/// A session's parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    /// From the start-up packet: what `RESET` comes back to.
    startup: Vec<(String, Value)>,
    /// What differs from that since.
    set: Vec<(String, Value)>,
    fingerprint: u64,
}

impl Parameters {
    /// What the start-up packet sets.
    pub(crate) fn starting(startup: Vec<(String, Value)>) -> Self {
        let mut parameters = Self { startup: Vec::new(), set: Vec::new(), fingerprint: 0 };
        for (name, value) in startup {
            put(&mut parameters.startup, name, value);
        }
        parameters.note();
        parameters
    }

    /// Identifies the values in force; 0 if there are none.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
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
            None => find(&self.startup).and_then(|at| self.startup.get(at)).map(|(_, value)| value),
        }
    }

    /// Takes a change over.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Set(name, value) => put(&mut self.set, name.clone(), value.clone()),
            Change::Reset(name) => self.set.retain(|(known, _)| known != name),
            Change::ResetAll | Change::DiscardAll => self.set.clear(),
            Change::DeallocateAll | Change::LocalPath(_) | Change::Released(_) => {}
        }
        self.note();
    }

    /// The statements that bring a server from whatever it has to these parameters.
    /// `search_path` maps the client's path to the partition's names.
    pub(crate) fn sql(&self, search_path: impl Fn(&str) -> String) -> String {
        let mut sql = String::from("RESET ALL");
        let startup = self.startup.iter().filter(|(name, _)| !self.set.iter().any(|(set, _)| set == name));
        for (name, value) in startup.chain(&self.set) {
            sql.push_str("; ");
            sql.push_str(&match value {
                Value::Text(text) if name == "search_path" => set_config(name, &search_path(text)),
                Value::Text(text) => set_config(name, text),
                Value::Sql(raw) if name == CHARACTERISTICS => {
                    format!("SET SESSION CHARACTERISTICS AS TRANSACTION {raw}")
                }
                Value::Sql(raw) if name == "timezone" => format!("SET TIME ZONE {raw}"),
                Value::Sql(raw) => format!("SET {} TO {raw}", dotted(name)),
            });
        }
        sql
    }

    fn note(&mut self) {
        if self.startup.is_empty() && self.set.is_empty() {
            self.fingerprint = 0;
            return;
        }
        let mut in_force: Vec<&(String, Value)> = self
            .startup
            .iter()
            .filter(|(name, _)| !self.set.iter().any(|(set, _)| set == name))
            .chain(&self.set)
            .collect();
        in_force.sort_by(|a, b| a.0.cmp(&b.0));
        let mut hasher = DefaultHasher::new();
        in_force.hash(&mut hasher);
        self.fingerprint = hasher.finish().max(1);
    }
}

fn put(list: &mut Vec<(String, Value)>, name: String, value: Value) {
    list.retain(|(known, _)| *known != name);
    list.push((name, value));
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

    #[test]
    fn what_was_set_is_set_again_elsewhere_and_reset_falls_back_to_the_start() {
        let mut parameters = Parameters::starting(vec![("timezone".to_owned(), text("UTC"))]);
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
    fn the_order_of_setting_does_not_matter_to_the_fingerprint() {
        let (mut one, mut other) = (Parameters::default(), Parameters::default());
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
    fn values_cannot_leave_their_quotes() {
        let parameters = Parameters::starting(vec![("app.note".to_owned(), text("a'; DROP TABLE t; --\\"))]);
        assert_eq!(
            parameters.sql(str::to_owned),
            r"RESET ALL; SELECT pg_catalog.set_config('app.note', E'a''; DROP TABLE t; --\\', false)"
        );
    }
}
