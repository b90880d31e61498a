//! Names looked up on home: the rows of its own catalog become the planner's [`Catalog`].

use crate::reply;
use model::partition::quote_literal;
use sql::fanout::{Called, Catalog, Column, Function, Key, Lookup, Relation, RelationKind, Type};

/// One statement for all names. Rows are a letter for what they tell of, the number of the name, a number
/// within it, and up to seven texts.
const LOOK_UP: &str = include_str!("lookup.sql");

/// Types by number: `$1` is an array of them.
pub(crate) const LOOK_UP_TYPES: &str = "SELECT t.oid, pg_catalog.format_type(t.oid, -1), \
     CASE WHEN t.typarray <> 0 THEN pg_catalog.format_type(t.typarray, -1) END, \
     t.typcategory::pg_catalog.text, (t.typcollation <> 0)::pg_catalog.text \
     FROM pg_catalog.pg_type t WHERE t.oid = ANY ($1::pg_catalog.oid[])";

/// [`LOOK_UP`] with the names in place of its parameters: Postgres plans it once for the same names, and would plan
/// it anew each time for parameters, which takes several times longer than it runs.
pub(crate) fn look_up(lookup: &Lookup) -> String {
    let (mut text, mut rest) = (String::new(), LOOK_UP);
    for (number, value) in (1..).zip(parameters(lookup)) {
        let (head, tail) = rest.split_once(&format!("${number}")).unwrap_or((rest, ""));
        text.push_str(head);
        text.push_str(&value);
        rest = tail;
    }
    text + rest
}

/// The values of `$1` to `$4` in [`LOOK_UP`].
fn parameters(lookup: &Lookup) -> [String; 4] {
    let spaces = |called: &[Called]| list(called.iter().map(|one| one.schema.as_deref()));
    let names = |called: &[Called]| list(called.iter().map(|one| Some(one.name.as_str())));
    [spaces(&lookup.relations), names(&lookup.relations), spaces(&lookup.functions), names(&lookup.functions)]
}

/// An array of texts, which means the same whatever the session has set: the statement is kept for others.
fn list<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> String {
    let texts: Vec<String> =
        texts.map(|text| text.map_or_else(|| "NULL".to_owned(), quote_literal)).collect();
    format!("ARRAY[{}]", texts.join(", "))
}

/// Puts rows of [`LOOK_UP`] together, which come sorted.
pub(crate) struct Building<'a> {
    lookup: &'a Lookup,
    catalog: Catalog,
    /// Rows that a relation comes after: columns and keys, by the number of the name.
    columns: Vec<(usize, Column)>,
    keys: Vec<(usize, u64, Key)>,
    nullable: Vec<u64>,
    primary: Vec<u64>,
    broken: bool,
}

impl<'a> Building<'a> {
    /// Of these names.
    pub(crate) fn new(lookup: &'a Lookup) -> Self {
        let (columns, keys) = (Vec::new(), Vec::new());
        let (nullable, primary) = (Vec::new(), Vec::new());
        Self { lookup, catalog: Catalog::default(), columns, keys, nullable, primary, broken: false }
    }

    /// Takes the body of a DataRow.
    pub(crate) fn row(&mut self, body: &[u8]) {
        let taken = reply::values(body).and_then(|values| self.take(&Row(values)));
        self.broken |= taken.is_none();
    }

    fn take(&mut self, row: &Row<'_>) -> Option<()> {
        let at = row.text(1)?.parse::<usize>().ok()?.checked_sub(1)?;
        let number: u64 = row.text(2)?.parse().ok()?;
        match row.text(0)? {
            "c" => self.columns.push((at, column(row)?)),
            "k" => self.unique(at, number, row)?,
            "l" => self.foreign(at, number, row)?,
            "p" => {
                let called = self.lookup.functions.get(at)?.clone();
                self.catalog.functions.push(function(called, row)?);
            }
            "r" => {
                let called = self.lookup.relations.get(at)?.clone();
                let relation = self.relation(at, called, row)?;
                self.catalog.relations.push(relation);
            }
            _ => return None,
        }
        Some(())
    }

    fn unique(&mut self, at: usize, number: u64, row: &Row<'_>) -> Option<()> {
        if row.text(4)? != "true" {
            self.nullable.push(number);
        }
        if row.text(5)? == "true" {
            self.primary.push(number);
        }
        let name = row.text(3)?.to_owned();
        match self.keys.last_mut() {
            Some((_, last, Key::Unique(names))) if *last == number => names.push(name),
            _ => self.keys.push((at, number, Key::Unique(vec![name]))),
        }
        Some(())
    }

