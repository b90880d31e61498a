//! What every store is asked in one statement, and how that is written into one leg's one round trip.

use super::check::{self, Check};
use super::likeness::{Expected, Found};
use super::meant::Meant;
use super::validate::Shape;
use crate::{Limits, Settings};
use bytes::Bytes;
use model::partition::quote_literal;
use pool::{Facts, StatementId};
use sql::fanout::{Meaning, Parameter, Piece, Plan};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use wire::frame::{self, Kind};

/// What every reader's connection starts from, whatever the store's own defaults are. A statement's
/// [`Statement::pinned`] overrides it for one leg.
pub const PINNED: [(&str, &str); 22] = [
    ("client_encoding", "UTF8"),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "1"),
    ("lc_monetary", "C"),
    ("lc_numeric", "C"),
    ("lc_time", "C"),
    ("timezone_abbreviations", "Default"),
    ("xmlbinary", "base64"),
    ("xmloption", "content"),
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
    ("quote_all_identifiers", "off"),
    ("array_nulls", "on"),
    ("transform_null_equals", "off"),
    ("gin_fuzzy_search_limit", "0"),
    // A policy that hides rows from the reader is an error: a part of a table never passes for all of it.
    ("row_security", "off"),
    ("default_transaction_read_only", "on"),
    ("client_min_messages", "error"),
    ("application_name", "stuffgate fan-out"),
];

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const COMMIT: &str = "COMMIT";
/// What is asked of every store.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The plan, whose pieces are asked.
    pub plan: Arc<Plan>,
    /// What a store must be like.
    pub expected: Expected,
    /// Parameters under which the pieces run, names and values as the client's session has them: at least those
    /// of [`PINNED`] that it may change.
    pub pinned: Vec<(String, String)>,
    /// The client's parameters; `None` is NULL.
    pub parameters: Vec<Option<Bytes>>,
    /// Their format codes: none, one for all, or one each.
    pub formats: Vec<i16>,
    /// The statement's one point in time: a `timestamptz` in text.
    pub now: String,
    /// For each piece, the format codes of its result: none (all text), one for all, or one each.
    pub results: Vec<Vec<i16>>,
    /// The operator's bounds.
    pub limits: Limits,
    /// The session's.
    pub settings: Settings,
    /// Whether what single stores sent is not told, neither how much nor which values.
    pub floor: bool,
    /// When the statement began: its deadline counts from then on, however often stores are asked.
    pub began: Instant,
    /// The session's number, for leases.
    pub session: u64,
}

impl Statement {
    /// The client's format code of a parameter.
    fn format(&self, at: usize) -> i16 {
        match self.formats.as_slice() {
            [] => 0,
            [all] => *all,
            each => each.get(at).copied().unwrap_or_default(),
        }
    }

    /// The format code of a column of a piece's result.
    pub(crate) fn result_format(&self, piece: usize, column: usize) -> i16 {
        match self.results.get(piece).map(Vec::as_slice) {
            None | Some([]) => 0,
            Some([all]) => *all,
            Some(each) => each.get(column).copied().unwrap_or_default(),
        }
    }
}

impl Statement {
    fn shapes(&self, piece: usize) -> Vec<Shape> {
        let Some(asked) = self.plan.pieces.get(piece) else { return Vec::new() };
        let is_count = |at| {
            let counts = [Meaning::Count, Meaning::Weight];
            asked.meanings.iter().any(|(column, meaning)| *column == at && counts.contains(meaning))
        };
        let shape = |(at, kind)| match self.result_format(piece, at) {
            0 if is_count(at) => Shape::Count,
            format => Shape::of(kind, format),
        };
        asked.columns.iter().enumerate().map(shape).collect()
    }
}

/// A statement of a leg: its text, and what it is called on servers.
#[derive(Debug)]
struct Asked {
    sql: String,
    id: StatementId,
}

