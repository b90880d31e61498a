//! A simple query that the gate answers in whole or in part: its statements in order.

use crate::block::Block;
use crate::error;
use crate::front::tag_fits;
use crate::life::{End, Segment, Session};
use crate::local::{Around, Company};
use crate::look::{Look, SchemaNames};
use crate::relayed::{Leased, NoLease, Turn};
use crate::state::ends_transaction;
use relay::Notes;
use sql::Scan;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use wire::Fields;
use wire::frame::{self, HEADER_BYTES};

/// What one step through the statements came to.
pub(crate) enum Step {
    /// Go on with the statement of this number.
    On(usize),
    /// An error was told: the rest of the message is dropped.
    Failed,
}

impl Session {
    /// Handles a whole Query message. Runs of statements for the server are sent as one query each,
    /// so an implicit transaction reaches as far as Postgres would have it, up to the next statement
    /// that binds; nothing after an error is run.
    pub(crate) async fn simple(&mut self, message: Vec<u8>) -> Result<(), End> {
        let body = message.get(HEADER_BYTES..).unwrap_or_default();
        let text = frame::cstr(body).map(|(text, _)| text).unwrap_or_default();
        self.state.names.drop_statement(b"");
        match self.state.gate.looks.scan(text) {
            Scan::Transaction(step) if self.leased.is_none() => {
                self.state.step(step).write_simple(self.client.outbox.buffer());
            }
            Scan::Plain if self.state.is_failed() => {
                self.tell(&error::transaction_failed()).await?;
            }
            _ => self.statements(text).await?,
        }
        if self.leased.as_ref().is_some_and(|leased| leased.ledger.is_safe_point()) {
            self.at_safe_point().await?;
        }
        self.segment = Segment::Closed;
        self.state.room = None;
        self.say_ready();
        if self.state.fan_out.is_on { Box::pin(self.fan_out()).await } else { Ok(()) }
    }

    async fn statements(&mut self, text: &[u8]) -> Result<(), End> {
        let mut at = 0;
        let (mut look, mut names) = (self.look(text), self.names_now());
        loop {
            if self.names_now() != names {
                (look, names) = (self.look(text), self.names_now());
            }
            if at >= look.analysis.statements.len() {
                return Ok(());
            }
            match self.statement(text, &look, at).await? {
                Step::On(next) => at = next,
                Step::Failed => return Ok(()),
            }
        }
    }

    /// The look at a text as the partition that is leased now sees it.
    fn look(&self, text: &[u8]) -> Arc<Look> {
        let names = self.leased.as_ref().and_then(|leased| leased.names());
        self.state.look(text, names)
    }

    /// The names of the partition that is leased now.
    fn names_now(&self) -> Option<SchemaNames> {
        self.leased.as_ref().and_then(|leased| leased.names()).cloned()
    }

    async fn statement(&mut self, text: &[u8], look: &Look, at: usize) -> Result<Step, End> {
        let Some(statement) = look.analysis.statements.get(at) else { return Ok(Step::Failed) };
        let names = self.leased.as_ref().and_then(|leased| leased.names());
        let leased = self.leased.is_some();
        let shares = look.analysis.statements.len() > 1 && self.state.resets_on_server(statement, leased);
        if self.state.is_local(statement, leased, names) && !shares {
            let (leased, user, open) = self.around();
            let company = if look.analysis.statements.len() > 1 { Company::Message } else { open };
            let around = Around { leased, leased_user: user.as_ref(), company };
            return match self.state.perform(statement, text, &[], around) {
                Ok(answer) => {
                    answer.write_simple(self.client.outbox.buffer());
                    Ok(Step::On(at + 1))
                }
                Err(fields) => self.tell(&fields).await,
            };
        }
        let Some(leased) = &self.leased else {
            return match self.take_lease(statement.tag.as_ref()).await {
                Ok(()) => Ok(Step::On(at)),
                Err(NoLease::Refused(fields)) => self.tell(&fields).await,
                Err(NoLease::End(end)) => Err(end),
            };
        };
        if !tag_fits(&self.state, statement.tag.as_ref(), leased.user.as_ref()) {
            let fields = self.tag_error(statement.tag.as_ref());
            return self.tell(&fields).await;
        }
        let run = self.run_of(&look.analysis.statements, at, leased, names);
        let last = look.analysis.statements.get(at + run).unwrap_or(statement);
        let refused =
            look.analysis.statements.get(at + run + 1).and_then(|next| self.state.refusal_of(next, names));
        self.part(text, statement.range.start..last.range.end, refused).await?;
        if !self.state.last_ok {
            self.roll_back_implicit();
            return Ok(Step::Failed);
        }
        if self.leased.as_ref().is_some_and(|leased| leased.ledger.is_safe_point()) {
            self.at_safe_point().await?;
        }
        Ok(Step::On(at + run + 1))
    }

