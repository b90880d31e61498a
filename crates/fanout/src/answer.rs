//! The last statement on home, whose rows are the client's.

use crate::described::ColumnDescribed;
use crate::error;
use crate::facts::Facts;
use crate::home::Home;
use crate::reply;
use crate::run::Teller;
use crate::{Event, Values};
use bytes::Bytes;
use sql::fanout::Parameter;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;
use wire::Fields;
use wire::frame::{self, Header, Kind, TEXT_OID, backend};

/// Bytes of rows that are told at a time, as far as whole rows allow.
const CHUNK_BYTES: usize = 32 * 1024;

/// How long home may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Type oid of `timestamptz`.
const TIMESTAMPTZ_OID: u32 = 1184;

/// What a client binds, and what stands behind it in a statement of the gate's own.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    /// Types of its parameters.
    pub(crate) types: &'a [u32],
    pub(crate) values: &'a Values,
    pub(crate) facts: &'a Facts,
}

/// A statement on home with what is bound to it.
#[derive(Clone)]
pub(crate) struct Last<'a> {
    pub(crate) sql: &'a str,
    pub(crate) types: Vec<u32>,
    formats: Vec<i16>,
    values: Vec<Option<&'a [u8]>>,
    results: &'a [i16],
    /// Columns whose rows are of another type here than was described.
    rows: &'a [usize],
    tentative: bool,
}

/// Why home did not answer.
pub(crate) enum Refused {
    /// It did not take the statement, or a value.
    Bound(Box<Fields>),
    /// It failed at running it, or is lost.
    Run(Box<Fields>),
    /// It failed after rows had been told.
    Midway(Box<Fields>),
}

impl Refused {
    /// What the client is told.
    pub(crate) fn into_fields(self) -> Box<Fields> {
        match self {
            Self::Bound(fields) | Self::Run(fields) | Self::Midway(fields) => fields,
        }
    }
}

impl<'a> Last<'a> {
    /// With these parameters.
    pub(crate) fn of(sql: &'a str, parameters: &[Parameter], client: Client<'a>) -> Self {
        let mut last = Self {
            sql,
            types: vec![],
            formats: vec![],
            values: vec![],
            results: &client.values.results,
            rows: &[],
            tentative: false,
        };
        for parameter in parameters {
            let (kind, format, value) = match *parameter {
                Parameter::Client(at) => (
                    client.types.get(at).copied().unwrap_or_default(),
                    client.values.format(at),
                    client.values.parameters.get(at).and_then(Option::as_deref),
                ),
                Parameter::Now => (TIMESTAMPTZ_OID, 0, Some(client.facts.now.as_bytes())),
                // Home is nobody's store.
                Parameter::Store => (TEXT_OID, 0, None),
            };
            last.types.push(kind);
            last.formats.push(format);
            last.values.push(value);
        }
        last
    }

    /// Whose columns of these numbers are rows of temporary tables.
    pub(crate) fn with_rows(self, rows: &'a [usize]) -> Self {
        Self { rows, ..self }
    }

    /// The same, and an error of it is not the last word: no row is told ahead of one, as long as few have come.
    pub(crate) fn tentative(self) -> Self {
        Self { tentative: true, ..self }
    }

    /// Binds one more value, in text; home finds out its type.
    pub(crate) fn push(&mut self, value: &'a [u8]) {
        self.types.push(0);
        self.formats.push(0);
        self.values.push(Some(value));
    }

    /// Has home take the statement and the values, and run nothing.
    pub(crate) async fn bind(&self, home: &mut Home) -> Result<(), Box<Fields>> {
        let out = home.out();
        frame::parse(out, "", self.sql, &self.types);
        frame::bind(out, "", "", &self.formats, &self.values, &[]);
        home.sync();
        home.until_quiet().await
    }

    /// Runs it and passes its rows on as they come, if they are of the columns that were described; the tag of
    /// its CommandComplete. Home has as long until the first row as all stores together (`limit`).
    pub(crate) async fn run(
        &self,
        home: &mut Home,
        columns: Option<&[ColumnDescribed]>,
        limit: Duration,
        teller: &Teller,
    ) -> Result<String, Refused> {
        let out = home.out();
        frame::parse(out, "", self.sql, &self.types);
        frame::bind(out, "", "", &self.formats, &self.values, self.results);
        frame::describe(out, Kind::Portal, "");
        frame::execute(out, "", 0);
        home.sync();
        drop(home.take_notices()); // they are about the gate's own statements
        let mut passing = Passing { columns, rows: self.rows, ..Passing::default() };
        let mut patience = Patience { limit, until: Some(Instant::now() + limit) };
        loop {
            let header = patience.next(home, &mut passing).await?;
            for notice in home.take_notices() {
                teller.tell(Event::Notice(Box::new(notice))).await;
            }
            match header.tag {
                backend::READY_FOR_QUERY => {
                    home.take_ready(header);
                    if !home.is_usable() {
                        continue; // what was asked ahead of it is done
                    }
                    // Rows ahead of an error are told as well, unless there may be others in their place.
                    if passing.refused.is_none() || passing.told || !self.tentative {
                        passing.told |= passing.chunk.tell(teller).await;
                    }
                    return passing.done();
                }
                backend::DATA_ROW | backend::COPY_OUT_RESPONSE | backend::COPY_DATA | backend::COPY_DONE => {
                    patience.until = None; // from here on it is the client that decides how long it takes
                    passing.pass(home.message(header), header, teller).await;
                }
                tag => passing.note(tag, home.body(header)),
            }
            home.consume(header);
        }
    }
}

