//! What the session tells the relay about each message, while a server is leased.

mod journal;
mod portals;
mod statements;

use crate::error;
use crate::look::{Look, SchemaNames};
use crate::parameters::Change;
use crate::prepared::Statement;
use crate::rows;
use crate::shown;
use crate::state::{Done, State, ends_transaction};
use crate::stateful;
use model::Name;
use pool::Facts;
use relay::{Desk, Front, Notes, Reply, ServerFault, Status, Verdict};
use sql::{BindTag, Effects, Scan, Step};
use std::sync::Arc;
use wire::frame::{self, HEADER_BYTES, backend, frontend};
use wire::{Fields, Severity, sqlstate};

/// `applied` of a server whose parameters have to be set again before anybody relies on them.
pub(crate) const UNKNOWN_PARAMETERS: u64 = u64::MAX;

/// The session's side of the relay, for one turn.
pub(crate) struct SessionFront<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) facts: &'a mut Facts,
    /// The pool's schema epoch.
    pub(crate) epoch: u32,
    pub(crate) names: Option<&'a SchemaNames>,
    /// Whom the lease is for.
    pub(crate) user: Option<&'a Name>,
    /// Whether what the server keeps from earlier is another session's.
    pub(crate) strangers: &'a mut bool,
    /// Whether the server has said farewell.
    pub(crate) farewell: &'a mut bool,
    /// Whether the transaction was ended, and with it a binding, before this segment's Sync.
    pub(crate) unbound: &'a mut bool,
    /// Whether the block that was open when this segment began has ended in it.
    pub(crate) block_over: &'a mut bool,
    /// The process that serves this lease, and the one that the client knows its session by.
    pub(crate) processes: (u32, u32),
    /// Names in a statement that make it suspect of changing session state unseen.
    pub(crate) stateful: &'a [Box<str>],
}

impl Front for SessionFront<'_> {
    fn admits(&mut self, total: usize) -> bool {
        self.state.takes_room(total)
    }

    fn judge(&mut self, message: &[u8], total: usize, desk: &mut Desk<'_>) -> Verdict {
        desk.ledger.about(0);
        let verdict = self.judged(message, total, desk);
        if let Some(room) = &mut self.state.room
            && !matches!(verdict, Verdict::Gather | Verdict::Hold | Verdict::Wait)
        {
            room.spent = true;
        }
        verdict
    }

    fn ready(&mut self, status: Status) {
        *self.unbound = false;
        *self.block_over = false;
        match status {
            Status::Idle => self.state.settle_with(self.facts, true),
            Status::Open => {}
            Status::Failed => self.state.rolls_back = true,
        }
    }

    fn failed(&mut self) {
        self.state.rolls_back = true;
    }

    fn finished(&mut self, ok: bool) {
        self.state.last_ok = ok;
        let changes = self.state.underway.answered();
        if !ok {
            self.state.lose_track(&changes);
            return;
        }
        for change in changes {
            match change {
                Change::Ends { commits, followed } => self.ended(commits, followed),
                Change::DeallocateAll => self.forget_statements(),
                // It runs in no transaction but its own.
                Change::DiscardAll => {
                    self.forget_statements();
                    self.state.underway.succeeded([change]);
                    self.ended(true, false);
                }
                _ => self.state.underway.succeeded([change]),
            }
        }
    }

    fn marks_kept(&mut self, count: usize) {
        self.state.underway.keep_journaled(count);
    }

    fn marks_undone(&mut self, count: usize, first_failed: bool) {
        let mut undone = self.state.underway.take_journaled(count);
        if first_failed && !undone.is_empty() {
            let failed = undone.remove(0);
            self.undo_all(undone);
            self.failed(failed);
        } else {
            self.undo_all(undone);
        }
    }

    fn parameter(&mut self, name: &[u8], value: &[u8]) -> bool {
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        self.facts.note_parameter(&name, &value);
        if name == pool::ROLE_PARAMETER || (name == "search_path" && self.names.is_some()) {
            return false; // the role and the true path are the gate's business
        }
        self.state.told.note(&name, &value);
        true
    }

    fn report(&mut self, message: &[u8], about: u32) -> Option<Vec<u8>> {
        let tag = message.first().copied();
        if tag == Some(backend::NOTIFICATION_RESPONSE) {
            return shown::notification(message, self.processes);
        }
        let body = message.get(HEADER_BYTES..)?;
        let mut fields = Fields::decode(body);
        if error::is_refused(&fields)
            && let Some(refusal) = self.state.underway.take_refusal()
        {
            let mut out = Vec::new();
            refusal.encode_error(&mut out);
            return Some(out);
        }
        let mut changed = self.names.is_some_and(|names| shown::public(&mut fields, names));
        if let Some(texts) = self.state.underway.texts() {
            changed |= shown::position(&mut fields, texts, about);
        }
        *self.farewell |= matches!(fields.severity, Severity::Fatal | Severity::Panic);
        match fields.code {
            // "cached plan must not change result type": what is parsed from now on gets a new plan.
            sqlstate::FEATURE_NOT_SUPPORTED | sqlstate::INVALID_SQL_STATEMENT_NAME => {
                self.state.schema_changed = true;
                self.state.code_unknown = true;
            }
            _ => {}
        }
        if fields.message.contains("\"sg") {
            let closing = self.state.underway.journaled().filter_map(Done::renamed);
            changed |= self.state.names.show_client_name(&mut fields.message, closing);
        }
        if !changed {
            return None;
        }
        let mut out = Vec::with_capacity(message.len());
        match tag {
            Some(backend::NOTICE_RESPONSE) => fields.encode_notice(&mut out),
            _ => fields.encode_error(&mut out),
        }
        Some(out)
    }

    fn row(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, ServerFault> {
        match self.names.and_then(SchemaNames::distinct) {
            Some(names) => rows::shown(message, names, self.state.path()),
            None => Ok(None),
        }
    }
}

