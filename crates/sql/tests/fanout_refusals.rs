//! Fan-outs that are refused: by what SQLSTATE, in which words, and with a hint.
#![allow(clippy::panic, clippy::expect_used)]

mod home;

use sql::fanout::{Query, Refusal, Tier, Unfit, Wishes};

fn refusal(text: &str) -> Option<Refusal> {
    let query = match Query::read(text) {
        Ok(query) => query,
        Err(refusal) => return Some(refusal),
    };
    match query.shape(&home::catalog(&query), Tier::Gather, &Wishes::default()) {
        Err(Unfit::Refused(refusal)) => Some(refusal),
        Err(Unfit::NotAtThisTier(reason)) => panic!("{text}: {reason}"),
        Ok(_) => None,
    }
}

/// Statements that are understood and refused, and a word of what is said.
const FORBIDDEN: [(&str, &str); 95] = [
    ("INSERT INTO todos (title) VALUES ('x')", "INSERT"),
    ("UPDATE todos SET done = true", "UPDATE"),
    ("DELETE FROM todos", "DELETE"),
    ("MERGE INTO todos USING lists ON true WHEN MATCHED THEN DELETE", "MERGE"),
    ("TRUNCATE todos", "TRUNCATE"),
    ("CREATE TABLE x (id int)", "CREATE"),
    ("CREATE TABLE x AS SELECT * FROM todos", "CREATE"),
    ("ALTER TABLE todos ADD x int", "ALTER"),
    ("DROP TABLE todos", "DROP"),
    ("GRANT SELECT ON todos TO PUBLIC", "GRANT"),
    ("REVOKE SELECT ON todos FROM PUBLIC", "REVOKE"),
    ("COMMENT ON TABLE todos IS 'x'", "COMMENT"),
    ("COPY todos FROM STDIN", "COPY FROM"),
    ("COPY todos TO '/tmp/x'", "file or program"),
    ("EXPLAIN (FORMAT xml) SELECT 1", "FORMAT xml"),
    ("COPY (SELECT * FROM todos) TO '/tmp/x'", "file or program"),
    ("COPY (SELECT * FROM todos) TO PROGRAM 'cat'", "file or program"),
    ("COPY (DELETE FROM todos RETURNING id) TO STDOUT", "DELETE"),
    ("SELECT * INTO x FROM todos", "SELECT INTO"),
    ("SELECT * FROM todos FOR UPDATE", "FOR UPDATE"),
    ("SELECT * FROM todos FOR SHARE OF todos NOWAIT", "FOR UPDATE"),
    ("SELECT * FROM (SELECT * FROM todos FOR UPDATE) s", "FOR UPDATE"),
    ("SELECT * FROM todos FOR KEY SHARE SKIP LOCKED", "FOR UPDATE"),
    ("SELECT * FROM todos FOR NO KEY UPDATE", "FOR UPDATE"),
    ("SELECT * FROM todos TABLESAMPLE system (10)", "TABLESAMPLE"),
    ("LISTEN x", "LISTEN"),
    ("NOTIFY x, 'y'", "NOTIFY"),
    ("UNLISTEN *", "UNLISTEN"),
    ("WITH x AS (DELETE FROM todos RETURNING id) SELECT * FROM x", "only reads"),
    ("WITH x AS (INSERT INTO todos (id) VALUES (1) RETURNING id) SELECT * FROM x", "only reads"),
    ("WITH x AS (UPDATE todos SET done = true RETURNING id) SELECT * FROM x", "only reads"),
    ("CALL p()", "CALL"),
    ("DO $$ BEGIN END $$", "DO"),
    ("LOCK TABLE todos", "LOCK"),
    ("VACUUM todos", "VACUUM"),
    ("ANALYZE todos", "ANALYZE"),
    ("REINDEX TABLE todos", "REINDEX"),
    ("CLUSTER todos", "CLUSTER"),
    ("REFRESH MATERIALIZED VIEW matview", "REFRESH"),
    ("EXPLAIN ANALYZE SELECT * FROM todos", "EXPLAIN ANALYZE"),
    ("EXPLAIN (COSTS off, ANALYZE) SELECT * FROM todos", "EXPLAIN ANALYZE"),
    ("EXPLAIN DELETE FROM todos", "DELETE"),
    ("SELECT 1; SELECT 2", "one statement at a time"),
    ("SELECT ctid FROM todos", "ctid"),
    ("SELECT t.ctid FROM todos t", "ctid"),
    ("SELECT xmin FROM todos", "xmin"),
    ("SELECT todos.xmax FROM todos", "xmax"),
    ("SELECT max(cmin::text) FROM todos", "cmin"),
    ("SELECT id FROM todos WHERE tableoid = 'todos'::regclass", "tableoid"),
    ("SELECT pg_column_size(title) FROM todos", "pg_column_size"),
    ("SELECT array_agg(u.*) FROM todos t", "argument"),
    ("SELECT (t).own_volatile FROM todos t", "own_volatile"),
    ("SELECT t.own_immutable FROM todos t", "no column"),
    ("SELECT random()", "random"),
    ("SELECT * FROM todos ORDER BY random()", "random"),
    ("SELECT nextval('todos_id_seq')", "nextval"),
    ("SELECT clock_timestamp() FROM todos", "clock_timestamp"),
    ("SELECT timeofday()", "timeofday"),
    ("SELECT pg_catalog.gen_random_uuid(), id FROM todos", "gen_random_uuid"),
    ("SELECT setseed(0)", "setseed"),
    ("SELECT pg_sleep(1) FROM todos", "pg_sleep"),
    ("SELECT lo_get(1)", "lo_get"),
    ("SELECT set_config('search_path', 'x', false)", "set_config"),
    ("SELECT txid_current()", "txid_current"),
    ("SELECT * FROM pg_read_file('x')", "pg_read_file"),
    ("SELECT query_to_xml('SELECT * FROM todos', true, true, '')", "query_to_xml"),
    ("SELECT table_to_xml('todos', true, true, '')", "table_to_xml"),
    ("SELECT schema_to_xml('public', true, true, '')", "schema_to_xml"),
    ("SELECT database_to_xml(true, true, '')", "database_to_xml"),
    ("SELECT cursor_to_xml('c', 1, true, true, '')", "cursor_to_xml"),
    ("SELECT * FROM ts_stat('SELECT title::tsvector FROM todos')", "ts_stat"),
    ("SELECT own_stable() FROM todos", "own_stable"),
    ("SELECT id FROM todos WHERE own_volatile(id)", "own_volatile"),
    ("SELECT * FROM matview", "neither a table nor a view"),
    ("SELECT last_value FROM todos_id_seq", "neither a table nor a view"),
    ("SELECT * FROM foreign_table", "neither a table nor a view"),
    ("SELECT r FROM rolls", "random"),
    ("SELECT count(*) FROM empty", "no columns"),
    ("SELECT to_json(t), _store FROM todos t", "whole row"),
    ("SELECT xmlelement(NAME a, id) FROM todos FOR UPDATE", "FOR UPDATE"),
    ("SELECT xmlelement(NAME a, id) FROM todos FOR NO KEY UPDATE", "FOR UPDATE"),
    ("SELECT xmlelement(NAME a, id) INTO x FROM todos", "SELECT INTO"),
    ("WITH x AS (DELETE FROM todos RETURNING id) SELECT xmlelement(NAME a, id) FROM x", "only reads"),
    ("WITH x AS (UPDATE todos SET id = 1 RETURNING id) SELECT xmlelement(NAME a, id) FROM x", "only reads"),
    ("WITH x AS (INSERT INTO todos (id) VALUES (1) RETURNING id) SELECT xmlelement(NAME a) FROM x", "INTO"),
    ("SELECT xmlelement(NAME a, id) FROM todos TABLESAMPLE system (10)", "TABLESAMPLE"),
    ("SELECT xmlelement(NAME a, t.ctid) FROM todos t", "ctid"),
    ("SELECT xmlelement(NAME a, random()) FROM todos", "random"),
    ("SELECT xmlelement(NAME a, pg_catalog.random()) FROM todos", "random"),
    ("SELECT xmlelement(NAME a, \"random\"()) FROM todos", "random"),
    ("SELECT xmlelement(NAME a, (t).own_stable) FROM todos t", "own_stable"),
    ("SELECT xmlelement(NAME a, r) FROM rolls", "random"),
    ("SELECT xmlelement(NAME a, id) FROM matview", "neither a table nor a view"),
    ("SELECT *, _store FROM todos NATURAL JOIN lists", "NATURAL JOIN"),
    ("SELECT public.todos.id FROM public.todos, audit.todos", "both called todos"),
];

