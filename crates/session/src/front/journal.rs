//! What was done ahead of a server's answer, and how it is undone when an error makes the server skip it.

use super::SessionFront;
use crate::prepared::Statement;
use crate::state::Done;
use relay::Desk;
use std::sync::Arc;

impl SessionFront<'_> {
    /// Notes what was done for the message that the ledger noted last.
    pub(super) fn journal(&mut self, done: Done, desk: &mut Desk<'_>) {
        self.state.underway.journal(done);
        desk.ledger.mark();
    }

    /// Undoes what was done for messages that the server skipped, latest first.
    pub(super) fn undo_all(&mut self, undone: Vec<Done>) {
        for done in undone.into_iter().rev() {
            match done {
                Done::Named { name, before } => self.rename(name, before),
                Done::Prepared(id) => self.facts.prepared.remove(id),
                Done::Evicted(id) => drop(self.facts.prepared.insert(id)),
                Done::Unnamed(before) => self.facts.unnamed = before,
            }
        }
    }

    /// What a message that the server answered with an error leaves behind.
    pub(super) fn failed(&mut self, done: Done) {
        match done {
            // A failed Parse leaves no statement of its name; the unnamed one goes before anything else.
            Done::Named { name, .. } => {
                if name.is_empty() {
                    self.facts.unnamed = None;
                }
                self.rename(name, None);
            }
            Done::Prepared(id) => self.facts.prepared.remove(id),
            Done::Evicted(_) => {}
            Done::Unnamed(_) => self.facts.unnamed = None,
        }
    }

    /// Has a name stand for what it stood for before.
    pub(super) fn rename(&mut self, name: Box<[u8]>, statement: Option<Arc<Statement>>) {
        if let Some(statement) = statement {
            self.state.names.name_statement(name, statement);
        } else if let Some(gone) = self.state.names.drop_statement(&name) {
            self.state.names.forget(gone.id, name);
        }
    }

    /// The client's name stands for this statement from now on.
    pub(super) fn name(&mut self, name: &[u8], statement: &Arc<Statement>, desk: &mut Desk<'_>) {
        let before = self.state.names.name_statement(name.into(), Arc::clone(statement));
        self.journal(Done::Named { name: name.into(), before }, desk);
    }
}
