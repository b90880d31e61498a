//! Which replies a server owes, in order, and whether this is a safe point: pure bookkeeping
//! (PostgreSQL manual, "Message Flow").

use std::collections::VecDeque;
use wire::frame::backend;

/// Most replies that may be owed before the client is made to wait.
const MAX_OWED: usize = 16 * 1024;

/// Transaction status as ReadyForQuery tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No transaction (`I`).
    Idle,
    /// In a transaction block (`T`).
    Open,
    /// In a failed transaction block (`E`).
    Failed,
}

impl Status {
    /// The status of a ReadyForQuery's one body byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'I' => Some(Self::Idle),
            b'T' => Some(Self::Open),
            b'E' => Some(Self::Failed),
            _ => None,
        }
    }

    /// The byte that ReadyForQuery carries.
    #[must_use]
    pub fn as_byte(self) -> u8 {
        match self {
            Self::Idle => b'I',
            Self::Open => b'T',
            Self::Failed => b'E',
        }
    }
}

/// What one message sent to the server makes it owe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// ParseComplete.
    Parse,
    /// BindComplete.
    Bind,
    /// ParameterDescription, then RowDescription or NoData.
    DescribeStatement,
    /// RowDescription or NoData.
    DescribePortal,
    /// Rows or a copy, then CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute,
    /// CloseComplete.
    Close,
    /// ReadyForQuery, ending an extended-query segment.
    Sync,
    /// All of a simple query's answers up to ReadyForQuery.
    Query,
    /// FunctionCallResponse and ReadyForQuery.
    Call,
    /// Nothing: the client has ended its copy.
    CopyEnd,
    /// Nothing: the front wants to know whether the message before was carried out.
    Mark,
    /// An answer without a body that the gate itself gives once its turn has come.
    Made(u8),
}

/// What the ledger keeps of a message besides its reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// [`crate::Front::finished`] is to be told how it went.
    pub watched: bool,
    /// The rows that [`crate::Front::row`] is shown.
    pub rows: Rows,
}

/// Which statements of a message have their rows shown to [`crate::Front::row`]: number n, from 0, if bit
/// n is set; the last bit stands for all that follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows(i32);

impl Rows {
    /// No rows.
    pub const NONE: Self = Self(0);
    /// The rows of all statements.
    pub const ALL: Self = Self(-1);

    /// Of one message's statements, in their order, those that are marked.
    pub fn of(statements: impl IntoIterator<Item = bool>) -> Self {
        let marked = statements.into_iter().enumerate().filter(|(_, marked)| *marked);
        marked.fold(Self::NONE, |rows, (number, _)| Self(rows.0 | 1 << number.min(31)))
    }

    fn are_shown(self) -> bool {
        self.0 & 1 != 0
    }

    /// The statement whose rows these were has ended. The sign bit stays: it is the last one's.
    fn next_statement(&mut self) {
        self.0 >>= 1;
    }
}

/// One entry of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owed {
    reply: Reply,
    /// The client must not see these answers.
    hidden: bool,
    /// The client must not see the ReadyForQuery: another part of the same message follows.
    mute_ready: bool,
    notes: Notes,
    /// What it has to do with, as the front numbers it; 0 for nothing.
    about: u32,
}

/// A server sent what nothing asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store sent message {:?} out of turn", char::from(self.0))]
pub struct Unexpected(pub u8);

/// What to do with one message of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Whether the client gets it.
    pub(crate) forward: bool,
    /// Whether it was a ReadyForQuery that the client may wait for: not one of a hidden message.
    pub(crate) ready: bool,
    /// Whether it belongs to a result whose rows the front is shown.
    pub(crate) shown: bool,
}

impl Step {
    fn forward(forward: bool) -> Self {
        Self { forward, ready: false, shown: false }
    }
}

