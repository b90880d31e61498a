//! Who asks, with which values, and what is told back.

use crate::Settings;
use bytes::Bytes;
use model::{Coverage, ServiceId};
use pool::Place;
use std::sync::Arc;
use wire::Fields;

/// A session, as far as a fan-out is concerned.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Over whose partitions.
    pub service: ServiceId,
    /// Where the service's home is.
    pub home: Arc<Place>,
    /// Groups to which fewer stores contributed are not shown; 0 and 1 show all.
    pub min_stores_per_group: u32,
    /// The session's number, for leases.
    pub session: u64,
    /// Its `fanout.*` parameters.
    pub settings: Settings,
    /// Statements that bring a server from whatever it has to the session's other parameters.
    pub set_up: Arc<str>,
    /// Identifies what `set_up` comes to ([`pool::Facts::applied`]); 0 if that is nothing.
    pub fingerprint: u64,
}

/// A client's Bind.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// Parameters; `None` is NULL.
    pub parameters: Vec<Option<Bytes>>,
    /// Their format codes: none, one for all, or one each.
    pub formats: Vec<i16>,
    /// Format codes of the result: none, one for all, or one each.
    pub results: Vec<i16>,
}

impl Values {
    /// The format code of a parameter.
    pub(crate) fn format(&self, at: usize) -> i16 {
        match self.formats.as_slice() {
            [] => 0,
            [all] => *all,
            each => each.get(at).copied().unwrap_or_default(),
        }
    }
}

/// What a running statement tells, in order. The last is [`Event::End`].
#[derive(Debug)]
pub enum Event {
    /// Whole DataRow messages, as many as `count`.
    Rows {
        /// The messages.
        messages: Bytes,
        /// How many.
        count: u64,
    },
    /// CopyOutResponse, CopyData and CopyDone messages, passed on as they are.
    Copied(Bytes),
    /// A leg is over; only where the session asked for it (`fanout.progress`). Its client is told `done/asked` in
    /// the parameter status `stuffgate.progress`.
    Progress {
        /// Legs that are over, whatever came of them.
        done: usize,
        /// Legs of the statement.
        asked: usize,
    },
    /// A notice of home's.
    Notice(Box<Fields>),
    /// The end.
    End(Result<Done, Failure>),
}

/// A statement has been answered.
#[derive(Clone, Debug)]
pub struct Done {
    /// CommandComplete's tag, as Postgres gives it for all rows together.
    pub tag: String,
    /// Where stores were asked: which, and what became of it.
    pub coverage: Option<Arc<Coverage>>,
}

/// A statement has failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the client is told.
    pub fields: Box<Fields>,
    /// Where stores were asked: which, and what became of it.
    pub coverage: Option<Arc<Coverage>>,
}
