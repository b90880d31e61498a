//! Rows of the catalog, errors and notifications name the partition as plain Postgres names `public`.

use crate::house::{DISTINCT_SCHEMA, House};
use crate::twin::Twins;
use testkit::frames::{bind, copy_data, copy_done, describe, execute, parse, query, sync};
use wire::frame;

/// A Bind that asks for results in binary format.
fn bind_binary(portal: &str, statement: &str) -> Vec<u8> {
    let mut out = Vec::new();
    frame::bind(&mut out, portal, statement, &[], &[], &[1]);
    out
}

/// One statement in text and binary format.
fn in_both_formats(sql: &str) -> Vec<Vec<u8>> {
    vec![
        parse("", sql),
        describe(b'S', ""),
        bind("", "", &[]),
        execute("", 0),
        bind_binary("", ""),
        describe(b'P', ""),
        execute("", 0),
        sync(),
    ]
}

/// What every test of this file finds in the schema.
const SET_UP: &str = "CREATE TABLE public.todos (id int PRIMARY KEY, title text);
    CREATE TABLE items (todo int REFERENCES public.todos, state text);
    CREATE TYPE public.mood AS ENUM ('glad', 'sad');
    CREATE VIEW public.titles AS SELECT t.title, m.m FROM public.todos t, (SELECT 'sad'::public.mood AS m) m;
    CREATE FUNCTION public.twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 2 * i';
    CREATE FUNCTION anchored() RETURNS int LANGUAGE sql SET search_path = \"$user\", public, pg_temp AS 'SELECT 1';
    INSERT INTO todos SELECT i, 'title ' || i FROM generate_series(1, 5) i";

/// Statements whose rows name the schema.
const STATEMENTS: [&str; 32] = [
    "SELECT current_schema()",
    "SELECT current_schema, current_schema()::text",
    "SELECT nspname FROM pg_namespace WHERE nspname = 'public'",
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name IN ('todos', 'items') ORDER BY 2",
    "SELECT schemaname, tablename FROM pg_tables WHERE tablename = 'todos'",
    "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname ~ '^(todos|items)$' ORDER BY 2",
    "SELECT 'todos'::regclass::text, 'public.todos'::regclass::text || 'x'",
    "SELECT 'public'::regnamespace::text",
    "SELECT format_type('mood'::regtype, NULL), 'public.mood'::regtype::text",
    "SELECT 'twice(int)'::regprocedure::text, 'public.twice'::regproc::text",
    "SELECT pg_get_viewdef('titles'), pg_get_viewdef('public.titles'::regclass, true)",
    "SELECT pg_get_functiondef('twice'::regproc)",
    "SELECT pg_get_indexdef('todos_pkey'::regclass)",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'items'::regclass",
    "SELECT definition FROM pg_views WHERE viewname = 'titles'",
    "SELECT json_build_object('schema', nspname, 'all', ARRAY[nspname, 'x']) FROM pg_namespace WHERE nspname = 'public'",
    "SELECT jsonb_build_object('schema', nspname) FROM pg_namespace WHERE nspname = 'public'",
    "SELECT array_agg(nspname) FROM pg_namespace WHERE nspname IN ('pg_catalog', 'public')",
    "SELECT array_agg(nspname::text || '.x') FROM pg_namespace WHERE nspname = 'public'",
    "SELECT ARRAY[[nspname, NULL], ['a', nspname]] FROM pg_namespace WHERE nspname = 'public'",
    "SELECT ROW(nspname, 1, NULL, ARRAY[nspname]) FROM pg_namespace WHERE nspname = 'public'",
    "SELECT array_agg(ROW(nspname, 'x')) FROM pg_namespace WHERE nspname = 'public'",
    "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relname = 'todos'",
    "SELECT current_setting('search_path'), 1",
    "SELECT setting, reset_val, boot_val FROM pg_settings WHERE name = 'search_path'",
    "SELECT proconfig FROM pg_proc WHERE proname = 'anchored'",
    "SELECT pg_get_functiondef('anchored'::regproc)",
    "SELECT tableoid::regclass::text, id FROM todos ORDER BY id LIMIT 2",
    "INSERT INTO todos VALUES (6, 'six') RETURNING tableoid::regclass::text, id",
    "DELETE FROM todos WHERE id = 6 RETURNING id, current_schema()",
    "EXPLAIN (VERBOSE, COSTS OFF) SELECT id, public.twice(id) FROM public.todos",
    "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT title FROM public.titles",
];