/// The ledger of one lease.
#[derive(Debug)]
pub struct Ledger {
    owed: VecDeque<Owed>,
    status: Status,
    /// What the messages that are noted now have to do with.
    about: u32,
    /// Extended-query messages were sent and no Sync yet.
    segment_open: bool,
    /// An error was told; the server drops everything until Sync, and so do we.
    skipping: bool,
    /// The simple query at the head has failed.
    query_failed: bool,
    /// A hidden message has failed.
    hidden_failed: bool,
    /// The server is in copy-in mode and the client has not ended it.
    copying_in: bool,
    /// How each watched message went, oldest first.
    pub(crate) finished: VecDeque<bool>,
    /// A status that the front has not heard of yet.
    pub(crate) told: Option<Status>,
    /// An error that the front has not heard of yet.
    pub(crate) error: bool,
    /// Marks whose message was carried out.
    pub(crate) marks_kept: usize,
    /// Marks whose message was not, and whether the first of them failed rather than was skipped.
    pub(crate) marks_undone: Option<(usize, bool)>,
    /// Answers of our own whose turn has come, oldest first.
    pub(crate) due: Vec<u8>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            owed: VecDeque::new(),
            status: Status::Idle,
            about: 0,
            segment_open: false,
            skipping: false,
            query_failed: false,
            hidden_failed: false,
            copying_in: false,
            finished: VecDeque::new(),
            told: None,
            error: false,
            marks_kept: 0,
            marks_undone: None,
            due: Vec::new(),
        }
    }
}

impl Ledger {
    /// The transaction status last told by the server.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// No transaction open, no reply owed, no extended-query segment open.
    #[must_use]
    pub fn is_safe_point(&self) -> bool {
        self.is_settled() && self.status == Status::Idle && !self.segment_open && !self.skipping
    }

