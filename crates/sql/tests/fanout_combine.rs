//! What stores are asked, and what home is, for aggregates: tables of texts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use sql::fanout::{
    Adding, Answered, Called, Catalog, Column, Fold, Function, Key, Meaning, Parameter, Plan, Query,
    Relation, RelationKind, Tier, Type, Types, Wishes,
};

fn kind(name: &str) -> Type {
    let (oid, category) = match name {
        "integer" => (23, 'N'),
        "bigint" => (20, 'N'),
        "numeric" => (1700, 'N'),
        "double precision" => (701, 'N'),
        "uuid" => (2950, 'U'),
        "text" => (25, 'S'),
        other => panic!("{other}"),
    };
    let array = Some(format!("{name}[]"));
    Type { oid, name: name.to_owned(), array, category, collatable: name == "text" }
}

fn called(name: &str) -> Called {
    Called { schema: None, name: name.to_owned() }
}

fn table(name: &str, columns: &[(&str, &str)], keys: Vec<Key>) -> Relation {
    let columns = columns.iter().map(|(name, of)| Column {
        name: (*name).to_owned(),
        kind: kind(of),
        not_null: false,
        bytewise: false,
    });
    let (schema, relation) = ("todo".to_owned(), RelationKind::Table);
    Relation { called: called(name), schema, kind: relation, columns: columns.collect(), keys }
}

fn catalog(names: &[Called]) -> Catalog {
    let id = || vec!["id".to_owned()];
    let (schema, table_name) = ("todo".to_owned(), "people".to_owned());
    let owner = Key::Foreign { columns: vec!["owner".to_owned()], schema, table: table_name, theirs: id() };
    Catalog {
        relations: vec![
            table(
                "todos",
                &[
                    ("id", "integer"),
                    ("owner", "uuid"),
                    ("title", "text"),
                    ("cost", "numeric"),
                    ("hours", "double precision"),
                ],
                vec![Key::Unique(id()), Key::Primary(id()), owner],
            ),
            table("people", &[("id", "uuid"), ("city", "text")], vec![Key::Unique(id()), Key::Primary(id())]),
        ],
        functions: names
            .iter()
            .map(|called| Function {
                called: called.clone(),
                schema: "pg_catalog".to_owned(),
                extension: false,
                kind: if called.name == "lower" { 'f' } else { 'a' },
                volatility: 'i',
                returns_set: false,
                arguments: 0..=usize::MAX,
            })
            .collect(),
    }
}

/// The plan, given the types of the probe's columns and of parameters.
fn plan(text: &str, columns: &[&str], parameters: &[&str], floor: u32) -> (Option<String>, Plan) {
    let query = Query::read(text).expect("query");
    let shape =
        query.shape(&catalog(&query.lookup().functions), Tier::Combine, &Wishes { floor, bare: false });
    let shape = shape.unwrap_or_else(|why| panic!("{text}: {why}"));
    let of = |names: &[&str]| names.iter().map(|name| kind(name)).collect();
    let types = Types { columns: of(columns), parameters: of(parameters), ..Types::default() };
    (shape.probe().map(str::to_owned), shape.plan(&types).expect("plan"))
}

