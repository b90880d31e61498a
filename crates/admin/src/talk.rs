//! One admin's session as a state machine: messages in, answers out, no I/O.

mod extended;

use crate::bind;
use crate::command::{self, Command, Listing};
use crate::facts::Facts;
use crate::refuse::Refusal;
use crate::show::{self, Rows};
use std::collections::{HashMap, VecDeque};
use wire::frame::{self, Format, Reader, TEXT_OID, frontend};

/// Bytes of an answer that are made before they are sent.
const CHUNK_BYTES: usize = 64 * 1024;

/// Whether the session goes on after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    GoOn,
    End,
}

/// Where a session is in a transaction. There is nothing that could be rolled back; drivers expect that
/// ReadyForQuery tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    None,
    Open,
    Failed,
}

impl Transaction {
    fn status(self) -> u8 {
        match self {
            Self::None => b'I',
            Self::Open => b'T',
            Self::Failed => b'E',
        }
    }
}

/// What is still to be answered, in order.
enum Work {
    /// One statement of a simple query.
    Statement(String),
    /// An Execute.
    Execute(String, Option<u32>),
    /// Rows that are being sent.
    Send(Sending),
    /// ReadyForQuery.
    Ready,
}

/// Rows that are being sent.
struct Sending {
    rows: Rows,
    sent: u32,
    /// The portal they belong to, and how many it may send at a time.
    portal: Option<(String, Option<u32>)>,
}

/// A portal: bound, and once executed its rows that are left.
struct Portal {
    command: Option<Command>,
    format: Format,
    rows: Option<Rows>,
}

