//! The tables of a query: each once, with the columns that the query may need.

use super::catalog::{Catalog, Column, Relation, RelationKind};
use super::ident;
use super::parsed::Parsed;
use super::read;
use super::resolve::Resolved;
use crate::TokenKind;
use std::collections::HashSet;

/// One table that is gathered.
#[derive(Debug)]
pub(crate) struct Gathered<'a> {
    /// What home knows of it.
    pub(crate) relation: &'a Relation,
    /// The uses of it.
    pub(crate) uses: Vec<usize>,
    /// The columns that are needed, in the table's order; at least one.
    pub(crate) columns: Vec<&'a Column>,
    /// Whether the pseudo column is needed too.
    pub(crate) store: bool,
    /// Whether tables that inherit from it are left out.
    pub(crate) only: bool,
    /// Whether the text may speak of the type of its rows.
    pub(crate) typed: bool,
    /// What it is called on home.
    pub(crate) temporary: String,
}

impl<'a> Gathered<'a> {
    /// All of a table.
    pub(crate) fn whole(relation: &'a Relation) -> Self {
        let (columns, temporary) = (relation.columns.iter().collect(), relation.called.name.clone());
        Self { relation, uses: Vec::new(), columns, store: false, only: false, typed: false, temporary }
    }
}

/// The tables of a query. A column is needed if its name is anywhere in the text, or if all are.
pub(crate) fn gathered<'a>(query: &Parsed, catalog: &'a Catalog, resolved: &Resolved) -> Vec<Gathered<'a>> {
    let text = query.source().text();
    let names = mentioned(text);
    let mut tables: Vec<Gathered<'a>> = Vec::new();
    for (number, one) in resolved.uses.iter().enumerate() {
        let Some(relation) = one.relation.and_then(|index| catalog.relations.get(index)) else { continue };
        if relation.kind != RelationKind::Table {
            continue;
        }
        let only = one.parts.first().and_then(|part| query.source().offset(part.start));
        let only = only.is_some_and(|at| query.is_only(at));
        let position = tables.iter().position(|table| same(table.relation, relation) && table.only == only);
        let index = position.unwrap_or_else(|| {
            tables.push(Gathered {
                store: has_store(relation) && names.contains(super::STORE),
                only,
                typed: is_type(query, relation),
                columns: Vec::new(),
                ..Gathered::whole(relation)
            });
            tables.len() - 1
        });
        // Names given by position count the columns.
        let renamed = one.columns.iter().zip(&relation.columns).any(|(new, old)| *new != old.name);
        let starred = resolved.stars.iter().any(|star| star.uses.contains(&number));
        let typed = tables[index].typed;
        let whole = resolved.natural || renamed || starred || typed || resolved.whole.contains(&number);
        tables[index].uses.push(number);
        for column in &relation.columns {
            let needed = whole || names.contains(&column.name);
            if needed && !tables[index].columns.iter().any(|known| known.name == column.name) {
                tables[index].columns.push(column);
            }
        }
    }
    name_them(&mut tables);
    tables
}

/// Words behind which a name is that of a column.
const BEFORE_COLUMNS: [&str; 20] = [
    "select", "distinct", "all", "by", "where", "and", "or", "on", "not", "then", "else", "when", "case",
    "having", "limit", "in", "like", "between", "from", "join",
];

/// Whether a text may speak of the type of a relation's rows: `x::todos`, `CAST(x AS todos)`, `todos '…'`, and in
/// `AS r(x todos)`. On home, that is the type of the temporary table's.
pub(crate) fn is_type(query: &Parsed, relation: &Relation) -> bool {
    let text = query.source().text();
    let tokens = read::tokens(text);
    let name = |at: usize| ident::of_token(text, tokens.get(at)?);
    let is = |at: usize, what: &str| tokens.get(at).is_some_and(|token| &text[token.range()] == what);
    (1..tokens.len()).filter(|at| name(*at).as_ref() == Some(&relation.called.name)).any(|at| {
        let first = if is(at - 1, ".") && at > 2 && name(at - 2).as_ref() == Some(&relation.schema) {
            at - 2
        } else {
            at
        };
        let before = first.checked_sub(1).and_then(name);
        let column = match before.as_deref() {
            // What a column of a result is called; the type in CAST is followed by a parenthesis, or is an array's.
            Some("as") => {
                ![")", "["].iter().any(|next| is(at + 1, next)) && name(at + 1).as_deref() != Some("array")
            }
            Some(word) => BEFORE_COLUMNS.contains(&word),
            None => true,
        };
        let literal = tokens.get(at + 1).is_some_and(|token| {
            matches!(token.kind, TokenKind::Str | TokenKind::EscapeStr | TokenKind::Dollar)
        });
        !is(at + 1, ".") && (literal || !column || first > 0 && is(first - 1, "::"))
    })
}

/// Whether the relation has the pseudo column, rather than a column of its own of that name.
pub(crate) fn has_store(relation: &Relation) -> bool {
    relation.kind == RelationKind::Table && relation.columns.iter().all(|column| column.name != super::STORE)
}

/// Whether the text names the pseudo column.
pub(crate) fn mentions_store(text: &str) -> bool {
    mentioned(text).contains(super::STORE)
}

fn same(one: &Relation, other: &Relation) -> bool {
    one.schema == other.schema && one.called.name == other.called.name
}

/// Sorts columns, and gives each table a name of its own on home.
fn name_them(tables: &mut [Gathered<'_>]) {
    let mut taken = HashSet::new();
    for table in tables {
        let order = |column: &&Column| table.relation.columns.iter().position(|one| one.name == column.name);
        table.columns.sort_by_key(order);
        if table.columns.is_empty() {
            table.columns.extend(table.relation.columns.first());
        }
        let name = &table.relation.called.name;
        table.temporary = std::iter::once(name.clone())
            .chain((2..).map(|number| format!("{name}~{number}")))
            .find(|name| !taken.contains(name))
            .unwrap_or_default();
        taken.insert(table.temporary.clone());
    }
}

/// Every identifier in a text, folded: quoted or not, key words too.
fn mentioned(text: &str) -> HashSet<String> {
    read::tokens(text).iter().filter_map(|token| ident::of_token(text, token)).collect()
}
