//! Constants and parameters of queries whose answers say `public`: which of them are the schema's name
//! though no schema column stands beside them.

mod edits;

use edits::{names_only, narrows};
use sql::{Names, Role, map_parameter, rewrite};

const NAMES: Names =
    Names { schema: "stuff_todo_1", extensions: "ext", database: "todo", store_database: "theirs" };

fn rewritten(text: &str) -> String {
    rewrite(text.as_bytes(), &NAMES).map_or_else(
        || text.to_owned(),
        |r| String::from_utf8_lossy(&names_only(text.as_bytes(), &r)).into_owned(),
    )
}

/// Each text with `#` for the schema's name in what is sent, and for `public` in what the client writes.
fn mapped(texts: &[&str]) {
    for text in texts {
        let client = text.replace('#', "public");
        let once = rewritten(&client);
        assert_eq!(once, text.replace('#', "stuff_todo_1"), "{client}");
        assert_eq!(rewritten(&once), once, "a second time: {client}");
    }
}

fn stays(texts: &[&str]) {
    for text in texts {
        assert_eq!(rewritten(text), *text);
    }
}

fn parameters(text: &str) -> Vec<(u16, Role)> {
    rewrite(text.as_bytes(), &NAMES).map(|r| r.parameters).unwrap_or_default()
}

#[test]
fn form_2_constants_of_a_query_of_the_catalog() {
    mapped(&[
        "SELECT CASE WHEN nspname = '#' THEN '#' ELSE nspname END FROM pg_namespace",
        "SELECT CASE n.nspname WHEN '#' THEN 1 END FROM pg_namespace n",
        "SELECT COALESCE('#', current_schema())",
        "SELECT COALESCE(NULLIF('#', ''), current_schema()) = '#'",
        "VALUES ('#', current_schema())",
        "SELECT * FROM (VALUES ('#'), ('x')) v (s) JOIN pg_namespace n ON n.nspname = v.s",
        "WITH wanted (s) AS (SELECT '#'::text) SELECT n.oid FROM pg_namespace n, wanted WHERE n.nspname = wanted.s",
        "SELECT 1 FROM pg_class c WHERE c.relnamespace::regnamespace::text = '#'",
        "SELECT 1 FROM pg_class c WHERE '#' = CAST(c.relnamespace AS regnamespace)::text",
        "SELECT 1 FROM pg_class c, pg_namespace n WHERE n.nspname || '.' || c.relname = '#.t'",
        "SELECT 1 FROM pg_class c WHERE c.oid::regclass::text IN ('t', '#.t')",
        "SELECT 1 FROM pg_namespace n WHERE ('#', 'x') IN ((n.nspname, 'x'))",
        "SELECT 1 FROM pg_namespace n JOIN pg_class c ON true WHERE (n.nspname, c.relname) IN (VALUES ('#', 'public'))",
        "SELECT x.s FROM (SELECT nspname AS s FROM pg_namespace) x WHERE x.s = '#'",
        "SELECT x.s FROM (SELECT upper(nspname) AS s FROM pg_namespace) x WHERE x.s = '#'",
        "SELECT x.s FROM (SELECT nspname FROM pg_namespace) AS x (s) WHERE x.s = '#'",
        "SELECT 1 FROM pg_namespace n WHERE format('%s', n.nspname) = '#'",
        "SELECT string_to_array('#', ',') @> ARRAY[nspname::text] FROM pg_namespace",
        "SELECT 1 FROM pg_namespace WHERE nspname ~ ('^(#)$') OR concat(nspname) ~ '^(#)$'",
        "SELECT '#'::name, '#'::text, '#' AS \"table_schema\" FROM pg_class",
        "SELECT json_build_object('schema', '#', 'table', relname) FROM pg_class",
        "SELECT relname FROM pg_class ORDER BY relnamespace::regnamespace::text = '#'",
        "DECLARE c CURSOR FOR SELECT coalesce('#', nspname) FROM pg_namespace",
        "EXPLAIN SELECT coalesce('#', nspname) FROM pg_namespace",
        "SELECT 1 FROM todos t, pg_class c WHERE c.relnamespace::regnamespace::text = '#'",
    ]);
    assert_eq!(
        rewritten("SELECT 1 FROM pg_namespace n WHERE ARRAY[n.nspname::text] <@ '{public,x}'"),
        "SELECT 1 FROM pg_namespace n WHERE ARRAY[n.nspname::text] <@ '{\"stuff_todo_1\",x}'"
    );
    assert_eq!(
        rewritten("SELECT '\"public\"', '\"public\".\"t\"' FROM pg_class"),
        "SELECT '\"stuff_todo_1\"', '\"stuff_todo_1\".\"t\"' FROM pg_class"
    );
}

