//! What the session tells the relay about each message, while a server is leased.

use crate::look::{Look, SchemaNames};
use crate::parameters::Change;
use crate::prepared::{
    BindBody, BindHead, MAX_STATEMENTS, Parse, Portal, Statement, Values, kind_and_name,
    names_parameter_late, portal_name,
};
use crate::shown;
use crate::state::{Done, State, ends_transaction};
use crate::stateful;
use model::Name;
use pool::Facts;
use relay::{Desk, Front, Reply, Status, Token, Verdict};
use sql::{BindTag, Effects, Kind, Scan, Step};
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
    /// Names in a statement that make it suspect of changing session state unseen.
    pub(crate) stateful: &'a [Box<str>],
}

impl Front for SessionFront<'_> {
    fn judge(&mut self, message: &[u8], total: usize, desk: &mut Desk<'_>) -> Verdict {
        if *self.unbound {
            return Verdict::Hold;
        }
        if !self.state.journal.is_empty() && !desk.ledger.segment_open() && !desk.ledger.is_settled() {
            // What names stand for depends on how the segment before goes.
            return Verdict::Wait;
        }
        match message.first().copied() {
            Some(frontend::QUERY) => self.query(message, desk),
            Some(frontend::PARSE) => self.parse(message, desk).unwrap_or(Verdict::Pass),
            Some(frontend::BIND) => self.bind(message, total, desk).unwrap_or(Verdict::Pass),
            Some(frontend::DESCRIBE) => self.describe(message, desk).unwrap_or(Verdict::Pass),
            Some(frontend::EXECUTE) => self.execute(message),
            Some(frontend::CLOSE) => self.close(message, desk).unwrap_or(Verdict::Pass),
            _ => Verdict::Pass,
        }
    }

    fn ready(&mut self, status: Status) {
        *self.unbound = false;
        self.state.rolls_back |= status == Status::Failed;
    }

    fn finished(&mut self, ok: bool) {
        self.state.last_ok = ok;
        let changes = self.state.awaiting.pop_front().unwrap_or_default();
        if !ok {
            return;
        }
        for change in &changes {
            match change {
                Change::Set(..) | Change::LocalPath(_) | Change::Released(_) => {}
                Change::Reset(_) | Change::ResetAll => self.facts.applied = UNKNOWN_PARAMETERS,
                Change::DiscardAll | Change::DeallocateAll => {
                    self.state.names.forget_all();
                    self.facts.applied = UNKNOWN_PARAMETERS;
                    self.facts.prepared.clear();
                    self.facts.unnamed = None;
                }
            }
        }
        self.state.uncommitted.extend(changes);
    }

    fn parsed(&mut self, _: Token, _: bool) {}

    fn marks_kept(&mut self, count: usize) {
        self.state.journal.drain(..count.min(self.state.journal.len()));
    }

    fn marks_undone(&mut self, count: usize, first_failed: bool) {
        let count = count.min(self.state.journal.len());
        let mut undone: Vec<Done> = self.state.journal.drain(..count).collect();
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
        if name == "search_path" && self.names.is_some() {
            return false; // the true path is the gate's business
        }
        self.state.note_told(&name, &value);
        true
    }

    fn report(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let tag = message.first().copied();
        let body = message.get(HEADER_BYTES..)?;
        let mut fields = Fields::decode(body);
        let mut changed = self.names.is_some_and(|names| shown::public(&mut fields, names));
        changed |= shown::position(&mut fields, self.state.rewritten.as_deref(), self.state.ahead);
        *self.farewell |= matches!(fields.severity, Severity::Fatal | Severity::Panic);
        match fields.code {
            // "cached plan must not change result type": what is parsed from now on gets a new plan.
            sqlstate::FEATURE_NOT_SUPPORTED | sqlstate::INVALID_SQL_STATEMENT_NAME => {
                self.state.schema_changed = true;
            }
            _ => {}
        }
        if fields.message.contains("\"sg") {
            let closing = self.state.journal.iter().filter_map(Done::renamed);
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
}

impl SessionFront<'_> {
    /// Notes what was done for the message that the ledger noted last.
    fn journal(&mut self, done: Done, desk: &mut Desk<'_>) {
        self.state.journal.push_back(done);
        desk.ledger.mark();
    }

    /// Undoes what was done for messages that the server skipped, latest first.
    fn undo_all(&mut self, undone: Vec<Done>) {
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
    fn failed(&mut self, done: Done) {
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
    fn rename(&mut self, name: Box<[u8]>, statement: Option<Arc<Statement>>) {
        if let Some(statement) = statement {
            self.state.names.statements.insert(name, statement);
        } else if let Some(gone) = self.state.names.statements.remove(&name) {
            self.state.names.forget(gone.id, name);
        }
    }

    /// Whether a statement's tag says what the lease is for already.
    pub(crate) fn tag_fits(&self, tag: Option<&BindTag>) -> bool {
        tag_fits(self.state, tag, self.user)
    }

    fn query(&mut self, message: &[u8], desk: &mut Desk<'_>) -> Verdict {
        let Some((text, _)) = frame::cstr(message.get(HEADER_BYTES..).unwrap_or_default()) else {
            return Verdict::Pass;
        };
        self.pin_if_stateful(text);
        match self.state.gate.looks.scan(text) {
            Scan::Plain => self.forget_unnamed(),
            Scan::Transaction(step) => {
                self.state.rolls_back |= step == Step::Rollback;
                self.forget_unnamed();
            }
            Scan::Look => {
                let look = self.state.gate.looks.look(text, self.names);
                let statements = &look.analysis.statements;
                let ours = statements.iter().any(|statement| {
                    self.state.is_local(statement, true, self.names) || !self.tag_fits(statement.tag.as_ref())
                });
                let behind =
                    statements.split_last().is_some_and(|(_, before)| before.iter().any(ends_transaction));
                if ours || (behind && self.state.caller.may_bind()) {
                    return Verdict::Hold;
                }
                return self.looked_at_query(text, &look, message.len(), desk);
            }
        }
        *self.strangers = false;
        Verdict::Pass
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
        let watched = !changes.is_empty();
        if watched {
            self.state.awaiting.push_back(changes);
        }
        let Some(sent) = self.state.sent_text(look) else {
            return if watched { Verdict::PassWatched } else { Verdict::Pass };
        };
        frame::query(desk.server.buffer(), sent);
        if watched {
            desk.ledger.expect_watched(Reply::Query);
        } else {
            desk.ledger.expect(Reply::Query);
        }
        Verdict::Sent { head: total }
    }

    fn parse(&mut self, message: &[u8], desk: &mut Desk<'_>) -> Option<Verdict> {
        let parse = Parse::read(message)?;
        let statements = &self.state.names.statements;
        if !parse.name.is_empty()
            && let Some(taken) = statements.get(parse.name).map(Arc::clone)
        {
            // The server itself says so: the error is then part of its transaction.
            self.ensure(parse.name, &taken, desk);
            frame::parse(desk.server.buffer(), taken.id.name(), parse.text, &parse.oids);
            desk.ledger.expect(Reply::Parse(None));
            return Some(Verdict::Sent { head: message.len() });
        }
        if statements.len() >= MAX_STATEMENTS {
            return Some(Verdict::Hold);
        }
        let statement = Arc::new(self.state.statement(&parse, self.epoch));
        if self.parse_is_held(&statement) {
            return Some(Verdict::Hold);
        }
        self.clear_strangers_sequences(statement.effects(), desk);
        self.pin_if_stateful(&statement.text);
        self.state.rewritten = None;
        if parse.name.is_empty() {
            let look = self.partition_look(&statement);
            match look.as_ref().and_then(|look| self.state.sent_text(look)) {
                Some(sent) => frame::parse(desk.server.buffer(), "", sent, &statement.oids),
                None => desk.server.buffer().extend_from_slice(message),
            }
            desk.ledger.expect(Reply::Parse(None));
            self.name(parse.name, &statement, desk);
            let before = self.facts.unnamed.replace(statement.id.hash);
            self.journal(Done::Unnamed(before), desk);
        } else if self.facts.prepared.touch(statement.id) {
            if desk.ledger.status() == Status::Failed && !statement.ends_transaction() {
                // In a failed transaction the server refuses to parse, whatever it has already.
                frame::parse(desk.server.buffer(), statement.id.name(), parse.text, &parse.oids);
                desk.ledger.expect(Reply::Parse(None));
            } else {
                desk.ledger.answer(backend::PARSE_COMPLETE);
            }
            self.name(parse.name, &statement, desk);
        } else {
            self.send_parse(&statement, Some(parse.name), desk);
        }
        Some(Verdict::Sent { head: message.len() })
    }

    /// The client's name stands for this statement from now on.
    fn name(&mut self, name: &[u8], statement: &Arc<Statement>, desk: &mut Desk<'_>) {
        let before = self.state.names.statements.insert(name.into(), Arc::clone(statement));
        self.journal(Done::Named { name: name.into(), before }, desk);
    }

    fn parse_is_held(&self, statement: &Statement) -> bool {
        match statement.only() {
            Some(only) => {
                names_parameter_late(&only.kind)
                    || self.is_local(statement)
                    || !self.tag_fits(only.tag.as_ref())
            }
            None => false,
        }
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
            Some(_) => self.state.gate.looks.look(&statement.text, self.names),
            None => Arc::clone(look),
        })
    }

    /// Sends the Parse of a named statement, and a Close for one that has to make room. With
    /// `client`, it is the client's own, and that is its name.
    fn send_parse(&mut self, statement: &Arc<Statement>, client: Option<&[u8]>, desk: &mut Desk<'_>) {
        if let Some(evicted) = self.facts.prepared.insert(statement.id) {
            frame::close(desk.server.buffer(), frame::Kind::Statement, evicted.name());
            desk.ledger.expect_hidden(Reply::Close);
            self.journal(Done::Evicted(evicted), desk);
        }
        let look = self.partition_look(statement);
        let sent = look.as_ref().and_then(|look| self.state.sent_text(look));
        let text = sent.unwrap_or(&statement.text);
        frame::parse(desk.server.buffer(), statement.id.name(), text, &statement.oids);
        match client {
            Some(name) => {
                desk.ledger.expect(Reply::Parse(None));
                self.name(name, statement, desk);
            }
            None => desk.ledger.expect_hidden(Reply::Parse(None)),
        }
        self.journal(Done::Prepared(statement.id), desk);
    }

    /// Has the server hold the statement, whichever server it was parsed on.
    fn ensure(&mut self, name: &[u8], statement: &Arc<Statement>, desk: &mut Desk<'_>) {
        if !name.is_empty() {
            if !self.facts.prepared.touch(statement.id) {
                self.send_parse(statement, None, desk);
            }
        } else if self.facts.unnamed != Some(statement.id.hash) {
            let look = self.partition_look(statement);
            let sent = look.as_ref().and_then(|look| self.state.sent_text(look));
            frame::parse(desk.server.buffer(), "", sent.unwrap_or(&statement.text), &statement.oids);
            desk.ledger.expect_hidden(Reply::Parse(None));
            let before = self.facts.unnamed.replace(statement.id.hash);
            self.journal(Done::Unnamed(before), desk);
        }
    }

    fn bind(&mut self, message: &[u8], total: usize, desk: &mut Desk<'_>) -> Option<Verdict> {
        let head = BindHead::read(message)?;
        let Some(statement) = self.state.names.statements.get(head.statement).map(Arc::clone) else {
            self.pass_unknown(head.statement, desk);
            return Some(Verdict::Pass);
        };
        let mut verdict = None;
        if let Some(look) = self.partition_look(&statement) {
            verdict = match self.bind_looked(&head, message, total, &statement, &look, desk) {
                Ok(verdict) => verdict,
                Err(held) => return Some(held),
            };
        } else {
            self.note_step(head.portal, &statement);
        }
        if let Some(verdict) = verdict {
            return Some(verdict);
        }
        self.pin_if_stateful(&statement.text);
        self.ensure(head.statement, &statement, desk);
        if head.statement.is_empty() {
            return Some(Verdict::Pass);
        }
        self.bind_head(&head, &statement, total - head.bytes, desk);
        Some(Verdict::Sent { head: head.bytes })
    }

    /// A statement that the session does not have: the server says so, in its transaction. It must not
    /// find another session's unnamed statement; names cannot be mistaken, the server's are keyed hashes.
    fn pass_unknown(&mut self, name: &[u8], desk: &mut Desk<'_>) {
        if name.is_empty() && self.facts.unnamed.is_some() {
            frame::close(desk.server.buffer(), frame::Kind::Statement, "");
            desk.ledger.expect_hidden(Reply::Close);
            let before = self.facts.unnamed.take();
            self.journal(Done::Unnamed(before), desk);
        }
    }

    fn note_step(&mut self, portal: &[u8], statement: &Statement) {
        match statement.step {
            Some(step @ (Step::Commit | Step::Rollback)) => {
                let ends = Portal::Ends { commits: step == Step::Commit };
                self.state.names.portals.insert(portal.into(), ends);
            }
            _ if self.state.names.portals.is_empty() => {}
            _ => drop(self.state.names.portals.remove(portal)),
        }
    }

    /// Writes a Bind's header and names for the server; `rest` bytes follow.
    fn bind_head(&self, head: &BindHead<'_>, statement: &Statement, rest: usize, desk: &mut Desk<'_>) {
        let name = if head.statement.is_empty() { String::new() } else { statement.id.name() };
        let length = 4 + head.portal.len() + 1 + name.len() + 1 + rest;
        let out = desk.server.buffer();
        out.push(frontend::BIND);
        out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        frame::put_cstr(out, head.portal);
        frame::put_cstr(out, name);
        desk.ledger.expect(Reply::Bind);
    }

    /// A Bind of a statement that there is something to see in. `Err`: hold or gather first.
    fn bind_looked(
        &mut self,
        head: &BindHead<'_>,
        message: &[u8],
        total: usize,
        statement: &Arc<Statement>,
        look: &Look,
        desk: &mut Desk<'_>,
    ) -> Result<Option<Verdict>, Verdict> {
        let mapped = look.rewritten.as_ref().is_some_and(|rewritten| !rewritten.parameters.is_empty());
        let late = statement.only().is_some_and(|only| {
            matches!(only.kind, Kind::SetConfigSelect { .. } | Kind::CurrentSettingSelect { .. })
        });
        if (mapped || late) && message.len() < total {
            return Err(Verdict::Gather);
        }
        let body = BindBody::read(message.get(head.bytes..).unwrap_or_default());
        let values = body.as_ref().map(BindBody::to_values).unwrap_or_default();
        let held = self.state.bind_is_local(statement, &values, true, self.names)
            || !look.analysis.statements.iter().all(|only| self.tag_fits(only.tag.as_ref()));
        if held {
            return Err(Verdict::Hold);
        }
        self.note_portal(head.portal, statement, &values);
        let (Some(body), Some(rewritten), Some(names), true) =
            (body, look.rewritten.as_ref(), self.names, mapped)
        else {
            return Ok(None);
        };
        self.ensure(head.statement, statement, desk);
        let mut rest = Vec::new();
        write_mapped(&body, &rewritten.parameters, names, &mut rest);
        self.bind_head(head, statement, rest.len(), desk);
        desk.server.buffer().extend_from_slice(&rest);
        Ok(Some(Verdict::Sent { head: total }))
    }

    /// Remembers what executing the portal does to the session.
    fn note_portal(&mut self, portal: &[u8], statement: &Statement, values: &Values) {
        let Some(only) = statement.only() else { return };
        let late = names_parameter_late(&only.kind);
        if !late {
            self.state.pin(only.effects);
        }
        let mut changes = self.state.changes_of(only, &statement.text);
        if let Some(change) = State::late_change(only, values) {
            changes = vec![change];
        }
        if self.state.names.portals.keys().any(|other| **other != *portal) {
            // They may be executed in any order.
            changes.retain(|change| !matches!(change, Change::Released(_)));
        }
        let note = match only.kind {
            Kind::Commit { .. } => Portal::Ends { commits: true },
            Kind::Rollback { .. } => Portal::Ends { commits: false },
            _ => Portal::Server(changes),
        };
        self.state.names.portals.insert(portal.into(), note);
    }

    fn describe(&mut self, message: &[u8], desk: &mut Desk<'_>) -> Option<Verdict> {
        let (kind, name) = kind_and_name(message)?;
        if kind != b'S' {
            let local = matches!(self.state.names.portals.get(name), Some(Portal::Local { .. }));
            return Some(if local { Verdict::Hold } else { Verdict::Pass });
        }
        let Some(statement) = self.state.names.statements.get(name).map(Arc::clone) else {
            self.pass_unknown(name, desk);
            return Some(Verdict::Pass);
        };
        if self.parse_is_held(&statement) {
            return Some(Verdict::Hold);
        }
        self.ensure(name, &statement, desk);
        if name.is_empty() {
            return Some(Verdict::Pass);
        }
        frame::describe(desk.server.buffer(), frame::Kind::Statement, statement.id.name());
        desk.ledger.expect(Reply::DescribeStatement);
        Some(Verdict::Sent { head: message.len() })
    }

    fn execute(&mut self, message: &[u8]) -> Verdict {
        *self.strangers = false;
        let verdict = self.executed(message);
        if self.state.ends_with_segment {
            self.state.ends_with_segment = false;
            *self.unbound = self.state.binding.afterwards() != Ok(self.user);
        }
        verdict
    }

    fn executed(&mut self, message: &[u8]) -> Verdict {
        if self.state.names.portals.is_empty() {
            return Verdict::Pass;
        }
        let portal = portal_name(message).and_then(|name| self.state.names.portals.get(name));
        match portal {
            None => Verdict::Pass,
            Some(Portal::Local { .. }) => Verdict::Hold,
            Some(Portal::Ends { commits }) => {
                self.state.rolls_back |= !commits;
                self.state.ends_with_segment = true;
                Verdict::Pass
            }
            Some(Portal::Server(changes)) if changes.is_empty() => Verdict::Pass,
            Some(Portal::Server(changes)) => {
                self.state.awaiting.push_back(changes.clone());
                Verdict::PassWatched
            }
        }
    }

    fn close(&mut self, message: &[u8], desk: &mut Desk<'_>) -> Option<Verdict> {
        let (kind, name) = kind_and_name(message)?;
        if kind == b'S' {
            let known = self.state.names.statements.remove(name);
            if known.is_none() && self.state.pins.contains(Effects::SQL_PREPARE) {
                return Some(Verdict::Pass);
            }
            // The server keeps its copy for whoever parses the same text next.
            desk.ledger.answer(backend::CLOSE_COMPLETE);
            if known.is_some() {
                self.journal(Done::Named { name: name.into(), before: known }, desk);
            }
            return Some(Verdict::Sent { head: message.len() });
        }
        match self.state.names.portals.remove(name) {
            Some(Portal::Local { .. }) => {
                desk.ledger.answer(backend::CLOSE_COMPLETE);
                Some(Verdict::Sent { head: message.len() })
            }
            _ => Some(Verdict::Pass),
        }
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
        self.state.rewritten = None;
        self.facts.unnamed = None;
        if !self.state.names.statements.is_empty() {
            self.state.names.statements.remove(&b""[..]);
        }
    }

    /// `currval` must not tell what another session's `nextval` left.
    fn clear_strangers_sequences(&mut self, effects: Effects, desk: &mut Desk<'_>) {
        let strangers = std::mem::take(self.strangers);
        if strangers && effects.contains(Effects::SEQUENCE_STATE) && desk.ledger.is_safe_point() {
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

/// A Bind's parameters and result formats, names mapped to the partition's.
fn write_mapped(body: &BindBody<'_>, roles: &[(u16, sql::Role)], names: &SchemaNames, out: &mut Vec<u8>) {
    let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    out.extend_from_slice(&count(body.formats.len()));
    for format in &body.formats {
        out.extend_from_slice(&format.to_be_bytes());
    }
    out.extend_from_slice(&count(body.values.len()));
    for (at, value) in body.values.iter().enumerate() {
        let role = roles.iter().find(|(number, _)| usize::from(*number) == at + 1).map(|(_, role)| *role);
        let role = match role {
            Some(sql::Role::ValueOf(name)) => {
                let named = usize::from(name)
                    .checked_sub(1)
                    .and_then(|name| body.values.get(name).copied().flatten());
                named
                    .filter(|named| named.eq_ignore_ascii_case(b"search_path"))
                    .map(|_| sql::Role::SearchPath)
            }
            other => other,
        };
        let mapped =
            role.zip(*value).and_then(|(role, value)| sql::map_parameter(role, value, &names.as_names()));
        match mapped.as_deref().or(*value) {
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
                out.extend_from_slice(value);
            }
        }
    }
    out.extend_from_slice(body.rest);
}
