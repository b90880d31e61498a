//! The loop of a session that asks many stores: what the client says next, and who handles it.

use super::hearing::Fault;
use super::kept::Kept;
use super::layers::Layers;
use super::refusals;
use super::transaction::Transaction;
use crate::error;
use crate::gate::Gate;
use crate::life::{End, Segment};
use crate::room::{FREE_MESSAGE_BYTES, Room};
use crate::route::Caller;
use crate::sessions::{EndReason, Handle};
use crate::told::Told;
use fanout::Asker;
use model::Coverage;
use relay::ClientFault;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wire::frame::{self, Header, frontend};
use wire::{Fields, Peer, Stream};

/// A session that asks many stores, for as long as it does.
pub(super) struct Talk<'a> {
    pub(super) client: &'a mut Peer<Stream>,
    pub(super) handle: &'a Handle,
    pub(super) gate: Arc<Gate>,
    pub(super) caller: Arc<Caller>,
    /// Tells sessions apart over the whole life of the gate.
    pub(super) number: u64,
    pub(super) layers: Layers,
    /// What the client was last told by ParameterStatus.
    pub(super) told: Told,
    pub(super) transaction: Transaction,
    pub(super) kept: Kept,
    /// Of its last statement that asked stores.
    pub(super) coverage: Option<Arc<Coverage>>,
    /// Whether messages of the extended protocol have come since the last Sync.
    pub(super) segment: Segment,
    /// An error was told in such a segment: everything up to Sync is dropped.
    pub(super) skipping: bool,
    /// What `RESET` brings `stuffgate.fanout` back to.
    pub(super) starts_on: bool,
    /// It was turned off: the session goes on as an ordinary one.
    pub(super) over: bool,
    /// For the long message that is being read, or answered.
    pub(super) room: Option<Box<Room>>,
}

