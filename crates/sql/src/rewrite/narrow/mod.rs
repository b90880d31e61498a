//! Lets a query of the catalog see what its service may see: its partition, the extensions, the
//! server's own schemas, and what the store's owner has opened to it.
//!
//! `pg_class c` in a `FROM` becomes `(pg_class c JOIN (SELECT) AS … ON (…))`. The reference itself stays
//! as it is written, so whole rows, system columns, names in three parts, `ONLY`, locks and `GROUP BY` a
//! key mean what they meant; the select without columns adds none to a `*`; the planner drops it and
//! keeps the condition. Only system columns without a qualifier are not found in a join: a statement that
//! names one gets `pg_class, LATERAL (SELECT WHERE …) AS …` where it joined nothing, which costs a little
//! more to plan.

pub(super) mod levels;
mod relations;

use super::brackets::Brackets;
use super::{Change, Found, Piece};
use crate::tokens::Tokens;
use levels::{Levels, Place};
use relations::Column;
use std::borrow::Cow;

/// Words that may follow a relation and are no alias, in lower case.
pub const NOT_ALIASES: &[&str] = &[
    "cross",
    "except",
    "fetch",
    "for",
    "full",
    "group",
    "having",
    "inner",
    "intersect",
    "join",
    "left",
    "limit",
    "natural",
    "offset",
    "on",
    "order",
    "right",
    "tablesample",
    "union",
    "using",
    "where",
    "window",
];

/// Words by which a relation becomes part of a join.
const JOINS: &[&str] = &["cross", "full", "inner", "join", "left", "natural", "right"];

