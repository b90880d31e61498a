//! Whether a store is like home, as far as a plan needs it: its collation, and the types of the columns used.
//!
//! The same query runs on home and, behind a lock that keeps the tables as they are, in every leg.

use model::partition::quote_literal;
use sql::fanout::TableNeeded;
use wire::frame::Reader;

/// The columns of a [`Check`]'s answer, one row for each column needed, or one row where none is.
const FACTS: usize = 9;

/// Versions of Postgres whose major is at least this call a database's ICU locale `datlocale`.
const DATLOCALE_SINCE: u32 = 17;

/// A query about tables and columns: its text depends on the server's version only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Value of `$1`, `text[]`: for each column, the table's name.
    pub tables: String,
    /// Value of `$2`, `text[]`: for each column, its name.
    pub columns: String,
}

impl Check {
    /// The check of what a plan needs.
    #[must_use]
    pub fn of(tables: &[TableNeeded]) -> Self {
        let pairs =
            || tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        Self {
            tables: array(pairs().map(|(table, _)| table.name.as_str())),
            columns: array(pairs().map(|(_, (column, _))| column.as_str())),
        }
    }

    /// Its text for a server of that major version, with parameters.
    #[must_use]
    pub fn sql(major: u32) -> &'static str {
        if Self::is_since(major) { SQL_17 } else { SQL_15 }
    }

    /// Which of the two texts a server of that major version takes.
    pub(crate) fn is_since(major: u32) -> bool {
        major >= DATLOCALE_SINCE
    }

    /// The same with the values in place of the parameters. Postgres plans a prepared statement that has none
    /// once; one with parameters it would plan anew in every leg, which takes many times longer than it runs.
    pub(crate) fn text(&self, major: u32) -> String {
        let sql = Self::sql(major);
        let (head, rest) = sql.split_once("$1").unwrap_or((sql, ""));
        let (middle, tail) = rest.split_once("$2").unwrap_or((rest, ""));
        [head, &quote_literal(&self.tables), middle, &quote_literal(&self.columns), tail].concat()
    }
}

macro_rules! check_sql {
    ($locale:literal) => {
        concat!(
            "SELECT d.datlocprovider::pg_catalog.text, d.datcollate::pg_catalog.text, d.datctype::pg_catalog.text, \
             d.", $locale, "::pg_catalog.text, pg_catalog.pg_database_collation_actual_version(d.oid), \
             pg_catalog.getdatabaseencoding()::pg_catalog.text, c.kind, c.own, c.detail \
             FROM pg_catalog.pg_database d LEFT JOIN LATERAL ( \
             SELECT n.at, pg_catalog.format_type(a.atttypid, -1) AS kind, a.attcollation <> t.typcollation AS own, \
             CASE e.typtype \
             WHEN 'e' THEN (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(l.enumlabel), ',' ORDER BY l.enumsortorder) \
              FROM pg_catalog.pg_enum l WHERE l.enumtypid = e.oid) \
             WHEN 'c' THEN (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(f.attname) || ' ' \
              || pg_catalog.format_type(f.atttypid, f.atttypmod), ',' ORDER BY f.attnum) \
              FROM pg_catalog.pg_attribute f WHERE f.attrelid = e.typrelid AND f.attnum > 0 AND NOT f.attisdropped) \
             WHEN 'd' THEN pg_catalog.format_type(e.typbasetype, e.typtypmod) || coalesce((SELECT ' ' \
              || pg_catalog.string_agg(pg_catalog.quote_ident(l.enumlabel), ',' ORDER BY l.enumsortorder) \
              FROM pg_catalog.pg_enum l WHERE l.enumtypid = e.typbasetype), '') \
             END AS detail \
             FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) \
              WITH ORDINALITY AS n(relation, name, at) \
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(n.relation) \
              AND a.attname = n.name AND NOT a.attisdropped \
             LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
             LEFT JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN t.oid < 16384 THEN NULL \
              WHEN t.typcategory = 'A' THEN t.typelem ELSE t.oid END \
             ) c ON true WHERE d.datname = pg_catalog.current_database() ORDER BY c.at"
        )
    };
}

const SQL_15: &str = check_sql!("daticulocale");
const SQL_17: &str = check_sql!("datlocale");

/// How a database orders text by default, and what it takes for a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Collation {
    /// `datlocprovider`.
    pub provider: String,
    /// `datcollate`.
    pub collate: String,
    /// `datctype`.
    pub ctype: String,
    /// `datlocale`, or what it was called before.
    pub locale: Option<String>,
    /// The version that is in use, where its provider has any.
    pub version: Option<String>,
}