struct Row {
    text: &'static str,
    /// Types of the probe's columns.
    columns: &'static [&'static str],
    probe: &'static str,
    piece: &'static str,
    home: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        text: "SELECT count(*) FROM todos",
        columns: &[],
        probe: r#""#,
        piece: r#"SELECT count(*) AS c1 FROM "todos" AS "todos""#,
        home: r#"SELECT (coalesce(sum(p.c1), 0)::int8) AS "count" FROM unnest($1::bigint[]) AS p(c1)"#,
    },
    Row {
        text: "SELECT title, count(*), avg(cost) FROM todos t WHERE cost > 1 GROUP BY 1 ORDER BY count DESC LIMIT 3",
        columns: &["text", "numeric"],
        probe: r#"SELECT "t"."title", sum("t"."cost") OVER () FROM "todo"."todos" AS "t" WHERE "t"."cost" > 1"#,
        piece: r#"SELECT "t"."title" AS c1, count(*) AS c2, sum("t"."cost") AS c3, count("t"."cost") AS c4 FROM "todos" AS "t" WHERE "t"."cost" > 1 GROUP BY 1"#,
        home: r#"SELECT p.c1 AS "title", (coalesce(sum(p.c2), 0)::int8) AS "count", (sum(p.c3) / nullif(sum(p.c4), 0)) AS "avg" FROM (SELECT * FROM (SELECT "t"."title" AS c1, count(*) AS c2, sum("t"."cost") AS c3, count("t"."cost") AS c4 FROM "todo"."todos" AS "t" WHERE "t"."cost" > 1 GROUP BY 1) AS e WHERE false UNION ALL SELECT u.c1, u.c2, u.c3, u.c4 FROM unnest($1::text[], $2::bigint[], $3::numeric[], $4::bigint[]) AS u(c1, c2, c3, c4)) AS p(c1, c2, c3, c4) GROUP BY p.c1 ORDER BY 2 DESC LIMIT 3"#,
    },
    Row {
        text: "SELECT sum(id) FILTER (WHERE hours > 1) FROM todos HAVING max(cost) > 5",
        columns: &["bigint", "numeric"],
        probe: r#"SELECT sum("todos"."id") OVER (), max("todos"."cost") OVER () FROM "todo"."todos" AS "todos""#,
        piece: r#"SELECT sum("todos"."id") FILTER (WHERE "todos"."hours" > 1) AS c1, max("todos"."cost") AS c2 FROM "todos" AS "todos""#,
        home: r#"SELECT (sum(p.c1)::int8) AS "sum" FROM unnest($1::bigint[], $2::numeric[]) AS p(c1, c2) HAVING max(p.c2) > 5"#,
    },
    Row {
        text: "SELECT count(DISTINCT owner), count(*) FROM todos",
        columns: &["uuid"],
        probe: r#"SELECT "todos"."owner" FROM "todo"."todos" AS "todos""#,
        piece: r#"SELECT "todos"."owner" AS c1, count(*) AS c2 FROM "todos" AS "todos" GROUP BY 1"#,
        home: r#"SELECT count(DISTINCT p.c1) AS "count", (coalesce(sum(p.c2), 0)::int8) AS "count" FROM unnest($1::uuid[], $2::bigint[]) AS p(c1, c2)"#,
    },
    Row {
        text: "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY id) FROM todos GROUP BY ROLLUP (owner)",
        columns: &["uuid", "integer"],
        probe: r#"SELECT "todos"."owner", "todos"."id" FROM "todo"."todos" AS "todos""#,
        piece: r#"SELECT "todos"."owner" AS c1, "todos"."id" AS c2, count(*) AS c3 FROM "todos" AS "todos" GROUP BY 1, 2"#,
        home: r#"SELECT (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY q.v1) FROM unnest(array_agg(p.c3), array_agg(p.c2)) AS q(n, v1), generate_series(1, q.n)) AS "percentile_disc" FROM unnest($1::uuid[], $2::integer[], $3::bigint[]) AS p(c1, c2, c3) GROUP BY ROLLUP ((p.c1))"#,
    },
    Row {
        text: "SELECT array_agg(cost ORDER BY id), count(*) FROM todos",
        columns: &["numeric", "integer"],
        probe: r#"SELECT "todos"."cost", "todos"."id" FROM "todo"."todos" AS "todos""#,
        piece: r#"SELECT "todos"."cost" AS c1, "todos"."id" AS c2 FROM "todos" AS "todos""#,
        home: r#"SELECT array_agg(p.c1 ORDER BY p.c2) AS "array_agg", count(*) AS "count" FROM unnest($1::numeric[], $2::integer[]) AS p(c1, c2)"#,
    },
    Row {
        text: "SELECT stddev(hours) FROM todos",
        columns: &["double precision"],
        probe: r#"SELECT variance("todos"."hours") OVER () FROM "todo"."todos" AS "todos""#,
        piece: r#"SELECT count("todos"."hours") AS c1, sum(("todos"."hours")::float8) AS c2, regr_sxx(("todos"."hours")::float8, ("todos"."hours")::float8) AS c3 FROM "todos" AS "todos""#,
        home: r#"SELECT (SELECT CASE WHEN v.n > 0 THEN float8_stddev_samp(ARRAY[v.n, v.x, v.xx]) END FROM (SELECT sum(u.n), 0 + sum(u.x), sum(u.xx + (float8_combine(ARRAY[u.n * sum(p.c1)::float8, u.x * sum(p.c1)::float8 - u.n * sum(p.c2) + (sum(p.c2) - sum(p.c2)), 0], ARRAY[u.n * sum(p.c1)::float8 / greatest(sum(p.c1)::float8 - 1, 1), 0, 0]))[3]) FROM unnest(array_agg(p.c1::float8), array_agg(p.c2), array_agg(p.c3)) AS u(n, x, xx) WHERE u.n > 0) AS v(n, x, xx)) AS "stddev" FROM unnest($1::bigint[], $2::double precision[], $3::double precision[]) AS p(c1, c2, c3)"#,
    },
    Row {
        text: "SELECT _store, count(*) FROM todos WHERE now() IS NOT NULL GROUP BY _store",
        columns: &["text"],
        probe: r#"SELECT "todos"."_store" FROM (SELECT NULL::text AS "_store", * FROM "todo"."todos") AS "todos" WHERE now() IS NOT NULL"#,
        piece: r#"SELECT "todos"."_store" AS c1, count(*) AS c2 FROM (SELECT ($1::text) AS "_store", * FROM "todos") AS "todos" WHERE ($2::timestamptz) IS NOT NULL GROUP BY 1"#,
        home: r#"SELECT p.c1 AS "_store", (coalesce(sum(p.c2), 0)::int8) AS "count" FROM (SELECT * FROM (SELECT "todos"."_store" AS c1, count(*) AS c2 FROM (SELECT NULL::text AS "_store", * FROM "todo"."todos") AS "todos" WHERE now() IS NOT NULL GROUP BY 1) AS e WHERE false UNION ALL SELECT u.c1, u.c2 FROM unnest($1::text[], $2::bigint[]) AS u(c1, c2)) AS p(c1, c2) GROUP BY p.c1"#,
    },
    Row {
        text: "SELECT DISTINCT owner FROM todos",
        columns: &["uuid"],
        probe: r#"SELECT "todos"."owner" FROM "todo"."todos" AS "todos""#,
        piece: r#"SELECT "todos"."owner" AS c1 FROM "todos" AS "todos" GROUP BY 1"#,
        home: r#"SELECT DISTINCT p.c1 AS "owner" FROM unnest($1::uuid[]) AS p(c1) GROUP BY p.c1"#,
    },
    Row {
        text: "SELECT p.city, sum(t.id) FROM people p LEFT JOIN todos t ON t.owner = p.id GROUP BY p.city",
        columns: &["text", "bigint"],
        probe: r#"SELECT "p"."city", sum("t"."id") OVER () FROM "todo"."people" AS "p" LEFT JOIN "todo"."todos" AS "t" ON "t"."owner" = "p"."id""#,
        piece: r#"SELECT "p"."city" AS c1, sum("t"."id") AS c2 FROM "people" AS "p" LEFT JOIN "todos" AS "t" ON "t"."owner" = "p"."id" GROUP BY 1"#,
        home: r#"SELECT p.c1 AS "city", (sum(p.c2)::int8) AS "sum" FROM (SELECT * FROM (SELECT "p"."city" AS c1, sum("t"."id") AS c2 FROM "todo"."people" AS "p" LEFT JOIN "todo"."todos" AS "t" ON "t"."owner" = "p"."id" GROUP BY 1) AS e WHERE false UNION ALL SELECT u.c1, u.c2 FROM unnest($1::text[], $2::bigint[]) AS u(c1, c2)) AS p(c1, c2) GROUP BY p.c1"#,
    },
];

