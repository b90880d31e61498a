//! Simple queries, and the transaction statements of both protocols, of a session that asks many stores.

use super::answers::{Answer, write_home};
use super::cursors;
use super::hearing::Fault;
use super::kept::{Asked, What};
use super::own::{Nature, nature};
use super::refusals;
use super::running::Came;
use super::talk::Talk;
use super::transaction::MAX_SAVEPOINTS;
use crate::error;
use crate::life::{End, Segment};
use crate::local::Company;
use fanout::Values;
use sql::{Kind, Lexer, Strings, TokenKind};
use wire::frame::{self, HEADER_BYTES};
use wire::sqlstate;

impl Talk<'_> {
    /// Answers a Query message: its statements in order, up to the first that fails.
    pub(super) async fn query(&mut self, message: &[u8]) -> Result<(), End> {
        self.segment = Segment::Closed;
        self.kept.drop_unnamed();
        self.handle.waiting();
        let body = message.get(HEADER_BYTES..).unwrap_or_default();
        let done = self.statements(frame::cstr(body).map(|(text, _)| text).unwrap_or_default()).await;
        if let Err(fault) = done {
            self.fail_by(fault)?;
        }
        self.end_implicit().await?;
        self.handle.idle();
        self.say_ready();
        Ok(())
    }

    async fn statements(&mut self, text: &[u8]) -> Result<(), Fault> {
        let text = std::str::from_utf8(text).map_err(|_| refusals::not_utf8())?;
        let analysis = sql::analyse(text.as_bytes());
        let company = if analysis.statements.len() > 1 { Company::Message } else { Company::None };
        for statement in &analysis.statements {
            let before = text.get(..statement.range.start).unwrap_or_default().chars().count();
            let done = Box::pin(self.statement(statement, text, company)).await;
            done.map_err(|fault| fault.behind(before))?;
        }
        Ok(())
    }

    async fn statement(
        &mut self,
        statement: &sql::Statement,
        text: &str,
        company: Company,
    ) -> Result<(), Fault> {
        self.may_run(statement)?;
        let own = text.get(statement.range.clone()).unwrap_or_default();
        if let Some(fetch) = cursors::fetched(&statement.kind, own) {
            return self.fetch_simply(&fetch).await;
        }
        if matches!(nature(statement, own), Nature::Own) {
            let answer = self.perform(statement, text, &Vec::new(), company).await?;
            answer.write_simple(self.client.outbox.buffer());
            return Ok(());
        }
        let what = self.judge_one(statement, own, &[]).await?;
        let takes_some = matches!(what, What::Named(_));
        if let Some((name, position)) = first_parameter(own).filter(|_| !takes_some) {
            return Err(refusals::no_such_parameter(name, position).into());
        }
        match what {
            What::Asked(asked) => self.answer(&asked, Values::default()).await,
            What::Executed(executed) => {
                let values = self.values_of(&executed, &[]).await?;
                match executed.statement.asked() {
                    Some(asked) => self.answer(asked, values).await,
                    None => Ok(()),
                }
            }
            What::Named(named) => {
                self.prepare(&named)?;
                Answer::tag("PREPARE").write_simple(self.client.outbox.buffer());
                Ok(())
            }
            What::Declared(declared) => {
                self.declare(&declared, Values::default(), company)?;
                Answer::tag("DECLARE CURSOR").write_simple(self.client.outbox.buffer());
                Ok(())
            }
            What::Own(_) | What::Fetched(_) => Ok(()),
        }
    }

    /// Answers what home has judged, as a simple query is answered.
    async fn answer(&mut self, asked: &Asked, values: Values) -> Result<(), Fault> {
        if let Some(columns) = &asked.described.columns {
            write_home(Some(columns), &[], self.client.outbox.buffer());
        }
        let mut running = self.start(asked, values).await?;
        if let Came::End(done, _) = self.pass(&mut running, None).await? {
            self.set_all(&asked.sets).await?;
            frame::command_complete(self.client.outbox.buffer(), asked.tag.unwrap_or(&done.tag));
        }
        Ok(())
    }

    /// `BEGIN`, `COMMIT` and their kin. `own` is the statement's own text, `text` what it is part of.
    pub(super) async fn transaction_statement(
        &mut self,
        kind: &Kind,
        own: &str,
        text: &str,
        company: Company,
    ) -> Result<Answer, Fault> {
        match kind {
            Kind::Begin { modes } => Ok(self.begin(own, text.get(modes.clone()).unwrap_or_default())),
            Kind::Commit { chain } => self.end(true, *chain).await,
            Kind::Rollback { chain } => self.end(false, *chain).await,
            Kind::SetTransaction { modes } => {
                let Some(modes) = modes else {
                    return Err(refusals::not_supported("SET TRANSACTION SNAPSHOT").into());
                };
                if !self.is_in_block(company) {
                    let message = "SET TRANSACTION can only be used in transaction blocks";
                    return Ok(Answer::tag("SET").warning(sqlstate::NO_ACTIVE_SQL_TRANSACTION, message));
                }
                self.transaction.set_modes(text.get(modes.clone()).unwrap_or_default());
                Ok(Answer::tag("SET"))
            }
            Kind::Savepoint { name } => self.savepoint(name),
            Kind::Release { name } => self.release(name),
            Kind::RollbackTo { name } => self.roll_back_to(name),
            _ => Ok(Answer::default()),
        }
    }

    fn begin(&mut self, own: &str, modes: &str) -> Answer {
        let starts = own.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("start"));
        let answer = Answer::tag(if starts { "START TRANSACTION" } else { "BEGIN" });
        if self.transaction.is_open() {
            let message = "there is already a transaction in progress";
            return answer.warning(sqlstate::ACTIVE_SQL_TRANSACTION, message);
        }
        self.transaction.begin(modes);
        answer
    }

    async fn end(&mut self, commit: bool, chain: bool) -> Result<Answer, Fault> {
        let open = self.transaction.is_open();
        if chain && !open {
            let what = if commit { "COMMIT AND CHAIN" } else { "ROLLBACK AND CHAIN" };
            return Err(refusals::only_in_transaction(what).into());
        }
        let committed = commit && !self.transaction.is_failed();
        let modes = self.transaction.isolation().map(|level| format!("isolation level {level}"));
        self.settle(committed).await?;
        if chain {
            self.transaction.begin(&modes.unwrap_or_default());
        }
        let answer = Answer::tag(if committed { "COMMIT" } else { "ROLLBACK" });
        if open {
            return Ok(answer);
        }
        Ok(answer.warning(sqlstate::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress"))
    }

    fn savepoint(&mut self, name: &str) -> Result<Answer, Fault> {
        if !self.transaction.is_open() {
            return Err(refusals::only_in_transaction("SAVEPOINT").into());
        }
        if !self.transaction.savepoint(name, &self.layers) {
            return Err(refusals::too_many("savepoints", MAX_SAVEPOINTS).into());
        }
        Ok(Answer::tag("SAVEPOINT"))
    }

    fn release(&mut self, name: &str) -> Result<Answer, Fault> {
        if !self.transaction.is_open() {
            return Err(refusals::only_in_transaction("RELEASE SAVEPOINT").into());
        }
        if !self.transaction.release(name) {
            return Err(error::no_savepoint(name).into());
        }
        self.kept.release_portals(self.transaction.depth());
        Ok(Answer::tag("RELEASE"))
    }

    fn roll_back_to(&mut self, name: &str) -> Result<Answer, Fault> {
        if !self.transaction.is_open() {
            return Err(refusals::only_in_transaction("ROLLBACK TO SAVEPOINT").into());
        }
        let then = self.transaction.roll_back_to(name).ok_or_else(|| error::no_savepoint(name))?;
        self.kept.roll_back_portals(self.transaction.depth());
        self.layers = then;
        self.tell_reported();
        Ok(Answer::tag("ROLLBACK"))
    }

    /// The transaction is over: what was set in it stays or goes, and portals go.
    async fn settle(&mut self, commits: bool) -> Result<(), Fault> {
        self.kept.end_portals(commits);
        if !commits {
            if let Some(before) = self.transaction.roll_back() {
                self.layers = before;
                self.tell_reported();
            }
            return Ok(());
        }
        self.transaction.commit();
        let changed = self.layers.end_local().map_err(|bad| refusals::setting(&bad))?;
        match if changed { self.learn().await } else { Ok(()) } {
            Err(Fault::End(end)) => Err(end.into()),
            // Home may be away; the next statement is told of it.
            Err(Fault::Told(_)) | Ok(()) => Ok(()),
        }
    }

    /// What a message or segment did outside a transaction is done; what failed has been taken back.
    pub(super) async fn end_implicit(&mut self) -> Result<(), End> {
        if self.transaction.is_open() {
            return Ok(());
        }
        match self.settle(true).await {
            Err(Fault::End(end)) => Err(end),
            Err(Fault::Told(_)) | Ok(()) => Ok(()),
        }
    }
}

/// The first parameter of a text, and where it stands in characters from 1.
fn first_parameter(text: &str) -> Option<(&str, u32)> {
    let mut tokens = Lexer::new(text.as_bytes(), Strings::Standard);
    let first = tokens.find(|token| token.kind == TokenKind::Parameter)?;
    let before = text.get(..first.start)?.chars().count();
    Some((text.get(first.range())?, u32::try_from(before + 1).ok()?))
}
