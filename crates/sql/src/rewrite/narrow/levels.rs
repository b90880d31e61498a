//! Follows a query bracket by bracket, and knows at each token whether the name of a relation may
//! stand there.
//!
//! Only what the grammar of `SELECT` reserves is relied on (PostgreSQL manual, "SELECT" and "SQL Key
//! Words"): a reserved word that is neither behind a `.` nor behind `AS` is that key word.

use crate::tokens::Tokens;

/// What stands between two brackets, or outside of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// An expression or a list; a query may still begin in it.
    Expression,
    /// A query, in this part of it.
    Query(Part),
    /// Relations that are joined to each other.
    Joined,
    /// A statement that changes rows: nothing of its own is looked at, what is bracketed in it is.
    Change,
}

/// The part of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Before `SELECT`, or behind `UNION` and its like.
    Head,
    /// Between `SELECT` and `FROM`.
    Targets,
    /// The relations.
    From,
    /// Behind them.
    Rest,
}

/// Words that end a list of relations.
const BEHIND_FROM: &[&str] =
    &["where", "group", "having", "window", "order", "limit", "offset", "fetch", "for"];

const SET_OPERATIONS: &[&str] = &["union", "intersect", "except"];

const CHANGES: &[&str] = &["insert", "update", "delete", "merge"];

/// What may stand at a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rewrite) enum Place {
    /// Nothing of interest.
    Elsewhere,
    /// The name of a relation in a `FROM`.
    Relation,
    /// The `TABLE` of `TABLE name`.
    Table,
}

/// The levels around a token, from the outside in.
pub(in crate::rewrite) struct Levels {
    /// The query's first token.
    start: usize,
    stack: Vec<Level>,
}

impl Levels {
    /// For a query that starts at token `start`, which is the next to be seen.
    pub(in crate::rewrite) fn of_query(start: usize) -> Self {
        Self { start, stack: vec![Level::Query(Part::Head)] }
    }

    /// Is the token seen last a part of what a query answers with, outside of all its brackets?
    pub(in crate::rewrite) fn is_target(&self) -> bool {
        self.top() == Level::Query(Part::Targets)
    }

    fn top(&self) -> Level {
        self.stack.last().copied().unwrap_or(Level::Change)
    }

    fn set(&mut self, level: Level) {
        if let Some(top) = self.stack.last_mut() {
            *top = level;
        }
    }

    /// Takes token `i`, and says what may stand there. To be called for each token in turn.
    pub(in crate::rewrite) fn see(&mut self, t: Tokens, i: usize) -> Place {
        let relation = self.takes_relation(t, i);
        match t.bytes(i) {
            b"(" => self.stack.push(inner(t, i, relation)),
            b"[" => self.stack.push(Level::Expression),
            b")" | b"]" => {
                self.stack.pop();
            }
            _ if is_key(t, i) || i == self.start => return self.word(t, i, relation),
            _ if relation && t.is_name(i) => return Place::Relation,
            _ => {}
        }
        Place::Elsewhere
    }

    /// Is this where a list of relations wants the next one?
    fn takes_relation(&self, t: Tokens, i: usize) -> bool {
        let Some(before) = i.checked_sub(1) else { return false };
        match self.top() {
            Level::Query(Part::From) => t.symbol(before, b',') || t.is_any(before, &["from", "join", "only"]),
            Level::Joined => t.symbol(before, b'(') || t.is_any(before, &["join", "only"]),
            Level::Query(_) | Level::Expression | Level::Change => false,
        }
    }

    fn word(&mut self, t: Tokens, i: usize, relation: bool) -> Place {
        let level = self.top();
        if level == Level::Change {
            return Place::Elsewhere;
        }
        if t.is(i, "select") {
            self.set(Level::Query(Part::Targets));
        } else if t.is_any(i, SET_OPERATIONS) {
            self.set(Level::Query(Part::Head));
        } else if let Level::Query(part) = level {
            return self.in_query(t, i, part, relation);
        } else if level == Level::Joined && relation {
            return Place::Relation;
        }
        Place::Elsewhere
    }

    fn in_query(&mut self, t: Tokens, i: usize, part: Part, relation: bool) -> Place {
        match part {
            Part::Head if t.is_any(i, CHANGES) => self.set(Level::Change),
            Part::Head if t.is(i, "table") => return Place::Table,
            Part::Targets if t.is(i, "from") && !t.is(i.wrapping_sub(1), "distinct") => {
                self.set(Level::Query(Part::From));
            }
            Part::Targets | Part::From if t.is_any(i, BEHIND_FROM) => self.set(Level::Query(Part::Rest)),
            Part::From if relation => return Place::Relation,
            _ => {}
        }
        Place::Elsewhere
    }
}

/// What the bracket at `i` opens.
fn inner(t: Tokens, i: usize, relation: bool) -> Level {
    if t.is_any(i + 1, CHANGES) {
        Level::Change
    } else if t.is_any(i + 1, &["select", "with", "values", "table"]) {
        Level::Query(Part::Head)
    } else if relation && !t.is(i.wrapping_sub(1), "only") {
        Level::Joined
    } else {
        Level::Expression
    }
}

/// May the word at `i` be a key word, rather than a column behind a `.` or a name behind `AS`?
fn is_key(t: Tokens, i: usize) -> bool {
    let before = i.wrapping_sub(1);
    t.kind(i) == Some(crate::lexer::TokenKind::Word) && !t.symbol(before, b'.') && !t.is(before, "as")
}
