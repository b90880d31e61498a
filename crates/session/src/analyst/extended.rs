//! The extended protocol of a session that asks many stores (PostgreSQL manual, "Extended Query").

use super::answers::{write_described, write_home};
use super::cursors;
use super::hearing::Fault;
use super::kept::{Asked, Kept, Portal, Prepared, Progress, What};
use super::own::{self, Nature, nature};
use super::refusals;
use super::running::{Came, counting};
use super::talk::Talk;
use crate::error;
use crate::life::{End, Segment};
use crate::prepared::{BindBody, BindHead, Parse, kind_and_name, portal_name};
use bytes::Bytes;
use fanout::ColumnDescribed;
use relay::ClientFault;
use std::sync::Arc;
use wire::Fields;
use wire::frame::{self, HEADER_BYTES, Reader, frontend};

impl Talk<'_> {
    /// Answers one message; an error makes the session skip to Sync.
    pub(super) async fn extended(&mut self, tag: u8, message: &[u8]) -> Result<(), End> {
        if self.segment == Segment::Closed {
            self.segment = Segment::Open;
        }
        self.handle.waiting();
        let done = match tag {
            frontend::PARSE => self.parse(message).await,
            frontend::BIND => self.bind(message).await,
            frontend::DESCRIBE => self.describe_message(message).await,
            frontend::EXECUTE => self.execute_message(message).await,
            _ => self.close(message),
        };
        self.handle.idle();
        if let Err(fault) = done {
            self.fail_by(fault)?;
            self.skipping = true;
        }
        Ok(())
    }

    async fn parse(&mut self, message: &[u8]) -> Result<(), Fault> {
        let parse = Parse::read(message).ok_or_else(malformed)?;
        let (name, text) = (utf8(parse.name)?, utf8(parse.text)?);
        self.kept.has_room_for(name)?;
        let what = self.judge(text, &parse.oids).await?;
        self.kept.keep(name, text, &parse.oids, what)?;
        frame::parse_complete(self.client.outbox.buffer());
        Ok(())
    }

    /// Who answers a statement, and what it takes and returns.
    async fn judge(&mut self, text: &str, types: &[u32]) -> Result<What, Fault> {
        let analysis = sql::analyse(text.as_bytes());
        let [statement] = analysis.statements.as_slice() else { return Err(refusals::several().into()) };
        self.may_run(statement)?;
        self.judge_one(statement, text, types).await
    }

    /// Who answers the one statement of a text.
    pub(super) async fn judge_one(
        &mut self,
        statement: &sql::Statement,
        text: &str,
        types: &[u32],
    ) -> Result<What, Fault> {
        if let Some(declare) = cursors::declared(&statement.kind, text) {
            return self.judge_declared(declare, text, types).await;
        }
        if let Some(fetch) = cursors::fetched(&statement.kind, text) {
            return Ok(What::Fetched(fetch));
        }
        if let Some(what) = self.judge_prepare(&statement.kind, text).await? {
            return Ok(what);
        }
        if let Some(what) = self.judge_execute(&statement.kind, text).await? {
            return Ok(what);
        }
        Ok(match nature(statement, text) {
            Nature::Own => What::Own(Box::new(statement.clone())),
            Nature::Asked(asked, also) => What::Asked(self.ask(&asked, types, also).await?),
        })
    }

    /// A prepared statement by its name; one of the ordinary session is judged now.
    pub(super) async fn prepared(&mut self, name: &str) -> Result<Arc<Prepared>, Fault> {
        if let Some((text, types)) = self.kept.unread(name) {
            match self.judge(&text, &types).await {
                Ok(what) => self.kept.keep(name, &text, &types, what)?,
                Err(fault) => {
                    self.kept.take_over(name.to_owned(), text, types);
                    return Err(fault);
                }
            }
        }
        Ok(self.kept.statement(name).cloned().ok_or_else(|| error::no_statement(name))?)
    }

    async fn bind(&mut self, message: &[u8]) -> Result<(), Fault> {
        let head = BindHead::read(message).ok_or_else(malformed)?;
        let body = message.get(head.bytes..).and_then(BindBody::read).ok_or_else(malformed)?;
        let results = result_formats(body.rest).ok_or_else(malformed)?;
        let (portal, name) = (utf8(head.portal)?, utf8(head.statement)?);
        let statement = self.prepared(name).await?;
        if self.transaction.is_failed() && !is_accepted(&statement) {
            return Err(error::transaction_failed().into());
        }
        let needed = parameters(&statement).len();
        let (formats, given) = (body.formats.len(), body.values.len());
        if formats > 1 && formats != given {
            return Err(refusals::formats("parameter", formats, &format!("{given} parameters")).into());
        }
        if given != needed {
            return Err(error::parameter_count(name, given, needed).into());
        }
        let columns = self.column_count(&statement);
        if results.len() > 1 && columns > 0 && results.len() != columns {
            let has = format!("query has {columns} columns");
            return Err(refusals::formats("result", results.len(), &has).into());
        }
        let values = fanout::Values {
            parameters: body.values.iter().map(|value| value.map(Bytes::copy_from_slice)).collect(),
            formats: body.formats.iter().map(|format| format.cast_signed()).collect(),
            results,
        };
        self.kept.bind(portal, statement, values, self.transaction.depth())?;
        frame::bind_complete(self.client.outbox.buffer());
        Ok(())
    }

    async fn describe_message(&mut self, message: &[u8]) -> Result<(), Fault> {
        let (kind, name) = kind_and_name(message).ok_or_else(malformed)?;
        let name = utf8(name)?;
        let (statement, formats) = if kind == b'S' {
            (self.prepared(name).await?, Vec::new())
        } else {
            let portal = self.kept.portal(name).ok_or_else(|| refusals::no_portal(name))?;
            (Arc::clone(&portal.statement), portal.values.results.clone())
        };
        if self.transaction.is_failed() && self.column_count(&statement) > 0 {
            return Err(error::transaction_failed().into());
        }
        if kind == b'S' {
            frame::parameter_description(self.client.outbox.buffer(), &parameters(&statement));
        }
        if let What::Own(own) = &statement.what {
            write_described(&own::columns(own), &formats, self.client.outbox.buffer());
        } else {
            write_home(columns(&statement, &self.kept), &formats, self.client.outbox.buffer());
        }
        Ok(())
    }

    fn column_count(&self, statement: &Prepared) -> usize {
        match &statement.what {
            What::Own(own) => own::columns(own).len(),
            _ => columns(statement, &self.kept).map_or(0, <[_]>::len),
        }
    }

    fn close(&mut self, message: &[u8]) -> Result<(), Fault> {
        let (kind, name) = kind_and_name(message).ok_or_else(malformed)?;
        let name = utf8(name)?;
        match kind {
            b'S' => drop(self.kept.drop_statement(name)),
            _ => drop(self.kept.take_portal(name)),
        }
        frame::close_complete(self.client.outbox.buffer());
        Ok(())
    }

    async fn execute_message(&mut self, message: &[u8]) -> Result<(), Fault> {
        let name = utf8(portal_name(message).ok_or_else(malformed)?)?;
        let mut rest = Reader::new(message.get(HEADER_BYTES + name.len() + 1..).unwrap_or_default());
        let limit = rest.i32().ok_or_else(malformed)?;
        let at_most = u64::try_from(limit).ok().filter(|limit| *limit > 0);
        let mut portal = self.kept.take_portal(name).ok_or_else(|| refusals::no_portal(name))?;
        if self.transaction.is_failed() && !is_accepted(&portal.statement) {
            return Err(error::transaction_failed().into());
        }
        let statement = Arc::clone(&portal.statement);
        portal.progress = match &statement.what {
            What::Own(own) => self.execute_own(name, &portal, own).await?,
            What::Asked(asked) => {
                let (progress, rows) = self.execute(portal.progress, &portal.values, asked, at_most).await?;
                portal.row += rows;
                progress
            }
            What::Executed(executed) => {
                if matches!(portal.progress, Progress::Ready) {
                    portal.values = self.values_of(executed, &portal.values.results).await?;
                }
                let asked = portal.asked().ok_or_else(refusals::lost)?.clone();
                let (progress, rows) = self.execute(portal.progress, &portal.values, &asked, at_most).await?;
                portal.row += rows;
                progress
            }
            What::Named(named) => {
                ready_once(name, &portal)?;
                self.prepare(named)?;
                self.done("PREPARE")
            }
            What::Declared(declared) => {
                ready_once(name, &portal)?;
                self.declare(declared, portal.values.clone(), self.segment.company())?;
                self.done("DECLARE CURSOR")
            }
            What::Fetched(fetch) => {
                self.fetch(fetch, portal.progress, &portal.values.results, at_most).await?
            }
        };
        // What ends a transaction ends its portals, this one too.
        if !is_end(&statement) {
            self.kept.put_back(name, portal)?;
        }
        self.segment = Segment::Executed;
        Ok(())
    }

    async fn execute_own(
        &mut self,
        name: &str,
        portal: &Portal,
        own: &sql::Statement,
    ) -> Result<Progress, Fault> {
        ready_once(name, portal)?;
        let values = portal.values.parameters.iter();
        let values = values.map(|value| value.as_deref().map(Into::into)).collect();
        let company = self.segment.company();
        let answer = self.perform(own, &portal.statement.text, &values, company).await?;
        answer.write_executed(&portal.values.results, self.client.outbox.buffer());
        Ok(Progress::Done(answer.tag))
    }

    fn done(&mut self, tag: &str) -> Progress {
        frame::command_complete(self.client.outbox.buffer(), tag);
        Progress::Done(tag.to_owned())
    }

    /// Goes on with a portal: all its rows, or so many `at_most`; how many that were.
    async fn execute(
        &mut self,
        progress: Progress,
        values: &fanout::Values,
        asked: &Asked,
        at_most: Option<u64>,
    ) -> Result<(Progress, u64), Fault> {
        let mut running = match progress {
            Progress::Running(running) if running.is_in(&values.results) => running,
            Progress::Running(_) => return Err(refusals::other_format().into()),
            Progress::Done(tag) => {
                frame::command_complete(self.client.outbox.buffer(), &counting(&tag, 0));
                return Ok((Progress::Done(tag), 0));
            }
            Progress::Ready | Progress::Fetching(_) => Box::new(self.start(asked, values.clone()).await?),
        };
        match self.pass(&mut running, at_most).await? {
            Came::Suspended => {
                frame::portal_suspended(self.client.outbox.buffer());
                Ok((Progress::Running(running), at_most.unwrap_or_default()))
            }
            Came::End(done, rows) => {
                self.set_all(&asked.sets).await?;
                let tag = asked.tag.map_or(done.tag, str::to_owned);
                frame::command_complete(self.client.outbox.buffer(), &counting(&tag, rows));
                Ok((Progress::Done(tag), rows))
            }
        }
    }
}