/// One admin's session.
pub(crate) struct Talk<'a> {
    facts: &'a dyn Facts,
    login: &'a str,
    statements: HashMap<String, Option<Command>>,
    portals: HashMap<String, Portal>,
    transaction: Transaction,
    /// After an error of the extended protocol everything up to the next Sync is skipped.
    skipping: bool,
    work: VecDeque<Work>,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(facts: &'a dyn Facts, login: &'a str) -> Self {
        Self {
            facts,
            login,
            statements: HashMap::new(),
            portals: HashMap::new(),
            transaction: Transaction::None,
            skipping: false,
            work: VecDeque::new(),
        }
    }

    /// Takes one message. Its answer is complete once [`Talk::go_on`] has nothing more.
    pub(crate) fn take(&mut self, tag: u8, body: &[u8], out: &mut Vec<u8>) -> Flow {
        match tag {
            frontend::TERMINATE => return Flow::End,
            frontend::SYNC => self.sync(),
            frontend::FLUSH | frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL => {}
            _ if self.skipping => {}
            frontend::QUERY => self.query(body, out),
            frontend::FUNCTION_CALL => {
                self.fail(&Refusal::FunctionCall, out);
                self.work.push_back(Work::Ready);
            }
            frontend::PARSE | frontend::BIND | frontend::DESCRIBE | frontend::CLOSE | frontend::EXECUTE => {
                return self.extended(tag, body, out);
            }
            _ => return end(&Refusal::Malformed("this message makes no sense here".to_owned()), out),
        }
        Flow::GoOn
    }

    /// Goes on answering; true when a chunk is full and has to be sent first.
    pub(crate) fn go_on(&mut self, out: &mut Vec<u8>) -> bool {
        while out.len() < CHUNK_BYTES {
            let Some(work) = self.work.pop_front() else { return false };
            match work {
                Work::Ready => frame::ready_for_query(out, self.transaction.status()),
                Work::Statement(statement) => self.statement(&statement, out),
                Work::Execute(portal, limit) => self.execute(portal, limit, out),
                Work::Send(sending) => self.send(sending, out),
            }
        }
        true
    }

    fn sync(&mut self) {
        self.skipping = false;
        if self.transaction == Transaction::None {
            self.portals.clear();
        }
        self.work.push_back(Work::Ready);
    }

    fn query(&mut self, body: &[u8], out: &mut Vec<u8>) {
        self.portals.remove("");
        match bind::text(&mut Reader::new(body)) {
            None => self.fail(&Refusal::NotUtf8, out),
            Some(text) => {
                let statements = command::split(text);
                if statements.is_empty() {
                    frame::empty_query(out);
                }
                self.work.extend(statements.into_iter().map(|one| Work::Statement(one.to_owned())));
            }
        }
        self.work.push_back(Work::Ready);
    }

    /// One statement of a simple query; an error drops those behind it.
    fn statement(&mut self, statement: &str, out: &mut Vec<u8>) {
        let ran = match command::parse(statement) {
            Ok(None) => Ok(None),
            Ok(Some(command)) => self.run(command, out),
            Err(reason) => Err(reason),
        };
        match ran {
            Ok(None) => {}
            Ok(Some((listing, rows))) => {
                describe(listing, Format::Text, out);
                self.work.push_front(Work::Send(Sending { rows, sent: 0, portal: None }));
            }
            Err(error) => {
                while matches!(self.work.front(), Some(Work::Statement(_))) {
                    self.work.pop_front();
                }
                self.fail(&error, out);
            }
        }
    }

    /// Sends rows until the chunk is full; what is left goes back to the front of the work.
    fn send(&mut self, mut sending: Sending, out: &mut Vec<u8>) {
        loop {
            if let Some((name, Some(limit))) = &sending.portal
                && sending.sent == *limit
            {
                frame::portal_suspended(out);
                if let Some(portal) = self.portals.get_mut(name) {
                    portal.rows = Some(sending.rows);
                }
                return;
            }
            if out.len() >= CHUNK_BYTES {
                return self.work.push_front(Work::Send(sending));
            }
            let Some(row) = sending.rows.next() else { break };
            let cells: Vec<Option<&[u8]>> =
                row.iter().map(|cell| cell.as_deref().map(str::as_bytes)).collect();
            frame::data_row(out, &cells);
            sending.sent += 1;
        }
        frame::command_complete(out, "SHOW");
        // A portal that has come to its end gives no rows a second time.
        if let Some((name, _)) = &sending.portal
            && let Some(portal) = self.portals.get_mut(name)
        {
            portal.rows = Some(Box::new(std::iter::empty()));
        }
    }

    /// Runs a command. Rows are left to the caller; everything else is answered.
    fn run(&mut self, command: Command, out: &mut Vec<u8>) -> Result<Option<(Listing, Rows)>, Refusal> {
        if self.transaction == Transaction::Failed && !matches!(command, Command::Commit | Command::Rollback)
        {
            return Err(Refusal::TransactionFailed);
        }
        let tag = match command {
            Command::Show(listing) => return Ok(Some((listing, show::rows(listing, self.facts)))),
            Command::Kill(number) => {
                tracing::info!(admin = self.login, session = number, "an admin ends a session");
                if !self.facts.end_session(number) {
                    return Err(Refusal::NoSession(number));
                }
                "KILL"
            }
            Command::Reload => {
                tracing::info!(admin = self.login, "an admin reloads the configuration");
                self.facts.reload().map_err(Refusal::NotReloaded)?;
                "RELOAD"
            }
            Command::Shutdown => {
                tracing::info!(admin = self.login, "an admin ends the gate");
                self.facts.shut_down();
                "SHUTDOWN"
            }
            Command::Begin => {
                self.transaction = Transaction::Open;
                "BEGIN"
            }
            Command::Commit | Command::Rollback => {
                let failed = self.transaction == Transaction::Failed;
                self.transaction = Transaction::None;
                if command == Command::Commit && !failed { "COMMIT" } else { "ROLLBACK" }
            }
            Command::Ignored(tag) => tag,
        };
        frame::command_complete(out, tag);
        Ok(None)
    }

    fn fail(&mut self, error: &Refusal, out: &mut Vec<u8>) {
        if self.transaction == Transaction::Open {
            self.transaction = Transaction::Failed;
        }
        error.encode(out);
    }

    fn fail_to_sync(&mut self, error: &Refusal, out: &mut Vec<u8>) {
        self.skipping = true;
        self.fail(error, out);
    }
}

fn describe(listing: Listing, format: Format, out: &mut Vec<u8>) {
    let columns: Vec<(&str, u32)> = show::columns(listing).iter().map(|name| (*name, TEXT_OID)).collect();
    frame::row_description_in(out, &columns, format);
}

/// The session ends with an error.
fn end(error: &Refusal, out: &mut Vec<u8>) -> Flow {
    error.encode(out);
    Flow::End
}

#[cfg(test)]
mod tests;
