//! Queries of the catalog see what the service may see: which references are narrowed, and how.

mod edits;

use edits::{names_only, narrows};
use sql::{Edit, Names, Rewritten, rewrite};

const NAMES: Names =
    Names { schema: "stuff_todo_1", extensions: "ext", database: "todo", store_database: "theirs" };

/// What narrowing makes of a text, with conditions cut to the column that they look at: `[c.oid]` in a
/// join, `<c.oid>` beside the reference.
fn narrowed(text: &str) -> String {
    let Some(rewritten) = rewrite(text.as_bytes(), &NAMES) else { return text.to_owned() };
    assert_eq!(String::from_utf8_lossy(&names_only(text.as_bytes(), &rewritten)), text, "no names change");
    let (mut short, mut read) = (String::new(), 0);
    for edit in rewritten.edits.iter().filter(|edit| narrows(edit, &rewritten)) {
        short += &text[read..edit.client.start];
        short += &shortened(edit, &rewritten);
        read = edit.client.end;
    }
    short + &text[read..]
}

fn shortened(edit: &Edit, rewritten: &Rewritten) -> String {
    let added = String::from_utf8_lossy(&rewritten.text[edit.server.clone()]);
    let column = |condition: &str| {
        let condition = condition.trim_start_matches('(');
        condition.split_once(' ').map_or(condition, |(column, _)| column).to_owned()
    };
    let joined =
        added.split_once(" JOIN (SELECT) AS stuffgate_").and_then(|(_, rest)| rest.split_once(" ON "));
    if let Some((_, condition)) = joined {
        format!("[{}])", column(condition))
    } else if let Some(condition) = added.strip_prefix(", LATERAL (SELECT WHERE ") {
        format!("<{}>", column(condition))
    } else {
        added.into_owned()
    }
}

fn becomes(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(narrowed(text), *expected, "{text}");
    }
}

fn stays(texts: &[&str]) {
    for text in texts {
        assert_eq!(narrowed(text), *text);
    }
}

#[test]
fn what_belongs_to_a_database_a_relation_a_type_or_a_role_is_narrowed_by_it() {
    becomes(&[
        ("SELECT attname FROM pg_attribute a", "SELECT attname FROM (pg_attribute a[a.attrelid])"),
        (
            "SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid",
            "SELECT 1 FROM pg_index i JOIN (pg_class c[c.relnamespace]) ON c.oid = i.indexrelid",
        ),
        ("SELECT description FROM pg_description d", "SELECT description FROM (pg_description d[d.objoid])"),
        ("SELECT 1 FROM pg_database d", "SELECT 1 FROM (pg_database d[d.datname])"),
        ("SELECT * FROM pg_rewrite", "SELECT * FROM (pg_rewrite[pg_rewrite.ev_class])"),
        ("SELECT inhrelid FROM pg_inherits i", "SELECT inhrelid FROM (pg_inherits i[i.inhrelid])"),
        ("SELECT tgname FROM pg_trigger t", "SELECT tgname FROM (pg_trigger t[t.tgrelid])"),
        ("SELECT enumlabel FROM pg_enum e", "SELECT enumlabel FROM (pg_enum e[e.enumtypid])"),
        (
            "SELECT oid FROM pg_largeobject_metadata l",
            "SELECT oid FROM (pg_largeobject_metadata l[pg_catalog.pg_has_role(l.lomowner,])",
        ),
        (
            "SELECT gid FROM pg_prepared_xacts x",
            "SELECT gid FROM (pg_prepared_xacts x[pg_catalog.pg_has_role(x.owner,])",
        ),
    ]);
}

