//! The questions whether a store is like home, as far as a plan needs it: what its database is like, and of which
//! types the columns are that are used.
//!
//! Home is asked the same. A database stays as it is for as long as a connection lasts, and is asked about once; the
//! columns are asked about in every leg, behind a lock that keeps the tables as they are.

use model::partition::quote_literal;
use sql::fanout::TableNeeded;

/// Versions of Postgres whose major is at least this call a database's ICU locale `datlocale`.
const DATLOCALE_SINCE: u32 = 17;

macro_rules! database_sql {
    ($locale:literal) => {
        concat!(
            "SELECT d.datlocprovider::pg_catalog.text, d.datcollate::pg_catalog.text, d.datctype::pg_catalog.text, d.",
            $locale,
            "::pg_catalog.text, pg_catalog.pg_database_collation_actual_version(d.oid), \
             pg_catalog.getdatabaseencoding()::pg_catalog.text \
             FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()"
        )
    };
}

/// The question what a database is like, to a server of that major version: one row.
#[must_use]
pub fn database_sql(major: u32) -> &'static str {
    if is_since(major) { database_sql!("datlocale") } else { database_sql!("daticulocale") }
}

/// Which of the two texts of [`database_sql`] a server of that major version takes.
pub(crate) fn is_since(major: u32) -> bool {
    major >= DATLOCALE_SINCE
}

/// By which collation other texts are equal than those of the same bytes; NULL where that is by none.
macro_rules! equality_sql {
    () => {
        "CASE WHEN a.attcollation >= 16384 THEN (SELECT 'not deterministic: ' || l.collname \
         FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation AND NOT l.collisdeterministic) END"
    };
}

/// Columns with their types, and what those of the service's own are made of. `$1` and `$2` are arrays: for each
/// column, its table's name and its own.
const MADE_OF: &str = concat!(
    "SELECT n.at, a.atttypid, pg_catalog.format_type(a.atttypid, -1), a.attcollation, t.typcollation, \
     nullif(pg_catalog.concat_ws(' ', CASE e.typtype \
     WHEN 'e' THEN (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(l.enumlabel), ',' ORDER BY l.enumsortorder) \
      FROM pg_catalog.pg_enum l WHERE l.enumtypid = e.oid) \
     WHEN 'c' THEN (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(f.attname) || ' ' \
      || pg_catalog.format_type(f.atttypid, f.atttypmod), ',' ORDER BY f.attnum) \
      FROM pg_catalog.pg_attribute f WHERE f.attrelid = e.typrelid AND f.attnum > 0 AND NOT f.attisdropped) \
     WHEN 'd' THEN pg_catalog.format_type(e.typbasetype, e.typtypmod) || coalesce((SELECT ' ' \
      || pg_catalog.string_agg(pg_catalog.quote_ident(l.enumlabel), ',' ORDER BY l.enumsortorder) \
      FROM pg_catalog.pg_enum l WHERE l.enumtypid = e.typbasetype), '') \
     END, ",
    equality_sql!(),
    "), '') \
     FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) \
      WITH ORDINALITY AS n(relation, name, at) \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(n.relation) \
      AND a.attname = n.name AND NOT a.attisdropped \
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
     LEFT JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN t.oid < 16384 THEN NULL \
      WHEN t.typcategory = 'A' THEN t.typelem ELSE t.oid END"
);

/// The same of one table, without what only types of the service's own need: one look-up in an index, which takes a
/// quarter of the time. `$1` is the table's name, `$2` an array of its columns' names.
const NUMBERS: &str = concat!(
    "a.atttypid, pg_catalog.format_type(a.atttypid, -1), a.attcollation, NULL::pg_catalog.oid, ",
    equality_sql!(),
    " FROM pg_catalog.pg_attribute a \
     WHERE a.attrelid = pg_catalog.to_regclass($1)::pg_catalog.oid \
     AND a.attname = ANY ($2::pg_catalog.name[]) AND NOT a.attisdropped"
);

/// The question of which types the columns are that a plan needs. Each column that there is makes a row: its place
/// among those asked about, the type's number and name, the column's collation, and if it was asked ([`Check::made_of`]), the
/// type's collation and what it is made of.
///
/// The names are part of the texts. Postgres plans a prepared statement that has no parameters once; one with
/// parameters it would plan anew in every leg, which takes many times longer than it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check<'p>(&'p [TableNeeded]);

impl<'p> Check<'p> {
    /// About what a plan needs.
    #[must_use]
    pub fn of(tables: &'p [TableNeeded]) -> Self {
        Self(tables)
    }

    /// The columns, in order, each with its table.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&'p TableNeeded, &'p (String, String))> + use<'p> {
        self.0.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)))
    }

    /// Its text where types of the service's own are among them; `None` if no column is needed.
    #[must_use]
    pub fn made_of(&self) -> Option<String> {
        self.columns().next()?;
        let tables = array(self.columns().map(|(table, _)| table.name.as_str()));
        let columns = array(self.columns().map(|(_, (column, _))| column.as_str()));
        Some(bound(MADE_OF, &tables, &columns))
    }

    /// Its text where all types are Postgres's; `None` if no column is needed.
    #[must_use]
    pub fn numbers(&self) -> Option<String> {
        let (mut parts, mut before) = (Vec::new(), 0);
        for table in self.0.iter().filter(|table| !table.columns.is_empty()) {
            let columns = array(table.columns.iter().map(|(column, _)| column.as_str()));
            let at = "pg_catalog.array_position($2::pg_catalog.name[], a.attname)";
            let sql = format!("SELECT {before} + {at}, {NUMBERS}");
            parts.push(bound(&sql, &table.name, &columns));
            before += table.columns.len();
        }
        (!parts.is_empty()).then(|| parts.join(" UNION ALL "))
    }
}

/// A text with literals in place of its parameters, the first of which stands in it once.
fn bound(sql: &str, one: &str, two: &str) -> String {
    let two = quote_literal(two);
    let (head, tail) = sql.split_once("$1").unwrap_or((sql, ""));
    [&head.replace("$2", &two), &quote_literal(one), &*tail.replace("$2", &two)].concat()
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
    fn hostile_names_stay_inside_their_literals() {
        let columns =
            vec![("it's".to_owned(), "text".to_owned()), ("a\"b\\c,{$2}$".to_owned(), "text".to_owned())];
        let tables = [TableNeeded { name: "\"$2\"".into(), columns }];
        let check = Check::of(&tables);
        let names = r#"E'{"it''s","a\\"b\\\\c,{$2}$"}'::pg_catalog."#;
        let text = check.made_of().unwrap();
        assert!(text.contains(r#"E'{"\\"$2\\"","\\"$2\\""}'::pg_catalog.text[]"#), "{text}");
        assert!(text.contains(&format!("{names}text[]")), "{text}");
        let text = check.numbers().unwrap();
        assert!(text.contains(r#"to_regclass('"$2"')"#), "{text}");
        assert_eq!(text.matches(&format!("{names}name[]")).count(), 2, "{text}");
    }

    #[test]
    fn where_no_column_is_needed_nothing_is_asked() {
        let tables = [TableNeeded { name: "t".into(), columns: Vec::new() }];
        assert_eq!((Check::of(&tables).made_of(), Check::of(&tables).numbers()), (None, None));
    }
}
