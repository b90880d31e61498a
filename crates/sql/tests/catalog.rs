//! Queries of the catalog on a real Postgres: narrowed among others' things, they answer what they
//! answer where the partition is alone.

#![allow(clippy::panic, reason = "a store that cannot be had ends a test")]

mod edits;
mod store;

use edits::names_only;
use sql::{Names, rewrite};
use store::{SCHEMA, Store};

const NAMES: Names =
    Names { schema: SCHEMA, extensions: "extensions", database: "todo", store_database: "crowded" };

/// In the shape of what psql, pg_dump, drivers, ORMs and migration tools ask, and odd forms of it.
const QUERIES: &[&str] = &[
    // psql's lists and descriptions.
    "SELECT n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'S', '') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1, 2",
    "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname OPERATOR(pg_catalog.~) '^(todos)$' COLLATE pg_catalog.default AND n.nspname OPERATOR(pg_catalog.~) '^(public)$' COLLATE pg_catalog.default ORDER BY 2",
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'public.todos'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    "SELECT c2.relname, i.indisprimary, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true), pg_catalog.pg_get_constraintdef(con.oid, true), contype FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i LEFT JOIN pg_catalog.pg_constraint con ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p', 'u', 'x')) WHERE c.oid = 'todos'::regclass AND c.oid = i.indrelid AND i.indexrelid = c2.oid ORDER BY 1",
    "SELECT n.nspname, pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1",
    "SELECT nspname FROM pg_namespace ORDER BY 1",
    "SELECT n.nspname, p.proname, pg_catalog.pg_get_function_arguments(p.oid) FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace LEFT JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE pg_catalog.pg_function_is_visible(p.oid) AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
    "SELECT n.nspname, t.typname, ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid) AND n.nspname <> 'pg_catalog' ORDER BY 1, 2",
    "SELECT oprname, count(*) FROM pg_operator JOIN pg_namespace n ON n.oid = oprnamespace GROUP BY oprname ORDER BY 1",
    "SELECT collname FROM pg_catalog.pg_collation WHERE collnamespace > 16383 ORDER BY 1",
    "SELECT cfgname, n.nspname FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace ORDER BY 2, 1",
    "SELECT es.stxnamespace::pg_catalog.regnamespace, es.stxname FROM pg_catalog.pg_statistic_ext es ORDER BY 1, 2",
    "SELECT conname, contype FROM pg_constraint ORDER BY 1, 2",
    // pg_dump's walk.
    "SELECT tableoid::regclass, typname, typnamespace::regnamespace, (SELECT relkind FROM pg_class WHERE oid = typrelid) FROM pg_type WHERE oid > 16383 ORDER BY 2, 3",
    "SELECT c.tableoid::regclass, c.relname, c.relkind, tc.relname AS toast FROM pg_class c LEFT JOIN pg_class tc ON (c.reltoastrelid = tc.oid AND c.relkind <> 'p' AND tc.relname = '') WHERE c.relkind IN ('r', 'S', 'v', 'm') AND c.relnamespace > 16383 ORDER BY 2",
    "SELECT tableoid::regclass, defaclobjtype FROM pg_default_acl",
    // Views with a schema's name, and the information schema.
    "SELECT schemaname, tablename, tableowner FROM pg_catalog.pg_tables WHERE schemaname NOT LIKE 'pg_%' AND schemaname <> 'information_schema' ORDER BY 1, 2",
    "SELECT * FROM pg_views WHERE schemaname = 'public' ORDER BY viewname",
    "SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'todos' ORDER BY 2",
    "SELECT schemaname, sequencename, data_type FROM pg_sequences ORDER BY 1, 2",
    "SELECT schemaname, relname, n_live_tup FROM pg_stat_user_tables ORDER BY 1, 2",
    "SELECT schemaname, indexrelname FROM pg_statio_user_indexes JOIN pg_index i USING (indexrelid) ORDER BY 1, 2",
    "SELECT schemaname, tablename, attname FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3",
    "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
    "SELECT c.column_name, c.data_type, c.udt_name, c.is_nullable, c.column_default FROM information_schema.columns c WHERE c.table_schema = 'public' AND c.table_name = 'todos' ORDER BY c.ordinal_position",
    "SELECT column_name FROM information_schema.columns WHERE table_name LIKE '%todos' ORDER BY 1",
    "SELECT tc.constraint_name, tc.constraint_type, kcu.column_name, ccu.table_name FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu ON kcu.constraint_name = tc.constraint_name AND kcu.table_schema = tc.table_schema LEFT JOIN information_schema.constraint_column_usage AS ccu ON ccu.constraint_name = tc.constraint_name WHERE tc.table_schema = 'public' ORDER BY 1, 2, 3, 4",
    "SELECT schema_name FROM information_schema.schemata ORDER BY 1",
    "SELECT routine_schema, routine_name FROM information_schema.routines WHERE routine_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
    "SELECT domain_schema, domain_name FROM information_schema.domains WHERE domain_schema <> 'information_schema' ORDER BY 1, 2",
    "SELECT DISTINCT object_schema, object_type FROM information_schema.usage_privileges ORDER BY 1, 2",
    "SELECT trigger_schema, trigger_name FROM information_schema.triggers ORDER BY 1, 2",
    "SELECT count(*) FROM information_schema.data_type_privileges WHERE object_schema > 'pg_catalog'",
    // Aliases of whatever name.
    "SELECT e.nspname, s.relname FROM pg_namespace e JOIN pg_class s ON s.relnamespace = e.oid WHERE s.relname ~ 'lists$' ORDER BY 1, 2",
    "SELECT o.tgname, s.rulename, e.inhrelid FROM pg_trigger o LEFT JOIN pg_rewrite s ON s.ev_class = o.tgrelid LEFT JOIN pg_inherits e ON true WHERE NOT o.tgisinternal ORDER BY 1",
    "SELECT o.schema_name FROM information_schema.schemata AS o, pg_class e WHERE e.relname = 'open' ORDER BY 1",
    // Names put together in the server.
    "SELECT ('\"' || table_schema || '\".\"' || table_name || '\"')::regclass FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name",
    "SELECT 'DROP TABLE IF EXISTS \"' || schemaname || '\".\"' || tablename || '\" CASCADE' FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
    "SELECT pg_get_serial_sequence(quote_ident(table_schema) || '.' || quote_ident(table_name), 'id') FROM information_schema.tables WHERE table_name = 'todos'",
    // Forms that a join must leave as they are.
    "SELECT c FROM pg_namespace c WHERE c.nspname = 'information_schema'",
    "SELECT row_to_json(s) FROM pg_sequences s WHERE sequencename = 'todos_id_seq'",
    "SELECT count(*), count(c.*), count(pg_type) FROM pg_class c, pg_type WHERE c.reltype = pg_type.oid AND relnamespace > 16383",
    "SELECT pg_catalog.pg_namespace.nspname FROM pg_catalog.pg_namespace WHERE pg_namespace.tableoid = 'pg_namespace'::regclass ORDER BY 1",
    "SELECT tableoid::regclass, * FROM pg_tables_of_mine",
    "SELECT tableoid::regclass, ctid IS NOT NULL, n.nspname FROM pg_namespace n ORDER BY 3",
    "SELECT n.oid::regnamespace, n.nspname, count(c.oid) FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'v' GROUP BY n.oid ORDER BY 2",
    "SELECT nspname, relname FROM pg_namespace n NATURAL JOIN (SELECT relnamespace AS oid, relname FROM ONLY pg_class) c WHERE relname ~ 'todos' ORDER BY 2",
    "SELECT n.nspname FROM (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace) RIGHT JOIN (VALUES ('lists'), ('nothing'), ('hidden_lists')) v (name) ON c.relname = v.name ORDER BY 1 NULLS LAST",
    "SELECT x.nspname, x.tables FROM pg_namespace n, LATERAL (SELECT n.nspname, count(*) AS tables FROM pg_class * WHERE relnamespace = n.oid AND relkind = 'r') x ORDER BY 1",
    "WITH RECURSIVE pg_class AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM pg_class WHERE n < 3) SELECT n, (SELECT count(*) FROM pg_catalog.pg_class c WHERE c.relkind = 'v' AND c.relname = 'open') FROM pg_class",
    "SELECT nspname FROM pg_namespace UNION SELECT relname FROM pg_class WHERE relkind = 'm' EXCEPT (SELECT 'x') ORDER BY 1",
    "SELECT count(*) FROM pg_namespace TABLESAMPLE bernoulli (100) REPEATABLE (1)",
    "TABLE pg_sequences ORDER BY sequencename LIMIT 2",
    "SELECT nspname IS DISTINCT FROM relname, extract(day FROM interval '2 days') FROM pg_namespace JOIN pg_class ON relnamespace = pg_namespace.oid WHERE relname = 'lists'",
    "SELECT CASE WHEN nspname = 'public' THEN 'public' ELSE 'x' END FROM pg_namespace ORDER BY nspname",
    "SELECT 'public' = ANY (ARRAY(SELECT nspname FROM pg_namespace)), to_regclass('public.todos'), 'public'::regnamespace",
    "PREPARE kept (text) AS SELECT nspname FROM pg_namespace WHERE nspname = $1",
    "BEGIN; DECLARE kept CURSOR FOR SELECT nspname FROM pg_namespace ORDER BY 1; FETCH ALL FROM kept; COMMIT",
    "COPY (SELECT nspname FROM pg_namespace ORDER BY 1) TO STDOUT",
];

