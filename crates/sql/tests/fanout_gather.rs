//! Fan-outs that gather rows: what stores are asked, and what home runs over it.
#![allow(clippy::panic, clippy::expect_used)]

mod home;

use sql::fanout::{
    Answered, Discloses, Form, Parameter, Plan, Query, Refusal, Shown, Temporary, Tier, Type, Types, Unfit,
    Wishes,
};

fn planned(text: &str, wishes: &Wishes, types: &Types) -> Result<Plan, Unfit> {
    let query = Query::read(text).map_err(Unfit::Refused)?;
    let shape = query.shape(&home::catalog(&query), Tier::Gather, wishes)?;
    assert_eq!(shape.probe(), None);
    shape.plan(types)
}

fn plan(text: &str) -> Plan {
    planned(text, &Wishes::default(), &Types::default()).unwrap_or_else(|unfit| panic!("{text}: {unfit}"))
}

fn described(text: &str) -> Result<String, Refusal> {
    let query = Query::read(text)?;
    query.described(&home::catalog(&query))
}

fn at_home(text: &str) -> String {
    match plan(text).answered {
        Answered::Gathered { sql, .. } | Answered::Alone { sql, .. } => sql,
        other => panic!("{other:?}"),
    }
}

fn temporaries(text: &str) -> Vec<Temporary> {
    match plan(text).answered {
        Answered::Gathered { tables, .. } => tables,
        other => panic!("{other:?}"),
    }
}

fn pieces(text: &str) -> Vec<String> {
    plan(text).pieces.into_iter().map(|piece| piece.sql).collect()
}

