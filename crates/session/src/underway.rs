//! What a session has on its way, or done and not committed.

use crate::look::Look;
use crate::parameters::Change;
use crate::state::Done;
use crate::texts::Texts;
use std::collections::VecDeque;
use std::sync::Arc;
use wire::Fields;

/// What is on its way, or done and not committed. It takes memory from the first thing of the kind on:
/// most sessions that are idle never had any.
#[derive(Debug, Default)]
pub(crate) struct Underway(Option<Box<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    /// Changes of watched messages on their way, oldest first.
    awaited: VecDeque<Vec<Change>>,
    /// Changes that succeeded and are not committed.
    uncommitted: Vec<Change>,
    /// Parameters of the start-up packet that a leased server has put back to its own defaults.
    fallen: Vec<String>,
    /// What was done for messages that the server may yet skip, oldest first.
    journal: VecDeque<Done>,
    /// What the client is told in place of the server's answer to [`crate::error::REFUSED`].
    refusal: Option<Box<Fields>>,
    /// What was rewritten for the server, to map error positions back.
    texts: Texts,
}

impl Underway {
    fn parts(&mut self) -> &mut Parts {
        self.0.get_or_insert_default()
    }

    /// Notes what a message that is on its way changes if it succeeds.
    pub(crate) fn watch(&mut self, changes: Vec<Change>) {
        self.parts().awaited.push_back(changes);
    }

    /// What the oldest message that is on its way changes: it has been answered.
    pub(crate) fn answered(&mut self) -> Vec<Change> {
        self.0.as_mut().and_then(|parts| parts.awaited.pop_front()).unwrap_or_default()
    }

    /// What messages on their way change, oldest first.
    pub(crate) fn awaited(&self) -> impl Iterator<Item = &Change> {
        self.0.iter().flat_map(|parts| parts.awaited.iter().flatten())
    }

    /// Changes that succeeded and are not committed.
    pub(crate) fn uncommitted(&self) -> &[Change] {
        self.0.as_ref().map_or(&[], |parts| &parts.uncommitted)
    }

    /// Notes changes that succeeded.
    pub(crate) fn succeeded(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.parts().uncommitted.extend(changes);
    }

    /// Takes back all but the first `count` changes that succeeded.
    pub(crate) fn take_back(&mut self, count: usize) {
        if let Some(parts) = &mut self.0 {
            parts.uncommitted.truncate(count);
        }
    }

    /// The changes that succeeded, to be settled.
    pub(crate) fn take_uncommitted(&mut self) -> Vec<Change> {
        self.0.as_mut().map(|parts| std::mem::take(&mut parts.uncommitted)).unwrap_or_default()
    }

    /// All changes, to be told of what came after them.
    pub(crate) fn changes_mut(&mut self) -> impl Iterator<Item = &mut Change> {
        self.0.iter_mut().flat_map(|parts| parts.awaited.iter_mut().flatten().chain(&mut parts.uncommitted))
    }

    /// Notes a parameter that a leased server has put back to its own default.
    pub(crate) fn fell(&mut self, name: &str) {
        let fallen = &mut self.parts().fallen;
        if !fallen.iter().any(|known| known == name) {
            fallen.push(name.to_owned());
        }
    }

    /// The parameters that fell back, to be restored or forgotten.
    pub(crate) fn take_fallen(&mut self) -> Vec<String> {
        self.0.as_mut().map(|parts| std::mem::take(&mut parts.fallen)).unwrap_or_default()
    }

    /// Notes what was done for a message ahead of its answer.
    pub(crate) fn journal(&mut self, done: Done) {
        self.parts().journal.push_back(done);
    }

    /// What was done ahead of answers that are owed, oldest first.
    pub(crate) fn journaled(&self) -> impl Iterator<Item = &Done> {
        self.0.iter().flat_map(|parts| &parts.journal)
    }

    /// The oldest `count` of it, to be undone.
    pub(crate) fn take_journaled(&mut self, count: usize) -> Vec<Done> {
        let Some(parts) = &mut self.0 else { return Vec::new() };
        parts.journal.drain(..count.min(parts.journal.len())).collect()
    }

    /// The oldest `count` of it stays done.
    pub(crate) fn keep_journaled(&mut self, count: usize) {
        if let Some(parts) = &mut self.0 {
            parts.journal.drain(..count.min(parts.journal.len()));
        }
    }

    /// What the client is to be told in place of the server's answer to [`crate::error::REFUSED`].
    pub(crate) fn refuse_by(&mut self, fields: Box<Fields>) {
        self.parts().refusal = Some(fields);
    }

    /// The same, if something is.
    pub(crate) fn take_refusal(&mut self) -> Option<Box<Fields>> {
        self.0.as_mut().and_then(|parts| parts.refusal.take())
    }

    /// The number for messages that have to do with this text (see [`Texts::number`]).
    pub(crate) fn number(&mut self, look: Option<&Arc<Look>>, ahead: u32) -> u32 {
        if ahead == 0 && look.is_none_or(|look| look.sent().is_none()) {
            return 0;
        }
        self.parts().texts.number(look, ahead)
    }

    /// Texts that were rewritten for the server.
    pub(crate) fn texts(&self) -> Option<&Texts> {
        self.0.as_ref().map(|parts| &parts.texts)
    }

    /// Everything that was sent has been answered.
    pub(crate) fn forget_texts(&mut self) {
        if let Some(parts) = &mut self.0
            && !parts.texts.is_empty()
        {
            parts.texts.forget();
        }
    }
}