impl SessionFront<'_> {
    /// A transaction has ended before the ReadyForQuery that tells so.
    fn ended(&mut self, commits: bool, followed: bool) {
        self.state.settle_with(self.facts, commits);
        *self.block_over = true;
        if !followed {
            self.state.forget_transaction();
        }
    }

    /// The server has dropped all prepared statements.
    fn forget_statements(&mut self) {
        self.state.names.forget_all();
        self.facts.prepared.clear();
        self.facts.unnamed = None;
    }

    fn judged(&mut self, message: &[u8], total: usize, desk: &mut Desk<'_>) -> Verdict {
        let scanned = self.state.scanned.take();
        if *self.unbound {
            return Verdict::Hold;
        }
        if self.state.underway.awaited().any(Change::settles) {
            return Verdict::Wait; // what it means depends on how that goes
        }
        let behind_another = !desk.ledger.segment_open() && !desk.ledger.is_settled();
        let journaled = self.state.underway.journaled().next().is_some();
        // The BEGIN that the gate itself sent ahead ends no binding.
        let binding_may_end = desk.ledger.owes_client() && self.binding_may_end();
        if behind_another && (journaled || binding_may_end) {
            // What names stand for, or whose store it is for, depends on how the segment before goes.
            return Verdict::Wait;
        }
        match message.first().copied() {
            Some(frontend::QUERY) => self.query(message, scanned, desk),
            Some(frontend::PARSE) => self.parse(message, scanned, desk).unwrap_or(Verdict::Pass),
            Some(frontend::BIND) => self.bind(message, total, desk).unwrap_or(Verdict::Pass),
            Some(frontend::DESCRIBE) => self.describe(message, desk).unwrap_or(Verdict::Pass),
            Some(frontend::EXECUTE) => self.execute(message, desk),
            Some(frontend::CLOSE) => self.close(message, desk).unwrap_or(Verdict::Pass),
            _ => Verdict::Pass,
        }
    }

    /// Whether the session is for somebody else, or nobody, once the transaction has ended.
    fn binding_may_end(&self) -> bool {
        let underway = &self.state.underway;
        let mut on_its_way = underway.awaited().chain(underway.uncommitted());
        let resets = on_its_way.any(|change| matches!(change, Change::ResetAll | Change::DiscardAll));
        self.state.caller.may_bind() && (resets || self.state.binding.afterwards() != Ok(self.user))
    }

    /// Whether a statement's tag says what the lease is for already.
    pub(crate) fn tag_fits(&self, tag: Option<&BindTag>) -> bool {
        tag_fits(self.state, tag, self.user)
    }

    fn query(&mut self, message: &[u8], scanned: Option<Scan>, desk: &mut Desk<'_>) -> Verdict {
        let Some((text, _)) = frame::cstr(message.get(HEADER_BYTES..).unwrap_or_default()) else {
            return Verdict::Pass;
        };
        self.pin_if_stateful(text);
        match scanned.unwrap_or_else(|| self.state.gate.looks.scan(text)) {
            Scan::Plain => {
                self.forget_unnamed();
                *self.strangers = false;
                if !self.state.catalog_cursors {
                    return Verdict::Pass;
                }
                let rows = self.state.rows_of_fetch(text, self.names);
                Verdict::PassNoted(Notes { watched: false, rows })
            }
            Scan::Transaction(step) => {
                self.forget_unnamed();
                let failed = desk.ledger.status() == Status::Failed;
                if step == Step::Rollback || (failed && step == Step::Commit) {
                    let commits = step == Step::Commit;
                    self.state.underway.watch(vec![Change::Ends { commits, followed: false }]);
                    return Verdict::PassNoted(Notes { watched: true, ..Notes::default() });
                }
                Verdict::Pass // what strangers left is still theirs
            }
            Scan::Look => {
                let look = self.state.look(text, self.names);
                let statements = &look.analysis.statements;
                let ours = statements.iter().any(|statement| {
                    self.state.is_local(statement, true, self.names) || !self.tag_fits(statement.tag.as_ref())
                });
                let behind =
                    statements.split_last().is_some_and(|(_, before)| before.iter().any(ends_transaction));
                if ours || (behind && self.state.caller.may_bind()) {
                    return Verdict::Hold;
                }
                self.looked_at_query(text, &look, message.len(), desk)
            }
        }
    }

    fn looked_at_query(
        &mut self,
        text: &[u8],
        look: &Arc<Look>,
        total: usize,
        desk: &mut Desk<'_>,
    ) -> Verdict {
        self.forget_unnamed();
        self.clear_strangers_sequences(look.analysis.effects(), desk);
        let changes = self.state.outgoing(look, text);
        let rows = self.state.rows_to_show(look, self.names);
        let notes = Notes { watched: !changes.is_empty(), rows };
        if notes.watched {
            self.state.underway.watch(changes);
        }
        let Some(sent) = look.sent() else { return Verdict::PassNoted(notes) };
        self.about(Some(look), desk);
        frame::query(desk.server.buffer(), sent);
        desk.ledger.expect_noted(Reply::Query, notes);
        Verdict::Sent { head: total }
    }

    /// What is sent from here on has to do with this text.
    fn about(&mut self, look: Option<&Arc<Look>>, desk: &mut Desk<'_>) {
        let number = self.state.underway.number(look, 0);
        desk.ledger.about(number);
    }

    fn is_local(&self, statement: &Statement) -> bool {
        let look = self.partition_look(statement);
        let only = look.as_deref().map(|look| look.analysis.statements.as_slice());
        match only {
            Some([only]) => self.state.is_local(only, true, self.names),
            _ => false,
        }
    }

    /// The look at a statement as this partition sees it.
    fn partition_look(&self, statement: &Statement) -> Option<Arc<Look>> {
        let look = statement.look.as_ref()?;
        Some(match self.names {
            Some(_) => self.state.look(&statement.text, self.names),
            None => Arc::clone(look),
        })
    }

    /// A statement that names the store's own code which may change session state keeps the session
    /// on its server.
    fn pin_if_stateful(&mut self, text: &[u8]) {
        if !self.stateful.is_empty() && stateful::concerns(self.stateful, text) {
            self.state.pin(Effects::UNREPLAYABLE);
        }
    }

    /// A simple query drops the unnamed statement (PostgreSQL manual, "Extended Query").
    fn forget_unnamed(&mut self) {
        self.facts.unnamed = None;
        self.state.names.drop_statement(b"");
    }

    /// `currval` must not tell what another session's `nextval` left.
    fn clear_strangers_sequences(&mut self, effects: Effects, desk: &mut Desk<'_>) {
        let strangers = std::mem::take(self.strangers);
        let free = !desk.ledger.segment_open() && desk.ledger.status() != Status::Failed;
        if strangers && effects.contains(Effects::SEQUENCE_STATE) && free {
            frame::query(desk.server.buffer(), "DISCARD SEQUENCES");
            desk.ledger.expect_hidden(Reply::Query);
            self.facts.unnamed = None;
        }
    }
}

/// Whether a statement's tag says what the lease is for already.
pub(crate) fn tag_fits(state: &State, tag: Option<&BindTag>, user: Option<&Name>) -> bool {
    match tag {
        None => true,
        Some(BindTag::User(tagged)) => match state.caller.kind {
            model::LoginKind::User(_) => tagged == state.caller.name.as_str(),
            _ => user.is_some_and(|user| user.as_str() == tagged),
        },
        Some(BindTag::Conflict | BindTag::Malformed) => false,
    }
}