/// How long home is waited for.
struct Patience {
    limit: Duration,
    /// The end of it; none once rows come.
    until: Option<Instant>,
}

impl Patience {
    /// Waits for home's next message. When time is up, home is told to stop, and is to say soon that it has.
    async fn next(&mut self, home: &mut Home, passing: &mut Passing<'_>) -> Result<Header, Refused> {
        while let Some(until) = self.until {
            if let Ok(header) = timeout_at(until.into(), home.next()).await {
                return header.map_err(Refused::Run);
            }
            let late = error::home_slow(self.limit);
            if passing.late {
                return Err(Refused::Midway(late));
            }
            (passing.late, passing.refused) = (true, Some(late));
            home.cancel().await;
            self.until = Some(Instant::now() + STOP_TIMEOUT);
        }
        home.next().await.map_err(Refused::Run)
    }
}

/// An answer on its way through.
#[derive(Default)]
struct Passing<'a> {
    columns: Option<&'a [ColumnDescribed]>,
    rows: &'a [usize],
    chunk: Chunk,
    tag: String,
    bound: bool,
    told: bool,
    /// Home was told to stop.
    late: bool,
    refused: Option<Box<Fields>>,
}

impl Passing<'_> {
    fn note(&mut self, tag: u8, body: &[u8]) {
        match tag {
            backend::BIND_COMPLETE => self.bound = true,
            backend::COMMAND_COMPLETE => self.tag = reply::tag(body),
            backend::ROW_DESCRIPTION => {
                let same = self.columns.is_none_or(|columns| {
                    reply::row_description(body).is_some_and(|found| alike(columns, &found, self.rows))
                });
                if !same {
                    self.refused = Some(error::changed());
                }
            }
            backend::ERROR_RESPONSE if self.refused.is_none() => {
                let fields = Fields::decode(body).with_severity(wire::Severity::Error);
                self.refused = Some(Box::new(fields));
            }
            _ => {}
        }
    }

    async fn pass(&mut self, message: &[u8], header: Header, teller: &Teller) {
        if self.refused.is_some() {
            return; // they are not of the columns that the client knows
        }
        let rows = header.tag == backend::DATA_ROW;
        if self.chunk.rows != rows || self.chunk.bytes.len() >= CHUNK_BYTES {
            self.told |= self.chunk.tell(teller).await;
            self.chunk.rows = rows;
        }
        self.chunk.bytes.extend_from_slice(message);
        self.chunk.count += 1;
    }

    fn done(self) -> Result<String, Refused> {
        match self.refused {
            None => Ok(self.tag),
            Some(fields) if self.told || self.late => Err(Refused::Midway(fields)),
            Some(fields) if self.bound => Err(Refused::Run(fields)),
            Some(fields) => Err(Refused::Bound(fields)),
        }
    }
}

/// Whether rows of these columns are what was described, but for whole rows. Modifiers and the columns' origin are
/// for show.
fn alike(described: &[ColumnDescribed], found: &[ColumnDescribed], rows: &[usize]) -> bool {
    let types = |columns: &[ColumnDescribed]| {
        let known =
            columns.iter().enumerate().map(|(at, column)| (!rows.contains(&at)).then_some(column.oid));
        known.collect::<Vec<_>>()
    };
    types(described) == types(found)
}

/// Messages that have come and are not told yet.
#[derive(Default)]
struct Chunk {
    rows: bool,
    bytes: Vec<u8>,
    count: u64,
}

impl Chunk {
    /// Whether there was anything to tell.
    async fn tell(&mut self, teller: &Teller) -> bool {
        if self.bytes.is_empty() {
            return false;
        }
        let messages = Bytes::from(std::mem::take(&mut self.bytes));
        let count = std::mem::take(&mut self.count);
        let event = if self.rows { Event::Rows { messages, count } } else { Event::Copied(messages) };
        teller.tell(event).await;
        true
    }
}