/// What returns no rows is executed once.
fn ready_once(name: &str, portal: &Portal) -> Result<(), Fault> {
    match portal.progress {
        Progress::Ready => Ok(()),
        _ => Err(refusals::portal_over(name).into()),
    }
}

fn malformed() -> Fault {
    error::client_fault(ClientFault::Malformed("an extended-query message"))
        .with_severity(wire::Severity::Error)
        .into()
}

fn utf8(bytes: &[u8]) -> Result<&str, Box<Fields>> {
    std::str::from_utf8(bytes).map_err(|_| Box::new(refusals::not_utf8()))
}

/// Format codes of the result, as Bind ends with them.
fn result_formats(rest: &[u8]) -> Option<Vec<i16>> {
    let mut reader = Reader::new(rest);
    let count = reader.u16()?;
    (0..count).map(|_| reader.u16().map(u16::cast_signed)).collect()
}

fn parameters(statement: &Prepared) -> Vec<u32> {
    match &statement.what {
        What::Own(own) => own::parameters(own, &statement.types),
        What::Asked(asked) => asked.described.parameters.clone(),
        What::Declared(declared) => parameters(&declared.query),
        What::Fetched(_) | What::Named(_) | What::Executed(_) => statement.types.clone(),
    }
}

/// What home described of the rows of a statement, if it has some.
fn columns<'a>(statement: &'a Prepared, kept: &'a Kept) -> Option<&'a [ColumnDescribed]> {
    match &statement.what {
        What::Own(_) | What::Declared(_) | What::Named(_) => None,
        What::Asked(_) | What::Executed(_) => statement.asked()?.described.columns.as_deref(),
        What::Fetched(fetch) => cursors::columns(fetch, kept),
    }
}

/// Whether a statement is accepted in a failed transaction.
fn is_accepted(statement: &Prepared) -> bool {
    matches!(&statement.what, What::Own(own) if own::is_accepted_in_failure(own))
}

/// Whether a statement ends a transaction.
fn is_end(statement: &Prepared) -> bool {
    matches!(&statement.what, What::Own(own) if crate::state::ends_transaction(own))
}