#[test]
fn the_schema_of_extensions_is_told_only_to_those_who_may_look_what_stands_in_it() {
    let sent = |text: &str| String::from_utf8(rewrite(text.as_bytes(), &NAMES).unwrap().text).unwrap();
    for list in [
        "SELECT nspname FROM pg_namespace n",
        "SELECT * FROM pg_catalog.pg_namespace n WHERE has_schema_privilege(n.oid, 'USAGE')",
        "SELECT n.nspname, obj_description(n.oid, 'pg_namespace') FROM pg_namespace n",
    ] {
        assert!(sent(list).contains(" AND n.nspname <> 'ext')"), "{list}");
    }
    assert!(
        sent("SELECT schema_name FROM information_schema.schemata")
            .contains(" AND schemata.schema_name <> 'ext'")
    );
    for join in [
        "SELECT t.typname, n.nspname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace",
        "SELECT n.tableoid, n.oid, n.nspname FROM pg_namespace n",
        "SELECT oid, nspname FROM pg_namespace n",
    ] {
        let told = " AND (n.nspname <> 'ext' OR EXISTS (SELECT FROM pg_catalog.pg_extension stuffgate_e WHERE stuffgate_e.extnamespace = n.oid))";
        assert!(sent(join).contains(told), "{join}");
    }
}

#[test]
fn a_reference_is_narrowed_by_the_column_that_names_its_schema() {
    becomes(&[
        ("SELECT * FROM pg_namespace", "SELECT * FROM (pg_namespace[pg_namespace.oid])"),
        ("SELECT * FROM pg_catalog.pg_class", "SELECT * FROM (pg_catalog.pg_class[pg_class.relnamespace])"),
        ("SELECT * FROM \"pg_type\" t", "SELECT * FROM (\"pg_type\" t[t.typnamespace])"),
        ("SELECT * FROM PG_PROC AS \"P\"", "SELECT * FROM (PG_PROC AS \"P\"[\"P\".pronamespace])"),
        ("SELECT * FROM pg_tables", "SELECT * FROM (pg_tables[pg_tables.schemaname])"),
        (
            "SELECT * FROM information_schema.schemata s",
            "SELECT * FROM (information_schema.schemata s[s.schema_name])",
        ),
        (
            "SELECT * FROM information_schema.usage_privileges",
            "SELECT * FROM (information_schema.usage_privileges[usage_privileges.object_schema])",
        ),
        ("SELECT * FROM U&\"pg\\005fclass\" c", "SELECT * FROM (U&\"pg\\005fclass\" c[c.relnamespace])"),
    ]);
    stays(&[
        "SELECT * FROM pg_depend a, pg_am, pg_tablespace d, pg_roles",
        "SELECT * FROM other.pg_class, stuff_todo_1.pg_tables",
        "SELECT * FROM tables, schemata",
        "SELECT pg_class FROM t WHERE pg_namespace = 1",
        "SELECT 'FROM pg_class', $$ FROM pg_class $$ FROM t -- , pg_class",
    ]);
}