impl Talk<'_> {
    /// Answers the client until it leaves, or until the session is an ordinary one again.
    ///
    /// # Errors
    /// Why the session is over.
    pub(super) async fn serve(&mut self) -> Result<(), End> {
        while !self.over {
            let header = self.next().await?;
            self.message(header).await?;
            self.room = None;
        }
        Ok(())
    }

    async fn message(&mut self, header: Header) -> Result<(), End> {
        match header.tag {
            frontend::TERMINATE => return Err(End::Quit),
            frontend::SYNC => {
                self.client.inbox.consume(header.total());
                return self.sync().await;
            }
            frontend::FLUSH | frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL => {
                self.client.inbox.consume(header.total());
            }
            _ if self.skipping => self.client.inbox.consume(header.total()),
            frontend::QUERY => {
                let message = self.take(header);
                return Box::pin(self.query(&message)).await;
            }
            frontend::PARSE | frontend::BIND | frontend::DESCRIBE | frontend::EXECUTE | frontend::CLOSE => {
                let message = self.take(header);
                return Box::pin(self.extended(header.tag, &message)).await;
            }
            frontend::FUNCTION_CALL => {
                self.client.inbox.consume(header.total());
                self.fail(&refusals::not_supported("a function call message"));
                self.say_ready();
            }
            tag => return Err(End::Told(Box::new(error::client_fault(ClientFault::UnknownTag(tag))))),
        }
        Ok(())
    }

    /// The client's next message, which is there.
    fn take(&mut self, header: Header) -> Vec<u8> {
        let message = self.client.inbox.unread().get(..header.total()).unwrap_or_default().to_vec();
        self.client.inbox.consume(header.total());
        message
    }

    async fn sync(&mut self) -> Result<(), End> {
        self.segment = Segment::Closed;
        self.skipping = false;
        self.end_implicit().await?;
        self.say_ready();
        Ok(())
    }

    pub(super) fn say_ready(&mut self) {
        frame::ready_for_query(self.client.outbox.buffer(), self.transaction.status());
    }

    /// Tells an error; an open transaction fails by it, and what shares an implicit one with it is taken back.
    pub(super) fn fail(&mut self, fields: &Fields) {
        fields.encode_error(self.client.outbox.buffer());
        match self.transaction.depth() {
            0 => self.kept.end_portals(false),
            depth => self.kept.roll_back_portals(depth),
        }
        if let Some(before) = self.transaction.fail() {
            self.layers = before;
            self.tell_reported();
        }
    }

    /// Tells an error, or hands on why the session is over.
    pub(super) fn fail_by(&mut self, fault: Fault) -> Result<(), End> {
        match fault {
            Fault::Told(fields) => {
                self.fail(&fields);
                Ok(())
            }
            Fault::End(end) => Err(end),
        }
    }

    /// As whom, and under which parameters, the next statement is asked.
    pub(super) fn asker(&self) -> Result<Asker, Box<Fields>> {
        let route = self.gate.route(&self.caller, None);
        let route = route.map_err(|_| Box::new(refusals::no_home(self.caller.service_name.as_str())))?;
        Ok(Asker {
            service: self.caller.service,
            home: Arc::clone(&route.place),
            min_stores_per_group: self.floor(),
            session: self.number,
            settings: self.layers.settings(),
            set_up: self.layers.set_up(),
            fingerprint: self.layers.fingerprint(),
        })
    }

    /// Groups to which fewer stores contributed are not shown to this login.
    pub(super) fn floor(&self) -> u32 {
        self.gate.directory.login(self.caller.login).map_or(0, |login| login.min_stores_per_group)
    }

    /// The header of the client's next message, once all of that is there. An idle session owns no buffer while
    /// it waits here.
    async fn next(&mut self) -> Result<Header, End> {
        loop {
            let unread = self.client.inbox.unread();
            match Header::peek(unread) {
                Err(fault) => return Err(End::Told(Box::new(error::client_fault(fault.into())))),
                Ok(Some(header)) if header.total() <= unread.len() => return Ok(header),
                Ok(Some(header)) if !self.finds_room(header)? => {
                    self.refuse_unread(header).await?;
                    continue;
                }
                Ok(_) => {}
            }
            poll_fn(|cx| self.poll_read(cx)).await?;
        }
    }

    /// Whether there is room for a message that is longer than a session may own anyway.
    fn finds_room(&mut self, header: Header) -> Result<bool, End> {
        let total = header.total();
        if total > self.gate.limits.statement_bytes {
            return Err(End::Told(Box::new(error::client_fault(ClientFault::TooLong(total)))));
        }
        if total > FREE_MESSAGE_BYTES && self.room.is_none() {
            self.room = self.gate.budget.try_take(total).map(Box::new);
        }
        Ok(total <= FREE_MESSAGE_BYTES || self.room.is_some())
    }

    /// A message for which there is no room is dropped as it comes.
    async fn refuse_unread(&mut self, header: Header) -> Result<(), End> {
        let mut left = header.total();
        while left > 0 {
            let now = left.min(self.client.inbox.unread().len());
            self.client.inbox.consume(now);
            left -= now;
            if left > 0 {
                poll_fn(|cx| self.poll_read(cx)).await?;
            }
        }
        if self.skipping {
            return Ok(());
        }
        self.fail(&error::no_room(header.total()));
        match header.tag {
            frontend::QUERY | frontend::FUNCTION_CALL => self.say_ready(),
            _ => self.skipping = true,
        }
        Ok(())
    }

    /// Sends what is owed and reads once; the client's going and the gate's ending are heard here.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let known = self.transaction.is_open().then_some(EndReason::Draining);
        if let Poll::Ready(reason) = self.handle.poll_end(cx, known) {
            return Poll::Ready(Err(End::Told(Box::new(error::ended(reason)))));
        }
        match ready!(self.client.poll_send(cx)) {
            Ok(()) => {}
            Err(_) if self.client.inbox.ends_in_farewell() => self.client.forget_owed(),
            Err(_) => return Poll::Ready(Err(End::Gone)),
        }
        let idle = self.client.inbox.is_empty();
        if idle {
            self.client.shrink();
            if self.client.stream.poll_read_ready(cx).is_pending() {
                return Poll::Pending; // no buffer before there is something to put in
            }
        }
        match self.client.poll_fill(cx) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Err(End::Gone)),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
            Poll::Pending => self.poll_stalled(cx, idle),
        }
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>, idle: bool) -> Poll<Result<(), End>> {
        if idle {
            self.client.shrink(); // it was a false alarm
        }
        let limit = self.gate.pools.settings().wait_timeout;
        let unread = self.client.inbox.unread().len();
        match &mut self.room {
            Some(room) => {
                room.poll_stalled(cx, unread, limit).map(|()| Err(End::Told(Box::new(error::stalled()))))
            }
            None => Poll::Pending,
        }
    }
}
