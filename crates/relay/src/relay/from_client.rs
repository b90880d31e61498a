//! The walk over what a client has sent: what passes, what the front judges, what waits.

use super::{HIGH_WATER_BYTES, Outcome, Relay, Streaming, Tail, Walk};
use crate::fault::ClientFault;
use crate::{Desk, Front, Ledger, Reply, Verdict};
use wire::Peer;
use wire::frame::{HEADER_BYTES, Header, frontend};

/// Longest portal and statement name together that a Bind may carry, in bytes.
const MAX_BIND_NAMES_BYTES: usize = 8 * 1024;

impl Relay {
    pub(super) fn walk_client<C, S>(
        &mut self,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Walk {
        loop {
            if self.holding && !ledger.is_skipping() {
                self.flush_once(server, ledger);
                return Walk::Held;
            }
            self.holding = false;
            if server.outbox.len() >= HIGH_WATER_BYTES {
                return Walk::Full;
            }
            if ledger.is_full() {
                self.flush_once(server, ledger);
                return Walk::Full;
            }
            if self.from_client.left > 0 {
                if !self.from_client.stream(client, &mut server.outbox) {
                    return Walk::Dry;
                }
                continue;
            }
            let header = match Header::peek(client.inbox.unread()) {
                Ok(Some(header)) => header,
                Ok(None) => return Walk::Dry,
                Err(fault) => return Walk::End(Outcome::ClientFault(fault.into())),
            };
            match self.client_message(header, client, server, ledger, front) {
                Some(walk) => return walk,
                None => self.flush_sent = false,
            }
        }
    }

    /// Handles the message at the head of the client's inbox; `None` if it is done with.
    fn client_message<C, S>(
        &mut self,
        header: Header,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Option<Walk> {
        let total = header.total();
        let skipping = ledger.is_skipping();
        let copying = matches!(header.tag, frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL);
        let malformed = |what| Some(Walk::End(Outcome::ClientFault(ClientFault::Malformed(what))));
        let (reply, tail) = match header.tag {
            // What was sent ahead of it is carried out first, as a server does; only a copy in stays open.
            frontend::TERMINATE if (self.part || !ledger.is_settled()) && !ledger.is_copying_in() => {
                self.leaving = true;
                self.flush_once(server, ledger);
                return Some(Walk::Held);
            }
            frontend::TERMINATE => return Some(Walk::End(Outcome::Terminated)),
            frontend::SYNC | frontend::FLUSH if total != HEADER_BYTES => {
                return malformed("a Sync or Flush with a body");
            }
            // A server ignores both until the copy has ended, unless the copy has failed already: so
            // that nobody has to guess which, they are kept from it.
            frontend::SYNC | frontend::FLUSH if ledger.is_copying_in() => (None, Tail::Drop),
            _ if ledger.is_copying_in() && !copying => return malformed("not a copy message, during a copy"),
            _ if self.part && !copying => return Some(Walk::Held),
            frontend::SYNC => (Some(Reply::Sync), Tail::Forward),
            _ if skipping => (None, Tail::Drop),
            frontend::FLUSH => (None, Tail::Forward),
            frontend::COPY_DATA if ledger.may_copy_in() => (None, Tail::Forward),
            frontend::COPY_DONE | frontend::COPY_FAIL if ledger.may_copy_in() => {
                (Some(Reply::CopyEnd), Tail::Forward)
            }
            // Left over from a copy that has already failed; a server ignores them too.
            _ if copying => (None, Tail::Drop),
            frontend::QUERY | frontend::PARSE | frontend::DESCRIBE | frontend::EXECUTE | frontend::CLOSE => {
                if total > self.limits.statement_bytes {
                    return Some(Walk::End(Outcome::ClientFault(ClientFault::TooLong(total))));
                }
                if total > self.limits.free_bytes && !front.admits(total) {
                    self.holding = true;
                    self.flush_once(server, ledger);
                    return Some(Walk::Held);
                }
                return self.judge(header, total, client, server, ledger, front);
            }
            frontend::BIND => {
                return match bind_names_are_there(client.inbox.unread(), total) {
                    Ok(true) => self.judge(header, 0, client, server, ledger, front),
                    Ok(false) => Some(Walk::Dry),
                    Err(fault) => Some(Walk::End(Outcome::ClientFault(fault))),
                };
            }
            frontend::FUNCTION_CALL => return self.judge(header, 0, client, server, ledger, front),
            tag => return Some(Walk::End(Outcome::ClientFault(ClientFault::UnknownTag(tag)))),
        };
        if let Some(reply) = reply {
            ledger.expect(reply);
        }
        self.from_client = Streaming { left: total, tail };
        None
    }

    /// Shows a message to the front, once `whole` bytes of it are there.
    fn judge<C, S>(
        &mut self,
        header: Header,
        whole: usize,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Option<Walk> {
        let total = header.total();
        let unread = client.inbox.unread();
        if unread.len() < whole {
            return Some(Walk::Dry);
        }
        let message = unread.get(..total.min(unread.len())).unwrap_or_default();
        let mut desk = Desk { server: &mut server.outbox, ledger: &mut *ledger };
        match front.judge(message, total, &mut desk) {
            Verdict::Pass => {
                ledger.expect(reply_of(header.tag, message));
                self.from_client = Streaming { left: total, tail: Tail::Forward };
                None
            }
            Verdict::PassNoted(notes) => {
                ledger.expect_noted(reply_of(header.tag, message), notes);
                self.from_client = Streaming { left: total, tail: Tail::Forward };
                None
            }
            Verdict::Sent { head } => {
                let head = head.min(message.len());
                client.inbox.consume(head);
                self.from_client = Streaming { left: total - head, tail: Tail::Forward };
                None
            }
            Verdict::Gather if total > self.limits.statement_bytes => {
                Some(Walk::End(Outcome::ClientFault(ClientFault::TooLong(total))))
            }
            Verdict::Gather if total > self.limits.free_bytes && !front.admits(total) => {
                self.holding = true;
                self.flush_once(server, ledger);
                Some(Walk::Held)
            }
            Verdict::Gather if whole < total => self.judge(header, total, client, server, ledger, front),
            Verdict::Wait if !ledger.is_settled() => {
                self.flush_once(server, ledger);
                Some(Walk::Held)
            }
            Verdict::Gather | Verdict::Hold | Verdict::Wait => {
                self.holding = true;
                self.flush_once(server, ledger);
                Some(Walk::Held)
            }
        }
    }

    /// Has the server send what it holds back, so that waiting for it cannot last for ever.
    fn flush_once<S>(&mut self, server: &mut Peer<S>, ledger: &Ledger) {
        if ledger.segment_open() && !ledger.is_settled() && !self.flush_sent {
            wire::frame::flush(server.outbox.buffer());
            self.flush_sent = true;
        }
    }
}

/// What the server owes for a message that the front lets pass.
fn reply_of(tag: u8, message: &[u8]) -> Reply {
    let kind = message.get(HEADER_BYTES).copied();
    match tag {
        frontend::QUERY => Reply::Query,
        frontend::PARSE => Reply::Parse,
        frontend::BIND => Reply::Bind,
        frontend::EXECUTE => Reply::Execute,
        frontend::CLOSE => Reply::Close,
        frontend::DESCRIBE if kind == Some(b'S') => Reply::DescribeStatement,
        frontend::DESCRIBE => Reply::DescribePortal,
        _ => Reply::Call,
    }
}

/// Whether both names at the head of a Bind are there.
fn bind_names_are_there(unread: &[u8], total: usize) -> Result<bool, ClientFault> {
    let body = unread.get(HEADER_BYTES..total.min(unread.len())).unwrap_or_default();
    let names = body.iter().take(MAX_BIND_NAMES_BYTES).filter(|byte| **byte == 0).take(2).count();
    match names {
        2 => Ok(true),
        _ if body.len() >= MAX_BIND_NAMES_BYTES || unread.len() >= total => {
            Err(ClientFault::Malformed("the names in Bind"))
        }
        _ => Ok(false),
    }
}
