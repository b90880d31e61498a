//! Fan-outs whose rows pass through the gate: what stores are asked, and which orders are kept.
#![allow(clippy::panic, clippy::expect_used)]

use sql::fanout::{
    Answered, Bound, Catalog, Column, Comparison, Discloses, Function, Parameter, Plan, Query, Relation,
    RelationKind, SortKey, Tier, Type, Types, Unfit, Wishes,
};

fn kind(oid: u32, name: &str, category: char) -> Type {
    let array = Some(format!("{name}[]"));
    Type { oid, name: name.to_owned(), array, category, collatable: category == 'S' }
}

fn int4() -> Type {
    kind(23, "integer", 'N')
}

fn int8() -> Type {
    kind(20, "bigint", 'N')
}

fn text() -> Type {
    kind(25, "text", 'S')
}

fn catalog(query: &Query) -> Catalog {
    let columns = [
        ("id", int4()),
        ("title", text()),
        ("done", kind(16, "boolean", 'B')),
        ("price", kind(1700, "numeric", 'N')),
        ("ratio", kind(701, "double precision", 'N')),
        ("state", kind(16_500, "state", 'E')),
        ("of", kind(2205, "regclass", 'N')),
        ("made", kind(1184, "timestamp with time zone", 'D')),
        ("code", text()),
    ];
    let column = |(name, kind): (&str, Type)| Column {
        name: name.to_owned(),
        kind,
        not_null: false,
        bytewise: name == "code",
    };
    let columns: Vec<Column> = columns.into_iter().map(column).collect();
    let lookup = query.lookup();
    let relation = |called: sql::fanout::Called| {
        let kind =
            if called.name == "v" { RelationKind::View("SELECT 1".into()) } else { RelationKind::Table };
        let width = if called.name == "items" { 2 } else { columns.len() };
        let columns = columns.iter().take(width).cloned().collect();
        Relation { called, schema: "public".into(), kind, columns, keys: Vec::new() }
    };
    let function = |called: sql::fanout::Called| {
        let kind = if matches!(called.name.as_str(), "count" | "sum") { 'a' } else { 'f' };
        let returns_set = called.name == "generate_series";
        let schema = if called.name == "own" { "public" } else { "pg_catalog" };
        let (schema, extension, volatility) = (schema.to_owned(), false, 'i');
        Function { called, schema, extension, kind, volatility, returns_set, arguments: 0..=usize::MAX }
    };
    Catalog {
        relations: lookup.relations.into_iter().map(relation).collect(),
        functions: lookup.functions.into_iter().map(function).collect(),
    }
}

/// The probe and the plan; home says that the probe's columns are of `columns`, parameters of `parameters`.
fn planned(query: &str, columns: &[Type], parameters: &[Type]) -> Result<(String, Plan), Unfit> {
    let query = Query::read(query).expect("a query");
    let shape = query.shape(&catalog(&query), Tier::Stream, &Wishes::default())?;
    let probe = shape.probe().expect("a probe").to_owned();
    let types = Types { columns: columns.to_vec(), parameters: parameters.to_vec(), ..Types::default() };
    Ok((probe, shape.plan(&types)?))
}

fn asked(query: &str, columns: &[Type], parameters: &[Type]) -> Plan {
    planned(query, columns, parameters).unwrap_or_else(|unfit| panic!("{query}: {unfit}")).1
}