#[test]
fn home_runs_the_clients_own_words() {
    let cases = [
        ("SELECT 1", "SELECT 1"),
        ("select  title -- x\n from todos", "select  title -- x\n from pg_temp.\"todos\""),
        ("SELECT 'é', title FROM public.todos t", "SELECT 'é', title FROM pg_temp.\"todos\" t"),
        (
            "SELECT \"public\".\"todos\".\"id\" FROM public.Todos",
            "SELECT \"todos\".\"id\" FROM pg_temp.\"todos\"",
        ),
        ("SELECT public.todos.* FROM public.todos", "SELECT todos.* FROM pg_temp.\"todos\""),
        ("SELECT \"Odd Name\" FROM \"T\"", "SELECT \"Odd Name\" FROM pg_temp.\"T\""),
        ("WITH todos AS (SELECT 1) SELECT * FROM todos", "WITH todos AS (SELECT 1) SELECT * FROM todos"),
        (
            "WITH todos AS (SELECT * FROM todos) SELECT * FROM todos, public.todos p",
            "WITH todos AS (SELECT * FROM pg_temp.\"todos\") SELECT * FROM todos, pg_temp.\"todos\" p",
        ),
        (
            "WITH RECURSIVE todos AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM todos) SELECT * FROM todos",
            "WITH RECURSIVE todos AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM todos) SELECT * FROM todos",
        ),
        (
            "SELECT (SELECT max(x.id) FROM ONLY Todos x), 'ü' WHERE EXISTS (TABLE todos)",
            "SELECT (SELECT max(x.id) FROM      pg_temp.\"todos\" x), 'ü' WHERE EXISTS (SELECT * FROM pg_temp.\"todos~2\" AS \"todos\")",
        ),
        (
            "SELECT t.id FROM todos t, audit.todos WHERE todos.id = t.id AND audit.todos.what = 'todos'",
            "SELECT t.id FROM pg_temp.\"todos\" t, pg_temp.\"todos~2\" AS \"todos\" WHERE todos.id = t.id AND todos.what = 'todos'",
        ),
        (
            "SELECT g, l.n FROM generate_series(1, 3) g, LATERAL (SELECT count(*) n FROM todos WHERE id = g) l",
            "SELECT g, l.n FROM generate_series(1, 3) g, LATERAL (SELECT count(*) n FROM pg_temp.\"todos\" WHERE id = g) l",
        ),
        (
            "VALUES ((SELECT count(*) FROM todos)) UNION ALL (SELECT 1 FROM lists ORDER BY 1 LIMIT 1)",
            "VALUES ((SELECT count(*) FROM pg_temp.\"todos\")) UNION ALL (SELECT 1 FROM pg_temp.\"lists\" ORDER BY 1 LIMIT 1)",
        ),
        (
            "SELECT relname FROM pg_class WHERE EXISTS (SELECT FROM todos) FETCH FIRST 2 ROWS ONLY",
            "SELECT relname FROM pg_class WHERE EXISTS (SELECT FROM pg_temp.\"todos\") FETCH FIRST 2 ROWS ONLY",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(at_home(text), expected, "{text}");
    }
}

#[test]
fn a_view_is_its_definition_over_the_unions() {
    assert_eq!(
        at_home("WITH todos AS (SELECT 1) SELECT open_todos.title FROM open_todos"),
        "WITH todos AS (SELECT 1) SELECT open_todos.title FROM (SELECT todos.id,\n    todos.title\n   FROM \
         pg_temp.\"todos\"\n  WHERE NOT todos.done) AS \"open_todos\""
    );
    let nested = at_home("SELECT t FROM titles v");
    assert!(nested.contains("pg_temp.\"todos\"") && !nested.contains("FROM open_todos"), "{nested}");
    assert_eq!(
        pieces("SELECT t FROM titles"),
        ["SELECT \"id\", \"title\", \"done\" FROM \"todos\" AS \"todos\" WHERE (NOT \"todos\".\"done\")"]
    );
}

#[test]
fn stores_send_the_columns_that_are_named_and_the_rows_that_are_looked_at() {
    let all = "\"id\", \"title\", \"done\", \"due\", \"list_id\"";
    let cases = [
        ("SELECT count(*) FROM todos", "SELECT \"id\" FROM \"todos\"".to_owned()),
        ("SELECT * FROM todos", format!("SELECT {all} FROM \"todos\"")),
        ("SELECT t.* FROM public.todos t", format!("SELECT {all} FROM \"todos\"")),
        ("SELECT Title FROM todos", "SELECT \"title\" FROM \"todos\"".to_owned()),
        ("SELECT b FROM todos t(a, b)", format!("SELECT {all} FROM \"todos\"")),
        ("SELECT b FROM (todos t CROSS JOIN (VALUES (1)) v) AS j (a, b)", format!("SELECT {all} FROM \"todos\"")),
        ("SELECT j.* FROM (todos t CROSS JOIN (VALUES (1)) v) AS j", format!("SELECT {all} FROM \"todos\"")),
        ("SELECT title FROM ONLY todos", "SELECT \"title\" FROM ONLY \"todos\"".to_owned()),
        ("SELECT what FROM audit.todos", "SELECT \"what\" FROM \"audit\".\"todos\"".to_owned()),
        (
            "SELECT title FROM todos WHERE id = 1 AND done AND title LIKE 'a%' AND title < 'b' AND 1 / id > 0",
            "SELECT \"id\", \"title\", \"done\" FROM \"todos\" AS \"todos\" WHERE (\"todos\".\"id\" = 1) AND \
             (\"todos\".\"done\") AND (\"todos\".\"title\" LIKE 'a%')"
                .to_owned(),
        ),
        (
            "SELECT count(*) FROM todos t WHERE (id IN (1, 2) AND due BETWEEN now() AND '2027-01-01') AND NOT done",
            "SELECT \"id\", \"done\", \"due\" FROM \"todos\" AS \"t\" WHERE (\"t\".\"id\" IN (1, 2)) AND \
             (\"t\".\"due\" BETWEEN ($1::TIMESTAMPTZ)::TIMESTAMPTZ AND '2027-01-01') AND (NOT \"t\".\"done\")"
                .to_owned(),
        ),
        (
            "SELECT count(*) FROM todos WHERE _store = 'ada' AND id = 1",
            "SELECT \"id\", $1::text FROM \"todos\" AS \"todos\" WHERE (($1::TEXT) = 'ada') AND (\"todos\".\"id\" = 1)"
                .to_owned(),
        ),
        ("SELECT id FROM todos WHERE due > 'yesterday'", "SELECT \"id\", \"due\" FROM \"todos\"".to_owned()),
        ("SELECT id FROM todos WHERE upper(title) = 'X'", "SELECT \"id\", \"title\" FROM \"todos\"".to_owned()),
        ("SELECT id FROM todos WHERE title ILIKE 'x'", "SELECT \"id\", \"title\" FROM \"todos\"".to_owned()),
        ("SELECT id FROM todos WHERE title::int = 1", "SELECT \"id\", \"title\" FROM \"todos\"".to_owned()),
        ("SELECT id FROM todos WHERE id = 1 OR EXISTS (SELECT 1)", "SELECT \"id\" FROM \"todos\"".to_owned()),
        ("SELECT name FROM lists WHERE tag = 'x'", "SELECT \"name\", \"tag\" FROM \"lists\"".to_owned()),
        (
            "SELECT name FROM lists WHERE mood < 'sad'",
            "SELECT \"name\", \"mood\" FROM \"lists\" AS \"lists\" WHERE (\"lists\".\"mood\" < 'sad')".to_owned(),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(pieces(text), [expected], "{text}");
    }
}

#[test]
fn joins_narrow_only_the_side_whose_rows_they_drop() {
    let id = "(\"t\".\"id\" = 1)";
    let cases = [
        ("SELECT 1 FROM todos t JOIN lists l ON l.id = t.list_id WHERE t.id = 1", true),
        ("SELECT 1 FROM todos t, lists l WHERE t.id = 1 AND l.id = t.list_id", true),
        ("SELECT 1 FROM todos t LEFT JOIN lists l ON true WHERE t.id = 1", true),
        ("SELECT 1 FROM lists l RIGHT JOIN todos t ON true WHERE t.id = 1", true),
        ("SELECT 1 FROM lists l LEFT JOIN todos t ON true WHERE t.id = 1", false),
        ("SELECT 1 FROM todos t RIGHT JOIN lists l ON true WHERE t.id = 1", false),
        ("SELECT 1 FROM todos t FULL JOIN lists l ON true WHERE t.id = 1", false),
        ("SELECT 1 FROM todos t JOIN todos u ON true WHERE t.id = 1", false),
        ("SELECT 1 FROM todos t WHERE t.id = 1 UNION ALL SELECT id FROM todos", false),
        ("SELECT 1 FROM lists l WHERE EXISTS (SELECT 1 FROM todos t WHERE t.id = 1)", true),
        ("SELECT 1 FROM lists l WHERE EXISTS (SELECT 1 FROM todos t WHERE t.list_id = l.id)", false),
        ("SELECT 1 FROM todos t HAVING bool_or(t.id = 1)", false),
        ("SELECT 1 FROM (todos t JOIN lists l ON true) WHERE t.id = 1", false),
    ];
    for (text, narrowed) in cases {
        let found = pieces(text).iter().any(|sql| sql.contains(id));
        assert_eq!(found, narrowed, "{text}");
    }
}

#[test]
fn nothing_is_pushed_when_that_is_the_wish() {
    let wishes = Wishes { bare: true, ..Wishes::default() };
    let plan = planned("SELECT title FROM todos WHERE id = 1", &wishes, &Types::default()).expect("a plan");
    assert_eq!(plan.pieces[0].sql, "SELECT \"id\", \"title\" FROM \"todos\"");
}

#[test]
fn parameters_keep_their_types_and_numbers() {
    let of = |oid, name: &str| Type {
        oid,
        name: name.to_owned(),
        array: None,
        category: 'N',
        collatable: name == "text",
    };
    let text = "SELECT $2, title FROM todos WHERE title = $2 AND id = $1 AND _store <> $2";
    let types = Types { parameters: vec![of(20, "bigint"), of(25, "text")], ..Types::default() };
    let plan = planned(text, &Wishes::default(), &types).expect("a plan");
    assert_eq!(
        plan.pieces[0].sql,
        "SELECT \"id\", \"title\", $3::text FROM \"todos\" AS \"todos\" WHERE (\"todos\".\"title\" = ($1::text)) \
         AND (\"todos\".\"id\" = ($2::bigint)) AND (($3::TEXT) <> ($1::text))"
    );
    assert_eq!(plan.pieces[0].parameters, [Parameter::Client(1), Parameter::Client(0), Parameter::Store]);
    let Answered::Gathered { parameters, .. } = plan.answered else { panic!("gathered") };
    assert_eq!(parameters, [Parameter::Client(0), Parameter::Client(1)]);

    let types = Types { parameters: vec![of(50_000, "public.id"), of(25, "text")], ..Types::default() };
    let plan = planned(text, &Wishes::default(), &types).expect("a plan");
    assert_eq!(plan.pieces[0].sql, "SELECT \"id\", \"title\", $1::text FROM \"todos\"");
    assert_eq!(plan.pieces[0].parameters, [Parameter::Store]);
}

#[test]
fn the_pseudo_column_is_in_every_table_and_no_part_of_a_star() {
    let all = "\"t\".\"id\", \"t\".\"title\", \"t\".\"done\", \"t\".\"due\", \"t\".\"list_id\"";
    assert_eq!(
        at_home("SELECT *, _store FROM todos t ORDER BY _store"),
        format!("SELECT {all}, _store FROM pg_temp.\"todos\" t ORDER BY _store")
    );
    assert_eq!(
        at_home("SELECT s.* FROM (SELECT t.*, t._store FROM public.todos t) s"),
        format!("SELECT s.* FROM (SELECT {all}, t._store FROM pg_temp.\"todos\" t) s")
    );
    assert_eq!(
        described("SELECT count(*), _store FROM public.todos t GROUP BY _store").as_deref(),
        Ok(
            "SELECT count(*), _store FROM (SELECT *, ''::text AS \"_store\" FROM \"public\".\"todos\") t GROUP BY _store"
        )
    );
    assert_eq!(
        described("SELECT todos._store FROM todos").as_deref(),
        Ok(
            "SELECT todos._store FROM (SELECT *, ''::text AS \"_store\" FROM \"public\".\"todos\") AS \"todos\""
        )
    );
    let own = "SELECT id, _store FROM own";
    assert_eq!(pieces(own), ["SELECT \"id\", \"_store\" FROM \"own\""]);
    assert_eq!(described(own).as_deref(), Ok(own));
    let [todos] = temporaries("SELECT _store FROM todos").try_into().expect("one");
    assert_eq!(
        todos.create,
        "CREATE TEMPORARY TABLE \"todos\" AS SELECT \"id\", ''::text AS \"_store\" FROM \"public\".\"todos\" WITH NO DATA"
    );
    assert_eq!(todos.copy, "pg_temp.\"todos\" (\"id\", \"_store\")");
}

#[test]
fn home_describes_the_clients_own_text() {
    for text in ["TABLE todos", "select * from only todos  ;", "SELECT * FROM open_todos"] {
        let own = text.trim_end_matches(';').trim_end();
        assert_eq!(described(text).as_deref(), Ok(own), "{text}");
    }
}

#[test]
fn tables_on_home_can_be_given_their_key() {
    let [todos] = temporaries("SELECT id, title FROM todos GROUP BY id").try_into().expect("one");
    assert_eq!(todos.keys, ["ALTER TABLE pg_temp.\"todos\" ADD PRIMARY KEY (\"id\")"]);
    let [todos] = temporaries("SELECT title FROM todos GROUP BY title").try_into().expect("one");
    assert!(todos.keys.is_empty());
    let [todos] = temporaries("SELECT id, title FROM todos").try_into().expect("one");
    assert!(todos.keys.is_empty());
}

#[test]
fn copy_and_explain_are_what_is_around_a_query() {
    let cases = [
        ("SELECT 1", Form::Rows, "SELECT 1"),
        (
            "COPY (SELECT * FROM todos) TO STDOUT (FORMAT csv)",
            Form::Copy { options: "(FORMAT csv)".to_owned() },
            "SELECT * FROM todos",
        ),
        ("COPY todos (id) TO STDOUT", Form::Copy { options: String::new() }, "SELECT id FROM todos"),
        ("copy (select ')') to stdout;", Form::Copy { options: String::new() }, "select ')'"),
        ("EXPLAIN SELECT $1 FROM todos", Form::Explain(Shown::Text), "SELECT $1 FROM todos"),
        ("EXPLAIN (COSTS off, FORMAT json) SELECT 1", Form::Explain(Shown::Json), "SELECT 1"),
        ("EXPLAIN VERBOSE (SELECT 1)", Form::Explain(Shown::Text), "(SELECT 1)"),
        ("EXPLAIN (SELECT 1)", Form::Explain(Shown::Text), "(SELECT 1)"),
    ];
    for (text, form, inner) in cases {
        let query = Query::read(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
        assert_eq!((query.form(), query.text()), (&form, inner), "{text}");
    }
}

#[test]
fn what_a_query_discloses() {
    use Discloses::{Rows, Sums, Values};
    let cases = [
        ("SELECT count(*) FROM todos", Sums),
        ("SELECT sum(id) * 2 + avg(id), bool_or(done), stddev(id) FROM todos t WHERE title = 'x'", Sums),
        ("SELECT done, count(*) FROM todos GROUP BY done HAVING count(*) > 1 ORDER BY count(*), done", Sums),
        ("SELECT t.done, count(*) FROM todos t GROUP BY done", Sums),
        ("SELECT date_trunc('day', due) AS day, count(*) FROM todos GROUP BY 1 ORDER BY day", Sums),
        ("SELECT date_trunc('day', due) AS day, count(*) FROM todos GROUP BY day", Sums),
        ("SELECT done, title, count(*) FROM todos GROUP BY ROLLUP (done, title)", Sums),
        ("SELECT l.name, count(*) FROM todos t JOIN lists l ON l.id = t.list_id GROUP BY l.name", Sums),
        ("SELECT _store, count(*) FILTER (WHERE done) FROM todos GROUP BY _store", Sums),
        ("SELECT max(due) FROM todos", Values),
        ("SELECT count(DISTINCT title) FROM todos", Values),
        ("SELECT count(*), string_agg(title, ',') FROM todos", Values),
        ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FROM todos", Values),
        ("SELECT count(*) FROM todos ORDER BY min(id)", Values),
        ("SELECT DISTINCT title FROM todos", Values),
        ("SELECT title FROM todos GROUP BY title", Values),
        ("SELECT title FROM todos", Rows),
        ("SELECT * FROM todos", Rows),
        ("SELECT DISTINCT ON (done) title FROM todos", Rows),
        ("SELECT id, title, count(*) FROM todos GROUP BY id", Rows),
        ("SELECT count(*) FROM todos UNION ALL SELECT id FROM todos", Rows),
        ("SELECT count(*), (SELECT max(title) FROM todos) FROM todos", Rows),
        ("SELECT done, count(*) FROM todos GROUP BY done LIMIT (SELECT max(id) FROM todos)", Rows),
        ("SELECT done, count(*) FROM todos GROUP BY done OFFSET (SELECT max(id) FROM todos)", Rows),
        ("SELECT count(*) OVER () FROM todos", Rows),
        ("SELECT DISTINCT count(*) OVER (PARTITION BY title) FROM todos", Rows),
        ("SELECT row_number() OVER (ORDER BY count(*)) FROM todos", Rows),
        ("SELECT count(*) FROM (SELECT title FROM todos LIMIT 1) s", Rows),
        ("WITH x AS (SELECT * FROM todos) SELECT count(*) FROM x", Rows),
        ("SELECT 1", Sums),
    ];
    for (text, discloses) in cases {
        assert_eq!(plan(text).discloses, discloses, "{text}");
    }
}

#[test]
fn under_a_floor_rows_are_not_gathered() {
    let wishes = Wishes { floor: 3, bare: false };
    let Err(Unfit::Refused(refusal)) = planned("SELECT count(*) FROM todos", &wishes, &Types::default())
    else {
        panic!("not refused")
    };
    assert_eq!(refusal.sqlstate, "42501");
    assert!(!refusal.hint.is_empty());
    assert!(planned("SELECT 1", &wishes, &Types::default()).is_ok());
}

#[test]
fn what_only_home_understands_is_kept_for_home() {
    let cases = [
        ("SELECT count(*) FROM todos WHERE id BETWEEN SYMMETRIC 3 AND 1", "BETWEEN SYMMETRIC 3"),
        ("SELECT done FROM todos GROUP BY DISTINCT done, id", "GROUP BY DISTINCT done"),
        (
            "SELECT sum(id) OVER (ORDER BY id GROUPS 1 PRECEDING EXCLUDE CURRENT ROW) FROM todos",
            "PRECEDING EXCLUDE CURRENT ROW)",
        ),
    ];
    for (text, kept) in cases {
        let found = at_home(text);
        assert!(found.contains(kept), "{found}");
        assert!(!pieces(text)[0].contains("WHERE"), "{text}");
        let query = Query::read(text).expect("read");
        for tier in [Tier::Stream, Tier::Fold, Tier::Combine] {
            let shape = query.shape(&home::catalog(&query), tier, &Wishes::default());
            assert!(matches!(shape, Err(Unfit::NotAtThisTier(_))), "{text}");
        }
    }
}

#[test]
fn rows_as_values_bring_all_their_columns() {
    let texts = [
        "SELECT count(t) FROM todos t",
        "SELECT json_agg(t ORDER BY id), count(t.*) FROM todos t",
        "SELECT todos FROM todos",
        "SELECT t::text FROM todos t",
        "SELECT upper(t::text) FROM todos t, generate_series(1, 2) g",
        "SELECT 1 FROM todos t, lists l WHERE t.* IS DISTINCT FROM l.*",
        "SELECT id(t) FROM todos t",
        "SELECT (t).title FROM todos t",
        "SELECT id FROM todos t ORDER BY t",
        "SELECT json_populate_record(NULL::todos, '{}') FROM todos t",
        "SELECT id FROM todos, json_to_recordset('[]') AS r(x public.todos)",
        "SELECT xmlelement(NAME a, id) FROM todos",
    ];
    for text in texts {
        assert!(pieces(text)[0].contains("\"list_id\""), "{text}");
    }
}

/// In binary, arrays and records tell of which type the rows in them are, and that is the temporary table's.
#[test]
fn values_that_tell_the_type_of_a_row_in_them_are_refused() {
    let of = |name: &str| Type {
        oid: 50_000,
        name: name.to_owned(),
        array: None,
        category: 'U',
        collatable: false,
    };
    let told = |text: &str, kind: &str| {
        planned(text, &Wishes::default(), &Types { result: vec![of("text"), of(kind)], ..Types::default() })
    };
    for text in [
        "SELECT 'x', t FROM todos t",
        "SELECT 'x', o FROM open_todos o",
        "SELECT 'x', concat(VARIADIC ARRAY[t::text]) FROM todos t",
    ] {
        let kind = if text.contains("open") { "open_todos" } else { "todos" };
        for kind in [&format!("{kind}[]"), &format!("public.{kind}[]"), "record", "regtype"] {
            let unfit = told(text, kind).expect_err("refused");
            assert!(matches!(&unfit, Unfit::Refused(why) if why.message.contains(kind)), "{text}: {unfit}");
        }
        let Answered::Gathered { rows, .. } = told(text, kind).expect("a row itself").answered else {
            panic!("{text}")
        };
        assert_eq!(rows, [1], "{text}");
        let Answered::Gathered { rows, .. } = told(text, "text[]").expect("no row").answered else {
            panic!("{text}")
        };
        assert!(rows.is_empty(), "{text}");
    }
    assert!(told("SELECT 'x', title FROM todos", "record").is_ok());
}

/// Views over whole tables are made anew over those of the rows.
#[test]
fn views_in_a_text_of_which_only_names_are_known() {
    let text = "SELECT concat(VARIADIC ARRAY[t]) FROM public.titles";
    let plan = plan(text);
    let Answered::Gathered { tables, sql, .. } = plan.answered else { panic!("gathered") };
    assert_eq!(sql, "SELECT concat(VARIADIC ARRAY[t]) FROM pg_temp.titles");
    let made: Vec<&str> = tables[0].create.split("; CREATE TEMPORARY VIEW ").collect();
    assert_eq!((tables.len(), made.len()), (1, 3), "{made:?}");
    assert!(made[1].starts_with("\"open_todos\" AS SELECT todos.id,"), "{made:?}");
    assert_eq!(made[2], "\"titles\" AS SELECT upper(o.title) AS t FROM open_todos o");
}

#[test]
fn a_column_may_be_called_as_its_table() {
    assert_eq!(pieces("SELECT title FROM todos AS title"), ["SELECT \"title\" FROM \"todos\""]);
}

#[test]
fn tables_are_told_once_with_the_columns_that_are_used() {
    let plan = plan("SELECT a.id, b.title FROM todos a JOIN public.todos b USING (id) WHERE _store = 'x'");
    assert_eq!(plan.tables.len(), 1);
    assert_eq!(plan.tables[0].name, "\"todos\"");
    assert_eq!(
        plan.tables[0].columns,
        [("id".to_owned(), "integer".to_owned()), ("title".to_owned(), "text".to_owned())]
    );
    assert!(!plan.collates);
}