    /// How many statements behind `at` go to the same server for sure: up to one that is the gate's,
    /// that is tagged for somebody else, or that follows the end of a transaction, with which a
    /// binding may have ended.
    fn run_of(
        &self,
        statements: &[sql::Statement],
        at: usize,
        leased: &Leased,
        names: Option<&SchemaNames>,
    ) -> usize {
        let pairs = statements.iter().skip(at).zip(statements.iter().skip(at + 1));
        pairs
            .take_while(|(before, next)| {
                let ends = self.state.caller.may_bind() && ends_transaction(before);
                let ours = self.state.is_local(next, true, names);
                !ends && !ours && tag_fits(&self.state, next.tag.as_ref(), leased.user.as_ref())
            })
            .count()
    }

    /// Sends a run of statements as a query of its own and relays its answers, all but the
    /// ReadyForQuery.
    /// With `refused`, the statement behind the run fails by that, and what the message has done with it.
    async fn part(
        &mut self,
        text: &[u8],
        range: Range<usize>,
        refused: Option<Box<Fields>>,
    ) -> Result<(), End> {
        let before = String::from_utf8_lossy(text.get(..range.start).unwrap_or_default()).chars().count();
        let mut part = Cow::Borrowed(text.get(range).unwrap_or_default());
        if refused.is_some() {
            part.to_mut().extend_from_slice(format!("\n;{}", error::REFUSED).as_bytes());
        }
        let part = &*part;
        if let Some(refused) = refused {
            self.state.underway.refuse_by(refused);
        }
        let look = self.look(part);
        let changes = self.state.outgoing(&look, part);
        let names = self.leased.as_ref().and_then(|leased| leased.names());
        let rows = self.state.rows_to_show(&look, names);
        self.state.underway.watch(changes);
        let number = self.state.underway.number(Some(&look), u32::try_from(before).unwrap_or(0));
        let sent = look.sent().unwrap_or(part);
        let Some(leased) = &mut self.leased else { return Ok(()) };
        if leased.is_stateful(part) {
            self.state.pin(sql::Effects::UNREPLAYABLE);
        }
        frame::query(leased.lease.server.peer.outbox.buffer(), sent);
        leased.lease.server.facts.unnamed = None;
        leased.ledger.about(number);
        leased.ledger.expect_part(Notes { watched: true, rows });
        leased.relay.begin_part();
        loop {
            if let Turn::PartDone = self.relay().await? {
                self.state.underway.take_refusal();
                return Ok(());
            }
        }
    }

    /// An error ends the implicit transaction of the message: what was set in it is taken back.
    fn roll_back_implicit(&mut self) {
        let open = self.leased.as_ref().is_some_and(|leased| leased.ledger.status() != relay::Status::Idle);
        self.state.rolls_back |= !open && self.state.block == Block::None;
    }

    /// Tells an error; a transaction that is open on the server fails by it.
    pub(crate) async fn tell(&mut self, fields: &Fields) -> Result<Step, End> {
        let open = |leased: &Leased| leased.ledger.status() == relay::Status::Open && leased.fails_by(fields);
        if self.leased.as_deref().is_some_and(open) {
            Box::pin(self.part(b"", 0..0, Some(Box::new(fields.clone())))).await?;
            return Ok(Step::Failed);
        }
        fields.encode_error(self.client.outbox.buffer());
        self.state.fail_block();
        self.roll_back_implicit();
        Ok(Step::Failed)
    }
}
