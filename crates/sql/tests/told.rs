//! Queries of the catalog answer with the database that the client connected to.

use sql::{Names, rewrite};

const NAMES: Names =
    Names { schema: "stuff_todo_1", extensions: "ext", database: "todo", store_database: "theirs" };

/// What is sent instead, without what narrows it; `DB` stands for the value of the name.
fn sent(text: &str) -> String {
    let Some(rewritten) = rewrite(text.as_bytes(), &NAMES) else { return text.to_owned() };
    let (mut shown, mut read) = (String::new(), 0);
    for edit in &rewritten.edits {
        shown += &text[read..edit.client.start];
        let added = String::from_utf8_lossy(&rewritten.text[edit.server.clone()]);
        if edit.client.start < edit.client.end || !(added == "(" || added.contains(" AS stuffgate_")) {
            shown += &added;
        }
        read = edit.client.end;
    }
    (shown + &text[read..])
        .replace("'todo'::pg_catalog.name", "DB")
        .replace("::information_schema.sql_identifier", "")
        .replace("pg_catalog.current_database()", "ITS")
}

#[test]
fn the_database_is_called_as_in_the_url_where_a_query_answers_with_it() {
    for (text, expected) in [
        ("SELECT current_database()", "SELECT DB AS current_database"),
        ("select pg_catalog.current_database();", "select DB AS current_database;"),
        ("SELECT current_catalog, 1", "SELECT DB AS current_catalog, 1"),
        ("SELECT current_database() AS \"TABLE_CAT\"", "SELECT (DB) AS \"TABLE_CAT\""),
        (
            "SELECT * FROM current_database()",
            "SELECT * FROM (SELECT DB AS current_database) AS current_database",
        ),
        (
            "SELECT table_catalog, t.table_catalog AS c FROM information_schema.tables t",
            "SELECT CASE WHEN table_catalog IS NOT NULL THEN DB END AS table_catalog, \
             (CASE WHEN t.table_catalog IS NOT NULL THEN DB END) AS c FROM information_schema.tables t",
        ),
        (
            "SELECT d.datname FROM pg_database d",
            "SELECT CASE WHEN d.datname = ITS THEN DB ELSE d.datname END AS datname FROM pg_database d",
        ),
        (
            "SELECT gid, database FROM pg_prepared_xacts",
            "SELECT gid, CASE WHEN database = ITS THEN DB ELSE database END AS database FROM pg_prepared_xacts",
        ),
        ("SELECT database FROM pg_hba_file_rules", "SELECT database FROM pg_hba_file_rules"),
        (
            "SELECT (SELECT current_database()) x WHERE EXISTS (SELECT 1)",
            "SELECT (SELECT DB AS current_database) x WHERE EXISTS (SELECT 1)",
        ),
    ] {
        assert_eq!(sent(text), expected, "{text}");
    }
}

#[test]
fn inside_the_server_the_database_has_the_stores_name() {
    for (text, expected) in [
        ("SELECT 1 FROM pg_database WHERE datname = current_database()", None),
        (
            "SELECT 1 FROM pg_database WHERE datname = 'todo'",
            Some("SELECT 1 FROM pg_database WHERE datname = ITS"),
        ),
        ("SELECT current_database() = 'todo'", Some("SELECT current_database() = ITS")),
        ("SELECT datname IN ('todo') FROM pg_database", Some("SELECT datname IN (ITS) FROM pg_database")),
        ("SELECT current_database() || '.x' d", None),
        ("SELECT upper(current_database())", None),
        ("SELECT (quote_ident(table_catalog) || '.x.t')::regclass FROM information_schema.tables", None),
        ("SELECT 1 || table_catalog AS c FROM information_schema.tables", None),
        ("SELECT product_catalog, current_database() FROM t", None),
        ("INSERT INTO t SELECT current_database()", None),
        ("SELECT relname AS table_catalog, relname x_catalog FROM pg_class", None),
        ("SELECT DISTINCT t.table_catalog FROM information_schema.tables t ORDER BY t.table_catalog", None),
    ] {
        assert_eq!(sent(text), expected.unwrap_or(text), "{text}");
    }
}