    /// No reply owed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.owed.is_empty()
    }

    /// Whether a reply is owed that the client waits for: not of messages of the gate's own alone.
    #[must_use]
    pub fn owes_client(&self) -> bool {
        self.owed.iter().any(|owed| !owed.hidden)
    }

    /// Whether extended-query messages were sent that no Sync has ended.
    #[must_use]
    pub fn segment_open(&self) -> bool {
        self.segment_open
    }

    /// Whether messages up to the next Sync are to be dropped.
    #[must_use]
    pub fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// The gate itself has told an error inside an extended-query segment: drop up to Sync.
    pub fn skip_to_sync(&mut self) {
        self.skipping = true;
    }

    /// Whether a hidden message of the gate's own has failed.
    #[must_use]
    pub fn hidden_failed(&self) -> bool {
        self.hidden_failed
    }

    /// Whether the server is in copy-in mode, as far as is known, and the client has not ended it.
    pub(crate) fn is_copying_in(&self) -> bool {
        self.copying_in
    }

    /// Whether nothing stays owed once the next ReadyForQuery is in.
    pub(crate) fn settles_next(&self) -> bool {
        let later = |owed: &Owed| !matches!(owed.reply, Reply::CopyEnd | Reply::Made(_) | Reply::Mark);
        !self.segment_open && !self.owed.iter().skip(1).any(later)
    }

    /// Whether a copy-in is under way, or may be once the server has read what was sent.
    #[must_use]
    pub fn may_copy_in(&self) -> bool {
        let failed = usize::from(self.query_failed); // of a query that has failed no more comes
        let may = |owed: &Owed| matches!(owed.reply, Reply::Execute | Reply::Query);
        self.copying_in || self.owed.iter().skip(failed).any(may)
    }

    /// Whether there is something to tell the front, or an answer of our own to give.
    pub(crate) fn has_news(&self) -> bool {
        self.told.is_some()
            || self.error
            || self.marks_undone.is_some()
            || !self.due.is_empty()
            || !self.finished.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.owed.len() >= MAX_OWED
    }

    /// Notes a message that was sent for the client.
    pub fn expect(&mut self, reply: Reply) {
        self.expect_noted(reply, Notes::default());
    }

    /// What is noted from here on has to do with this, by a number of the front's; 0 for nothing.
    /// [`crate::Front::report`] is told it.
    pub fn about(&mut self, number: u32) {
        self.about = number;
    }

    /// What the message that is being answered has to do with.
    pub(crate) fn answered(&self) -> u32 {
        self.owed.front().map_or(0, |owed| owed.about)
    }

    /// Notes a message that was sent for the client, and what the front wants to know of its answer.
    pub fn expect_noted(&mut self, reply: Reply, notes: Notes) {
        self.push(Owed { reply, hidden: false, mute_ready: false, notes, about: self.about });
    }

    /// Notes a simple query of which another part follows: its ReadyForQuery is kept back.
    pub fn expect_part(&mut self, notes: Notes) {
        self.push(Owed { reply: Reply::Query, hidden: false, mute_ready: true, notes, about: self.about });
    }

    /// Notes a message of the gate's own; the client sees none of its answers.
    pub fn expect_hidden(&mut self, reply: Reply) {
        self.push(Owed {
            reply,
            hidden: true,
            mute_ready: false,
            notes: Notes::default(),
            about: self.about,
        });
    }

    /// Has the gate itself answer with the body-less message `tag` once all earlier replies are in.
    pub fn answer(&mut self, tag: u8) {
        self.expect_noted(Reply::Made(tag), Notes::default());
        self.settle_made();
    }

    /// Has [`crate::Front::marks_kept`] or [`crate::Front::marks_undone`] told what became of the
    /// message noted last.
    pub fn mark(&mut self) {
        self.owed.push_back(Owed {
            reply: Reply::Mark,
            hidden: true,
            mute_ready: false,
            notes: Notes::default(),
            about: 0,
        });
        self.settle_made();
    }

    fn push(&mut self, owed: Owed) {
        match owed.reply {
            Reply::Sync if self.copying_in => return, // ignored by a server that is copying in
            Reply::Sync => {
                self.segment_open = false;
                self.skipping = false;
            }
            Reply::CopyEnd if self.copying_in => {
                self.copying_in = false;
                return;
            }
            // Both end with a ReadyForQuery of their own, and commit what was executed before.
            Reply::Query | Reply::Call => self.segment_open = false,
            Reply::CopyEnd => {}
            _ => self.segment_open = true,
        }
        self.owed.push_back(owed);
    }

    /// Takes one message of the server into account.
    pub(crate) fn receive(&mut self, tag: u8) -> Result<Step, Unexpected> {
        match tag {
            backend::DATA_ROW | backend::COPY_DATA | backend::COPY_DONE => self.in_result(tag),
            backend::PARSE_COMPLETE => self.pop_if(tag, |reply| reply == Reply::Parse),
            backend::BIND_COMPLETE => self.pop_if(tag, |reply| reply == Reply::Bind),
            backend::CLOSE_COMPLETE => self.pop_if(tag, |reply| reply == Reply::Close),
            backend::ROW_DESCRIPTION | backend::NO_DATA => self.described(tag),
            backend::PARAMETER_DESCRIPTION => self.at_head(tag, |reply| reply == Reply::DescribeStatement),
            backend::COMMAND_COMPLETE | backend::EMPTY_QUERY_RESPONSE => self.completed(tag),
            backend::PORTAL_SUSPENDED => self.pop_if(tag, |reply| reply == Reply::Execute),
            backend::COPY_IN_RESPONSE => self.copy_in(tag),
            backend::COPY_OUT_RESPONSE => self.in_result(tag),
            backend::FUNCTION_CALL_RESPONSE => self.at_head(tag, |reply| reply == Reply::Call),
            backend::ERROR_RESPONSE => Ok(self.failed()),
            backend::NOTICE_RESPONSE => Ok(Step::forward(!self.head_hidden())),
            backend::PARAMETER_STATUS | backend::NOTIFICATION_RESPONSE => Ok(Step::forward(true)),
            _ => Err(Unexpected(tag)),
        }
    }

    /// Takes a ReadyForQuery into account.
    pub(crate) fn receive_ready(&mut self, status: u8) -> Result<Step, Unexpected> {
        let status = Status::from_byte(status).ok_or(Unexpected(backend::READY_FOR_QUERY))?;
        let head = self.owed.pop_front().ok_or(Unexpected(backend::READY_FOR_QUERY))?;
        if !matches!(head.reply, Reply::Sync | Reply::Query | Reply::Call) {
            return Err(Unexpected(backend::READY_FOR_QUERY));
        }
        let ok = !std::mem::take(&mut self.query_failed);
        if head.notes.watched {
            self.finished.push_back(ok);
        }
        if head.hidden && !ok {
            self.hidden_failed = true;
        }
        self.status = status;
        if !head.hidden {
            self.told = Some(status);
        }
        self.copying_in = false;
        self.settle_made();
        Ok(Step { forward: !head.hidden && !head.mute_ready, ready: !head.hidden, shown: false })
    }

    fn head_hidden(&self) -> bool {
        self.owed.front().is_some_and(|owed| owed.hidden)
    }

    fn at_head(&self, tag: u8, fits: impl Fn(Reply) -> bool) -> Result<Step, Unexpected> {
        match self.owed.front() {
            Some(head) if fits(head.reply) => {
                Ok(Step { forward: !head.hidden, ready: false, shown: head.notes.rows.are_shown() })
            }
            _ => Err(Unexpected(tag)),
        }
    }

    /// Whether a row, or what belongs to a copy, is owed.
    #[inline]
    pub(crate) fn in_result(&self, tag: u8) -> Result<Step, Unexpected> {
        self.at_head(tag, |reply| matches!(reply, Reply::Query | Reply::Execute))
    }

    fn pop_if(&mut self, tag: u8, fits: impl Fn(Reply) -> bool) -> Result<Step, Unexpected> {
        let step = self.at_head(tag, fits)?;
        if self.owed.pop_front().is_some_and(|head| head.notes.watched) {
            self.finished.push_back(true);
        }
        self.settle_made();
        Ok(step)
    }

    fn described(&mut self, tag: u8) -> Result<Step, Unexpected> {
        match self.owed.front().map(|head| head.reply) {
            Some(Reply::DescribeStatement | Reply::DescribePortal) => self.pop_if(tag, |_| true),
            _ => self.at_head(tag, |reply| reply == Reply::Query && tag == backend::ROW_DESCRIPTION),
        }
    }

    fn completed(&mut self, tag: u8) -> Result<Step, Unexpected> {
        match self.owed.front().map(|head| head.reply) {
            Some(Reply::Execute) => {
                self.copying_in = false;
                self.pop_if(tag, |_| true)
            }
            _ => {
                let step = self.at_head(tag, |reply| reply == Reply::Query)?;
                if let Some(head) = self.owed.front_mut() {
                    head.notes.rows.next_statement();
                }
                Ok(step)
            }
        }
    }

    /// A server in copy-in mode ignores Sync until the copy ends: those already sent are not owed.
    fn copy_in(&mut self, tag: u8) -> Result<Step, Unexpected> {
        let step = self.in_result(tag)?;
        self.copying_in = true;
        let mut ignored = false;
        let mut at = 1;
        while let Some(owed) = self.owed.get(at) {
            match owed.reply {
                Reply::Sync => {
                    self.owed.remove(at);
                    ignored = true;
                }
                Reply::CopyEnd => {
                    self.owed.remove(at);
                    self.copying_in = false;
                    break;
                }
                _ => at += 1,
            }
        }
        let closes = |owed: &Owed| matches!(owed.reply, Reply::Sync | Reply::Query | Reply::Call);
        self.segment_open |= ignored && !self.owed.iter().skip(1).any(closes);
        Ok(step)
    }

    fn failed(&mut self) -> Step {
        self.copying_in = false;
        self.error = true;
        // A hidden Parse stands for the client's own: its error is the client's to hear.
        let forward = !self.owed.front().is_some_and(|head| head.hidden && head.reply == Reply::Query);
        match self.owed.front().map(|head| head.reply) {
            Some(Reply::Query | Reply::Call) => self.query_failed = true,
            Some(Reply::Sync) | None => {} // at the commit that Sync makes, or a farewell
            Some(_) => self.drop_segment(),
        }
        Step::forward(forward)
    }

    fn drop_segment(&mut self) {
        let failed = self.owed.get(1).is_some_and(|next| next.reply == Reply::Mark);
        while let Some(head) = self.owed.front() {
            if head.reply == Reply::Sync {
                return;
            }
            if head.reply == Reply::Mark {
                let (count, first) = self.marks_undone.unwrap_or((0, failed));
                self.marks_undone = Some((count + 1, first));
            }
            if head.notes.watched {
                self.finished.push_back(false);
            }
            self.owed.pop_front();
        }
        self.skipping = true;
    }

    fn settle_made(&mut self) {
        while let Some(head) = self.owed.front() {
            match head.reply {
                Reply::Made(tag) => self.due.push(tag),
                Reply::Mark => self.marks_kept += 1,
                Reply::CopyEnd => {}
                _ => return,
            }
            self.owed.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