#[test]
fn stores_are_asked_for_the_rows_alone() {
    let table: &[(&str, &[Type], &str)] = &[
        ("SELECT id FROM todos", &[int4()], r#"SELECT "todos"."id" FROM "todos" AS "todos""#),
        (
            "select T.title, id+1 as n from public.Todos t where done and t.id in (1, 2)",
            &[text(), int4()],
            r#"SELECT "t"."title", "t"."id" + 1 FROM "todos" AS "t" WHERE "t"."done" AND "t"."id" IN (1, 2)"#,
        ),
        (
            "SELECT id FROM todos LIMIT 5 OFFSET 7",
            &[int4()],
            r#"SELECT "todos"."id" FROM "todos" AS "todos" LIMIT 12"#,
        ),
        (
            "SELECT id FROM todos OFFSET 2 FETCH FIRST ROW ONLY",
            &[int4()],
            r#"SELECT "todos"."id" FROM "todos" AS "todos" LIMIT 3"#,
        ),
        ("SELECT id FROM todos OFFSET 2", &[int4()], r#"SELECT "todos"."id" FROM "todos" AS "todos""#),
        ("SELECT id FROM todos LIMIT ALL", &[int4()], r#"SELECT "todos"."id" FROM "todos" AS "todos""#),
        (
            "SELECT price, -id AS m FROM todos ORDER BY m NULLS FIRST, price DESC, done",
            &[
                kind(1700, "numeric", 'N'),
                int4(),
                int4(),
                kind(1700, "numeric", 'N'),
                kind(16, "boolean", 'B'),
            ],
            "SELECT \"todos\".\"price\", -\"todos\".\"id\", -\"todos\".\"id\", \"todos\".\"price\", \"todos\".\"done\" \
             FROM \"todos\" AS \"todos\" ORDER BY 3 ASC NULLS FIRST, 4 DESC NULLS FIRST, 5 ASC NULLS LAST",
        ),
        (
            "SELECT code FROM todos ORDER BY code DESC",
            &[text(), text()],
            "SELECT \"todos\".\"code\", \"todos\".\"code\" COLLATE pg_catalog.\"C\" FROM \"todos\" AS \"todos\" \
             ORDER BY 2 DESC NULLS FIRST",
        ),
        (
            "SELECT id FROM todos ORDER BY 1 LIMIT 3",
            &[int4(), int4()],
            "SELECT \"todos\".\"id\", \"todos\".\"id\" FROM \"todos\" AS \"todos\" ORDER BY 2 ASC NULLS LAST LIMIT 3",
        ),
    ];
    for (query, columns, sql) in table {
        assert_eq!(asked(query, columns, &[]).pieces[0].sql, *sql, "{query}");
    }
}

#[test]
fn a_star_is_homes_columns_in_homes_order() {
    let query = Query::read("SELECT x.*, 1 FROM todos AS x").expect("a query");
    let mut catalog = catalog(&query);
    catalog.relations[0].columns.truncate(3);
    let shape = query.shape(&catalog, Tier::Stream, &Wishes::default()).expect("a shape");
    let types = Types { columns: vec![int4(), text(), kind(16, "boolean", 'B'), int4()], ..Types::default() };
    let plan = shape.plan(&types).expect("a plan");
    assert_eq!(plan.pieces[0].sql, r#"SELECT "x"."id", "x"."title", "x"."done", 1 FROM "todos" AS "x""#);
    let columns: Vec<&str> = plan.tables[0].columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((plan.tables[0].name.as_str(), columns), ("\"todos\"", vec!["id", "title", "done"]));
    assert_eq!((plan.tier, plan.discloses, plan.collates), (Tier::Stream, Discloses::Rows, false));
}

#[test]
fn orders_are_kept_by_what_values_are() {
    let columns = [int4(), kind(1184, "timestamp with time zone", 'D'), text(), kind(1700, "numeric", 'N')];
    let query =
        "SELECT id FROM todos ORDER BY made DESC NULLS LAST, title COLLATE \"C\", price LIMIT 4 OFFSET 1";
    let plan = asked(query, &columns, &[]);
    let key = |by, descending| SortKey { by, descending, nulls_first: false };
    let order =
        vec![key(Comparison::Signed, true), key(Comparison::Bytes, false), key(Comparison::Numeric, false)];
    let (limit, offset) = (Some(Bound::Rows(4)), Some(Bound::Rows(1)));
    assert_eq!(plan.answered, Answered::Streamed { order, hidden: 3, limit, offset });
}

#[test]
fn parameters_are_numbered_anew_and_mean_what_they_mean_at_home() {
    let query = "SELECT $2, _store, now() FROM todos WHERE id = $3 AND _store <> $2 LIMIT $4 OFFSET $1";
    let columns = [text(), text(), kind(1184, "timestamp with time zone", 'D')];
    let parameters = [int8(), text(), int4(), int8()];
    let (probe, plan) = planned(query, &columns, &parameters).expect("a plan");
    let piece = &plan.pieces[0];
    assert_eq!(
        piece.sql,
        "SELECT ($1::text), \"todos\".\"_store\", ($2::timestamptz) \
         FROM (SELECT ($3::text) AS \"_store\", * FROM \"todos\") AS \"todos\" \
         WHERE \"todos\".\"id\" = ($4::integer) AND \"todos\".\"_store\" <> ($1::text) \
         LIMIT least(($5::bigint)::pg_catalog.numeric + coalesce(($6::bigint), 0), 9223372036854775807)::pg_catalog.int8"
    );
    let client = Parameter::Client;
    let expected = [client(1), Parameter::Now, Parameter::Store, client(2), client(3), client(0)];
    assert_eq!(piece.parameters, expected);
    assert_eq!(
        probe,
        "SELECT $2, \"todos\".\"_store\", now() \
         FROM (SELECT NULL::text AS \"_store\", * FROM \"public\".\"todos\") AS \"todos\" \
         WHERE \"todos\".\"id\" = $3 AND \"todos\".\"_store\" <> $2"
    );
    let Answered::Streamed { limit, offset, .. } = plan.answered else { panic!("streamed") };
    assert_eq!((limit, offset), (Some(Bound::Parameter(3)), Some(Bound::Parameter(0))));
}

#[test]
fn a_join_that_stays_inside_a_store_is_made_there() {
    let plan = asked(
        "SELECT a.id, b.* FROM todos a LEFT JOIN items AS b ON b._store = a._store AND b.id > a.id ORDER BY b.id",
        &[int4(), int4(), text(), int4()],
        &[],
    );
    assert_eq!(
        plan.pieces[0].sql,
        "SELECT \"a\".\"id\", \"b\".\"id\", \"b\".\"title\", \"b\".\"id\" \
         FROM (SELECT ($1::text) AS \"_store\", * FROM \"todos\") AS \"a\" \
         LEFT JOIN (SELECT ($1::text) AS \"_store\", * FROM \"items\") AS \"b\" \
         ON \"b\".\"_store\" = \"a\".\"_store\" AND \"b\".\"id\" > \"a\".\"id\" ORDER BY 4 ASC NULLS LAST"
    );
    let needed: Vec<(&str, usize)> =
        plan.tables.iter().map(|table| (table.name.as_str(), table.columns.len())).collect();
    assert_eq!(needed, [("\"todos\"", 1), ("\"items\"", 2)]);
}

#[test]
fn what_depends_on_the_collation_says_so() {
    for (query, collates) in [
        ("SELECT title FROM todos WHERE title = 'a'", false),
        ("SELECT title FROM todos WHERE title > 'a'", true),
        ("SELECT upper(title) FROM todos", true),
    ] {
        assert_eq!(asked(query, &[text()], &[]).collates, collates, "{query}");
    }
}

#[test]
fn what_is_no_plain_row_of_one_table_is_left_to_other_tiers() {
    let table = [
        "SELECT count(*) FROM todos",
        "SELECT count(*) OVER () FROM todos",
        "SELECT DISTINCT id FROM todos",
        "SELECT id FROM todos GROUP BY id",
        "SELECT id FROM todos HAVING true",
        "SELECT a.id FROM todos a, todos b",
        "SELECT a.id FROM todos a JOIN todos b USING (id)",
        "SELECT a.id FROM todos a LEFT JOIN todos b ON a.id = b.id WHERE a._store = b._store",
        "SELECT a.id FROM todos a, (SELECT 1) b",
        "SELECT id FROM (SELECT id FROM todos) s",
        "WITH s AS (SELECT id FROM todos) SELECT id FROM s",
        "SELECT id FROM todos UNION ALL SELECT id FROM todos",
        "SELECT (SELECT max(id) FROM todos) FROM todos",
        "SELECT id FROM todos WHERE id IN (SELECT id FROM todos)",
        "SELECT generate_series(1, id) FROM todos",
        "SELECT own(id) FROM todos",
        "SELECT id FROM todos WHERE made < 'today'",
        "SELECT id FROM ONLY todos",
        "SELECT a FROM todos AS t (a)",
        "SELECT id FROM todos ORDER BY title",
        "SELECT id FROM todos ORDER BY title COLLATE \"de_DE\"",
        "SELECT id FROM todos ORDER BY ratio",
        "SELECT id FROM todos ORDER BY state",
        "SELECT id FROM todos ORDER BY 2",
        "SELECT id FROM todos ORDER BY id USING <",
        "SELECT id::text FROM todos ORDER BY id",
        "SELECT id FROM todos LIMIT 1 + 1",
        "SELECT id FROM todos LIMIT -1",
        "SELECT id FROM todos LIMIT 1.5",
        "SELECT id FROM todos LIMIT 99999999999999999999",
        "SELECT id FROM todos ORDER BY id FETCH FIRST 2 ROWS WITH TIES",
        "SELECT of FROM todos",
        "SELECT * FROM todos",
        "SELECT FROM todos",
        "COPY (SELECT id FROM todos) TO STDOUT",
    ];
    for query in table {
        let key = match query.rsplit(' ').next().expect("words") {
            "title" => Some(text()),
            "ratio" => Some(kind(701, "double precision", 'N')),
            "state" => Some(kind(16_500, "state", 'E')),
            _ => None,
        };
        let columns: Vec<Type> = [Some(int4()), key].into_iter().flatten().collect();
        let planned = planned(query, &columns, &[]);
        assert!(matches!(planned, Err(Unfit::NotAtThisTier(_))), "{query}: {planned:?}");
    }
}

#[test]
fn nothing_is_streamed_where_errors_or_small_groups_must_not_pass() {
    let query = Query::read("SELECT id FROM todos").expect("a query");
    for wishes in [Wishes { bare: true, floor: 0 }, Wishes { bare: false, floor: 2 }] {
        let shape = query.shape(&catalog(&query), Tier::Stream, &wishes);
        assert!(matches!(shape, Err(Unfit::NotAtThisTier(_))), "{wishes:?}: {shape:?}");
    }
}