#[test]
fn wherever_a_query_lists_relations() {
    becomes(&[
        (
            "SELECT 1 FROM t, pg_class c, pg_type",
            "SELECT 1 FROM t, (pg_class c[c.relnamespace]), (pg_type[pg_type.typnamespace])",
        ),
        (
            "SELECT 1 FROM pg_class c LEFT OUTER JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE 1=1",
            "SELECT 1 FROM (pg_class c[c.relnamespace]) LEFT OUTER JOIN (pg_namespace AS n[n.oid]) ON n.oid = c.relnamespace WHERE 1=1",
        ),
        (
            "SELECT 1 FROM (pg_class c CROSS JOIN pg_type t) NATURAL JOIN pg_proc",
            "SELECT 1 FROM ((pg_class c[c.relnamespace]) CROSS JOIN (pg_type t[t.typnamespace])) NATURAL JOIN (pg_proc[pg_proc.pronamespace])",
        ),
        (
            "SELECT 1 FROM a JOIN pg_class USING (oid), LATERAL (SELECT 1 FROM pg_type t WHERE t.oid = a.b) x",
            "SELECT 1 FROM a JOIN (pg_class[pg_class.relnamespace]) USING (oid), LATERAL (SELECT 1 FROM (pg_type t[t.typnamespace]) WHERE t.oid = a.b) x",
        ),
        (
            "SELECT (SELECT count(*) FROM pg_class), ARRAY(SELECT oid FROM pg_type) WHERE EXISTS (SELECT FROM pg_proc)",
            "SELECT (SELECT count(*) FROM (pg_class[pg_class.relnamespace])), ARRAY(SELECT oid FROM (pg_type[pg_type.typnamespace])) WHERE EXISTS (SELECT FROM (pg_proc[pg_proc.pronamespace]))",
        ),
        (
            "SELECT a FROM t UNION ALL SELECT oid FROM pg_class ORDER BY 1",
            "SELECT a FROM t UNION ALL SELECT oid FROM (pg_class[pg_class.relnamespace]) ORDER BY 1",
        ),
        (
            "((SELECT oid FROM pg_class) UNION (SELECT oid FROM pg_type)) INTERSECT SELECT oid FROM pg_proc",
            "((SELECT oid FROM (pg_class[pg_class.relnamespace])) UNION (SELECT oid FROM (pg_type[pg_type.typnamespace]))) INTERSECT SELECT oid FROM (pg_proc[pg_proc.pronamespace])",
        ),
        (
            "SELECT 1 FROM ((SELECT oid FROM pg_class) UNION SELECT oid FROM pg_type) x, pg_proc",
            "SELECT 1 FROM ((SELECT oid FROM (pg_class[pg_class.relnamespace])) UNION SELECT oid FROM (pg_type[pg_type.typnamespace])) x, (pg_proc[pg_proc.pronamespace])",
        ),
        (
            "SELECT 1 FROM ONLY pg_class c, pg_type * t, pg_proc TABLESAMPLE system (10) REPEATABLE (1) WHERE true",
            "SELECT 1 FROM (ONLY pg_class c[c.relnamespace]), (pg_type * t[t.typnamespace]), (pg_proc TABLESAMPLE system (10) REPEATABLE (1)[pg_proc.pronamespace]) WHERE true",
        ),
        (
            "SELECT 1 FROM generate_series(1, 2) AS g (n), unnest(a) WITH ORDINALITY u, ROWS FROM (f(), g()) r, pg_class c FOR UPDATE OF c",
            "SELECT 1 FROM generate_series(1, 2) AS g (n), unnest(a) WITH ORDINALITY u, ROWS FROM (f(), g()) r, (pg_class c[c.relnamespace]) FOR UPDATE OF c",
        ),
        ("TABLE pg_class", "SELECT * FROM ( pg_class[pg_class.relnamespace])"),
        (
            "TABLE ONLY pg_class ORDER BY 1 LIMIT 1",
            "SELECT * FROM ( ONLY pg_class[pg_class.relnamespace]) ORDER BY 1 LIMIT 1",
        ),
        ("SELECT 1 UNION (TABLE pg_type)", "SELECT 1 UNION (SELECT * FROM ( pg_type[pg_type.typnamespace]))"),
        (
            "VALUES ((SELECT count(*) FROM pg_class))",
            "VALUES ((SELECT count(*) FROM (pg_class[pg_class.relnamespace])))",
        ),
        ("SELECT 1; SELECT 2 FROM pg_class", "SELECT 1; SELECT 2 FROM (pg_class[pg_class.relnamespace])"),
    ]);
}

#[test]
fn a_from_that_lists_no_relations_is_none() {
    becomes(&[
        (
            "SELECT a IS DISTINCT FROM pg_class, b IS NOT DISTINCT FROM pg_type FROM pg_proc",
            "SELECT a IS DISTINCT FROM pg_class, b IS NOT DISTINCT FROM pg_type FROM (pg_proc[pg_proc.pronamespace])",
        ),
        (
            "SELECT extract(day FROM pg_class), substring(a FROM pg_class FOR 2), trim(both FROM pg_type) FROM pg_proc",
            "SELECT extract(day FROM pg_class), substring(a FROM pg_class FOR 2), trim(both FROM pg_type) FROM (pg_proc[pg_proc.pronamespace])",
        ),
        (
            "SELECT t.from, 1 AS from FROM pg_class c ORDER BY c.from, pg_type",
            "SELECT t.from, 1 AS from FROM (pg_class c[c.relnamespace]) ORDER BY c.from, pg_type",
        ),
        (
            "SELECT \"from\", pg_class FROM t GROUP BY t, pg_class HAVING (a, pg_type) = b WINDOW w AS (ORDER BY a, pg_proc)",
            "SELECT \"from\", pg_class FROM t GROUP BY t, pg_class HAVING (a, pg_type) = b WINDOW w AS (ORDER BY a, pg_proc)",
        ),
        ("SELECT 1 FROM pg_class(1), pg_type('a') x", "SELECT 1 FROM pg_class(1), pg_type('a') x"),
    ]);
}

