//! Extended-query messages that the gate answers by itself.

use crate::answer::write_described;
use crate::error;
use crate::life::Session;
use crate::local::{Around, Company};
use crate::prepared::{
    BindBody, BindHead, MAX_STATEMENTS, Parse, Portal, Statement, kind_and_name, names_parameter_late,
    portal_name,
};
use sql::{Arg, Kind, Show};
use std::sync::Arc;
use wire::frame::{self, Format, TEXT_OID, frontend};
use wire::{Fields, sqlstate};

/// OID of type boolean.
const BOOL_OID: u32 = 16;

impl Session {
    /// Answers one message; an error makes the session skip to Sync.
    pub(crate) fn extended(&mut self, message: &[u8]) -> Result<(), Box<Fields>> {
        let malformed =
            || Box::new(Fields::error(sqlstate::PROTOCOL_VIOLATION, "malformed extended-query message"));
        if self.leased.as_ref().is_some_and(|leased| leased.unbound) {
            return Err(Box::new(error::behind_commit()));
        }
        match message.first().copied() {
            Some(frontend::PARSE) => self.parse_locally(&Parse::read(message).ok_or_else(malformed)?),
            Some(frontend::BIND) => {
                let head = BindHead::read(message).ok_or_else(malformed)?;
                let body = message.get(head.bytes..).and_then(BindBody::read).ok_or_else(malformed)?;
                self.bind_locally(&head, &body)
            }
            Some(frontend::DESCRIBE) => {
                let (kind, name) = kind_and_name(message).ok_or_else(malformed)?;
                self.describe_locally(kind, name)
            }
            Some(frontend::EXECUTE) => self.execute_locally(portal_name(message).ok_or_else(malformed)?),
            Some(frontend::CLOSE) => {
                let (kind, name) = kind_and_name(message).ok_or_else(malformed)?;
                match kind {
                    b'S' => drop(self.state.names.drop_statement(name)),
                    _ => drop(self.state.names.take_portal(name)),
                }
                frame::close_complete(self.client.outbox.buffer());
                Ok(())
            }
            _ => Err(Box::new(error::transaction_failed())),
        }
    }

    fn parse_locally(&mut self, parse: &Parse<'_>) -> Result<(), Box<Fields>> {
        let names = &self.state.names;
        if !parse.name.is_empty() && names.statement(parse.name).is_some() {
            return Err(Box::new(error::statement_exists(&String::from_utf8_lossy(parse.name))));
        }
        if names.count() >= MAX_STATEMENTS {
            return Err(Box::new(Fields::error(
                sqlstate::PROGRAM_LIMIT_EXCEEDED,
                format!("a session can keep {MAX_STATEMENTS} prepared statements"),
            )));
        }
        let epoch = self.leased.as_ref().map_or(0, |leased| leased.lease.epoch());
        let Some(statement) = self.state.kept_statement(parse, self.state.gate.looks.scan(parse.text), epoch)
        else {
            return Err(Box::new(error::no_room(parse.text.len())));
        };
        self.check_tag(&statement)?;
        self.check_block(&statement)?;
        self.check_decision(&statement)?;
        self.state.names.name_statement(parse.name.into(), Arc::new(statement));
        frame::parse_complete(self.client.outbox.buffer());
        Ok(())
    }

    /// A statement that is held because of its tag alone is refused.
    fn check_tag(&self, statement: &Statement) -> Result<(), Box<Fields>> {
        let (Some(leased), Some(only)) = (&self.leased, statement.only()) else { return Ok(()) };
        if crate::front::tag_fits(&self.state, only.tag.as_ref(), leased.user.as_ref()) {
            return Ok(());
        }
        Err(Box::new(self.tag_error(only.tag.as_ref())))
    }

    /// What to say of a tag that does not fit the leased server.
    pub(crate) fn tag_error(&self, tag: Option<&sql::BindTag>) -> Fields {
        match (tag, self.state.caller.kind) {
            (Some(sql::BindTag::Conflict), _) => error::bad_tag("It names two users."),
            (Some(sql::BindTag::Malformed), _) => error::bad_tag("It cannot be read."),
            (Some(sql::BindTag::User(user)), model::LoginKind::User(_)) => {
                error::not_yours(self.state.caller.name.as_str(), user)
            }
            _ => error::bound_already(),
        }
    }

    fn check_block(&self, statement: &Statement) -> Result<(), Box<Fields>> {
        let ends = statement.ends_transaction();
        let leased = self.leased.as_ref().map(|leased| leased.status());
        if (self.state.is_failed() || leased == Some(relay::Status::Failed)) && !ends {
            return Err(Box::new(error::transaction_failed()));
        }
        Ok(())
    }

