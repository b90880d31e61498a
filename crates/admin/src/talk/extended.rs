//! The extended protocol's part of a session: prepared statements, portals, and how they are executed
//! (PostgreSQL manual, "Extended Query").

use super::{Flow, Portal, Sending, Talk, Work, describe, end};
use crate::bind::{self, Bind, Target};
use crate::command::{self, Command};
use crate::refuse::Refusal;
use wire::frame::{self, Format, Reader, frontend};

/// Prepared statements kept for a session, and as many portals.
const MAX_NAMED: usize = 100;

impl Talk<'_> {
    pub(super) fn extended(&mut self, tag: u8, body: &[u8], out: &mut Vec<u8>) -> Flow {
        let done = match tag {
            frontend::PARSE => {
                let mut reader = Reader::new(body);
                match (bind::text(&mut reader), bind::text(&mut reader)) {
                    (Some(name), Some(text)) => self.parse(name, text, out),
                    _ => Err(Refusal::NotUtf8),
                }
            }
            frontend::BIND => match bind::bind(body) {
                Some(bind) => self.bind(&bind, out),
                None => return end(&Refusal::Malformed("a Bind cannot be read".to_owned()), out),
            },
            frontend::EXECUTE => match bind::execute(body) {
                Some((portal, limit)) => {
                    self.work.push_back(Work::Execute(portal.to_owned(), limit));
                    Ok(())
                }
                None => return end(&Refusal::Malformed("an Execute cannot be read".to_owned()), out),
            },
            _ => match bind::target(body) {
                Some(target) if tag == frontend::DESCRIBE => self.describe(target, out),
                Some(target) => {
                    self.close(target, out);
                    Ok(())
                }
                None => {
                    return end(&Refusal::Malformed("a Describe or Close cannot be read".to_owned()), out);
                }
            },
        };
        if let Err(error) = done {
            self.fail_to_sync(&error, out);
        }
        Flow::GoOn
    }

    fn parse(&mut self, name: &str, text: &str, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let statements = command::split(text);
        if statements.len() > 1 {
            return Err(Refusal::Several);
        }
        if !name.is_empty() {
            if self.statements.contains_key(name) {
                return Err(Refusal::StatementExists(name.to_owned()));
            }
            if self.statements.len() >= MAX_NAMED {
                return Err(Refusal::TooMany { what: "prepared statements", limit: MAX_NAMED });
            }
        }
        let command = match statements.first() {
            Some(statement) => command::parse(statement)?,
            None => None,
        };
        self.statements.insert(name.to_owned(), command);
        frame::parse_complete(out);
        Ok(())
    }

    fn bind(&mut self, bind: &Bind<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let command = *self
            .statements
            .get(bind.statement)
            .ok_or_else(|| Refusal::NoStatement(bind.statement.to_owned()))?;
        if bind.parameters > 0 {
            return Err(Refusal::Parameters(bind.parameters));
        }
        if !bind.portal.is_empty() && self.portals.contains_key(bind.portal) {
            return Err(Refusal::PortalExists(bind.portal.to_owned()));
        }
        if self.portals.len() >= MAX_NAMED {
            return Err(Refusal::TooMany { what: "portals", limit: MAX_NAMED });
        }
        self.portals.insert(bind.portal.to_owned(), Portal { command, format: bind.format, rows: None });
        frame::bind_complete(out);
        Ok(())
    }

    fn describe(&self, target: Target<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let (command, format) = match target {
            Target::Statement(name) => {
                let command =
                    *self.statements.get(name).ok_or_else(|| Refusal::NoStatement(name.to_owned()))?;
                frame::parameter_description(out, &[]);
                (command, Format::Text)
            }
            Target::Portal(name) => {
                let portal = self.portals.get(name).ok_or_else(|| Refusal::NoPortal(name.to_owned()))?;
                (portal.command, portal.format)
            }
        };
        match command {
            Some(Command::Show(listing)) => describe(listing, format, out),
            _ => frame::no_data(out),
        }
        Ok(())
    }

    /// Closing what does not exist is no error.
    fn close(&mut self, target: Target<'_>, out: &mut Vec<u8>) {
        match target {
            Target::Statement(name) => drop(self.statements.remove(name)),
            Target::Portal(name) => drop(self.portals.remove(name)),
        }
        frame::close_complete(out);
    }

    pub(super) fn execute(&mut self, name: String, limit: Option<u32>, out: &mut Vec<u8>) {
        let Some(portal) = self.portals.get_mut(&name) else {
            return self.fail_to_sync(&Refusal::NoPortal(name), out);
        };
        let rows = match (portal.rows.take(), portal.command) {
            (Some(rows), _) => Ok(Some(rows)),
            (None, None) => {
                frame::empty_query(out);
                Ok(None)
            }
            (None, Some(command)) => self.run(command, out).map(|found| found.map(|(_, rows)| rows)),
        };
        match rows {
            Ok(None) => {}
            Ok(Some(rows)) => {
                let portal = Some((name, limit));
                self.work.push_front(Work::Send(Sending { rows, sent: 0, portal }));
            }
            Err(error) => self.fail_to_sync(&error, out),
        }
    }
}
