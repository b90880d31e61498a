//! What is run on home to keep an answer; pure.

use super::SCHEMA;
use fanout::ColumnDescribed;
use model::partition::{quote_identifier, quote_literal};
use model::{Coverage, Outcome};
use std::fmt::Write as _;

/// Refreshes of one answer that home remembers.
const MAX_REFRESHES: u32 = 1000;

/// Values travel as text between connections whose owner may have chosen any form of it: these lose nothing.
pub(super) const FORMS: &str = "SET extra_float_digits TO 1; SET DateStyle TO 'ISO, YMD'; \
                                SET IntervalStyle TO 'postgres'; SET bytea_output TO 'hex'";

/// A transaction in which nobody else writes or drops the answer of that name; `limit_ms` bounds each statement.
pub(super) fn begin(name: &str, limit_ms: u128) -> String {
    format!(
        "BEGIN; SET LOCAL search_path TO pg_catalog; SET LOCAL lock_timeout TO '10s';
         SET LOCAL statement_timeout TO {limit_ms}; SELECT pg_advisory_xact_lock({})",
        lock(name)
    )
}

/// The number of an answer's lock.
fn lock(name: &str) -> String {
    format!("hashtextextended({}, 0)", quote_literal(&format!("{SCHEMA}.{name}")))
}

/// Whether the schema and the table of refreshes are there.
pub(super) fn is_furnished() -> String {
    format!("SELECT to_regclass('{SCHEMA}.refreshes') IS NOT NULL")
}

/// Makes them.
pub(super) fn furnish() -> String {
    format!(
        "DO $$ BEGIN IF to_regnamespace('{SCHEMA}') IS NULL THEN CREATE SCHEMA {SCHEMA}; END IF; END $$;
         CREATE TABLE IF NOT EXISTS {SCHEMA}.refreshes (
             name text NOT NULL, as_of timestamptz NOT NULL, asked int4, ok int4, outcomes jsonb, rows int8,
             elapsed_ms float8, error text);
         CREATE INDEX IF NOT EXISTS refreshes_name_as_of ON {SCHEMA}.refreshes (name, as_of)"
    )
}

/// The table of an answer.
pub(super) fn table(name: &str) -> String {
    format!("{SCHEMA}.{}", quote_identifier(name))
}

/// The columns that an answer has: a row each, a name and a type as SQL.
pub(super) fn wanted(columns: &[ColumnDescribed]) -> String {
    let oids: Vec<String> = columns.iter().map(|column| column.oid.to_string()).collect();
    let modifiers: Vec<String> = columns.iter().map(|column| column.modifier.to_string()).collect();
    let names: Vec<String> = columns.iter().map(|column| quote_literal(&column.name)).collect();
    format!(
        "SELECT quote_ident(c.name) || ' ' || format_type(c.oid, c.modifier)
         FROM unnest(ARRAY[{}]::text[], ARRAY[{}]::oid[], ARRAY[{}]::int4[]) WITH ORDINALITY
              AS c (name, oid, modifier, nr) ORDER BY c.nr",
        names.join(", "),
        oids.join(", "),
        modifiers.join(", ")
    )
}

/// The columns that a table has, in the same form; none where there is no table.
pub(super) fn found(name: &str) -> String {
    format!(
        "SELECT quote_ident(attname) || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
         WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        quote_literal(&table(name))
    )
}

/// Empties a table whose columns fit, so that what depends on it stays; makes one anew otherwise.
pub(super) fn make_room(name: &str, wanted: &[String], found: &[String]) -> String {
    let table = table(name);
    if wanted == found {
        return format!("DELETE FROM {table}");
    }
    format!("DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({})", wanted.join(", "))
}

/// Fills it.
pub(super) fn fill(name: &str) -> String {
    format!("COPY {} FROM STDIN", table(name))
}

/// Notes an answer, or why there is none, and forgets what is long past.
pub(super) fn note(name: &str, as_of: i64, came: Result<(i64, Option<&Coverage>), &str>) -> String {
    let name = quote_literal(name);
    let (counts, rows, error) = match came {
        Ok((rows, coverage)) => (coverage.map(counts), rows.to_string(), "NULL".to_owned()),
        Err(error) => (None, "NULL".to_owned(), quote_literal(&error.replace('\0', ""))),
    };
    let [asked, ok, outcomes, elapsed] = counts.unwrap_or_else(|| {
        let none = if rows == "NULL" { "NULL" } else { "0" };
        [none, none, "'{}'", "NULL"].map(str::to_owned)
    });
    format!(
        "INSERT INTO {SCHEMA}.refreshes (name, as_of, asked, ok, outcomes, rows, elapsed_ms, error)
         VALUES ({name}, to_timestamp({as_of}), {asked}, {ok}, {outcomes}, {rows}, {elapsed}, {error});
         DELETE FROM {SCHEMA}.refreshes WHERE name = {name} AND as_of < (SELECT as_of FROM {SCHEMA}.refreshes
             WHERE name = {name} ORDER BY as_of DESC OFFSET {MAX_REFRESHES} LIMIT 1)"
    )
}

fn counts(coverage: &Coverage) -> [String; 4] {
    let mut outcomes = String::new();
    for outcome in Outcome::ALL {
        let count = coverage.count(outcome);
        if count > 0 {
            let comma = if outcomes.is_empty() { "" } else { ", " };
            // A String takes whatever is written to it.
            let _ = write!(outcomes, "{comma}\"{}\": {count}", outcome.as_str());
        }
    }
    let elapsed = format!("{:.3}", coverage.elapsed.as_secs_f64() * 1000.0);
    [
        coverage.asked().to_string(),
        coverage.count(Outcome::Ok).to_string(),
        format!("'{{{outcomes}}}'"),
        elapsed,
    ]
}

/// Takes an answer away, and what was noted of it.
pub(super) fn drop_table(name: &str) -> String {
    format!(
        "DROP TABLE IF EXISTS {}; DELETE FROM {SCHEMA}.refreshes WHERE name = {}",
        table(name),
        quote_literal(name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::LegReport;
    use std::time::Duration;

    #[test]
    fn a_table_is_kept_while_its_columns_fit() {
        let columns = ["n bigint".to_owned()];
        assert_eq!(make_room("done", &columns, &columns), "DELETE FROM stuffgate_materialized.\"done\"");
        let anew = make_room("done", &columns, &[]);
        assert!(anew.contains("DROP TABLE IF EXISTS") && anew.ends_with("(n bigint)"), "{anew}");
    }

    #[test]
    fn a_refresh_is_noted_with_every_outcome_that_there_was() {
        let leg = |outcome| LegReport {
            user: "alice".parse().expect("a name"),
            outcome,
            sqlstate: None,
            message: None,
            rows: None,
            bytes: None,
            elapsed: Duration::ZERO,
        };
        let legs = vec![leg(Outcome::Ok), leg(Outcome::Ok), leg(Outcome::Timeout)];
        let coverage = Coverage { legs, elapsed: Duration::from_micros(1500) };
        let sql = note("done", 7, Ok((5, Some(&coverage))));
        assert!(
            sql.contains("to_timestamp(7), 3, 2, '{\"ok\": 2, \"timeout\": 1}', 5, 1.500, NULL"),
            "{sql}"
        );
        let sql = note("done", 7, Err("it's away"));
        assert!(sql.contains("to_timestamp(7), NULL, NULL, '{}', NULL, NULL, 'it''s away'"), "{sql}");
        let sql = note("done", 7, Ok((1, None)));
        assert!(sql.contains("to_timestamp(7), 0, 0, '{}', 1, NULL, NULL"), "{sql}");
    }
}