#[test]
fn stores_are_asked_for_partials_and_home_combines_them() {
    for row in ROWS {
        let (probe, plan) = plan(row.text, row.columns, &[], 0);
        let Answered::Combined { sql, .. } = &plan.answered else { panic!("{plan:#?}") };
        assert_eq!(probe.unwrap_or_default(), row.probe, "{}", row.text);
        assert_eq!(plan.pieces[0].sql, row.piece, "{}", row.text);
        assert_eq!(sql, row.home, "{}", row.text);
    }
}

#[test]
fn parameters_keep_their_types_in_both_statements() {
    let text = "SELECT cost > $2, count(*) FROM todos WHERE cost > $2 AND now() > $3 GROUP BY 1 HAVING count(*) > $1";
    let (_, plan) = plan(text, &["bigint"], &["bigint", "numeric", "bigint"], 0);
    let piece = &plan.pieces[0];
    assert_eq!(
        piece.sql,
        r#"SELECT "todos"."cost" > ($1::numeric) AS c1, count(*) AS c2 FROM "todos" AS "todos" WHERE "todos"."cost" > ($1::numeric) AND ($2::timestamptz) > ($3::bigint) GROUP BY 1"#
    );
    assert_eq!(piece.parameters, [Parameter::Client(1), Parameter::Now, Parameter::Client(2)]);
    let Answered::Combined { sql, parameters, .. } = &plan.answered else { panic!("{plan:#?}") };
    assert_eq!(
        sql,
        "SELECT p.c1 AS \"?column?\", (coalesce(sum(p.c2), 0)::int8) AS \"count\" FROM unnest($2::bigint[], $3::bigint[]) AS p(c1, c2) \
         GROUP BY p.c1 HAVING (coalesce(sum(p.c2), 0)::int8) > ($1::bigint)"
    );
    assert_eq!(*parameters, [Parameter::Client(0)]);
}

