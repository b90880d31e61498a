//! What home tells ahead of every fan-out, in one round trip: the time, the settings that legs are pinned to,
//! and the names of the statement.

use crate::catalog::{self, Building};
use crate::error;
use crate::home::Home;
use crate::legs::{Found, Stores};
use crate::like::Like;
use crate::prepare::Planned;
use crate::reply;
use pool::StatementId;
use sql::fanout::{Catalog, Lookup, Type};
use std::sync::Arc;
use wire::frame::{self, backend};
use wire::{Fields, sqlstate};

/// Parameters under which values are read and written as text: each leg runs under home's, which are the
/// client's.
const PINNED: [&str; 9] = [
    "TimeZone",
    DATE_STYLE,
    "IntervalStyle",
    "bytea_output",
    FLOAT_DIGITS,
    "timezone_abbreviations",
    "xmlbinary",
    "transform_null_equals",
    MONETARY,
];

/// How dates and times are written.
const DATE_STYLE: &str = "DateStyle";

/// How many digits of floats are written; from 1 on as many as it takes.
const FLOAT_DIGITS: &str = "extra_float_digits";

/// How `money` is written; a locale that not every store has.
const MONETARY: &str = "lc_monetary";

/// Parameters without which texts, arrays, documents and the names of types cannot be understood, and the values that
/// they have to have.
const NEEDED: [(&str, &str); 5] = [
    ("client_encoding", "UTF8"),
    ("standard_conforming_strings", "on"),
    ("array_nulls", "on"),
    ("xmloption", "content"),
    ("quote_all_identifiers", "off"),
];

/// A statement's one point in time and its pinned settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `now()`, to the microsecond, in UTC.
    pub(crate) now: String,
    /// Values of [`PINNED`], in order.
    settings: Vec<(&'static str, String)>,
    /// Values of [`NEEDED`], in order.
    needed: Vec<String>,
}

impl Facts {
    /// The settings that legs run under: the session's, or where all is home's to compute, those under which no
    /// text loses anything of its value.
    pub(crate) fn pinned(&self, planned: &Planned) -> Vec<(String, String)> {
        let mut kinds = planned.plan.pieces.iter().flat_map(|piece| &piece.columns);
        let money = kinds.any(|kind| kind.name.starts_with("money"));
        let settings = self.settings.iter().filter(|(name, _)| money || *name != MONETARY);
        let exact = |name: &str, value: &str| match name {
            DATE_STYLE if planned.bare => "ISO, MDY".to_owned(),
            FLOAT_DIGITS if planned.bare => "1".to_owned(),
            _ => value.to_owned(),
        };
        settings.map(|(name, value)| ((*name).to_owned(), exact(name, value))).collect()
    }

    /// Whether a value that is written under the session's settings may be another when it is read: a float of
    /// fewer digits, a time with the name of its zone.
    pub(crate) fn is_lossy(&self) -> bool {
        self.settings.iter().any(|(name, value)| match *name {
            DATE_STYLE => !value.starts_with("ISO"),
            FLOAT_DIGITS => value.parse::<i32>().is_ok_and(|digits| digits < 1),
            _ => false,
        })
    }

    /// Whether texts can be passed on as they are.
    fn check(&self) -> Result<(), Box<Fields>> {
        for ((name, needed), value) in NEEDED.iter().zip(&self.needed) {
            if value != needed {
                return Err(error::setting(name, value, needed));
            }
        }
        Ok(())
    }
}

/// What was learnt of home in one round trip.
#[derive(Debug)]
pub(crate) struct Learnt {
    pub(crate) facts: Facts,
    pub(crate) catalog: Catalog,
    /// What it is like, if that was asked.
    pub(crate) found: Option<Found>,
}

/// A statement's transaction on home has begun.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) facts: Facts,
    /// What home is like, as far as the plan needs it that was known ahead.
    pub(crate) found: Option<(Arc<Planned>, Found)>,
}

/// The statements that are prepared on connections to home; no text of a client's hashes to such numbers.
const FACTS: u128 = 1;
const TYPES: u128 = 2;
pub(crate) const DATABASE: u128 = 3;

