//! Prepared statements while a server is leased: the client's names, mapped to what servers hold.

use super::SessionFront;
use crate::prepared::{MAX_STATEMENTS, Parse, Portal, Statement, kind_and_name, names_parameter_late};
use crate::state::Done;
use relay::{Desk, Reply, Status, Verdict};
use sql::{Effects, Scan};
use std::sync::Arc;
use wire::frame::{self, backend};

impl SessionFront<'_> {
    pub(super) fn parse(
        &mut self,
        message: &[u8],
        scanned: Option<Scan>,
        desk: &mut Desk<'_>,
    ) -> Option<Verdict> {
        let parse = Parse::read(message)?;
        if !parse.name.is_empty()
            && let Some(taken) = self.state.names.statement(parse.name).map(Arc::clone)
        {
            // The server itself says so: the error is then part of its transaction.
            self.ensure(parse.name, &taken, desk);
            frame::parse(desk.server.buffer(), taken.id.name(), parse.text, &parse.oids);
            desk.ledger.expect(Reply::Parse);
            return Some(Verdict::Sent { head: message.len() });
        }
        if self.state.names.count() >= MAX_STATEMENTS {
            return Some(Verdict::Hold);
        }
        let scan = scanned.unwrap_or_else(|| self.state.gate.looks.scan(parse.text));
        let Some(statement) = self.state.kept_statement(&parse, scan, self.epoch) else {
            return Some(Verdict::Hold);
        };
        let statement = Arc::new(statement);
        if self.parse_is_held(&statement) {
            return Some(Verdict::Hold);
        }
        self.clear_strangers_sequences(statement.effects(), desk);
        self.pin_if_stateful(&statement.text);
        if parse.name.is_empty() {
            let look = self.partition_look(&statement);
            self.about(look.as_ref(), desk);
            match look.as_ref().and_then(|look| look.sent()) {
                Some(sent) => frame::parse(desk.server.buffer(), "", sent, &statement.oids),
                None => desk.server.buffer().extend_from_slice(message),
            }
            desk.ledger.expect(Reply::Parse);
            self.name(parse.name, &statement, desk);
            let before = self.facts.unnamed.replace(statement.id.hash);
            self.journal(Done::Unnamed(before), desk);
        } else if self.facts.prepared.touch(statement.id) {
            let failed = desk.ledger.status() == Status::Failed && !*self.block_over;
            if failed && !statement.ends_transaction() {
                // In a failed transaction the server refuses to parse, whatever it has already.
                frame::parse(desk.server.buffer(), statement.id.name(), parse.text, &parse.oids);
                desk.ledger.expect(Reply::Parse);
            } else {
                desk.ledger.answer(backend::PARSE_COMPLETE);
            }
            self.name(parse.name, &statement, desk);
        } else {
            self.send_parse(&statement, Some(parse.name), desk);
        }
        Some(Verdict::Sent { head: message.len() })
    }

    pub(super) fn parse_is_held(&self, statement: &Statement) -> bool {
        match statement.only() {
            Some(only) => {
                names_parameter_late(&only.kind)
                    || self.is_local(statement)
                    || !self.tag_fits(only.tag.as_ref())
            }
            None => false,
        }
    }

    /// Sends the Parse of a named statement, and a Close for one that has to make room. With
    /// `client`, it is the client's own, and that is its name.
    pub(super) fn send_parse(
        &mut self,
        statement: &Arc<Statement>,
        client: Option<&[u8]>,
        desk: &mut Desk<'_>,
    ) {
        if let Some(evicted) = self.facts.prepared.insert(statement.id) {
            frame::close(desk.server.buffer(), frame::Kind::Statement, evicted.name());
            desk.ledger.expect_hidden(Reply::Close);
            self.journal(Done::Evicted(evicted), desk);
        }
        let look = self.partition_look(statement);
        self.about(look.as_ref(), desk);
        let sent = look.as_ref().and_then(|look| look.sent());
        let text = sent.unwrap_or(&statement.text);
        frame::parse(desk.server.buffer(), statement.id.name(), text, &statement.oids);
        match client {
            Some(name) => {
                desk.ledger.expect(Reply::Parse);
                self.name(name, statement, desk);
            }
            None => desk.ledger.expect_hidden(Reply::Parse),
        }
        self.journal(Done::Prepared(statement.id), desk);
    }

    /// Has the server hold the statement, whichever server it was parsed on.
    pub(super) fn ensure(&mut self, name: &[u8], statement: &Arc<Statement>, desk: &mut Desk<'_>) {
        if !name.is_empty() {
            if !self.facts.prepared.touch(statement.id) {
                self.send_parse(statement, None, desk);
            }
        } else if self.facts.unnamed != Some(statement.id.hash) {
            let look = self.partition_look(statement);
            self.about(look.as_ref(), desk);
            let sent = look.as_ref().and_then(|look| look.sent());
            frame::parse(desk.server.buffer(), "", sent.unwrap_or(&statement.text), &statement.oids);
            desk.ledger.expect_hidden(Reply::Parse);
            let before = self.facts.unnamed.replace(statement.id.hash);
            self.journal(Done::Unnamed(before), desk);
        }
    }

    /// A statement that the session does not have: the server says so, in its transaction. It must not
    /// find another session's unnamed statement; names cannot be mistaken, the server's are keyed hashes.
    pub(super) fn pass_unknown(&mut self, name: &[u8], desk: &mut Desk<'_>) {
        if name.is_empty() && self.facts.unnamed.is_some() {
            frame::close(desk.server.buffer(), frame::Kind::Statement, "");
            desk.ledger.expect_hidden(Reply::Close);
            let before = self.facts.unnamed.take();
            self.journal(Done::Unnamed(before), desk);
        }
    }

    pub(super) fn describe(&mut self, message: &[u8], desk: &mut Desk<'_>) -> Option<Verdict> {
        let (kind, name) = kind_and_name(message)?;
        if kind != b'S' {
            let local = matches!(self.state.names.portal(name), Some(Portal::Local { .. }));
            return Some(if local { Verdict::Hold } else { Verdict::Pass });
        }
        let Some(statement) = self.state.names.statement(name).map(Arc::clone) else {
            self.pass_unknown(name, desk);
            return Some(Verdict::Pass);
        };
        if self.parse_is_held(&statement) {
            return Some(Verdict::Hold);
        }
        self.ensure(name, &statement, desk);
        let look = self.partition_look(&statement);
        self.about(look.as_ref(), desk);
        if name.is_empty() {
            return Some(Verdict::Pass);
        }
        frame::describe(desk.server.buffer(), frame::Kind::Statement, statement.id.name());
        desk.ledger.expect(Reply::DescribeStatement);
        Some(Verdict::Sent { head: message.len() })
    }

    pub(super) fn close(&mut self, message: &[u8], desk: &mut Desk<'_>) -> Option<Verdict> {
        let (kind, name) = kind_and_name(message)?;
        if kind == b'S' {
            let known = self.state.names.drop_statement(name);
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
        match self.state.names.take_portal(name) {
            Some(Portal::Local { .. }) => {
                desk.ledger.answer(backend::CLOSE_COMPLETE);
                Some(Verdict::Sent { head: message.len() })
            }
            _ => Some(Verdict::Pass),
        }
    }
}
