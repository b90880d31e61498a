//! What a store answers to one leg, message by message: pure, and distrustful of every byte.

use super::budget::Budget;
use super::likeness::{Difference, Found};
use super::outcome::Fault;
use super::request::{Owed, Part, Request, Written};
use super::rows::Rows;
use super::validate::{is_described, is_row};
use model::Outcome;
use pool::Facts;
use std::collections::VecDeque;
use std::sync::Arc;
use wire::frame::{HEADER_BYTES, Header, backend};
use wire::{Fields, Severity};

/// Longest message other than a row, in bytes: errors are the longest.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Most bytes of notices, parameters and notifications in one leg: nothing in a leg asks for any.
const MAX_ASIDE_BYTES: usize = 256 * 1024;

/// Most bytes of the answers to what is asked before the pieces.
const MAX_CHECK_BYTES: usize = 4 * 1024 * 1024;

/// Most bytes that are read and thrown away, once a leg cannot be ok, so that its connection may be kept.
const MAX_DISCARDED_BYTES: usize = 256 * 1024;

/// Said of what is not read to its end: what has become of the leg is known by then.
const WASTED: &str = "what it sent was of no use any more";

/// Messages that a leg's answer can have.
const EXPECTED: [u8; 11] = [
    backend::PARSE_COMPLETE,
    backend::BIND_COMPLETE,
    backend::CLOSE_COMPLETE,
    backend::ROW_DESCRIPTION,
    backend::DATA_ROW,
    backend::COMMAND_COMPLETE,
    backend::READY_FOR_QUERY,
    backend::ERROR_RESPONSE,
    backend::NOTICE_RESPONSE,
    backend::PARAMETER_STATUS,
    backend::NOTIFICATION_RESPONSE,
];

/// A leg's answer so far.
pub(crate) struct Hearing<'r> {
    request: &'r Request,
    /// Whose store it is.
    user: &'r str,
    owed: VecDeque<Owed>,
    /// Which statements the connection holds is told here.
    reused: Vec<pool::StatementId>,
    found: Found,
    /// The last before the pieces: once it is answered, the store has told what it is like.
    told_by: Part,
    /// Why the leg cannot be ok, while the rest of the answer is waited for.
    lost: Option<Lost>,
    /// Rows of the piece that is being answered.
    pub(crate) current: Rows,
    /// Rows of the pieces before it.
    pub(crate) done: Vec<Rows>,
    in_piece: u64,
    /// Rows that home makes of those that it sent.
    weight: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: usize,
    /// Whether rows are passed on rather than kept.
    passes: bool,
    /// Whether it has answered anything.
    answered: bool,
    aside: usize,
    checked: usize,
    discarded: usize,
}

/// Why a leg is not ok although its connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// This became of it.
    Fault(Fault),
    /// It is asked by a plan that depends on collation, and collates otherwise than home.
    CollatesOtherwise,
    /// What the connection held prepared may not fit the tables any more; otherwise it is this.
    Stale(Fault),
}

impl Lost {
    /// Whether the store speaks of a transaction that ought to have been over, or never comes: its connection is not
    /// what it was said to be.
    pub(crate) fn is_about_transaction(&self) -> bool {
        match self {
            Self::Fault(fault) => {
                fault.sqlstate.is_some_and(|code| matches!(code.as_str(), "25P02" | "25001"))
            }
            Self::CollatesOtherwise | Self::Stale(_) => false,
        }
    }
}

/// Where a leg is after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// More is owed.
    More,
    /// That was ReadyForQuery, with this transaction status.
    Ready(u8),
}

impl<'r> Hearing<'r> {
    pub(crate) fn new(
        request: &'r Request,
        user: &'r str,
        written: Written,
        budget: &Arc<Budget>,
        passes: bool,
    ) -> Self {
        Self {
            request,
            user,
            owed: written.owed,
            reused: written.reused,
            found: written.found,
            told_by: written.told_by,
            lost: None,
            current: Rows::new(budget.hold()),
            done: Vec::new(),
            in_piece: 0,
            weight: 0,
            rows: 0,
            bytes: 0,
            passes,
            answered: false,
            aside: 0,
            checked: 0,
            discarded: 0,
        }
    }

    /// Why it cannot be ok.
    pub(crate) fn take_lost(&mut self) -> Option<Lost> {
        self.lost.take()
    }

    /// Whether the server may hold other statements than its facts say.
    pub(crate) fn is_unsure(&self) -> bool {
        self.owed.contains(&Owed::Closed)
    }