    fn foreign(&mut self, at: usize, number: u64, row: &Row<'_>) -> Option<()> {
        let (own, their) = (row.text(3)?.to_owned(), row.text(6)?.to_owned());
        match self.keys.last_mut() {
            Some((_, last, Key::Foreign { columns, theirs, .. })) if *last == number => {
                columns.push(own);
                theirs.push(their);
            }
            _ => {
                let (schema, table) = (row.text(4)?.to_owned(), row.text(5)?.to_owned());
                let key = Key::Foreign { columns: vec![own], schema, table, theirs: vec![their] };
                self.keys.push((at, number, key));
            }
        }
        Some(())
    }

    fn relation(&self, at: usize, called: Called, row: &Row<'_>) -> Option<Relation> {
        let schema = row.text(3)?.to_owned();
        let kind = match (schema.as_str(), row.text(4)?) {
            ("pg_catalog" | "information_schema", _) => RelationKind::Catalog,
            // Stores would find the catalog's before it.
            (_, "r" | "p") if called.name.starts_with("pg_") => RelationKind::Other,
            (_, "r" | "p") => RelationKind::Table,
            (_, "v") => RelationKind::View(row.text(5)?.to_owned()),
            _ => RelationKind::Other,
        };
        let columns = self.columns.iter().filter(|(of, _)| *of == at).map(|(_, column)| column.clone());
        let keys = self.keys.iter().filter(|(of, number, key)| {
            *of == at && !(matches!(key, Key::Unique(_)) && self.nullable.contains(number))
        });
        let keys = keys.flat_map(|(_, number, key)| [Some(key.clone()), self.as_primary(*number, key)]);
        let keys = keys.flatten().collect();
        Some(Relation { called, schema, kind, columns: columns.collect(), keys })
    }

    /// The same key once more, if it is the primary one.
    fn as_primary(&self, number: u64, key: &Key) -> Option<Key> {
        match key {
            Key::Unique(columns) if self.primary.contains(&number) => Some(Key::Primary(columns.clone())),
            _ => None,
        }
    }

    /// What the rows came to; nothing if one of them made no sense.
    pub(crate) fn done(self) -> Option<Catalog> {
        (!self.broken).then_some(self.catalog)
    }
}

/// A row of [`LOOK_UP_TYPES`].
pub(crate) fn type_of(body: &[u8]) -> Option<Type> {
    let row = Row(reply::values(body)?);
    kind(&row, 0)
}

struct Row<'a>(Vec<Option<&'a [u8]>>);

impl Row<'_> {
    fn text(&self, at: usize) -> Option<&str> {
        std::str::from_utf8((*self.0.get(at)?)?).ok()
    }
}

fn column(row: &Row<'_>) -> Option<Column> {
    let name = row.text(3)?.to_owned();
    let (not_null, bytewise) = (row.text(4)? == "true", row.text(9)? == "bytes");
    Some(Column { name, not_null, bytewise, kind: kind(row, 5)? })
}

/// A type in the five columns from `at`.
fn kind(row: &Row<'_>, at: usize) -> Option<Type> {
    Some(Type {
        oid: row.text(at)?.parse().ok()?,
        name: row.text(at + 1)?.to_owned(),
        array: row.text(at + 2).map(str::to_owned),
        category: row.text(at + 3)?.chars().next()?,
        collatable: row.text(at + 4)? != "false",
    })
}

fn function(called: Called, row: &Row<'_>) -> Option<Function> {
    let letter = |at| row.text(at)?.chars().next();
    let most = row.text(9).map_or(Ok(usize::MAX), str::parse).ok()?;
    Some(Function {
        called,
        schema: row.text(3)?.to_owned(),
        kind: letter(4)?,
        volatility: letter(5)?,
        returns_set: row.text(6)? == "true",
        extension: row.text(7)? == "true",
        arguments: row.text(8)?.parse().ok()?..=most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_look_up_as_literals_whatever_they_are() {
        let called = |name: &str| Called { schema: None, name: name.to_owned() };
        let lookup = Lookup { relations: vec![called("it's $3")], functions: vec![called("a\\b$2")] };
        let text = look_up(&lookup);
        assert!(text.contains("pg_catalog.unnest(ARRAY['it''s $3']::pg_catalog.text[])"), "{text}");
        assert!(text.contains(r"pg_catalog.unnest(ARRAY[E'a\\b$2']::pg_catalog.text[])"), "{text}");
        assert_eq!(text.matches("ARRAY[NULL]").count(), 2, "{text}");
    }
}