fn narrowed(text: &str) -> String {
    rewrite(text.as_bytes(), &NAMES)
        .map_or_else(|| text.to_owned(), |r| String::from_utf8_lossy(&r.text).into_owned())
}

/// With the partition's names, and not narrowed.
fn wide(text: &str) -> String {
    rewrite(text.as_bytes(), &NAMES).map_or_else(
        || text.to_owned(),
        |r| String::from_utf8_lossy(&names_only(text.as_bytes(), &r)).into_owned(),
    )
}

#[test]
fn a_narrowed_query_answers_as_if_the_partition_were_alone() {
    let store = Store::with_tables(3);
    let own = format!(
        "CREATE TABLE {SCHEMA}.pg_tables_of_mine (a int); GRANT ALL ON {SCHEMA}.pg_tables_of_mine TO p_todo"
    );
    store.run("alone", &own);
    store.run("crowded", &own);
    let (wide, narrow): (Vec<_>, Vec<_>) = QUERIES.iter().map(|text| (wide(text), narrowed(text))).unzip();
    let expected = store.seen("alone", &wide);
    let alone = store.seen("alone", &narrow);
    let crowded = store.seen("crowded", &narrow);
    let open = store.seen("crowded", &wide);
    assert_eq!(expected.len(), QUERIES.len());
    let mut shows_others = 0;
    for (number, text) in QUERIES.iter().enumerate() {
        assert_eq!(alone[&number], expected[&number], "where nothing is to hide: {text}");
        assert_eq!(crowded[&number], expected[&number], "among others: {text}");
        shows_others += usize::from(open[&number] != expected[&number]);
    }
    assert!(shows_others > QUERIES.len() / 2, "{shows_others} queries had something to hide");
}