    /// Statements that were to be parsed and perhaps were not.
    pub(crate) fn unparsed(&self) -> impl Iterator<Item = pool::StatementId> {
        self.owed.iter().filter_map(|owed| if let Owed::Parsed(id) = owed { Some(*id) } else { None })
    }

    /// Whether the connection had been used before, and has not answered a word since.
    pub(crate) fn was_found_dead(&self) -> bool {
        !self.reused.is_empty() && !self.answered
    }

    /// Looks at a header before its body has come.
    ///
    /// # Errors
    /// The message is longer than any that would be taken.
    pub(crate) fn announce(&self, header: Header) -> Result<(), Fault> {
        if !EXPECTED.contains(&header.tag) {
            return Err(misplaced(header.tag));
        }
        if header.tag != backend::DATA_ROW || self.lost.is_some() {
            let too_long = header.total() > MAX_MESSAGE_BYTES;
            let message = || format!("it sent a message of {} bytes", header.total());
            return if too_long { Err(Fault::bad(message())) } else { Ok(()) };
        }
        let limits = &self.request.statement.limits;
        // What was passed on is not kept.
        let kept = if self.passes { 0 } else { self.bytes };
        if kept.saturating_add(header.total()) > limits.leg_bytes {
            return Err(Fault::limit(&format!("{} bytes", limits.leg_bytes), "fanout.leg_bytes"));
        }
        if !self.passes && self.rows >= limits.leg_rows {
            return Err(Fault::limit(&format!("{} rows", limits.leg_rows), "fanout.leg_rows"));
        }
        Ok(())
    }

    /// Takes a whole message.
    ///
    /// # Errors
    /// It breaks the protocol, or a bound: the connection is of no use any more.
    pub(crate) fn take(&mut self, tag: u8, message: &[u8], facts: &mut Facts) -> Result<Heard, Fault> {
        let body = message.get(HEADER_BYTES..).unwrap_or_default();
        match tag {
            backend::NOTICE_RESPONSE | backend::PARAMETER_STATUS | backend::NOTIFICATION_RESPONSE => {
                self.aside += message.len();
                if self.aside > MAX_ASIDE_BYTES {
                    return Err(Fault::bad("it sends notices without end"));
                }
                Ok(Heard::More)
            }
            backend::ERROR_RESPONSE => self.take_error(body),
            backend::READY_FOR_QUERY => self.take_ready(body),
            backend::DATA_ROW => self.take_row(message, body),
            tag => self.take_owed(tag, body, facts),
        }
    }

    fn take_error(&mut self, body: &[u8]) -> Result<Heard, Fault> {
        let fields = Fields::decode(body);
        let mut fault = Fault::told(&fields);
        fault.about_rows = matches!(self.owed.front(), Some(Owed::Done(Part::Piece(_))));
        if matches!(fields.severity, Severity::Fatal | Severity::Panic) {
            return Err(fault);
        }
        // A plan that was made for a table as it was (0A000), or that somebody has taken away (26000).
        let stale = matches!(fields.code.as_str(), "0A000" | "26000") && !self.reused.is_empty();
        let lost = if stale { Lost::Stale(fault) } else { Lost::Fault(fault) };
        self.lost.get_or_insert(lost);
        Ok(Heard::More)
    }

    fn take_ready(&mut self, body: &[u8]) -> Result<Heard, Fault> {
        let &[status] = body else { return Err(Fault::bad("its ReadyForQuery is garbage")) };
        if self.lost.is_none() && (!self.owed.is_empty() || status != b'I') {
            return Err(Fault::bad("it says that it is ready before it has answered"));
        }
        Ok(Heard::Ready(status))
    }

    fn take_owed(&mut self, tag: u8, body: &[u8], facts: &mut Facts) -> Result<Heard, Fault> {
        self.answered = true;
        let fits = match (self.owed.front(), tag) {
            (Some(Owed::Parsed(_)), backend::PARSE_COMPLETE)
            | (Some(Owed::Closed), backend::CLOSE_COMPLETE)
            | (Some(Owed::Bound), backend::BIND_COMPLETE) => body.is_empty(),
            (Some(Owed::Described(at)), backend::ROW_DESCRIPTION) => return self.described(*at, body),
            (Some(Owed::Done(part)), backend::COMMAND_COMPLETE) => return self.done(*part, body, facts),
            _ => false,
        };
        if !fits {
            return Err(misplaced(tag));
        }
        // It is noted when it is written; this only keeps it the most recently used.
        if let Some(Owed::Parsed(id)) = self.owed.pop_front() {
            facts.prepared.touch(id);
        }
        Ok(Heard::More)
    }