/// A column, as a check found it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundColumn {
    /// The type's name without schema and modifier; `None`: there is no such column, or no such table.
    pub kind: Option<String>,
    /// Whether it has a collation that is not its type's.
    pub own_collation: bool,
    /// What a type of the service's own is made of: an enum's labels in order, a domain's base, …
    pub detail: Option<String>,
}

/// A check's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The database's default.
    pub collation: Collation,
    /// The database's encoding.
    pub encoding: String,
    /// One for each column, in the order of the check.
    pub columns: Vec<FoundColumn>,
}

impl Found {
    /// Takes one row of the answer (a DataRow's body, in text); `so_far` is what the rows before it made.
    /// `None`: this is no row of such an answer.
    #[must_use]
    pub fn take(so_far: Option<Self>, row: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(row);
        if usize::from(reader.u16()?) != FACTS {
            return None;
        }
        let mut next = || match reader.value()? {
            None => Some(None),
            Some(value) => Some(Some(std::str::from_utf8(value).ok()?.to_owned())),
        };
        let collation = Collation {
            provider: next()??,
            collate: next()?.unwrap_or_default(),
            ctype: next()?.unwrap_or_default(),
            locale: next()?,
            version: next()?,
        };
        let encoding = next()??;
        let (kind, own_collation, detail) = (next()?, next()?.as_deref() == Some("t"), next()?);
        let kind = kind.map(|kind| bare(&kind).to_owned());
        let mut found = so_far.unwrap_or(Self { collation, encoding, columns: Vec::new() });
        found.columns.push(FoundColumn { kind, own_collation, detail });
        Some(found)
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
    kind: String,
    /// Home's, if it was asked.
    detail: Option<Option<String>>,
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
        let pairs = tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let columns = pairs.enumerate().map(|(at, (table, (column, kind)))| {
            let there = home.and_then(|home| home.columns.get(at)).filter(|there| there.kind.is_some());
            Wanted {
                table: table.name.clone(),
                column: column.clone(),
                kind: bare(kind).to_owned(),
                detail: there.map(|there| there.detail.clone()),
            }
        });
        Self {
            collation: home.map(|home| home.collation.clone()),
            encoding: home.map_or_else(|| "UTF8".to_owned(), |home| home.encoding.clone()),
            columns: columns.collect(),
        }
    }

    /// In what a store differs from it; `collates`: whether the plan depends on collation.
    pub(crate) fn compare(&self, found: Option<&Found>, collates: bool) -> Result<(), Difference> {
        let Some(found) = found else { return Err(Difference::Schema("it does not say what it is".into())) };
        if found.encoding != self.encoding {
            let message = format!("its encoding is {}, and home's is {}", found.encoding, self.encoding);
            return Err(Difference::Schema(message));
        }
        // A plan that needs no column still gets a row, about none.
        let rows = self.columns.len().max(1);
        if found.columns.len() != rows {
            return Err(Difference::Schema("it tells of other columns than it was asked for".into()));
        }
        for (wanted, there) in self.columns.iter().zip(&found.columns) {
            wanted.compare(there)?;
        }
        let otherwise = self.collation.as_ref() != Some(&found.collation)
            || self.columns.iter().zip(&found.columns).any(|(_, there)| there.own_collation);
        if collates && otherwise { Err(Difference::Collates) } else { Ok(()) }
    }
}

impl Wanted {
    fn compare(&self, there: &FoundColumn) -> Result<(), Difference> {
        let Self { table, column, kind, detail } = self;
        let message = match &there.kind {
            None => format!("there is no column {column:?} in table {table}"),
            Some(theirs) if theirs != kind => {
                format!("column {column:?} of table {table} is of type {theirs}, and of type {kind} on home")
            }
            Some(_) if detail.as_ref().is_some_and(|detail| *detail != there.detail) => {
                format!("type {kind} of column {column:?} of table {table} is made otherwise than on home")
            }
            Some(_) => return Ok(()),
        };
        Err(Difference::Schema(message))
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

/// A `text[]` in text form.
fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("{");
    for item in items {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        for character in item.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('"');
    }
    text.push('}');
    text
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

    #[test]
    fn hostile_names_stay_inside_their_literals() {
        let columns =
            vec![("it's".to_owned(), "text".to_owned()), ("a\"b\\c,{$2}".to_owned(), "text".to_owned())];
        let check = Check::of(&[TableNeeded { name: "\"$2\"".into(), columns }]);
        assert_eq!(check.columns, r#"{"it's","a\"b\\c,{$2}"}"#);
        for major in [15, 17] {
            let text = check.text(major);
            assert!(text.contains(r#"E'{"\\"$2\\"","\\"$2\\""}'::pg_catalog.text[]"#), "{text}");
            assert!(text.contains(r#"E'{"it''s","a\\"b\\\\c,{$2}"}'::pg_catalog.text[]"#), "{text}");
        }
    }
}