#[test]
fn what_is_forbidden_is_refused_with_a_hint() {
    for (text, word) in FORBIDDEN {
        let refusal = refusal(text).unwrap_or_else(|| panic!("{text}: not refused"));
        assert_eq!(refusal.sqlstate, "0A000", "{text}: {refusal:?}");
        assert!(refusal.message.contains(word), "{text}: {refusal:?}");
        assert!(refusal.hint.len() > 10, "{text}: {refusal:?}");
        assert!(!refusal.unread, "{text}: {refusal:?}");
    }
}

#[test]
fn what_is_not_understood_leaves_the_word_to_home() {
    let unread = [
        "",
        "  -- nothing\n",
        "SELEC 1",
        "SELECT 'x",
        "SELECT \"x",
        "SELECT $x$ y",
        "EXPLAIN",
        "COPY (SELECT 1",
        "DECLARE c CURSOR FOR SELECT * FROM todos",
        "FETCH 1 FROM c",
        "MOVE 1 FROM c",
        "CLOSE c",
        "PREPARE p AS SELECT * FROM todos",
        "EXECUTE p",
        "1",
        "SELECT xmlelement(NAME a, id, _store) FROM todos",
        "SELECT xmlelement(NAME a, id) FROM ONLY todos",
        "SELECT xmlelement(NAME a, t.id) FROM todos t, audit.todos u",
    ];
    for text in unread {
        let refusal = refusal(text).unwrap_or_else(|| panic!("{text}: not refused"));
        assert!(refusal.unread, "{text}: {refusal:?}");
        assert_eq!(refusal.sqlstate, "0A000", "{text}");
        assert!(!refusal.hint.is_empty(), "{text}");
    }
}

