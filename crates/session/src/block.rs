//! A transaction block that no server has heard of yet: what the gate has answered of it, and to whom it was bound.

use crate::binding::Binding;
use model::partition::quote_identifier;
use std::borrow::Cow;

/// Bytes of what waits from which on no more is added.
const MAX_WAITING_BYTES: usize = 1024;

/// A transaction block that no server has heard of yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Block {
    /// None is open here (one may be on the server).
    #[default]
    None,
    /// Its beginning was answered by the gate, and goes to the server ahead of the first statement.
    Deferred(Box<Waiting>),
    /// Something failed in it before it reached a server; a savepoint that waits may lead back.
    Failed(Box<Waiting>),
}

/// The statements of a block that the gate has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// `BEGIN` and each `SET TRANSACTION`: what a chained transaction begins with as well.
    begin: Cow<'static, str>,
    /// What came after that.
    rest: String,
    savepoints: Vec<Savepoint>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Savepoint {
    name: String,
    /// Length of `rest` up to it, itself included.
    rest: usize,
    then: Then,
}

/// What else a savepoint brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Then {
    /// Whom the session was for.
    pub(crate) binding: Binding,
    /// How many changes of parameters were noted.
    pub(crate) changes: usize,
}

impl Waiting {
    /// `BEGIN` with these modes.
    pub(crate) fn begun(modes: &str) -> Self {
        let begin = match modes.trim_end() {
            "" => Cow::Borrowed("BEGIN"),
            modes => Cow::Owned(format!("BEGIN {modes}")),
        };
        Self { begin, ..Self::default() }
    }

    /// What the server is sent.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.begin, self.rest)
    }

    /// The same block begun anew (`AND CHAIN`).
    pub(crate) fn chained(self) -> Self {
        Self { begin: self.begin, ..Self::default() }
    }

    /// Whether one more statement can wait.
    pub(crate) fn has_room(&self) -> bool {
        self.begin.len() + self.rest.len() < MAX_WAITING_BYTES
    }

    /// Whether modes can still be set: not behind a savepoint.
    pub(crate) fn takes_modes(&self) -> bool {
        self.has_room() && self.savepoints.is_empty()
    }

    /// Whether it has a savepoint of this name.
    pub(crate) fn has_savepoint(&self, name: &str) -> bool {
        self.savepoints.iter().any(|savepoint| savepoint.name == name)
    }

    /// `SET TRANSACTION` with these modes.
    pub(crate) fn set_modes(&mut self, modes: &str) {
        let begin = self.begin.to_mut();
        begin.push_str("; SET TRANSACTION ");
        begin.push_str(modes);
    }

    /// `SET CONSTRAINTS ALL`
    pub(crate) fn set_constraints(&mut self, deferred: bool) {
        let when = if deferred { "DEFERRED" } else { "IMMEDIATE" };
        self.rest.push_str("; SET CONSTRAINTS ALL ");
        self.rest.push_str(when);
    }

    /// `SAVEPOINT name`; `then` is what it leads back to.
    pub(crate) fn savepoint(&mut self, name: &str, then: Then) {
        self.rest.push_str("; SAVEPOINT ");
        self.rest.push_str(&quote_identifier(name));
        self.savepoints.push(Savepoint { name: name.to_owned(), rest: self.rest.len(), then });
    }

    /// `ROLLBACK TO name`: forgets what came after the latest savepoint of that name.
    pub(crate) fn roll_back_to(&mut self, name: &str) -> Option<Then> {
        let at = self.savepoints.iter().rposition(|savepoint| savepoint.name == name)?;
        self.savepoints.truncate(at + 1);
        let savepoint = self.savepoints.last()?;
        self.rest.truncate(savepoint.rest);
        Some(savepoint.then.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn then() -> Then {
        Then { binding: Binding::default(), changes: 0 }
    }

    #[test]
    fn modes_go_first_and_a_savepoint_leads_back() {
        let mut waiting = Waiting::begun("");
        waiting.set_constraints(true);
        waiting.set_modes("READ ONLY");
        waiting.savepoint("a", then());
        waiting.set_constraints(false);
        waiting.savepoint("B c", then());
        assert!(!waiting.takes_modes());
        assert_eq!(
            waiting.text(),
            "BEGIN; SET TRANSACTION READ ONLY; SET CONSTRAINTS ALL DEFERRED; SAVEPOINT \"a\"; \
             SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT \"B c\""
        );
        assert_eq!(waiting.roll_back_to("b"), None);
        assert_eq!(waiting.roll_back_to("a"), Some(then()));
        assert!(waiting.has_savepoint("a") && !waiting.has_savepoint("B c"));
        assert!(waiting.text().ends_with("SAVEPOINT \"a\""));
        assert_eq!(waiting.chained().text(), "BEGIN; SET TRANSACTION READ ONLY");
    }
}