#[test]
fn a_service_sees_what_it_may_use_and_its_own_temporary_things() {
    let store = Store::with_tables(0);
    let schemas = || {
        let query = narrowed(
            "SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'",
        );
        store.seen("crowded", &[query]).remove(&0).unwrap_or_default().trim().to_owned()
    };
    let own = format!("information_schema {SCHEMA}");
    assert_eq!(schemas(), own);
    store.run(
        "crowded",
        "ALTER SCHEMA public RENAME TO once; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC",
    );
    assert_eq!(
        schemas(),
        format!("information_schema once {SCHEMA}"),
        "only what is called public is hidden"
    );
    store.run("crowded", "ALTER SCHEMA once RENAME TO hers; REVOKE USAGE ON SCHEMA hers FROM PUBLIC; GRANT USAGE ON SCHEMA hidden TO p_todo");
    assert_eq!(schemas(), format!("hidden information_schema {SCHEMA}"), "what the owner opens is seen");
    store.run("crowded", "DROP SCHEMA public CASCADE");
    assert_eq!(schemas(), format!("hidden information_schema {SCHEMA}"), "a store without a public");
    let temporary = [
        "CREATE TEMP TABLE mine (a int)".to_owned(),
        narrowed(
            "SELECT count(*) FROM pg_class WHERE relname = 'mine' AND relnamespace = pg_my_temp_schema()",
        ),
        narrowed("SELECT count(*) FROM pg_tables WHERE tablename = 'mine' AND schemaname LIKE 'pg\\_temp%'"),
    ];
    let seen = store.seen("crowded", &temporary);
    assert_eq!((seen[&1].trim(), seen[&2].trim()), ("1", "1"));
}

/// The planner's guess of what a statement costs, from the first line of its plan.
fn cost(plan: &str) -> f64 {
    let costs = plan.split_once("..").map_or("", |(_, rest)| rest);
    costs.split_once(' ').and_then(|(cost, _)| cost.parse().ok()).unwrap_or(f64::NAN)
}

#[test]
fn narrowing_makes_no_query_look_dear() {
    const PRIVILEGES: &str = "SELECT c.relname, ARRAY(SELECT polname FROM pg_policy pol WHERE pol.polrelid = c.oid), ARRAY(SELECT tgname FROM pg_trigger t WHERE t.tgrelid = c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";
    let store = Store::with_tables(100);
    store.run("crowded", "ANALYZE");
    let queries: Vec<&str> =
        QUERIES.iter().copied().filter(|text| text.starts_with("SELECT")).chain([PRIVILEGES]).collect();
    let explained = |rewritten: fn(&str) -> String| {
        let all: Vec<_> = queries
            .iter()
            .filter(|text| !text.contains("pg_tables_of_mine"))
            .map(|text| format!("EXPLAIN {}", rewritten(text)))
            .collect();
        store.seen("crowded", &all)
    };
    let (open, narrow) = (explained(wide), explained(narrowed));
    for (number, plan) in &open {
        let (before, after) = (cost(plan), cost(&narrow[number]));
        // From 100,000 on, Postgres spends tenths of seconds on compiling the query.
        assert!(after < before * 4.0 + 20_000.0, "{before} becomes {after}: {}", narrow[number]);
    }
}
