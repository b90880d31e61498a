//! Which bracket of a statement belongs to which, so that asking about any token is one step.

use crate::tokens::Tokens;

/// The brackets of one statement.
pub(super) struct Brackets {
    /// For each token, the bracket that encloses it.
    parent: Vec<Option<usize>>,
    /// For each bracket, its counterpart.
    mate: Vec<Option<usize>>,
    /// For each token, how many commas stand before it between its brackets.
    ordinal: Vec<usize>,
}

impl Brackets {
    pub(super) fn of(t: Tokens) -> Self {
        let mut brackets = Self {
            parent: Vec::with_capacity(t.len()),
            mate: vec![None; t.len()],
            ordinal: Vec::with_capacity(t.len()),
        };
        let mut stack: Vec<(Option<usize>, usize)> = vec![(None, 0)];
        for i in 0..t.len() {
            let bytes = t.bytes(i);
            if matches!(bytes, b")" | b"]")
                && stack.len() > 1
                && let Some((Some(open), _)) = stack.pop()
            {
                brackets.mate[open] = Some(i);
                brackets.mate[i] = Some(open);
            }
            let (parent, ordinal) = stack.last_mut().map_or((None, 0), |(parent, ordinal)| {
                *ordinal += usize::from(bytes == b",");
                (*parent, *ordinal)
            });
            brackets.parent.push(parent);
            brackets.ordinal.push(ordinal);
            if matches!(bytes, b"(" | b"[") {
                stack.push((Some(i), 0));
            }
        }
        brackets
    }

    /// The bracket around token `i`.
    pub(super) fn parent(&self, i: usize) -> Option<usize> {
        self.parent.get(i).copied().flatten()
    }

    /// The counterpart of the bracket at `i`.
    pub(super) fn mate(&self, i: usize) -> Option<usize> {
        self.mate.get(i).copied().flatten()
    }

    /// Which element of the list between its brackets token `i` belongs to, from 0.
    pub(super) fn ordinal(&self, i: usize) -> usize {
        self.ordinal.get(i).copied().unwrap_or(0)
    }

    /// How many elements stand between the brackets that `open` starts, if there is one at all.
    pub(super) fn elements(&self, open: usize) -> usize {
        self.mate(open).map_or(1, |close| self.ordinal(close - 1) + 1)
    }
}