/// Home says what is wrong with those that are; the others are run there.
#[test]
fn what_the_parser_does_not_know_is_home_s_to_judge_and_to_run() {
    let texts = [
        "SELECT * FROM todos WHERE id = = 1",
        "SELECT (1 FROM todos",
        "SELECT 1 FROM todos)",
        "SELECT * EXCEPT (id) FROM todos",
        "SELECT * FROM todos LIMIT 1, 2",
        "SELECT concat(VARIADIC ARRAY[title]) FROM todos",
        "SELECT a FROM todos, ROWS FROM (generate_series(1, 2), generate_series(1, 3)) AS r(a, b)",
    ];
    for text in texts {
        let query = Query::read(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
        let catalog = home::catalog(&query);
        assert_eq!(query.described(&catalog).expect("described"), text);
        for tier in [Tier::Stream, Tier::Fold, Tier::Combine] {
            let unfit = query.shape(&catalog, tier, &Wishes::default()).expect_err("no tree");
            assert!(matches!(unfit, Unfit::NotAtThisTier(_)), "{text}: {unfit}");
        }
        assert_eq!(refusal(text), None, "{text}");
        let floor = Wishes { floor: 2, bare: false };
        let unfit = query.shape(&catalog, Tier::Gather, &floor).expect_err("rows are not to be shown");
        assert!(matches!(unfit, Unfit::Refused(Refusal { sqlstate: "42501", .. })), "{text}: {unfit}");
    }
}

#[test]
fn a_table_that_home_does_not_know_is_home_s_to_tell() {
    let refusal = refusal("SELECT * FROM nowhere").expect("refused");
    assert_eq!(refusal.sqlstate, "42P01");
}
