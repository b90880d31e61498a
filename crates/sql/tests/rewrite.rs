//! The search path contract, form by form: what a client sends and what its partition gets.

mod edits;

use edits::names_only;
use sql::{Names, Role, map_parameter, map_search_path, rewrite, show_search_path};

const NAMES: Names =
    Names { schema: "p_todo", extensions: "ext", database: "todo", store_database: "theirs" };

/// What becomes of the names in a text.
fn rewritten(text: &str) -> String {
    rewrite(text.as_bytes(), &NAMES).map_or_else(
        || text.to_owned(),
        |r| String::from_utf8_lossy(&names_only(text.as_bytes(), &r)).into_owned(),
    )
}

/// Each text with its result; where it says `@` the partition's schema stands as an identifier.
fn becomes(table: &[(&str, &str)]) {
    for (text, expected) in table {
        let expected = expected.replace('@', "\"p_todo\"");
        let once = rewritten(text);
        assert_eq!(once, expected, "{text}");
        assert_eq!(rewritten(&once), once, "a second time: {text}");
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
fn form_1_identifiers_in_every_position() {
    becomes(&[
        ("SELECT * FROM public.todos", "SELECT * FROM @.todos"),
        ("select * from PUBLIC . todos", "select * from @ . todos"),
        (
            "CREATE TABLE a (b int REFERENCES \"public\".\"t\"(\"id\"))",
            "CREATE TABLE a (b int REFERENCES @.\"t\"(\"id\"))",
        ),
        ("DROP TYPE IF EXISTS \"public\".\"e\"", "DROP TYPE IF EXISTS @.\"e\""),
        ("COPY \"public\".\"t\" (a) FROM STDIN", "COPY @.\"t\" (a) FROM STDIN"),
        ("LOCK TABLE public.t, public.u", "LOCK TABLE @.t, @.u"),
        ("SELECT str::\"public\".\"t\", x::public.e[]", "SELECT str::@.\"t\", x::@.e[]"),
        ("SELECT public.f($1), CAST(a AS public.e)", "SELECT @.f($1), CAST(a AS @.e)"),
        ("SELECT \"public\".\"t\".\"col\" FROM \"public\".\"t\"", "SELECT @.\"t\".\"col\" FROM @.\"t\""),
        ("SELECT * FROM U&\"publ\\0069c\".t", "SELECT * FROM @.t"),
        ("SELECT * FROM U&\"publ!0069c\" UESCAPE '!' . t", "SELECT * FROM @ . t"),
        ("SELECT * FROM public /* x */ . -- y\n t", "SELECT * FROM @ /* x */ . -- y\n t"),
        ("SELECT a OPERATOR(public.+) b COLLATE public.c", "SELECT a OPERATOR(@.+) b COLLATE @.c"),
        ("SELECT a OPERATOR(public.%) b", "SELECT a OPERATOR(\"ext\".%) b"),
        ("SELECT a OPERATOR(public.*) b", "SELECT a OPERATOR(@.*) b"),
        ("UPDATE public.t SET a = public.f(1) WHERE public.t.b", "UPDATE @.t SET a = @.f(1) WHERE @.t.b"),
        (
            "INSERT INTO public.t SELECT * FROM public.u ON CONFLICT DO NOTHING",
            "INSERT INTO @.t SELECT * FROM @.u ON CONFLICT DO NOTHING",
        ),
        ("DELETE FROM ONLY public.t USING public.u", "DELETE FROM ONLY @.t USING @.u"),
        (
            "ALTER TABLE ONLY public.t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES public.u(id)",
            "ALTER TABLE ONLY @.t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES @.u(id)",
        ),
        ("ALTER SEQUENCE public.s OWNED BY public.t.id", "ALTER SEQUENCE @.s OWNED BY @.t.id"),
        ("COMMENT ON COLUMN public.t.public IS 'public.t'", "COMMENT ON COLUMN @.t.public IS 'public.t'"),
        (
            "CREATE INDEX i ON public.t USING btree (lower(public.t.a))",
            "CREATE INDEX i ON @.t USING btree (lower(@.t.a))",
        ),
        ("SELECT 1; SELECT * FROM public.t; SELECT 2", "SELECT 1; SELECT * FROM @.t; SELECT 2"),
    ]);
}

#[test]
fn form_1_in_statements_of_every_kind() {
    becomes(&[
        (
            "ALTER TYPE public.e ADD VALUE IF NOT EXISTS 'public'",
            "ALTER TYPE @.e ADD VALUE IF NOT EXISTS 'public'",
        ),
        ("ALTER TABLE public.t RENAME TO public", "ALTER TABLE @.t RENAME TO public"),
        (
            "ALTER TABLE public.t RENAME COLUMN public TO private",
            "ALTER TABLE @.t RENAME COLUMN public TO private",
        ),
        (
            "ALTER TABLE public.p ATTACH PARTITION public.q FOR VALUES FROM (1) TO (2)",
            "ALTER TABLE @.p ATTACH PARTITION @.q FOR VALUES FROM (1) TO (2)",
        ),
        (
            "CREATE TABLE public.q PARTITION OF public.p FOR VALUES IN ('public')",
            "CREATE TABLE @.q PARTITION OF @.p FOR VALUES IN ('public')",
        ),
        (
            "CREATE TABLE c (LIKE public.t INCLUDING ALL) INHERITS (public.a, public.b)",
            "CREATE TABLE c (LIKE @.t INCLUDING ALL) INHERITS (@.a, @.b)",
        ),
        (
            "CREATE UNLOGGED TABLE IF NOT EXISTS public.t AS SELECT * FROM public.u",
            "CREATE UNLOGGED TABLE IF NOT EXISTS @.t AS SELECT * FROM @.u",
        ),
        (
            "CREATE TRIGGER public BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION public.f('public')",
            "CREATE TRIGGER public BEFORE UPDATE ON @.t FOR EACH ROW EXECUTE FUNCTION @.f('public')",
        ),
        ("DROP TRIGGER public ON public.t", "DROP TRIGGER public ON @.t"),
        (
            "CREATE OR REPLACE VIEW public.v AS SELECT public.t.* FROM public.t",
            "CREATE OR REPLACE VIEW @.v AS SELECT @.t.* FROM @.t",
        ),
        (
            "REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv WITH DATA",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY @.mv WITH DATA",
        ),
        ("TRUNCATE ONLY public.t, public.u RESTART IDENTITY", "TRUNCATE ONLY @.t, @.u RESTART IDENTITY"),
        ("VACUUM (ANALYZE) public.t (public)", "VACUUM (ANALYZE) @.t (public)"),
        ("CLUSTER public.t USING i", "CLUSTER @.t USING i"),
        (
            "MERGE INTO public.t USING public.u ON t.a = u.a WHEN MATCHED THEN DELETE",
            "MERGE INTO @.t USING @.u ON t.a = u.a WHEN MATCHED THEN DELETE",
        ),
        (
            "DROP FUNCTION IF EXISTS public.f(public.e, int) CASCADE",
            "DROP FUNCTION IF EXISTS @.f(@.e, int) CASCADE",
        ),
        (
            "CREATE DOMAIN public.d AS public.e CHECK (public.f(value))",
            "CREATE DOMAIN @.d AS @.e CHECK (@.f(value))",
        ),
        (
            "CREATE CAST (public.a AS text) WITH FUNCTION public.f(public.a)",
            "CREATE CAST (@.a AS text) WITH FUNCTION @.f(@.a)",
        ),
        (
            "SELECT (public.f(1)).*, ROW(1)::public.t, NULL::public.e[]",
            "SELECT (@.f(1)).*, ROW(1)::@.t, NULL::@.e[]",
        ),
        ("CALL public.p(1)", "CALL @.p(1)"),
        (
            "ALTER PUBLICATION x ADD TABLE public.t, TABLES IN SCHEMA public",
            "ALTER PUBLICATION x ADD TABLE @.t, TABLES IN SCHEMA @",
        ),
        ("ALTER FUNCTION public.f() OWNER TO public", "ALTER FUNCTION @.f() OWNER TO public"),
        ("DECLARE c CURSOR FOR SELECT * FROM public.t", "DECLARE c CURSOR FOR SELECT * FROM @.t"),
        (
            "PREPARE p (public.e) AS SELECT * FROM public.t WHERE a = $1",
            "PREPARE p (@.e) AS SELECT * FROM @.t WHERE a = $1",
        ),
        ("EXPLAIN (ANALYZE) DELETE FROM public.t", "EXPLAIN (ANALYZE) DELETE FROM @.t"),
    ]);
}

#[test]
fn form_1_objects_of_well_known_extensions_are_found_where_extensions_live() {
    becomes(&[
        ("SELECT public.uuid_generate_v4()", "SELECT \"ext\".uuid_generate_v4()"),
        ("CREATE TABLE public.t (a public.citext)", "CREATE TABLE @.t (a \"ext\".citext)"),
        (
            "CREATE INDEX ON public.t USING gin (a public.gin_trgm_ops)",
            "CREATE INDEX ON @.t USING gin (a \"ext\".gin_trgm_ops)",
        ),
        (
            "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public",
            "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA \"ext\"",
        ),
        (
            "CREATE EXTENSION pg_trgm SCHEMA \"public\" CASCADE",
            "CREATE EXTENSION pg_trgm SCHEMA \"ext\" CASCADE",
        ),
        ("ALTER EXTENSION citext SET SCHEMA public", "ALTER EXTENSION citext SET SCHEMA \"ext\""),
    ]);
    stays(&["CREATE EXTENSION IF NOT EXISTS citext"]);
}

#[test]
fn form_1_the_schema_itself() {
    becomes(&[
        ("CREATE SCHEMA IF NOT EXISTS public", "CREATE SCHEMA IF NOT EXISTS @"),
        (
            "CREATE SCHEMA IF NOT EXISTS \"public\" AUTHORIZATION public",
            "CREATE SCHEMA IF NOT EXISTS @ AUTHORIZATION public",
        ),
        ("GRANT USAGE ON SCHEMA a, public TO PUBLIC", "GRANT USAGE ON SCHEMA a, @ TO PUBLIC"),
        ("REVOKE ALL ON SCHEMA public FROM public", "REVOKE ALL ON SCHEMA @ FROM public"),
        (
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO public",
            "GRANT SELECT ON ALL TABLES IN SCHEMA @ TO public",
        ),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO PUBLIC",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA @ GRANT ALL ON TABLES TO PUBLIC",
        ),
        (
            "COMMENT ON SCHEMA public IS 'standard public schema'",
            "COMMENT ON SCHEMA @ IS 'standard public schema'",
        ),
        ("ALTER TABLE a.t SET SCHEMA public", "ALTER TABLE a.t SET SCHEMA @"),
        ("REINDEX SCHEMA public", "REINDEX SCHEMA @"),
        (
            "IMPORT FOREIGN SCHEMA public FROM SERVER public INTO public",
            "IMPORT FOREIGN SCHEMA public FROM SERVER public INTO @",
        ),
        ("GRANT ALL ON TABLE public.t TO PUBLIC, public", "GRANT ALL ON TABLE @.t TO PUBLIC, public"),
        ("DROP SCHEMA IF EXISTS a, public", "DROP SCHEMA IF EXISTS a, @"),
    ]);
}

#[test]
fn form_2_literals_compared_with_a_schema_column() {
    becomes(&[
        (
            "SELECT 1 FROM information_schema.tables WHERE table_schema = 'public'",
            "SELECT 1 FROM information_schema.tables WHERE table_schema = 'p_todo'",
        ),
        (
            "SELECT 1 FROM pg_namespace WHERE nspname IN ('public', 'x')",
            "SELECT 1 FROM pg_namespace WHERE nspname IN ('p_todo', 'x')",
        ),
        (
            "SELECT 1 FROM pg_namespace n WHERE n.nspname LIKE 'public'",
            "SELECT 1 FROM pg_namespace n WHERE n.nspname LIKE 'p\\_todo'",
        ),
        (
            "SELECT 1 FROM pg_namespace n WHERE n.nspname NOT LIKE E'public'",
            "SELECT 1 FROM pg_namespace n WHERE n.nspname NOT LIKE E'p\\\\_todo'",
        ),
        (
            "SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.~) '^(public)$' COLLATE pg_catalog.default",
            "SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.~) '^(p_todo)$' COLLATE pg_catalog.default",
        ),
        (
            "SELECT 1 FROM pg_namespace WHERE nspname ~ '^(a|public)$'",
            "SELECT 1 FROM pg_namespace WHERE nspname ~ '^(a|p_todo)$'",
        ),
        ("SELECT 'public'::regnamespace", "SELECT '@'::regnamespace"),
        ("SELECT '\"public\"'::pg_catalog.regnamespace::oid", "SELECT '@'::pg_catalog.regnamespace::oid"),
        (
            "SELECT 1 FROM pg_tables WHERE schemaname = COALESCE('public', current_schema())",
            "SELECT 1 FROM pg_tables WHERE schemaname = COALESCE('p_todo', current_schema())",
        ),
        (
            "SELECT 1 FROM pg_namespace WHERE nspname NOT IN ('information_schema', 'pg_catalog', 'public')",
            "SELECT 1 FROM pg_namespace WHERE nspname NOT IN ('information_schema', 'pg_catalog', 'p_todo')",
        ),
        (
            "SELECT 1 FROM information_schema.schemata WHERE schema_name != 'public'",
            "SELECT 1 FROM information_schema.schemata WHERE schema_name != 'p_todo'",
        ),
        (
            "SELECT 1 FROM pg_tables WHERE 'public' = schemaname",
            "SELECT 1 FROM pg_tables WHERE 'p_todo' = schemaname",
        ),
        (
            "SELECT 1 FROM pg_tables t WHERE t.schemaname::text = 'public'::text",
            "SELECT 1 FROM pg_tables t WHERE t.schemaname::text = 'p_todo'::text",
        ),
        (
            "SELECT 1 FROM pg_tables WHERE schemaname = ANY(ARRAY['public', 'x'])",
            "SELECT 1 FROM pg_tables WHERE schemaname = ANY(ARRAY['p_todo', 'x'])",
        ),
        (
            "SELECT 1 FROM pg_tables WHERE schemaname = ANY ('{public,x}'::name[])",
            "SELECT 1 FROM pg_tables WHERE schemaname = ANY ('{@,x}'::name[])",
        ),
        (
            "SELECT 1 FROM pg_tables WHERE schemaname <> ALL (ARRAY['public'::name])",
            "SELECT 1 FROM pg_tables WHERE schemaname <> ALL (ARRAY['p_todo'::name])",
        ),
        (
            "SELECT 1 FROM pg_tables WHERE lower(schemaname) = lower('public')",
            "SELECT 1 FROM pg_tables WHERE lower(schemaname) = lower('p_todo')",
        ),
        (
            "SELECT 1 FROM pg_tables WHERE (schemaname) = (('public'))",
            "SELECT 1 FROM pg_tables WHERE (schemaname) = (('p_todo'))",
        ),
        (
            "SELECT 1 FROM pg_tables WHERE schemaname IS NOT DISTINCT FROM 'public'",
            "SELECT 1 FROM pg_tables WHERE schemaname IS NOT DISTINCT FROM 'p_todo'",
        ),
        (
            "SELECT current_schema() = 'public', 'public' = ANY(current_schemas(false))",
            "SELECT current_schema() = 'p_todo', 'p_todo' = ANY(current_schemas(false))",
        ),
        ("SELECT nspname = $$public$$ FROM pg_namespace", "SELECT nspname = $$p_todo$$ FROM pg_namespace"),
        (
            "SELECT 1 FROM pg_namespace WHERE nspname = E'publi\\x63'",
            "SELECT 1 FROM pg_namespace WHERE nspname = E'p_todo'",
        ),
        (
            "SELECT 1 FROM pg_class c, pg_namespace n WHERE (n.nspname, c.relname) IN (('public', 'public'), ('x', 'y'))",
            "SELECT 1 FROM pg_class c, pg_namespace n WHERE (n.nspname, c.relname) IN (('p_todo', 'public'), ('x', 'y'))",
        ),
        (
            "SELECT * FROM (SELECT nspname AS schema FROM pg_namespace) s WHERE schema = 'public'",
            "SELECT * FROM (SELECT nspname AS schema FROM pg_namespace) s WHERE schema = 'p_todo'",
        ),
        (
            "SELECT CASE WHEN n.nspname = 'public' THEN 'public' END FROM pg_namespace n",
            "SELECT CASE WHEN n.nspname = 'p_todo' THEN 'public' END FROM pg_namespace n",
        ),
    ]);
}

#[test]
fn form_3_literals_that_hold_a_qualified_name() {
    becomes(&[
        ("SELECT 'public.t'::regclass", "SELECT '@.t'::regclass"),
        ("SELECT '\"public\".\"t\"'::regclass::oid", "SELECT '@.\"t\"'::regclass::oid"),
        ("SELECT ('public.t')::pg_catalog.regclass", "SELECT ('@.t')::pg_catalog.regclass"),
        ("SELECT 'PUBLIC.t'::text::regclass", "SELECT '@.t'::text::regclass"),
        ("SELECT CAST('public.t' AS regclass)", "SELECT CAST('@.t' AS regclass)"),
        ("SELECT regclass 'public.t'", "SELECT regclass '@.t'"),
        ("SELECT to_regclass('public.version')", "SELECT to_regclass('@.version')"),
        ("SELECT pg_catalog.to_regtype('public.e[]')", "SELECT pg_catalog.to_regtype('@.e[]')"),
        ("SELECT setval('\"public\".\"seq\"', max(id)) FROM t", "SELECT setval('@.\"seq\"', max(id)) FROM t"),
        (
            "ALTER TABLE t ALTER a SET DEFAULT nextval('public.s'::regclass)",
            "ALTER TABLE t ALTER a SET DEFAULT nextval('@.s'::regclass)",
        ),
        ("SELECT pg_get_serial_sequence('public.t', 'id')", "SELECT pg_get_serial_sequence('@.t', 'id')"),
        (
            "SELECT has_table_privilege('public', 'public.t', 'SELECT')",
            "SELECT has_table_privilege('public', '@.t', 'SELECT')",
        ),
        ("SELECT has_schema_privilege('public', 'USAGE')", "SELECT has_schema_privilege('p_todo', 'USAGE')"),
        (
            "SELECT has_schema_privilege('public', 'public', 'USAGE')",
            "SELECT has_schema_privilege('public', 'p_todo', 'USAGE')",
        ),
        ("SELECT pg_total_relation_size('public.t')", "SELECT pg_total_relation_size('@.t')"),
        ("SELECT 'public.f(public.e, int)'::regprocedure", "SELECT '@.f(@.e, int)'::regprocedure"),
        ("SELECT '{public.a,b}'::regclass[]", "SELECT '{\"\\\"p_todo\\\".a\",b}'::regclass[]"),
        ("SELECT to_regclass('public.' || 'users')", "SELECT to_regclass('@.' || 'users')"),
        ("SELECT ('\"public\".\"' || $1 || '\"')::regclass", "SELECT ('@.\"' || $1 || '\"')::regclass"),
        (
            "SELECT format('%I.%I', 'public', 't')::regclass",
            "SELECT format('%I.%I', 'p_todo', 't')::regclass",
        ),
        (
            "SELECT (quote_ident('public') || '.t')::regclass",
            "SELECT (quote_ident('p_todo') || '.t')::regclass",
        ),
        ("SELECT to_regnamespace('public')", "SELECT to_regnamespace('@')"),
        ("SELECT 'public.uuid_generate_v4'::regproc", "SELECT '\"ext\".uuid_generate_v4'::regproc"),
    ]);
    stays(&["SELECT 'public'::regclass", "SELECT 'x.public.y'::regclass"]);
}

#[test]
fn form_4_bind_parameters_have_the_role_of_their_place() {
    let table: &[(&str, &[(u16, Role)])] = &[
        ("SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2", &[(1, Role::Schema)]),
        ("SELECT 1 FROM pg_namespace n WHERE n.nspname = $7::VARCHAR", &[(7, Role::Schema)]),
        ("SELECT 1 FROM pg_namespace n WHERE n.nspname = $1::character varying(64)", &[(1, Role::Schema)]),
        ("SELECT 1 FROM pg_namespace WHERE nspname = ANY($1)", &[(1, Role::Schemas)]),
        (
            "SELECT 1 FROM pg_namespace WHERE nspname = ANY($1::text[]) OR $2 = nspname",
            &[(1, Role::Schemas), (2, Role::Schema)],
        ),
        (
            "SELECT 1 FROM pg_namespace WHERE nspname = ANY(ARRAY[$1, $2])",
            &[(1, Role::Schema), (2, Role::Schema)],
        ),
        ("SELECT 1 FROM pg_namespace WHERE nspname IN ($1, $2)", &[(1, Role::Schema), (2, Role::Schema)]),
        ("SELECT 1 FROM pg_namespace WHERE nspname IN (SELECT unnest($1::text[]))", &[(1, Role::Schemas)]),
        (
            "SELECT 1 FROM pg_namespace WHERE nspname IN (SELECT quote_ident(unnest($1::text[])))",
            &[(1, Role::Schemas)],
        ),
        (
            "SELECT 1 FROM pg_namespace WHERE nspname LIKE $1 OR nspname ~ $2",
            &[(1, Role::SchemaPattern), (2, Role::SchemaRegex)],
        ),
        (
            "SELECT to_regtype($1), $2::regclass, CAST($3 AS text)",
            &[(1, Role::Qualified), (2, Role::Qualified)],
        ),
        ("SELECT $1::regclass[]", &[(1, Role::QualifiedNames)]),
        ("SELECT $1::regnamespace", &[(1, Role::SchemaIdentifier)]),
        ("SELECT format('%I.%I', $1, $2)::regclass", &[(1, Role::QualifiedPart), (2, Role::QualifiedPart)]),
        ("SELECT set_config('search_path', $1, true)", &[(1, Role::SearchPath)]),
        ("SELECT set_config($1, $2, $3)", &[(2, Role::ValueOf(1))]),
        ("INSERT INTO icons (name, schema_name) VALUES ($1, $2)", &[]),
        ("SELECT 1 FROM mine WHERE table_schema = $1", &[]),
        ("SELECT 1 FROM pg_class WHERE relname = $1 AND relkind = ANY($2)", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(&parameters(text), expected, "{text}");
    }
}

#[test]
fn form_4_values_are_mapped_by_their_role_in_text_and_binary() {
    let map = |role, value: &[u8]| {
        map_parameter(role, value, &NAMES).map(|v| String::from_utf8_lossy(&v).into_owned())
    };
    let table = [
        (Role::Schema, "public", Some("p_todo")),
        (Role::Schema, "Public", None),
        (Role::Schema, "x", None),
        (Role::SchemaPattern, "public", Some("p\\_todo")),
        (Role::SchemaPattern, "%", None),
        (Role::SchemaRegex, "^(public)$", Some("^(p_todo)$")),
        (Role::SchemaRegex, "public_x|is_public", None),
        (Role::SchemaIdentifier, "PUBLIC", Some("\"p_todo\"")),
        (Role::Qualified, "public.t", Some("\"p_todo\".t")),
        (Role::Qualified, "public", None),
        (Role::QualifiedPart, "public", Some("p_todo")),
        (Role::Schemas, "{public,\"a b\",NULL,\"public\"}", Some("{\"p_todo\",\"a b\",NULL,\"p_todo\"}")),
        (Role::Schemas, "{a,b}", None),
        (Role::SearchPath, "\"$user\", public", Some("\"$user\", \"p_todo\", \"ext\"")),
        (Role::SearchPath, "PUBLIC,ext", Some("\"p_todo\",ext")),
        (Role::SearchPath, "", None),
    ];
    for (role, value, expected) in table {
        assert_eq!(map(role, value.as_bytes()).as_deref(), expected, "{role:?} {value}");
    }
    let array = |elements: &[&[u8]]| {
        let mut bytes =
            [1u32, 0, 25, u32::try_from(elements.len()).expect("few"), 1].map(u32::to_be_bytes).concat();
        for element in elements {
            bytes.extend(u32::try_from(element.len()).expect("short").to_be_bytes());
            bytes.extend(*element);
        }
        bytes
    };
    let mapped = map_parameter(Role::Schemas, &array(&[b"a", b"public"]), &NAMES);
    assert_eq!(mapped, Some(array(&[b"a", b"p_todo"])));
    assert_eq!(map_parameter(Role::Schemas, &array(&[b"a"]), &NAMES), None);
    for broken in [&b"\0\0\0\x01"[..], b"\0\0\0\xff\0\0\0\0", &array(&[b"public"])[..24]] {
        assert_eq!(map_parameter(Role::Schemas, broken, &NAMES), None);
    }
}

#[test]
fn form_5_what_is_not_the_schema_stays() {
    stays(&[
        "INSERT INTO icons (name) VALUES ('public')",
        "INSERT INTO icons VALUES ('public.t', $$public.t$$, E'public.\\n')",
        "SELECT is_public, public FROM t WHERE public = 'public' AND \"Public\".a = 1",
        "GRANT SELECT ON t TO PUBLIC",
        "GRANT public TO x",
        "LISTEN public",
        "NOTIFY public, 'public.x'",
        "SELECT public.a FROM todos AS public",
        "SELECT public.a, b FROM todos public WHERE public.a = 1 ORDER BY public.a",
        "SELECT public.a FROM x JOIN public ON public.a = x.a",
        "WITH public AS (SELECT 1 AS a) SELECT public.a FROM public",
        "SELECT public.* FROM (SELECT 1) AS public",
        "UPDATE public SET a = public.b",
        "UPDATE t SET a = 1, public.x = 2",
        "SELECT a AS public, b -> 'public' ->> 'public.t' FROM t",
        "SELECT x.public.y, (x).public.y FROM t x",
        "SELECT 1 -- public.t\n/* public.t */",
        "SELECT * FROM t WHERE table_schema = 'public'",
        "SELECT jsonb_build_object('public', 1, 'schema', 'public.t')",
        "SET public.x = 'public'",
        "SHOW public.x",
        "SELECT 'SELECT * FROM public.t'",
        "CREATE TABLE t (public text, schema text DEFAULT 'public')",
        "ALTER ROLE public SET a = 'public'",
        "SELECT 1 FROM pg_class WHERE relname = 'public'",
        "SELECT 'public.t",
        "SELECT * FROM public.t WHERE a = 'unfinished",
    ]);
    becomes(&[
        (
            "SELECT public.a, public.f(1), public.t.b FROM public.t public",
            "SELECT public.a, @.f(1), @.t.b FROM @.t public",
        ),
        (
            "SELECT * FROM public.t, public.u public JOIN public.v ON public.a",
            "SELECT * FROM @.t, @.u public JOIN @.v ON public.a",
        ),
        (
            "CREATE POLICY p ON public.t FOR UPDATE TO public USING (public.f(a) AND EXISTS (SELECT 1 FROM public.u))",
            "CREATE POLICY p ON @.t FOR UPDATE TO public USING (@.f(a) AND EXISTS (SELECT 1 FROM @.u))",
        ),
        (
            "GRANT SELECT, UPDATE (public) ON public.t TO public",
            "GRANT SELECT, UPDATE (public) ON @.t TO public",
        ),
        ("REVOKE UPDATE ON public.t FROM public", "REVOKE UPDATE ON @.t FROM public"),
        (
            "ALTER TABLE public.t ALTER a TYPE int USING public::int",
            "ALTER TABLE @.t ALTER a TYPE int USING public::int",
        ),
        ("SELECT * FROM public.t FOR UPDATE OF public", "SELECT * FROM @.t FOR UPDATE OF public"),
        (
            "INSERT INTO public.t (public) VALUES (1) ON CONFLICT (public) DO UPDATE SET public = 2 RETURNING public",
            "INSERT INTO @.t (public) VALUES (1) ON CONFLICT (public) DO UPDATE SET public = 2 RETURNING public",
        ),
        (
            "WITH x AS (UPDATE public.t SET a = 1 RETURNING *) SELECT * FROM x, public.y",
            "WITH x AS (UPDATE @.t SET a = 1 RETURNING *) SELECT * FROM x, @.y",
        ),
        (
            "SELECT public.a FROM public.t JOIN (SELECT 1 AS a) public USING (a)",
            "SELECT public.a FROM @.t JOIN (SELECT 1 AS a) public USING (a)",
        ),
        ("SELECT a AS public FROM public.t", "SELECT a AS public FROM @.t"),
        ("SELECT a IS DISTINCT FROM public.f(b) FROM public.t", "SELECT a IS DISTINCT FROM @.f(b) FROM @.t"),
        (
            "SELECT extract(day FROM public.f(a)), public.t.a FROM public.t",
            "SELECT extract(day FROM @.f(a)), @.t.a FROM @.t",
        ),
    ]);
}

#[test]
fn form_6_code_that_the_server_runs_later() {
    becomes(&[
        (
            "DO $$ BEGIN CREATE TYPE \"public\".\"e\" AS ENUM('public'); EXCEPTION WHEN duplicate_object THEN null; END $$",
            "DO $$ BEGIN CREATE TYPE @.\"e\" AS ENUM('public'); EXCEPTION WHEN duplicate_object THEN null; END $$",
        ),
        (
            "DO 'BEGIN CREATE TYPE \"public\".\"e\" AS ENUM(''a''); END'",
            "DO 'BEGIN CREATE TYPE @.\"e\" AS ENUM(''a''); END'",
        ),
        (
            "DO LANGUAGE plpgsql E'BEGIN\\n PERFORM public.f();\\nEND'",
            "DO LANGUAGE plpgsql E'BEGIN\\n PERFORM @.f();\\nEND'",
        ),
        (
            "CREATE FUNCTION public.f() RETURNS public.t LANGUAGE sql AS $f$ SELECT * FROM public.t $f$",
            "CREATE FUNCTION @.f() RETURNS @.t LANGUAGE sql AS $f$ SELECT * FROM @.t $f$",
        ),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS void AS $$ BEGIN EXECUTE format('DROP TABLE public.%I', x); EXECUTE 'SELECT ''public.t'' FROM public.t'; END $$ LANGUAGE plpgsql SET search_path = public",
            "CREATE OR REPLACE FUNCTION f() RETURNS void AS $$ BEGIN EXECUTE format('DROP TABLE @.%I', x); EXECUTE 'SELECT ''public.t'' FROM @.t'; END $$ LANGUAGE plpgsql SET search_path = @, \"ext\"",
        ),
        ("CREATE FUNCTION f() RETURNS int RETURN public.g()", "CREATE FUNCTION f() RETURNS int RETURN @.g()"),
        (
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT public.g(); END",
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT @.g(); END",
        ),
    ]);
    stays(&[
        "CREATE FUNCTION f() RETURNS text LANGUAGE plpython3u AS $$ public.x $$",
        "INSERT INTO code VALUES ($$ SELECT * FROM public.t $$)",
    ]);
}

#[test]
fn form_7_names_that_the_server_puts_together_are_the_partitions_own_already() {
    stays(&[
        "SELECT ('\"' || table_schema || '\".\"' || table_name || '\"')::regclass FROM information_schema.tables",
        "SELECT 'DROP TABLE IF EXISTS \"' || schemaname || '\".\"' || tablename || '\" CASCADE' FROM pg_tables WHERE schemaname = current_schema()",
        "SELECT format('%I.%I', n.nspname, c.relname)::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace",
        "SELECT pg_get_serial_sequence(quote_ident(table_schema) || '.' || quote_ident(table_name), 'id') FROM information_schema.tables",
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname = current_schema() LOOP EXECUTE format('DROP TABLE %I.%I', r.schemaname, r.tablename); END LOOP; END $$",
    ]);
    becomes(&[(
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP EXECUTE 'DROP TABLE public.' || quote_ident(r.tablename); END LOOP; END $$",
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT tablename FROM pg_tables WHERE schemaname = 'p_todo' LOOP EXECUTE 'DROP TABLE @.' || quote_ident(r.tablename); END LOOP; END $$",
    )]);
}

#[test]
fn also_schemas_of_a_services_own_keep_their_names() {
    stays(&[
        "CREATE SCHEMA IF NOT EXISTS pgboss",
        "CREATE TABLE drizzle.__drizzle_migrations (id serial)",
        "SELECT 'graphile_worker.jobs'::regclass, to_regclass('drizzle.x')",
        "SELECT 1 FROM pg_tables WHERE schemaname = 'pgboss'",
        "LISTEN \"jobs:insert\"",
    ]);
    becomes(&[
        ("SET search_path TO pgboss, public", "SET search_path TO pgboss, @, \"ext\""),
        (
            "SELECT pgboss.f() FROM pgboss.t JOIN public.u ON true",
            "SELECT pgboss.f() FROM pgboss.t JOIN @.u ON true",
        ),
    ]);
}

#[test]
fn form_8_start_up_parameters_are_mapped_like_the_value_of_the_parameter() {
    assert_eq!(map_search_path("public", &NAMES).as_deref(), Some("\"p_todo\", \"ext\""));
    assert_eq!(map_search_path("app, \"public\"", &NAMES).as_deref(), Some("app, \"p_todo\", \"ext\""));
    assert_eq!(map_search_path("app", &NAMES), None);
}

#[test]
fn form_9_search_paths_that_are_set() {
    becomes(&[
        ("SET search_path TO \"public\"", "SET search_path TO @, \"ext\""),
        ("SET search_path = 'public'", "SET search_path = @, \"ext\""),
        (
            "SET LOCAL search_path TO public, \"$user\", \"public\"",
            "SET LOCAL search_path TO @, \"ext\", \"$user\", @",
        ),
        ("SET SESSION \"search_path\" = ext, public", "SET SESSION \"search_path\" = ext, @"),
        ("SET SCHEMA 'public'", "SET search_path TO @, \"ext\""),
        (
            "SELECT set_config('search_path', 'public, x', false)",
            "SELECT set_config('search_path', '@, \"ext\", x', false)",
        ),
        (
            "SELECT pg_catalog.set_config('search_path', '\"$user\", public', true)",
            "SELECT pg_catalog.set_config('search_path', '\"$user\", @, \"ext\"', true)",
        ),
        ("ALTER ROLE x SET search_path = public", "ALTER ROLE x SET search_path = @, \"ext\""),
    ]);
    stays(&[
        "SET search_path TO app",
        "SELECT pg_catalog.set_config('search_path', '', false)",
        "SELECT set_config('app.schema', 'public', false)",
        "SET application_name = 'public'",
    ]);
    assert_eq!(show_search_path(None), "\"$user\", public");
    assert_eq!(show_search_path(Some("public, x")), "public, x");
}

#[test]
fn form_10_going_back_to_the_default_needs_no_rewriting() {
    stays(&["RESET ALL", "DISCARD ALL", "SET search_path TO DEFAULT", "RESET search_path"]);
}

#[test]
fn error_positions_lead_back_to_the_clients_text() {
    let text = "SELECT '\u{e9}', * FROM public.t WHERE x = public.f(y)";
    let rewritten = rewrite(text.as_bytes(), &NAMES).expect("rewritten");
    let server = std::str::from_utf8(&rewritten.text).expect("UTF-8").to_owned();
    let position = |text: &str, what: &str| {
        u32::try_from(text[..text.find(what).expect(what)].chars().count() + 1).expect("short")
    };
    for what in ["SELECT", "FROM", ".t", "WHERE", ".f(", "y)"] {
        assert_eq!(rewritten.client_position(position(&server, what)), position(text, what), "{what}");
    }
    assert_eq!(rewritten.client_position(position(&server, "todo\".t")), position(text, "public.t"));
    for edit in &rewritten.edits {
        assert_eq!((&text[edit.client.clone()], &server[edit.server.clone()]), ("public", "\"p_todo\""));
    }
}

#[test]
fn the_database_is_the_one_that_the_client_connected_to() {
    let here = "pg_catalog.current_database()";
    for (text, expected) in [
        ("SELECT 1 FROM pg_database WHERE datname = 'todo'", "datname = !"),
        ("SELECT 1 FROM pg_prepared_xacts WHERE database = 'todo'", "database = !"),
        ("SELECT 1 FROM pg_stat_activity a WHERE a.datname <> 'todo'::name", "a.datname <> !::name"),
        ("SELECT * FROM information_schema.tables WHERE table_catalog = 'todo'", "table_catalog = !"),
        ("SELECT * FROM information_schema.columns c WHERE 'todo' = c.table_catalog", "! = c.table_catalog"),
        ("SELECT 1 FROM pg_database WHERE datname IN ('postgres', 'todo')", "IN ('postgres', !)"),
        ("SELECT 1 FROM pg_database WHERE datname NOT IN ('todo')", "NOT IN (!)"),
        ("SELECT 1 FROM pg_database WHERE datname LIKE 'todo'", "LIKE !"),
        ("SELECT current_database() = 'todo', current_catalog = 'todo'", "= !, current_catalog = !"),
    ] {
        let sent = rewritten(text);
        assert!(sent.contains(&expected.replace('!', here)), "{sent}");
        assert_eq!(rewritten(&sent), sent, "a second time: {text}");
    }
    becomes(&[
        ("SELECT * FROM todo.public.t", "SELECT * FROM @.t"),
        ("SELECT \"todo\".\"public\".\"t\".\"id\" FROM todo.public.t", "SELECT @.\"t\".\"id\" FROM @.t"),
        ("SELECT todo.pg_catalog.now(), 1 AS public", "SELECT pg_catalog.now(), 1 AS public"),
    ]);
    stays(&[
        "SELECT 'todo', title FROM lists WHERE title = 'todo' AND note = 'public'",
        "SELECT 1 FROM pg_database WHERE datname = 'other' OR x = 'todo'",
        "INSERT INTO t VALUES ('datname', 'todo')",
        "SELECT todo.public, todo.title FROM todo",
    ]);
}

#[test]
fn parameters_that_name_the_database_are_mapped_to_the_stores() {
    assert_eq!(
        parameters("SELECT 1 FROM pg_database WHERE datname = $1 AND oid > $2"),
        [(1, Role::Database)]
    );
    assert_eq!(
        parameters("SELECT 1 FROM information_schema.tables WHERE table_catalog IN ($1, $2)"),
        [(1, Role::Database), (2, Role::Database)]
    );
    assert_eq!(map_parameter(Role::Database, b"todo", &NAMES), Some(b"theirs".to_vec()));
    assert_eq!(map_parameter(Role::Database, b"other", &NAMES), None);
}

#[test]
fn a_partition_called_public_needs_nothing() {
    let names = Names { schema: "public", extensions: "ext", database: "todo", store_database: "theirs" };
    assert_eq!(rewrite(b"SELECT * FROM public.t WHERE nspname = $1", &names), None);
    assert_eq!(map_parameter(Role::Schema, b"public", &names), None);
}

#[test]
fn odd_names_are_quoted_for_where_they_stand() {
    let names = Names { schema: "a\"b'c\\", extensions: "ext", database: "todo", store_database: "theirs" };
    let rewritten =
        |text: &str| rewrite(text.as_bytes(), &names).map(|r| String::from_utf8(r.text).expect("UTF-8"));
    let table = [
        ("SELECT public.f()", r#"SELECT "a""b'c\".f()"#),
        ("SELECT 'public.t'::regclass", r#"SELECT '"a""b''c\".t'::regclass"#),
        ("SELECT E'public.t'::regclass", r#"SELECT E'"a""b''c\\".t'::regclass"#),
        ("SELECT nspname = 'public'", r#"SELECT nspname = 'a"b''c\'"#),
    ];
    for (text, expected) in table {
        assert_eq!(rewritten(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_name_that_needs_no_quotes_is_written_as_the_client_has_written_public() {
    let schema = "stuff_todo_0a1b2c3d";
    let names = Names { schema, extensions: "ext", database: "todo", store_database: "theirs" };
    let table = [
        ("SELECT public.f()", "SELECT {}.f()"),
        ("SELECT \"public\".f()", "SELECT \"{}\".f()"),
        ("GRANT USAGE ON SCHEMA public TO x", "GRANT USAGE ON SCHEMA {} TO x"),
        ("DO $$ BEGIN PERFORM Public.f(); END $$", "DO $$ BEGIN PERFORM {}.f(); END $$"),
    ];
    for (text, expected) in table {
        let rewritten = rewrite(text.as_bytes(), &names).map(|r| r.text).expect("another text");
        assert_eq!(String::from_utf8_lossy(&rewritten), expected.replace("{}", schema));
    }
}

#[test]
fn hostile_texts_take_time_in_proportion_to_their_length() {
    let count = 50_000;
    let texts = [
        "SELECT ".to_owned() + &"set_config(".repeat(count),
        "SELECT ".to_owned() + &"$1::numeric(".repeat(count),
        "SELECT ".to_owned() + &"((nspname)=$1)=".repeat(count),
        "SELECT ".to_owned() + &"(".repeat(count) + &"=$1)".repeat(count),
        "SELECT 1 FROM pg_class WHERE x IN (".to_owned() + &"'public', $1,".repeat(count),
        "SELECT ".to_owned() + &"nspname AS x, x = 'public', ".repeat(count) + "1 FROM pg_class",
        "CREATE SCHEMA ".to_owned() + &"SCHEMA public, ".repeat(count),
        "SET search_path TO ".to_owned() + &"public, ".repeat(count),
        "/*".repeat(count),
        "DO ".to_owned() + &"U&'public.' ".repeat(count),
        "SELECT 1 FROM pg_class".to_owned()
            + &" WHERE $1 = a OR (SELECT 'public' FROM pg_class, ".repeat(count / 4),
        "SELECT ".to_owned() + &"CASE x WHEN 'public' THEN ".repeat(count / 2) + "1 FROM pg_class",
        "SELECT 1 FROM ".to_owned() + &"pg_class TABLESAMPLE x(SELECT 1 FROM ".repeat(count / 8),
        "WITH ".to_owned() + &"pg_class (a, ".repeat(count / 4),
        "SELECT 1 ".to_owned() + &"/*stuffgate.user='a',*/".repeat(count),
    ];
    let started = std::time::Instant::now();
    for text in texts {
        let analysis = sql::analyse(text.as_bytes());
        let rewritten =
            [NAMES, Names { schema: "stuff_todo_1", ..NAMES }].map(|n| rewrite(text.as_bytes(), &n));
        std::hint::black_box((analysis, rewritten));
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