#[test]
fn form_5_constants_that_meet_other_columns_stay() {
    stays(&[
        "SELECT relname = 'public', 'public' = relname FROM pg_class",
        "SELECT 1 FROM pg_class c WHERE c.relname IN ('public', 'x') OR c.relname LIKE 'public'",
        "SELECT 1 FROM pg_roles WHERE rolname = 'public' OR lower(rolname) = 'public'",
        "SELECT 1 FROM information_schema.table_privileges WHERE grantee = 'public'",
        "SELECT CASE relname WHEN 'public' THEN 1 END FROM pg_class",
        "SELECT coalesce(relname, '') = 'public' FROM pg_class",
        "SELECT x.t FROM (SELECT relname AS t FROM pg_class) x WHERE x.t = 'public'",
        "SELECT 'public' = ANY (attoptions) FROM pg_attribute",
        "SELECT relname IS DISTINCT FROM 'public' FROM pg_class",
        "SELECT has_table_privilege('public', 't', 'SELECT'), pg_has_role('public', 'x', 'USAGE')",
        "SELECT 'public'::regrole, 'public'::mood, to_regrole('public') FROM pg_class",
        "SELECT md5('public'), hashtext('public') FROM pg_class",
        "SELECT other.f('public') FROM pg_class",
        "SELECT 'is public. Really', 'public schema', 'publicity', 'PUBLIC' FROM pg_class",
    ]);
}

#[test]
fn form_5_data_beside_the_catalog_stays() {
    stays(&[
        "SELECT 1 FROM todos WHERE visibility = 'public' AND tableoid = 'todos'::regclass",
        "SELECT 1 FROM todos t, pg_class c WHERE lower(t.visibility) = 'public' AND c.oid = t.tableoid",
        "SELECT 1 FROM todos t, pg_class c WHERE coalesce(t.visibility, 'public') = 'public'",
        "SELECT t.data -> 'public', t.data ? 'public', t.tags @> '{public}' FROM todos t, pg_class c",
        "SELECT 'public' AS visibility, tableoid::regclass FROM todos",
        "INSERT INTO icons (name) SELECT 'public' FROM pg_class",
        "INSERT INTO icons (name) VALUES ('public') RETURNING tableoid::regclass",
        "UPDATE icons SET name = 'public' WHERE tableoid = 'icons'::regclass",
        "WITH x AS (INSERT INTO icons VALUES ('public') RETURNING 1) SELECT * FROM x, pg_class",
        "SELECT 'public' AS name INTO icons FROM pg_class",
        "SELECT 'public', title FROM todos",
    ]);
}

#[test]
fn form_4_parameters_of_a_query_of_the_catalog() {
    let table: &[(&str, &[(u16, Role)])] = &[
        ("SELECT COALESCE($1, current_schema())", &[(1, Role::Schema)]),
        ("SELECT 1 FROM pg_class c WHERE c.relnamespace::regnamespace::text = $1", &[(1, Role::Schema)]),
        (
            "SELECT 1 FROM (VALUES ($1, $2)) v (s, t) JOIN pg_namespace n ON n.nspname = v.s",
            &[(1, Role::Schema), (2, Role::Schema)],
        ),
        ("SELECT 1 FROM unnest($1::text[]) AS x, pg_namespace n WHERE n.nspname = x", &[(1, Role::Schemas)]),
        ("SELECT $1::name FROM todos, pg_class", &[(1, Role::Schema)]),
        ("SELECT 1 FROM pg_class c WHERE c.relname = $1::name", &[]),
        ("SELECT 1 FROM pg_class WHERE relname = $1 AND relkind = ANY ($2)", &[]),
        ("SELECT 1 FROM todos t, pg_class c WHERE t.visibility = $1", &[]),
        ("SELECT $1, tableoid::regclass FROM todos", &[]),
        ("INSERT INTO icons SELECT $1::name FROM pg_class", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(&parameters(text), expected, "{text}");
    }
    let map = |value: &[u8]| map_parameter(Role::QualifiedText, value, &NAMES);
    assert_eq!(map(b"public.t").as_deref(), Some(&b"stuff_todo_1.t"[..]));
    assert_eq!(map(b"\"public\".t").as_deref(), Some(&b"\"stuff_todo_1\".t"[..]));
}

#[test]
fn form_4_a_parameter_that_is_a_name_and_data_is_data() {
    let table: &[(&str, &[(u16, Role)])] = &[
        ("SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $1", &[]),
        ("INSERT INTO icons SELECT $1 FROM pg_namespace WHERE nspname = $1", &[]),
        (
            "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND ($1 IS NULL OR tablename = $2)",
            &[(1, Role::Schema)],
        ),
        ("SELECT 1 FROM pg_tables WHERE $1::text IS NULL OR schemaname = $1", &[(1, Role::Schema)]),
        (
            "SELECT 1 FROM pg_tables WHERE schemaname = $1 OR to_regclass($1) IS NOT NULL",
            &[(1, Role::Schema)],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(&parameters(text), expected, "{text}");
    }
}

#[test]
fn partitions_that_their_owners_named_keep_constants_as_they_are() {
    let names = Names { schema: "todo", ..NAMES };
    for text in
        ["SELECT COALESCE('public', current_schema()) = 'x'", "SELECT 'public', relname FROM pg_class"]
    {
        let changes =
            rewrite(text.as_bytes(), &names).map(|r| r.edits.iter().filter(|e| !narrows(e, &r)).count());
        assert!(changes.is_none_or(|count| count <= 1), "{text}");
    }
}