/// A [`Statement`], ready to be written: what is the same for every leg is made once.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) statement: Statement,
    begin: Asked,
    lock: Option<Asked>,
    settings: Option<Asked>,
    /// For majors before and since 17.
    database: [Asked; 2],
    columns: Option<Asked>,
    pieces: Vec<Asked>,
    /// For each piece, what its columns look like.
    pub(crate) shapes: Vec<Vec<Shape>>,
    /// For each piece, what some of them hold.
    pub(crate) meant: Vec<Meant>,
    commit: Asked,
}

/// What answers which part of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Begin,
    Lock,
    Settings,
    Database,
    Columns,
    Piece(usize),
    Commit,
}

/// One message that a store owes, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    /// ParseComplete: from then on the server holds it.
    Parsed(StatementId),
    /// CloseComplete.
    Closed,
    /// BindComplete.
    Bound,
    /// RowDescription of a piece.
    Described(usize),
    /// Rows and CommandComplete.
    Done(Part),
}

/// What one leg has been asked.
#[derive(Debug)]
pub(crate) struct Written {
    /// What is known of the store, and what it has to tell yet.
    pub(crate) found: Found,
    /// The last part before the pieces.
    pub(crate) told_by: Part,
    pub(crate) owed: VecDeque<Owed>,
    /// Statements that the connection held already.
    pub(crate) reused: Vec<StatementId>,
}

impl Request {
    /// `hash`: a keyed hash of a text, by which statements are known on servers.
    pub(crate) fn new(statement: Statement, hash: impl Fn(&str) -> u128) -> Self {
        let asked = |sql: &str| Asked { sql: sql.to_owned(), id: StatementId { hash: hash(sql), epoch: 0 } };
        let tables: Vec<&str> = statement.plan.tables.iter().map(|table| table.name.as_str()).collect();
        let lock = (!tables.is_empty()).then(|| asked(&lock_sql(&tables)));
        let other: Vec<&(String, String)> = statement.pinned.iter().filter(|pair| !is_pinned(pair)).collect();
        let settings = (!other.is_empty()).then(|| settings_sql(&other));
        // Postgres reads the constants of a statement once, under the settings that are in force when it is prepared.
        let piece = |piece: &Piece| {
            let under = settings.as_deref().unwrap_or_default();
            let id = StatementId { hash: hash(&format!("{under};{}", piece.sql)), epoch: 0 };
            Asked { sql: piece.sql.clone(), id }
        };
        let pieces = statement.plan.pieces.iter().map(piece).collect();
        let check = Check::of(&statement.plan.tables);
        let columns = if statement.expected.needs_details() { check.made_of() } else { check.numbers() };
        Self {
            begin: asked(BEGIN),
            lock,
            settings: settings.as_deref().map(asked),
            database: [0, u32::MAX].map(|major| asked(check::database_sql(major))),
            columns: columns.map(|sql| asked(&sql)),
            pieces,
            shapes: (0..statement.plan.pieces.len()).map(|piece| statement.shapes(piece)).collect(),
            meant: statement.plan.pieces.iter().map(Meant::of).collect(),
            commit: asked(COMMIT),
            statement,
        }
    }

    /// Writes a leg for `user`'s store, of that major version, up to and with its Sync.
    pub(crate) fn write(&self, out: &mut Vec<u8>, facts: &mut Facts, user: &str, major: u32) -> Written {
        let found = Found::awaited(facts.database.clone(), self.statement.expected.len());
        let written = Written { found, told_by: Part::Begin, owed: VecDeque::new(), reused: Vec::new() };
        let mut leg = Leg { out, facts, written };
        leg.ask(&self.begin, Part::Begin, &[], &[], &[]);
        if let Some(lock) = &self.lock {
            leg.ask(lock, Part::Lock, &[], &[], &[]);
        }
        if let Some(settings) = &self.settings {
            leg.ask(settings, Part::Settings, &[], &[], &[]);
        }
        if leg.facts.database.is_none() {
            let [before, since] = &self.database;
            leg.ask(if check::is_since(major) { since } else { before }, Part::Database, &[], &[], &[]);
        }
        if let Some(columns) = &self.columns {
            leg.ask(columns, Part::Columns, &[], &[], &[]);
        }
        for (at, (asked, piece)) in self.pieces.iter().zip(&self.statement.plan.pieces).enumerate() {
            let (formats, values) = self.values(piece, user);
            let results = self.statement.results.get(at).map(Vec::as_slice).unwrap_or_default();
            leg.ask(asked, Part::Piece(at), &formats, &values, results);
        }
        leg.ask(&self.commit, Part::Commit, &[], &[], &[]);
        frame::sync(leg.out);
        leg.written
    }