/// Columns that every table has and no `*` shows (PostgreSQL manual, "System Columns").
const SYSTEM_COLUMNS: &[&str] = &["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// Most references that are narrowed in one statement: further ones stay as they are.
const MAX_REFERENCES: usize = 512;

pub(super) fn find(piece: Piece, found: &mut Found) {
    let t = piece.t;
    let Some(start) = query_start(t).filter(|_| piece.depth.0 == 0) else { return };
    if !(start..t.len()).any(|i| relations::is_known(t, i)) {
        return;
    }
    let brackets = Brackets::of(t);
    let shadows = names_of_queries(t, &brackets, |i| relations::is_known(t, i));
    let form = Form {
        lateral: names_system_column(t),
        extensions: piece.names.extensions,
        joins: !lists_schemas(t, &brackets),
    };
    let with_relations = (start..t.len()).any(|i| t.named(i, "pg_class"));
    let mut levels = Levels::of_query(start);
    let mut narrowed = 0;
    for i in start..t.len() {
        let place = levels.see(t, i);
        if place == Place::Elsewhere || narrowed == MAX_REFERENCES {
            continue;
        }
        let mut first = i;
        if place == Place::Table {
            first += 1 + usize::from(t.is(i + 1, "only"));
        }
        let reference = Reference::at(t, first, &brackets);
        let reference = reference.filter(|r| r.qualified || !shadows.contains(&r.name));
        let reference = reference.filter(|r| !(with_relations && matches!(r.column, Column::Part(_))));
        if let Some(reference) = reference {
            narrowed += 1;
            form.narrow(t, i, &reference, narrowed, found);
        }
    }
}

/// Where the query starts whose rows the statement answers or keeps for later answers.
pub(super) fn query_start(t: Tokens) -> Option<usize> {
    let start = if t.is(0, "explain") {
        let options = if t.symbol(1, b'(') && !starts_query(t, 2) { t.behind_bracket(1) } else { 1 };
        (options..t.len()).find(|&i| !t.is_any(i, &["analyze", "analyse", "verbose"]))?
    } else if t.is(0, "declare") {
        (1..t.len()).find(|&i| t.is(i, "for"))? + 1
    } else if t.is(0, "prepare") {
        (1..t.len()).find(|&i| t.is(i, "as"))? + 1
    } else if t.is(0, "copy") && t.symbol(1, b'(') {
        1
    } else {
        0
    };
    (starts_query(t, start)).then_some(start)
}

fn starts_query(t: Tokens, i: usize) -> bool {
    t.symbol(i, b'(') || t.is_any(i, &["select", "with", "values", "table"])
}

/// Does the statement's query list relations of the server and its own queries only?
pub(super) fn reads_only_catalog(t: Tokens) -> bool {
    let Some(start) = query_start(t) else { return false };
    let own = names_of_queries(t, &Brackets::of(t), |_| true);
    let mut levels = Levels::of_query(start);
    (start..t.len()).all(|i| match levels.see(t, i) {
        Place::Elsewhere => true,
        Place::Table => is_of_server(t, i + 1 + usize::from(t.is(i + 1, "only"))),
        Place::Relation => {
            let bare = !t.symbol(i + 1, b'.') && t.name(i).is_some_and(|name| own.contains(&name));
            bare || is_of_server(t, i) || t.is_any(i, &["lateral", "only", "rows"]) || is_call(t, i)
        }
    })
}

fn is_of_server(t: Tokens, i: usize) -> bool {
    let schema = t.symbol(i + 1, b'.').then(|| t.name(i)).flatten();
    match schema.as_deref() {
        Some(b"pg_catalog" | b"information_schema") => true,
        Some(_) => false,
        None => t.name(i).is_some_and(|name| name.starts_with(b"pg_")),
    }
}

fn is_call(t: Tokens, i: usize) -> bool {
    t.symbol(i + 1, b'(') || (t.symbol(i + 1, b'.') && t.symbol(i + 3, b'('))
}

/// Names that the statement itself gives to queries: `WITH name [(column, …)] AS [NOT] [MATERIALIZED] (…)`.
fn names_of_queries<'a>(
    t: Tokens<'a>,
    brackets: &Brackets,
    wanted: impl Fn(usize) -> bool,
) -> Vec<Cow<'a, [u8]>> {
    let named = |i: usize| {
        let before = i.wrapping_sub(1);
        let mut at = brackets.mate(i + 1).map_or(i + 1, |close| close + 1);
        let opens = t.symbol(before, b',') || t.is_any(before, &["with", "recursive"]);
        let defines = t.is(at, "as");
        at += 1 + usize::from(t.is(at + 1, "not"));
        at += usize::from(t.is(at, "materialized"));
        opens && defines && t.symbol(at, b'(')
    };
    (1..t.len()).filter(|&i| wanted(i) && named(i)).filter_map(|i| t.name(i)).take(MAX_REFERENCES).collect()
}

/// A relation of the server, as a `FROM` names it.
struct Reference<'a> {
    /// As the server stores it.
    name: Cow<'a, [u8]>,
    /// Is its schema named?
    qualified: bool,
    column: Column,
    /// What its columns are called by, as it is written.
    alias: &'a str,
    /// One past its last token.
    end: usize,
}

impl<'a> Reference<'a> {
    /// The one whose first token stands at `i`, if it is one, and in a form that is known.
    fn at(t: Tokens<'a>, i: usize, brackets: &Brackets) -> Option<Self> {
        let mut last = i;
        while t.symbol(last + 1, b'.') && t.is_name(last + 2) {
            last += 2;
        }
        let schema = if last > i { Some(t.name(last - 2)?) } else { None };
        let name = t.name(last)?;
        let column = relations::column(schema.as_deref(), &name)?;
        let mut end = last + 1;
        end += usize::from(t.symbol(end, b'*'));
        let alias = alias_at(t, end);
        end = alias.map_or(end, |at| at + 1);
        let alias = std::str::from_utf8(t.bytes(alias.unwrap_or(last))).ok()?;
        end = behind_sample(t, end, brackets);
        let goes_on = t.is_any(end, NOT_ALIASES) && !t.is(end, "tablesample");
        let known = goes_on || end >= t.len() || t.symbol(end, b',') || t.symbol(end, b')');
        known.then_some(Self { name, qualified: last > i, column, alias, end })
    }
}