#[test]
fn names_that_the_statement_gives_itself_are_its_own() {
    becomes(&[
        (
            "WITH pg_class AS (SELECT 1 FROM pg_type) SELECT * FROM pg_class, pg_catalog.pg_class c",
            "WITH pg_class AS (SELECT 1 FROM (pg_type[pg_type.typnamespace])) SELECT * FROM pg_class, (pg_catalog.pg_class c[c.relnamespace])",
        ),
        (
            "WITH RECURSIVE a (x) AS NOT MATERIALIZED (SELECT 1), \"pg_type\" (y) AS MATERIALIZED (SELECT 2) SELECT * FROM PG_TYPE, pg_class",
            "WITH RECURSIVE a (x) AS NOT MATERIALIZED (SELECT 1), \"pg_type\" (y) AS MATERIALIZED (SELECT 2) SELECT * FROM PG_TYPE, (pg_class[pg_class.relnamespace])",
        ),
        ("SELECT * FROM t AS pg_class, u pg_type", "SELECT * FROM t AS pg_class, u pg_type"),
    ]);
}

#[test]
fn statements_that_answer_the_rows_of_a_query() {
    let narrow = "SELECT 1 FROM (pg_class[pg_class.relnamespace])";
    for before in [
        "",
        "EXPLAIN ",
        "EXPLAIN ANALYZE VERBOSE ",
        "EXPLAIN (ANALYZE, FORMAT json) ",
        "PREPARE p AS ",
        "PREPARE p (int, text) AS ",
        "DECLARE c CURSOR FOR ",
        "DECLARE c BINARY NO SCROLL CURSOR WITH HOLD FOR ",
        "WITH a AS (SELECT 2) ",
    ] {
        becomes(&[(&format!("{before}SELECT 1 FROM pg_class"), &format!("{before}{narrow}"))]);
    }
    becomes(&[
        ("COPY (SELECT 1 FROM pg_class) TO STDOUT", &format!("COPY ({narrow}) TO STDOUT")),
        ("EXPLAIN (SELECT 1 FROM pg_class)", &format!("EXPLAIN ({narrow})")),
        (
            "WITH a AS (DELETE FROM pg_class RETURNING (SELECT 1 FROM pg_class)) SELECT 1 FROM a, pg_type",
            &format!(
                "WITH a AS (DELETE FROM pg_class RETURNING ({narrow})) SELECT 1 FROM a, (pg_type[pg_type.typnamespace])"
            ),
        ),
    ]);
    stays(&[
        "INSERT INTO t SELECT relname FROM pg_class",
        "UPDATE t SET a = 1 FROM pg_class",
        "DELETE FROM pg_class USING pg_type",
        "WITH a AS (SELECT 1) INSERT INTO t SELECT 1 FROM pg_class",
        "WITH a AS (SELECT 1) DELETE FROM t USING pg_class",
        "MERGE INTO t USING pg_class c ON true WHEN MATCHED THEN DO NOTHING",
        "CREATE VIEW v AS SELECT * FROM pg_class",
        "CREATE TABLE t AS SELECT * FROM pg_class",
        "EXPLAIN INSERT INTO t SELECT 1 FROM pg_class",
        "DO $$ BEGIN PERFORM 1 FROM pg_class; END $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM pg_class'",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 FROM pg_class; END",
        "COPY pg_class TO STDOUT",
        "LOCK TABLE pg_class",
        "EXECUTE pg_class",
    ]);
}

