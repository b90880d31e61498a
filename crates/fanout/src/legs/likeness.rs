//! Whether a store is like home, as far as a plan needs it: what both answered to a [`Check`].

use super::check::Check;
use pool::{Collation, Database};
use sql::fanout::TableNeeded;
use std::sync::Arc;
use wire::frame::Reader;

/// Values of a row that tells of a database.
const OF_DATABASE: u16 = 6;

/// Values of a row that tells of a column.
const OF_COLUMN: u16 = 6;

/// The first of the numbers that Postgres's own types do not have for good.
const NUMBERED: u32 = 10_000;

/// A column, as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundColumn {
    /// The type's name; `None`: there is no such column, or no such table.
    pub kind: Option<String>,
    /// The type's number.
    pub number: u32,
    /// The column's collation; 0 where its type has none.
    pub collation: u32,
    /// The type's, if it was asked.
    pub default_collation: Option<u32>,
    /// What a type of the service's own is made of: an enum's labels in order, a domain's base, …; and by which collation
    /// other texts are equal than those of the same bytes.
    pub detail: Option<String>,
}

/// What was answered so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What the database is like.
    pub database: Option<Arc<Database>>,
    /// One for each column, in the order of the check.
    pub columns: Vec<FoundColumn>,
}

impl Found {
    /// Nothing has been answered to a check of so many columns, but what was known before.
    #[must_use]
    pub fn awaited(database: Option<Arc<Database>>, columns: usize) -> Self {
        Self { database, columns: vec![FoundColumn::default(); columns] }
    }

    /// Takes the row about the database (a DataRow's body, in text). `None`: it is no such row, or the second.
    #[must_use]
    pub fn take_database(&mut self, row: &[u8]) -> Option<()> {
        let mut row = Values::of(row, OF_DATABASE).filter(|_| self.database.is_none())?;
        let collation = Collation {
            provider: row.text()??,
            collate: row.text()?.unwrap_or_default(),
            ctype: row.text()?.unwrap_or_default(),
            locale: row.text()?,
            version: row.text()?,
        };
        self.database = Some(Arc::new(Database { collation, encoding: row.text()?? }));
        Some(())
    }

    /// Takes a row about a column. `None`: it is no such row, or the second about the same.
    #[must_use]
    pub fn take_column(&mut self, row: &[u8]) -> Option<()> {
        let mut row = Values::of(row, OF_COLUMN)?;
        let at = usize::try_from(row.number()??.checked_sub(1)?).ok()?;
        let column = self.columns.get_mut(at).filter(|column| column.kind.is_none())?;
        column.number = row.number()??;
        column.kind = Some(row.text()??);
        column.collation = row.number()??;
        column.default_collation = row.number()?;
        column.detail = row.text()?;
        Some(())
    }
}

/// The values of one row, one after the other.
struct Values<'r>(Reader<'r>);

impl<'r> Values<'r> {
    fn of(row: &'r [u8], count: u16) -> Option<Self> {
        let mut reader = Reader::new(row);
        (reader.u16()? == count).then_some(Self(reader))
    }

    #[allow(clippy::option_option, reason = "a value that is none is NULL")]
    fn text(&mut self) -> Option<Option<String>> {
        match self.0.value()? {
            None => Some(None),
            Some(value) => Some(Some(std::str::from_utf8(value).ok()?.to_owned())),
        }
    }

    #[allow(clippy::option_option, reason = "a value that is none is NULL")]
    fn number(&mut self) -> Option<Option<u32>> {
        match self.0.value()? {
            None => Some(None),
            Some(value) => Some(Some(std::str::from_utf8(value).ok()?.parse().ok()?)),
        }
    }
}

/// What a plan needs of every store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Home's; `None`: unknown, so that every store collates otherwise.
    pub collation: Option<Collation>,
    /// Home's.
    pub encoding: String,
    columns: Vec<Wanted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    table: String,
    column: String,
    /// As the plan calls it.
    kind: String,
    /// Home's, if it was asked and has it.
    home: Option<FoundColumn>,
}