    /// What the partition refuses is refused at Parse, as a server would.
    fn check_decision(&mut self, statement: &Statement) -> Result<(), Box<Fields>> {
        let Some(only) = statement.only() else { return Ok(()) };
        let in_schema = self.leased.as_ref().is_some_and(|leased| leased.names().is_some());
        match only.decision {
            sql::Decision::Refuse(_) if !in_schema => Ok(()),
            sql::Decision::Refuse(_) | sql::Decision::RefuseEverywhere(_) => {
                let only = only.clone();
                let around = self.around();
                let around = Around { leased: around.0, leased_user: around.1.as_ref(), company: around.2 };
                self.state.perform(&only, &statement.text, &[], around).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn bind_locally(&mut self, head: &BindHead<'_>, body: &BindBody<'_>) -> Result<(), Box<Fields>> {
        let Some(statement) = self.state.names.statement(head.statement).map(Arc::clone) else {
            return Err(Box::new(error::no_statement(&String::from_utf8_lossy(head.statement))));
        };
        self.check_tag(&statement)?;
        self.check_block(&statement)?;
        let (given, needed) = (body.values.len(), parameter_oids(&statement).len());
        if given != needed {
            let name = String::from_utf8_lossy(head.statement);
            return Err(Box::new(error::parameter_count(&name, given, needed)));
        }
        let portal = Portal::Local { statement, values: body.to_values(), format: body.first_format() };
        self.state.names.note_portal(head.portal.into(), portal);
        frame::bind_complete(self.client.outbox.buffer());
        Ok(())
    }

    fn describe_locally(&mut self, kind: u8, name: &[u8]) -> Result<(), Box<Fields>> {
        if kind == b'S' {
            let Some(statement) = self.state.names.statement(name).map(Arc::clone) else {
                return Err(Box::new(error::no_statement(&String::from_utf8_lossy(name))));
            };
            self.check_tag(&statement)?;
            self.check_block(&statement)?;
            let out = self.client.outbox.buffer();
            frame::parameter_description(out, &parameter_oids(&statement));
            write_described(column_of(&statement), Format::Text, out);
            return Ok(());
        }
        match self.state.names.portal(name) {
            Some(Portal::Local { statement, format, .. }) => {
                write_described(column_of(statement), *format, self.client.outbox.buffer());
                Ok(())
            }
            _ => Err(Box::new(error::transaction_failed())),
        }
    }

    fn execute_locally(&mut self, portal: &[u8]) -> Result<(), Box<Fields>> {
        let Some(Portal::Local { statement, values, .. }) = self.state.names.take_portal(portal) else {
            return Err(Box::new(error::transaction_failed()));
        };
        let answer = if let Some(step) = statement.step {
            self.state.step(step)
        } else {
            let look = match self.leased.as_ref().and_then(|leased| leased.names()) {
                Some(names) => Some(self.state.look(&statement.text, Some(names))),
                None => statement.look.clone(),
            };
            let Some([only]) = look.as_deref().map(|look| look.analysis.statements.as_slice()) else {
                return Err(Box::new(error::transaction_failed()));
            };
            let (leased, leased_user, company) = self.around();
            let around = Around { leased, leased_user: leased_user.as_ref(), company };
            self.state.perform(only, &statement.text, &values, around)?
        };
        answer.write_executed(self.client.outbox.buffer());
        Ok(())
    }

    /// The server's status, whom it is for, and who shares the transaction.
    pub(crate) fn around(&self) -> (Option<relay::Status>, Option<model::Name>, Company) {
        match &self.leased {
            Some(leased) => {
                let company = if leased.ledger.segment_open() { Company::Segment } else { Company::None };
                (Some(leased.status()), leased.user.clone(), company)
            }
            None => (None, None, self.segment.company()),
        }
    }
}

fn column_of(statement: &Statement) -> Option<&str> {
    match &statement.only()?.kind {
        Kind::Show(Show::Name(name)) => Some(name),
        Kind::SetConfigSelect { column, .. } | Kind::CurrentSettingSelect { column, .. } => Some(column),
        _ => None,
    }
}

/// The parameter types of a local statement: as the client gave them, else what the functions take.
fn parameter_oids(statement: &Statement) -> Vec<u32> {
    let Some(only) = statement.only() else { return Vec::new() };
    let args: Vec<(&Arg, u32)> = match &only.kind {
        Kind::SetConfigSelect { name, value, is_local, .. } => {
            vec![(name, TEXT_OID), (value, TEXT_OID), (is_local, BOOL_OID)]
        }
        Kind::CurrentSettingSelect { name, missing_ok, .. } => {
            let flag = missing_ok.as_ref().map(|flag| (flag, BOOL_OID));
            std::iter::once((name, TEXT_OID)).chain(flag).collect()
        }
        _ if names_parameter_late(&only.kind) => Vec::new(),
        _ => Vec::new(),
    };
    let mut oids = statement.oids.clone();
    for (arg, oid) in args {
        if let Arg::Parameter(number) = arg {
            let at = usize::from(*number).saturating_sub(1);
            if oids.len() <= at {
                oids.resize(at + 1, 0);
            }
            if let Some(place) = oids.get_mut(at).filter(|place| **place == 0) {
                *place = oid;
            }
        }
    }
    oids
}
