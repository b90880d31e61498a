//! The transaction of a session that asks many stores: nothing is open anywhere, but status, warnings and what
//! ends with it are as Postgres has them; pure.

use super::layers::Layers;

/// Savepoints of one transaction.
pub(super) const MAX_SAVEPOINTS: usize = 1000;

/// Where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// None was begun: each message has one of its own.
    #[default]
    None,
    Open,
    Failed,
}

/// The isolation level that a transaction's modes name.
pub(super) fn isolation_level(modes: &str) -> Option<&'static str> {
    let words = modes.to_ascii_lowercase().replace(',', " ");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let known = ["serializable", "repeatable read", "read committed", "read uncommitted"];
    known.into_iter().find(|level| words.contains(&format!("isolation level {level}")))
}

/// A transaction, begun or implicit.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    stage: Stage,
    /// The parameters before the first change in it.
    before: Option<Box<Layers>>,
    savepoints: Vec<(String, Layers)>,
    /// As `SHOW transaction_isolation` has it, where `BEGIN` said so.
    isolation: Option<&'static str>,
}

impl Transaction {
    /// As ReadyForQuery has it.
    pub(super) fn status(&self) -> u8 {
        match self.stage {
            Stage::None => b'I',
            Stage::Open => b'T',
            Stage::Failed => b'E',
        }
    }

    /// Whether one was begun.
    pub(super) fn is_open(&self) -> bool {
        self.stage != Stage::None
    }

    /// Whether only its end is accepted.
    pub(super) fn is_failed(&self) -> bool {
        self.stage == Stage::Failed
    }

    /// Begins one.
    pub(super) fn begin(&mut self, modes: &str) {
        self.stage = Stage::Open;
        self.set_modes(modes);
    }

    /// Takes note of its modes, as far as anybody can ask for them.
    pub(super) fn set_modes(&mut self, modes: &str) {
        self.isolation = isolation_level(modes).or(self.isolation);
    }

    /// As `SHOW transaction_isolation` has it, where that is not the session's default.
    pub(super) fn isolation(&self) -> Option<&'static str> {
        self.isolation
    }

    /// `now` is about to be changed.
    pub(super) fn changes(&mut self, now: &Layers) {
        self.before.get_or_insert_with(|| Box::new(now.clone()));
    }

    /// Something failed. The parameters to go back to, if that ended it.
    pub(super) fn fail(&mut self) -> Option<Layers> {
        if self.stage == Stage::None {
            return self.before.take().map(|before| *before);
        }
        self.stage = Stage::Failed;
        None
    }

    /// It is over, and what was set in it stays.
    pub(super) fn commit(&mut self) {
        *self = Self::default();
    }

    /// It is over. The parameters to go back to, if some were changed.
    pub(super) fn roll_back(&mut self) -> Option<Layers> {
        std::mem::take(self).before.map(|before| *before)
    }

    /// `SAVEPOINT`; false where there are too many.
    pub(super) fn savepoint(&mut self, name: &str, now: &Layers) -> bool {
        let has_room = self.savepoints.len() < MAX_SAVEPOINTS;
        if has_room {
            self.savepoints.push((name.to_owned(), now.clone()));
        }
        has_room
    }

    /// How many savepoints there are.
    pub(super) fn depth(&self) -> usize {
        self.savepoints.len()
    }

    /// `RELEASE`; false where there is none of that name.
    pub(super) fn release(&mut self, name: &str) -> bool {
        let found = self.savepoints.iter().rposition(|(known, _)| known == name);
        if let Some(at) = found {
            self.savepoints.truncate(at);
        }
        found.is_some()
    }

    /// `ROLLBACK TO`: the parameters to go back to; `None` where there is none of that name.
    pub(super) fn roll_back_to(&mut self, name: &str) -> Option<Layers> {
        let at = self.savepoints.iter().rposition(|(known, _)| known == name)?;
        self.savepoints.truncate(at + 1);
        self.stage = Stage::Open;
        self.savepoints.last().map(|(_, then)| then.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alike::Alike;
    use crate::parameters::{Parameters, Value};
    use sql::Scope;
    use std::time::Duration;

    fn layers() -> Layers {
        let second = Duration::from_secs(1);
        let limits = fanout::Limits {
            concurrency: 8,
            leg_timeout: second,
            deadline: second,
            leg_rows: 1,
            leg_bytes: 1,
            total_bytes: 1,
            gate_bytes: 1 << 30,
        };
        Layers::starting(Parameters::starting(Vec::new(), &Alike::default()), limits).expect("a start")
    }

    fn tier(layers: &Layers) -> Option<String> {
        layers.settings().show("fanout.tier", 0)
    }

    fn at_tier(layers: &Layers, tier: &str) -> Layers {
        layers.with(Scope::Session, "fanout.tier", Some(Value::Text(tier.to_owned()))).expect("a tier")
    }

    #[test]
    fn what_was_set_is_taken_back_with_what_it_was_set_in() {
        let (start, mut transaction) = (layers(), Transaction::default());
        transaction.begin("ISOLATION LEVEL  SERIALIZABLE, READ ONLY");
        assert_eq!((transaction.status(), transaction.isolation()), (b'T', Some("serializable")));
        transaction.changes(&start);
        let changed = at_tier(&start, "t3");
        assert!(transaction.savepoint("a", &changed));
        transaction.changes(&changed);
        assert!(transaction.fail().is_none(), "it goes on, failed");
        assert_eq!(transaction.status(), b'E');
        assert!(transaction.roll_back_to("b").is_none());
        assert_eq!(transaction.roll_back_to("a").as_ref().and_then(tier).as_deref(), Some("t3"));
        assert_eq!(transaction.status(), b'T');
        assert!(transaction.release("a") && !transaction.release("a"));
        assert_eq!(transaction.roll_back().as_ref().and_then(tier).as_deref(), Some("auto"));
        assert_eq!((transaction.status(), transaction.isolation()), (b'I', None));
    }

    #[test]
    fn an_implicit_transaction_ends_with_its_failure() {
        let mut transaction = Transaction::default();
        assert!(transaction.fail().is_none());
        transaction.changes(&layers());
        assert!(transaction.fail().is_some());
        assert!(transaction.fail().is_none() && transaction.status() == b'I');
    }

    #[test]
    fn savepoints_are_bounded_and_the_latest_of_a_name_counts() {
        let (mut transaction, start) = (Transaction::default(), layers());
        transaction.begin("");
        assert!(transaction.savepoint("a", &start));
        assert!(transaction.savepoint("a", &at_tier(&start, "t1")));
        assert_eq!(transaction.roll_back_to("a").as_ref().and_then(tier).as_deref(), Some("t1"));
        assert!(transaction.release("a"));
        assert_eq!(transaction.roll_back_to("a").as_ref().and_then(tier).as_deref(), Some("auto"));
        for _ in 1..MAX_SAVEPOINTS {
            assert!(transaction.savepoint("a", &start));
        }
        assert!(!transaction.savepoint("a", &start));
    }
}