/// In what a store differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// It cannot be asked this.
    Schema(String),
    /// It can, but not by a plan that depends on collation.
    Collates,
}

impl Expected {
    /// What the plan says, and what home answered to the same check.
    #[must_use]
    pub fn of(tables: &[TableNeeded], home: Option<&Found>) -> Self {
        let columns = Check::of(tables).columns().enumerate().map(|(at, (table, (column, kind)))| {
            let there = home.and_then(|home| home.columns.get(at)).filter(|there| there.kind.is_some());
            Wanted {
                table: table.name.clone(),
                column: column.clone(),
                kind: bare(kind).to_owned(),
                home: there.cloned(),
            }
        });
        let database = home.and_then(|home| home.database.as_ref());
        Self {
            collation: database.map(|database| database.collation.clone()),
            encoding: database.map_or_else(|| "UTF8".to_owned(), |database| database.encoding.clone()),
            columns: columns.collect(),
        }
    }

    /// How many columns are needed.
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether stores have to tell what types are made of: home has one of the service's own.
    pub(crate) fn needs_details(&self) -> bool {
        self.columns.iter().filter_map(|wanted| wanted.home.as_ref()).any(|home| home.number >= NUMBERED)
    }

    /// In what a store differs from it; `collates`: whether the plan depends on collation.
    pub(crate) fn compare(&self, found: &Found, collates: bool) -> Result<(), Difference> {
        let schema = |message| Err(Difference::Schema(message));
        let Some(database) = &found.database else { return schema("it does not say what it is".into()) };
        if database.encoding != self.encoding {
            return schema(format!("its encoding is {}, and home's is {}", database.encoding, self.encoding));
        }
        for (wanted, there) in self.columns.iter().zip(&found.columns) {
            wanted.compare(there)?;
        }
        let mut columns = self.columns.iter().zip(&found.columns);
        let otherwise = self.collation.as_ref() != Some(&database.collation)
            || columns.any(|(wanted, there)| wanted.collates_otherwise(there));
        if collates && otherwise { Err(Difference::Collates) } else { Ok(()) }
    }
}

impl Wanted {
    fn compare(&self, there: &FoundColumn) -> Result<(), Difference> {
        let Self { table, column, kind, home } = self;
        let Some(theirs) = &there.kind else {
            return Err(Difference::Schema(format!("there is no column {column:?} in table {table}")));
        };
        // Postgres's own types have the same numbers everywhere.
        let number = home.as_ref().map(|home| home.number).filter(|number| *number < NUMBERED);
        if bare(theirs) != kind || number.is_some_and(|number| there.number != number) {
            return Err(Difference::Schema(format!(
                "column {column:?} of table {table} is of type {}, and of type {kind} on home",
                if bare(theirs) == kind { theirs } else { bare(theirs) }
            )));
        }
        if home.as_ref().is_some_and(|home| home.detail != there.detail) {
            return Err(Difference::Schema(format!(
                "type {kind} of column {column:?} of table {table} is made otherwise than on home"
            )));
        }
        Ok(())
    }

    /// Whether the column of a store has a collation that is not its type's.
    fn collates_otherwise(&self, there: &FoundColumn) -> bool {
        // A store that was not asked has a type of Postgres's own, whose collation home knows.
        let home = self.home.as_ref().and_then(|home| home.default_collation);
        there.default_collation.or(home) != Some(there.collation)
    }
}

/// A type's name without the schema: the service's schema is called otherwise in each store.
fn bare(name: &str) -> &str {
    let mut quoted = false;
    let dot = name.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == '.' && !quoted
    });
    dot.and_then(|(at, _)| name.get(at + 1..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_lose_their_schema_and_nothing_else() {
        for (name, wanted) in [
            ("integer", "integer"),
            ("timestamp with time zone", "timestamp with time zone"),
            ("public.mood", "mood"),
            ("p_todo.mood[]", "mood[]"),
            ("\"a.b\".\"c.d\"", "\"c.d\""),
            ("\"c.d\"[]", "\"c.d\"[]"),
            ("\"char\"", "\"char\""),
        ] {
            assert_eq!(bare(name), wanted);
        }
    }
}