impl Home {
    /// Begins the transaction of a statement and learns what is needed of home to plan it, and to compare stores
    /// with it where a plan is known ahead.
    pub(crate) async fn begin(
        &mut self,
        lookup: &Lookup,
        ahead: Option<&Like>,
        stores: &Stores,
    ) -> Result<Learnt, Box<Fields>> {
        // Temporary tables cannot be created where only reads are allowed; that follows once they are filled.
        self.until_quiet().await?;
        self.query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
        self.execute_prepared(FACTS, &facts_sql(), &[]);
        let names = catalog::look_up(lookup);
        self.execute_prepared(stores.hash(&names), &names, &[]);
        let mut answering = ahead.map(|like| self.ask_like(like));
        self.sync();
        self.until_ready(|_, _| {}).await?;
        let (mut facts, mut building, mut results) = (None, Building::new(lookup), 0);
        self.until_ready(|tag, body| match (tag, results, &mut answering) {
            (backend::DATA_ROW, 0, _) => facts = read_facts(body),
            (backend::DATA_ROW, 1, _) => building.row(body),
            (backend::DATA_ROW, _, Some(answering)) => answering.row(body),
            (backend::COMMAND_COMPLETE, 2, Some(answering)) => answering.next(),
            (backend::COMMAND_COMPLETE, _, _) => results += 1,
            _ => {}
        })
        .await
        .inspect_err(|_| self.doubt())?;
        let (facts, catalog) = facts.zip(building.done()).ok_or_else(unreadable)?;
        let found = answering.and_then(|answering| self.found(answering));
        facts.check()?;
        Ok(Learnt { facts, catalog, found })
    }

    /// Looks names up in the transaction that has begun.
    pub(crate) async fn look_up(&mut self, lookup: &Lookup, stores: &Stores) -> Result<Catalog, Box<Fields>> {
        self.until_quiet().await?;
        let names = catalog::look_up(lookup);
        self.execute_prepared(stores.hash(&names), &names, &[]);
        self.sync();
        let mut building = Building::new(lookup);
        self.until_ready(|tag, body| {
            if tag == backend::DATA_ROW {
                building.row(body);
            }
        })
        .await
        .inspect_err(|_| self.doubt())?;
        building.done().ok_or_else(unreadable)
    }

    /// The types of these numbers, in the same order.
    pub(crate) async fn types(&mut self, oids: &[u32]) -> Result<Vec<Type>, Box<Fields>> {
        if oids.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<String> = oids.iter().map(u32::to_string).collect();
        let array = crate::array::Array::of(texts.iter().map(|text| Some(text.as_str())));
        self.until_quiet().await?;
        self.execute_prepared(TYPES, catalog::LOOK_UP_TYPES, &[array]);
        self.sync();
        let mut found: Vec<Type> = Vec::new();
        self.until_ready(|tag, body| {
            if tag == backend::DATA_ROW {
                found.extend(catalog::type_of(body));
            }
        })
        .await
        .inspect_err(|_| self.doubt())?;
        let known = |oid: &u32| found.iter().find(|kind| kind.oid == *oid).cloned();
        oids.iter().map(known).collect::<Option<_>>().ok_or_else(unreadable)
    }

    /// Writes Bind and Execute of a statement that the connection keeps, and its Parse if it does not yet.
    pub(crate) fn execute_prepared(&mut self, number: u128, sql: &str, values: &[Vec<u8>]) {
        let (id, is_new, evicted) = self.prepared(number);
        let name = id.name();
        let out = self.out();
        if let Some(evicted) = evicted {
            frame::close(out, frame::Kind::Statement, evicted.name());
        }
        if is_new {
            frame::parse(out, name, sql, &[]);
        }
        let values: Vec<Option<&[u8]>> = values.iter().map(|value| Some(value.as_slice())).collect();
        frame::bind(out, "", name, &[], &values, &[]);
        frame::execute(out, "", 0);
    }
}

impl Home {
    /// A prepared statement's name, whether it has to be parsed, and what has to be closed for it.
    fn prepared(&mut self, number: u128) -> (StatementId, bool, Option<StatementId>) {
        let id = StatementId { hash: number, epoch: self.epoch() };
        let prepared = self.prepared_statements();
        if prepared.touch(id) {
            return (id, false, None);
        }
        let evicted = prepared.insert(id);
        (id, true, evicted)
    }
}

fn facts_sql() -> String {
    let names = PINNED.iter().chain(NEEDED.iter().map(|(name, _)| name));
    let settings: Vec<String> = names.map(|name| format!("pg_catalog.current_setting('{name}')")).collect();
    format!(
        "SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.now()), \
         'YYYY-MM-DD HH24:MI:SS.US') || '+00', {}",
        settings.join(", ")
    )
}

fn read_facts(body: &[u8]) -> Option<Facts> {
    let mut texts = reply::values(body)?.into_iter();
    let mut text = || std::str::from_utf8(texts.next()??).ok().map(str::to_owned);
    let now = text()?;
    let settings = PINNED.iter().map(|name| Some((*name, text()?))).collect::<Option<_>>()?;
    let needed = NEEDED.iter().map(|_| text()).collect::<Option<_>>()?;
    Some(Facts { now, settings, needed })
}

fn unreadable() -> Box<Fields> {
    Box::new(
        Fields::error(sqlstate::INTERNAL_ERROR, "home's catalog could not be read")
            .with_hint("Names of tables, columns and types have to be valid text in the client's encoding."),
    )
}