    fn values<'a>(&'a self, piece: &Piece, user: &'a str) -> (Vec<i16>, Vec<Option<&'a [u8]>>) {
        let one = |parameter: &Parameter| match *parameter {
            Parameter::Client(at) => {
                let value = self.statement.parameters.get(at).and_then(Option::as_deref);
                (self.statement.format(at), value)
            }
            Parameter::Store => (0, Some(user.as_bytes())),
            Parameter::Now => (0, Some(self.statement.now.as_bytes())),
        };
        piece.parameters.iter().map(one).unzip()
    }
}

/// A leg that is being written.
struct Leg<'a> {
    out: &'a mut Vec<u8>,
    facts: &'a mut Facts,
    written: Written,
}

impl Leg<'_> {
    fn ask(&mut self, asked: &Asked, part: Part, formats: &[i16], values: &[Option<&[u8]>], results: &[i16]) {
        let (out, owed, name) = (&mut *self.out, &mut self.written.owed, asked.id.name());
        if self.facts.prepared.touch(asked.id) {
            self.written.reused.push(asked.id);
        } else {
            if let Some(oldest) = self.facts.prepared.insert(asked.id) {
                frame::close(out, Kind::Statement, oldest.name());
                owed.push_back(Owed::Closed);
            }
            frame::parse(out, name, &asked.sql, &[]);
            owed.push_back(Owed::Parsed(asked.id));
        }
        frame::bind(out, "", name, formats, values, results);
        owed.push_back(Owed::Bound);
        if let Part::Piece(at) = part {
            frame::describe(out, Kind::Portal, "");
            owed.push_back(Owed::Described(at));
        }
        frame::execute(out, "", 0);
        owed.push_back(Owed::Done(part));
        if !matches!(part, Part::Piece(_) | Part::Commit) {
            self.written.told_by = part;
        }
    }
}

/// Holds the tables as they are from the check to the last row. A lock as weak as SELECT's own.
fn lock_sql(tables: &[&str]) -> String {
    format!("LOCK TABLE {} IN ACCESS SHARE MODE", tables.join(", "))
}

/// Sets parameters until the transaction ends. The values are part of the text, as in a [`Check`]'s.
fn settings_sql(settings: &[&(String, String)]) -> String {
    let one = |(name, value): &&(String, String)| {
        format!("pg_catalog.set_config({}, {}, true)", quote_literal(name), quote_literal(value))
    };
    let all: Vec<String> = settings.iter().map(one).collect();
    format!("SELECT {}", all.join(", "))
}

fn is_pinned((name, value): &(String, String)) -> bool {
    PINNED.iter().any(|(pinned, default)| pinned.eq_ignore_ascii_case(name) && default == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_that_differ_from_the_connections_own_are_sent() {
        for (name, value, pinned) in [
            ("TimeZone", "UTC", true),
            ("timezone", "UTC", true),
            ("TimeZone", "Europe/Berlin", false),
            ("extra_float_digits", "3", false),
            ("transform_null_equals", "off", true),
            ("transform_null_equals", "on", false),
            ("work_mem", "4MB", false),
        ] {
            assert_eq!(is_pinned(&(name.into(), value.into())), pinned, "{name} = {value}");
        }
    }
}