async fn agree(twins: &mut Twins, script: Vec<(&str, Vec<Vec<u8>>)>) {
    let mut differ = Vec::new();
    for (what, messages) in &script {
        differ.extend(twins.agree(what, messages).await);
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn rows_of_the_catalog_are_those_of_plain_postgres() {
    let mut twins = Twins::apart(1).await;
    let mut script = vec![("set up", vec![query(SET_UP)])];
    for sql in STATEMENTS {
        script.push((sql, vec![query(sql)]));
        script.push((sql, in_both_formats(sql)));
    }
    agree(&mut twins, script).await;
}

#[tokio::test]
async fn rows_of_the_catalog_are_the_same_behind_a_path_of_the_clients_own() {
    let mut twins = Twins::apart(1).await;
    let mut script = vec![("set up", vec![query(SET_UP)])];
    for path in ["pg_catalog", "public", "pg_catalog, public"] {
        script.push((path, vec![query(&format!("SET search_path = {path}"))]));
        for sql in [
            "SELECT current_schema(), (current_schemas(true))[1:2]",
            "SELECT 'public.todos'::regclass::text, format_type('public.mood'::regtype, NULL)",
            "SELECT pg_get_viewdef('public.titles'::regclass)",
            "SHOW search_path",
            "SELECT current_setting('search_path') AS path, 1",
            "SELECT array_remove(current_schemas(true), 'stuffgate_ext')",
        ] {
            script.push((sql, vec![query(sql)]));
            script.push((sql, in_both_formats(sql)));
        }
    }
    agree(&mut twins, script).await;
}

#[tokio::test]
async fn rows_come_from_cursors_portals_and_copies_as_well() {
    let mut twins = Twins::apart(1).await;
    let catalog =
        "SELECT i, n.nspname FROM generate_series(1, 5) i, pg_namespace n WHERE n.nspname = 'public'";
    let declare = format!("DECLARE c CURSOR FOR {catalog}");
    let hold = format!("DECLARE h CURSOR WITH HOLD FOR {catalog}");
    let script = vec![
        ("set up", vec![query(SET_UP)]),
        (
            "a cursor",
            vec![
                query("BEGIN"),
                query(&declare),
                query("FETCH 2 FROM c"),
                query("SELECT 1"),
                query("FETCH c"),
            ],
        ),
        (
            "its rest, by the extended protocol",
            [in_both_formats("FETCH ALL FROM c"), vec![query("COMMIT")]].concat(),
        ),
        (
            "a cursor in one message",
            vec![query(&format!("BEGIN; {declare}; FETCH 2 FROM c; COMMIT; SELECT 1"))],
        ),
        (
            "a cursor that the extended protocol declares",
            vec![
                query("BEGIN"),
                parse("", &declare),
                bind("", "", &[]),
                execute("", 0),
                parse("f", "/* next */ FETCH 1 FROM c"),
                bind("", "f", &[]),
                execute("", 0),
                bind("", "f", &[]),
                execute("", 0),
                execute("c", 1),
                sync(),
                query("COMMIT"),
            ],
        ),
        (
            "with hold",
            vec![
                query(&hold),
                query("FETCH 2 FROM h"),
                query("BEGIN; COMMIT"),
                query("FETCH 2 FROM h"),
                query("CLOSE h"),
            ],
        ),
        (
            "a portal that is suspended and described",
            vec![
                query("BEGIN"),
                parse("", catalog),
                bind("p", "", &[]),
                execute("p", 2),
                describe(b'P', "p"),
                execute("p", 2),
                sync(),
                execute("p", 0),
                sync(),
                query("COMMIT"),
            ],
        ),
        (
            "sql prepare",
            vec![
                query(&format!("PREPARE ps AS {catalog}")),
                query("EXECUTE ps"),
                bind_binary("", "ps"),
                execute("", 0),
                sync(),
                query("DEALLOCATE ps"),
            ],
        ),
        (
            "copies",
            ["", ", FORMAT csv, HEADER", ", FORMAT binary"]
                .map(|format| query(&format!("COPY ({catalog}) TO STDOUT WITH (ENCODING 'UTF8'{format})")))
                .to_vec(),
        ),
        (
            "several statements",
            vec![query(
                "SELECT 1; SELECT current_schema(); SELECT 2; COPY (SELECT current_schema()) TO STDOUT",
            )],
        ),
        (
            "one that is cut at a binding",
            vec![query(
                "SELECT current_schema(); BEGIN; SELECT current_schema(); COMMIT; SELECT current_schema()",
            )],
        ),
        ("copy in", vec![query("COPY todos FROM STDIN"), copy_data(b"7\tpublic\n"), copy_done()]),
        (
            "an error in the middle",
            vec![query("SELECT current_schema(); SELECT 1/0; SELECT current_schema()")],
        ),
    ];
    agree(&mut twins, script).await;
}

#[tokio::test]
async fn errors_and_notices_are_those_of_plain_postgres() {
    let mut twins = Twins::apart(1).await;
    let raises = "CREATE FUNCTION public.raises() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        RAISE NOTICE 'in % and %', current_schema(), 'public.todos'::regclass USING DETAIL = current_schema(), HINT = current_schema();
        PERFORM * FROM public.missing; END $$";
    let script = [
        SET_UP,
        "SELECT * FROM public.missing",
        "SELECT public.missing(1)",
        "INSERT INTO public.todos VALUES (1, 'again')",
        "INSERT INTO items VALUES (99)",
        "SELECT 'angry'::public.mood",
        "DROP TABLE public.todos",
        "DROP VIEW public.todos",
        "CREATE TABLE public.todos (i int)",
        "CREATE TABLE IF NOT EXISTS public.todos (i int)",
        "DROP TABLE IF EXISTS public.missing",
        "ALTER TABLE public.todos ADD COLUMN title text",
        "BEGIN; DROP TABLE todos CASCADE; ROLLBACK",
        raises,
        "SELECT public.raises()",
        "SELECT 1 FROM public.todos WHERE public.missing = 1",
        "SELECT id FROM public.todos t, public.items i WHERE public.todos.id = 1",
    ];
    agree(&mut twins, script.iter().map(|sql| (*sql, vec![query(sql)])).collect()).await;
}

#[tokio::test]
async fn data_that_says_the_true_name_is_nobodys_to_change() {
    let house = House::distinct(1).await;
    let mut alice = house.user("alice").await;
    let sql = format!("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('{DISTINCT_SCHEMA}.x')");
    let made = alice.simple(&sql).await.expect("an answer");
    assert!(made.errors.is_empty(), "{:?}", made.errors);
    let expected = format!("{DISTINCT_SCHEMA}.x");
    let read = alice.simple("SELECT note FROM public.notes").await.expect("an answer");
    assert_eq!(read.value(), Some(&*expected));
    let read = alice.extended("SELECT note FROM notes", &[]).await.expect("an answer");
    assert_eq!(read.value(), Some(&*expected));
    alice.send(&query("SELECT current_schema(); COPY notes TO STDOUT")).await.expect("sent");
    let came = alice.frames_until(b'Z').await.expect("an answer");
    let copied: Vec<_> =
        came.iter().filter(|frame| frame.tag == b'd').map(|frame| frame.body.to_vec()).collect();
    assert_eq!(copied, [format!("{expected}\n").into_bytes()]);
    let row = came.iter().find(|frame| frame.tag == b'D').expect("a row");
    assert!(row.body.ends_with(b"public"));
}

#[tokio::test]
async fn a_prepared_statement_shows_the_same_on_every_server() {
    let house = House::distinct(2).await;
    let mut client = house.service().await;
    let sql = "SELECT current_schema(), (SELECT name FROM public.whose), 'public.whose'::regclass::text";
    client.simple("SET stuffgate.user = 'alice'").await.expect("bound");
    client.send(&[parse("s", sql), sync()].concat()).await.expect("sent");
    client.frames_until(b'Z').await.expect("an answer");
    for user in ["alice", "bob", "alice", "bob"] {
        client.simple(&format!("SET stuffgate.user = '{user}'")).await.expect("bound");
        client.send(&[bind("", "s", &[]), execute("", 0), sync()].concat()).await.expect("sent");
        let answer = client.answer().await.expect("an answer");
        let row: Vec<_> = answer.rows.first().expect("a row").iter().map(|value| value.as_deref()).collect();
        assert_eq!(row, [Some("public"), Some(user), Some("whose")]);
        let split =
            format!("SELECT current_schema(); SET stuffgate.user = '{user}'; SELECT current_schema()");
        let answer = client.simple(&split).await.expect("an answer");
        assert_eq!(answer.rows.len(), 2);
        for row in &answer.rows {
            assert_eq!(row.first().and_then(|value| value.as_deref()), Some("public"));
        }
    }
}

#[tokio::test]
async fn a_session_knows_its_own_notifications_by_the_process_it_was_told() {
    let house = House::distinct(3).await;
    let mut alice = house.user("alice").await;
    let mut other = house.user("alice").await;
    for listener in [&mut alice, &mut other] {
        listener.simple("LISTEN news").await.expect("an answer");
    }
    alice.send(&query("NOTIFY news, 'from alice'")).await.expect("sent");
    let own = alice.frames_until(b'Z').await.expect("an answer");
    let own = own.iter().find(|frame| frame.tag == b'A').expect("a notification");
    assert_eq!(own.number(0), alice.cancel_key.0);
    assert_eq!(own.texts(4), ["news", "from alice"]);
    let heard = other.frames_until(b'A').await.expect("a notification");
    let heard = heard.last().expect("one");
    assert_ne!(heard.number(0), other.cancel_key.0);
    assert_eq!(heard.texts(4), ["news", "from alice"]);
}