#[test]
fn system_columns_without_a_qualifier_are_still_found() {
    becomes(&[
        (
            "SELECT tableoid, oid FROM pg_class WHERE true",
            "SELECT tableoid, oid FROM pg_class<pg_class.relnamespace> WHERE true",
        ),
        (
            "SELECT ctid FROM pg_type AS t, pg_class c JOIN ONLY pg_proc p ON true",
            "SELECT ctid FROM pg_type AS t<t.typnamespace>, (pg_class c[c.relnamespace]) JOIN (ONLY pg_proc p[p.pronamespace]) ON true",
        ),
        ("SELECT c.tableoid FROM pg_class c", "SELECT c.tableoid FROM (pg_class c[c.relnamespace])"),
    ]);
}

#[test]
fn forms_that_are_not_known_stay_as_they_are() {
    stays(&[
        "SELECT * FROM pg_class AS c (a, b)",
        "SELECT * FROM ONLY (pg_class)",
        "SELECT * FROM pg_class c d",
        "SELECT * FROM pg_class TABLESAMPLE",
        "SELECT * FROM",
        "SELECT * FROM pg_class ( ) ) ) FROM pg_type",
    ]);
}

#[test]
fn a_statement_is_narrowed_so_often_and_no_more() {
    let many = |count: usize| "SELECT 1 FROM t".to_owned() + &", pg_class".repeat(count);
    let references = |count| narrowed(&many(count)).matches('[').count();
    assert_eq!((references(512), references(513)), (512, 512));
}

#[test]
fn names_and_narrowing_go_together() {
    let text = "SELECT n.nspname FROM todo.pg_catalog.pg_namespace n JOIN public.t ON t.a = n.nspname WHERE n.nspname = 'public'";
    let sent = String::from_utf8(rewrite(text.as_bytes(), &NAMES).expect("rewritten").text).expect("UTF-8");
    assert!(
        sent.starts_with("SELECT n.nspname FROM (pg_catalog.pg_namespace n JOIN (SELECT) AS stuffgate_1 ON "),
        "{sent}"
    );
    assert!(
        sent.ends_with(") JOIN stuff_todo_1.t ON t.a = n.nspname WHERE n.nspname = 'stuff_todo_1'"),
        "{sent}"
    );
}

#[test]
fn positions_behind_before_and_inside_what_was_added_lead_back() {
    let text = "SELECT 'é', x FROM pg_class c JOIN public.t ON y = 'public' WHERE z";
    let rewritten = rewrite(text.as_bytes(), &NAMES).expect("rewritten");
    let server = std::str::from_utf8(&rewritten.text).expect("UTF-8").to_owned();
    let position = |text: &str, at: usize| u32::try_from(text[..at].chars().count() + 1).expect("short");
    let of = |text: &str, what: &str| position(text, text.find(what).expect(what));
    for what in ["SELECT", "x FROM", "pg_class c", "c ", "JOIN public", ".t ON", "y = ", "WHERE z", "z"] {
        let there = what.replace("JOIN public", "JOIN stuff_todo_1");
        let found = if what == "c " {
            server.find("pg_class c").expect("there") + 9
        } else {
            server.find(&there).expect(what)
        };
        let here = if what == "c " {
            text.find("pg_class c").expect("here") + 9
        } else {
            text.find(what).expect(what)
        };
        assert_eq!(rewritten.client_position(position(&server, found)), position(text, here), "{what}");
    }
    let behind = of(text, " JOIN public");
    for inside in [" JOIN (SELECT)", "c.relnamespace", "to_regnamespace", "'public'))"] {
        assert_eq!(rewritten.client_position(of(&server, inside)), behind, "{inside}");
    }
    assert_eq!(rewritten.client_position(of(&server, "(pg_class")), of(text, "pg_class"));
    let end = rewritten.client_position(position(&server, server.len()));
    assert_eq!(end, position(text, text.len()));
}

#[test]
fn a_partition_called_public_sees_what_there_is() {
    let names = Names { schema: "public", ..NAMES };
    assert_eq!(rewrite(b"SELECT * FROM pg_class", &names), None);
}