    fn described(&mut self, at: usize, body: &[u8]) -> Result<Heard, Fault> {
        self.owed.pop_front();
        let Some(piece) = self.request.statement.plan.pieces.get(at) else {
            return Err(Fault::bad("it describes what it was not asked"));
        };
        if self.lost.is_none() {
            let format = |column| self.request.statement.result_format(at, column);
            is_described(&piece.columns, body, format)
                .ok_or_else(|| Fault::bad("its columns are not those that it was asked for"))?;
        }
        Ok(Heard::More)
    }

    fn done(&mut self, part: Part, body: &[u8], facts: &mut Facts) -> Result<Heard, Fault> {
        self.owed.pop_front();
        if part == self.told_by {
            self.judge();
        }
        match part {
            Part::Database => facts.database.clone_from(&self.found.database),
            Part::Piece(_) if self.lost.is_none() => {
                let told = body.strip_suffix(b"\0").and_then(|tag| tag.strip_prefix(b"SELECT "));
                let told = told.and_then(|count| std::str::from_utf8(count).ok()?.parse::<u64>().ok());
                if told != Some(self.in_piece) {
                    return Err(Fault::bad(format!("it sent {} rows and says otherwise", self.in_piece)));
                }
                if !self.passes {
                    let mut rows = self.current.take();
                    rows.settle();
                    self.done.push(rows);
                }
            }
            _ => {}
        }
        self.in_piece = 0;
        Ok(Heard::More)
    }

    /// Compares the store with what the plan needs.
    fn judge(&mut self) {
        let Request { statement, .. } = self.request;
        if let Err(difference) = statement.expected.compare(&self.found, statement.plan.collates) {
            let lost = match difference {
                Difference::Schema(message) => Lost::Fault(Fault::new(Outcome::Schema, message)),
                Difference::Collates => Lost::CollatesOtherwise,
            };
            self.lost.get_or_insert(lost);
        }
    }

    fn take_row(&mut self, message: &[u8], body: &[u8]) -> Result<Heard, Fault> {
        let Some(&Owed::Done(part)) = self.owed.front() else {
            return Err(Fault::bad("it sent a row where none belongs"));
        };
        if self.lost.is_some() {
            self.discarded += message.len();
            return if self.discarded > MAX_DISCARDED_BYTES {
                Err(Fault::bad(WASTED))
            } else {
                Ok(Heard::More)
            };
        }
        match part {
            Part::Piece(at) => self.keep(at, message, body)?,
            Part::Database | Part::Columns | Part::Settings => self.check(part, message, body)?,
            _ => return Err(Fault::bad("it sent a row where none belongs")),
        }
        Ok(Heard::More)
    }

    /// Takes a row of what is asked before the pieces.
    fn check(&mut self, part: Part, message: &[u8], body: &[u8]) -> Result<(), Fault> {
        self.checked += message.len();
        let (taken, what) = match part {
            Part::Database => (self.found.take_database(body), "database"),
            Part::Columns => (self.found.take_column(body), "columns"),
            _ => (Some(()), "settings"),
        };
        let taken = taken.filter(|()| self.checked <= MAX_CHECK_BYTES);
        taken.ok_or_else(|| Fault::bad(format!("what it says of its {what} is garbage")))
    }

    fn keep(&mut self, at: usize, message: &[u8], body: &[u8]) -> Result<(), Fault> {
        let shapes = self.request.shapes.get(at).map(Vec::as_slice).unwrap_or_default();
        if let Err(why) = is_row(shapes, body) {
            return Err(Fault::bad(format!("row {} that it sent {why}", self.rows + 1)));
        }
        if let Some(meant) = self.request.meant.get(at) {
            meant.check(body, self.user, &mut self.weight, self.request.statement.limits.leg_rows)?;
        }
        self.current.push(message).ok_or_else(|| Fault::limit("4 GB", "fanout.leg_bytes"))?;
        self.in_piece += 1;
        self.rows += 1;
        self.bytes = self.bytes.saturating_add(message.len());
        Ok(())
    }
}

fn misplaced(tag: u8) -> Fault {
    Fault::bad(format!("it sent a message of type {:?} where none belongs", char::from(tag)))
}