/// Where the alias of a relation stands whose name ends before token `i`.
fn alias_at(t: Tokens, i: usize) -> Option<usize> {
    let at = i + usize::from(t.is(i, "as"));
    (t.is_name(at) && !t.is_any(at, NOT_ALIASES)).then_some(at)
}

/// Behind `TABLESAMPLE method (…) [REPEATABLE (…)]`, if it stands at `i`.
fn behind_sample(t: Tokens, i: usize, brackets: &Brackets) -> usize {
    let behind = |open: usize| brackets.mate(open).filter(|_| t.symbol(open, b'(')).map(|close| close + 1);
    let qualified = 2 * usize::from(t.symbol(i + 2, b'.'));
    match behind(i + 2 + qualified).filter(|_| t.is(i, "tablesample")) {
        Some(end) if t.is(end, "repeatable") => behind(end + 1).unwrap_or(end),
        Some(end) => end,
        None => i,
    }
}

/// Does the statement name a system column without saying whose?
fn names_system_column(t: Tokens) -> bool {
    (0..t.len())
        .any(|i| !t.symbol(i.wrapping_sub(1), b'.') && SYSTEM_COLUMNS.iter().any(|column| t.named(i, column)))
}

/// Does the statement list schemas, and ask for no number by which what stands in them could be found?
fn lists_schemas(t: Tokens, brackets: &Brackets) -> bool {
    let is_argument = |i: usize| brackets.parent(i).is_some_and(|open| t.is_name(open.wrapping_sub(1)));
    let is_number = |i: usize| (t.named(i, "oid") && !is_argument(i)) || t.named(i, "tableoid");
    (0..t.len()).all(|i| {
        let other = relations::is_known(t, i) && !t.named(i, "pg_namespace") && !t.named(i, "schemata");
        !other && !is_number(i)
    })
}

/// The same condition, of which the planner thinks that nearly all rows fulfil it. It knows nothing of
/// rights, would take a third of the rows for what is left, and plan joins of the catalog for too few;
/// an inequality of an expression it takes to hold for 199 of 200 rows.
fn as_if_for_all(condition: &str) -> String {
    format!("({condition})::int <> 0")
}

/// How a statement's references get their conditions.
struct Form<'a> {
    /// Those that are joined to nothing are not joined to their conditions either.
    lateral: bool,
    /// The schema of extensions.
    extensions: &'a str,
    /// Schemas are more than listed by their names.
    joins: bool,
}

impl Form<'_> {
    /// Adds its condition to the reference that starts at `i`, or behind the `TABLE` there.
    /// It is the `number`th of its statement.
    fn narrow(&self, t: Tokens, i: usize, reference: &Reference, number: usize, found: &mut Found) {
        let first = i - usize::from(t.is(i.wrapping_sub(1), "only"));
        let (Some(start), Some(last)) = (t.get(first), t.get(reference.end - 1)) else { return };
        let mut insert = |at: usize, text: String| {
            found.changes.push(Change { range: at..at, text: text.into_bytes() });
        };
        let mut condition = relations::condition(reference.alias, reference.column);
        let (name, alias) = (&reference.name, reference.alias);
        condition.extend(relations::without_extensions(name, alias, self.extensions, self.joins));
        let condition = as_if_for_all(&condition);
        let before = first.wrapping_sub(1);
        let alone = (t.is(before, "from") || t.symbol(before, b',')) && !t.is_any(reference.end, JOINS);
        if self.lateral && alone {
            insert(last.end, format!(", LATERAL (SELECT WHERE {condition}) AS stuffgate_{number}"));
            return;
        }
        insert(last.end, format!(" JOIN (SELECT) AS stuffgate_{number} ON {condition})"));
        if t.is(i, "table") {
            found.replace(start, b"SELECT * FROM (".to_vec());
        } else {
            insert(start.start, "(".to_owned());
        }
    }
}