#[test]
fn stores_that_contribute_are_counted_under_a_floor() {
    let (_, plan) = plan("SELECT owner, count(*) FROM todos GROUP BY owner", &["uuid"], &[], 3);
    // By their names, which the gate compares with whom it has asked.
    assert_eq!(plan.pieces[0].meanings, [(1, Meaning::Store), (2, Meaning::Count)], "{plan:#?}");
    let Answered::Combined { sql, .. } = &plan.answered else { panic!("{plan:#?}") };
    assert!(sql.ends_with("GROUP BY p.c1 HAVING count(DISTINCT p.c2) >= 3"), "{sql}");
}

#[test]
fn what_the_gate_may_add_up_is_said_column_by_column() {
    let text = "SELECT owner, count(*), sum(cost), min(id), avg(id) FROM todos GROUP BY owner";
    let (_, plan) = plan(text, &["uuid", "numeric", "integer", "bigint"], &[], 0);
    let Answered::Combined { fold, .. } = plan.answered else { panic!("{plan:#?}") };
    let columns =
        vec![Adding::Integer, Adding::Numeric, Adding::SmallerInteger, Adding::Integer, Adding::Integer];
    assert_eq!(fold, Some(Fold { keys: 1, columns }));
    let (_, floats) = self::plan("SELECT sum(hours) FROM todos", &["double precision"], &[], 0);
    assert!(matches!(floats.answered, Answered::Combined { fold: None, .. }), "{floats:#?}");
}

#[test]
fn what_home_copies_has_the_names_of_the_clients_columns() {
    let fits = |text: &str| {
        let query = Query::read(text).expect("query");
        query.shape(&catalog(&query.lookup().functions), Tier::Combine, &Wishes::default()).is_ok()
    };
    assert!(fits(
        "COPY (SELECT owner, count(*), sum(id)::int AS s FROM todos GROUP BY 1) TO STDOUT (FORMAT csv, HEADER)"
    ));
    assert!(!fits(
        "COPY (SELECT CASE WHEN count(*) > 1 THEN 1 END FROM todos) TO STDOUT (FORMAT csv, HEADER)"
    ));
}
