//! Texts that a server was sent in place of the client's own, while its errors may still name a place in them.

use crate::look::Look;
use std::collections::VecDeque;
use std::sync::Arc;

/// Texts on their way, by the numbers that the ledger keeps beside what is owed for them.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    last: u32,
    sent: VecDeque<Sent>,
}

#[derive(Debug)]
struct Sent {
    number: u32,
    /// Of the text, if it was rewritten.
    look: Option<Arc<Look>>,
    /// Characters of the client's query before the part of it that was sent.
    ahead: u32,
}

impl Texts {
    /// The number for messages that have to do with this text; 0 for one that went as it came.
    pub(crate) fn number(&mut self, look: Option<&Arc<Look>>, ahead: u32) -> u32 {
        let look = look.filter(|look| look.sent().is_some());
        if look.is_none() && ahead == 0 {
            return 0;
        }
        let is_same = |sent: &Sent| match (&sent.look, look) {
            (Some(known), Some(look)) => Arc::ptr_eq(known, look) && sent.ahead == ahead,
            _ => false,
        };
        if self.sent.back().is_none_or(|sent| !is_same(sent)) {
            self.last = self.last.wrapping_add(1).max(1);
            self.sent.push_back(Sent { number: self.last, look: look.cloned(), ahead });
        }
        self.last
    }

    /// Where a place in the text of this number is in the client's own, in characters from 1.
    pub(crate) fn client_position(&self, number: u32, position: u32) -> u32 {
        let Some(sent) = self.sent.iter().find(|sent| sent.number == number) else { return position };
        let rewritten = sent.look.as_ref().and_then(|look| look.rewritten.as_ref());
        rewritten.map_or(position, |rewritten| rewritten.client_position(position)) + sent.ahead
    }

    /// Nothing is on its way any more.
    pub(crate) fn forget(&mut self) {
        self.sent = VecDeque::new();
    }

    /// Whether something is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}
