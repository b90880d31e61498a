//! What the client and the program learn from the catalog.

use rust_drivers::{Outcome, on_one_line};
use sqlx::{
    Column as _, Either, Executor as _, PgPool, Postgres, QueryBuilder, Row as _, SqlStr, Statement as _,
    TypeInfo as _,
};

#[derive(Debug, Clone, Copy, PartialEq, sqlx::Type)]
#[sqlx(type_name = "sq_mood", rename_all = "lowercase")]
enum Mood {
    Sad,
    Ok,
    Happy,
}

#[derive(Debug, Clone, PartialEq, sqlx::Type)]
#[sqlx(type_name = "public.sq_size")]
struct Size {
    wide: i32,
    high: i32,
}

/// Types of the database's own: sqlx looks up by name what it binds, and by number what it gets.
pub async fn own_types(it: &PgPool) -> Outcome {
    let back: (Mood, Vec<Mood>, i64) =
        sqlx::query_as("SELECT $1, $2, (SELECT count(*) FROM sq_item WHERE mood = $1)")
            .bind(Mood::Happy)
            .bind(vec![Mood::Ok, Mood::Sad])
            .fetch_one(it)
            .await?;
    println!("types: {back:?}");
    let area: i32 = sqlx::query_scalar("SELECT ($1).wide * ($1).high")
        .bind(Size { wide: 6, high: 7 })
        .fetch_one(it)
        .await?;
    println!("types: a composite of {area}");
    let statement = it
        .prepare(SqlStr::from_static(
            "SELECT mood, ARRAY[mood], ROW(1, 2)::public.sq_size AS size FROM public.sq_item WHERE mood = $1",
        ))
        .await?;
    for column in statement.columns() {
        println!("types: {} is {} from {:?}", column.name(), column.type_info().name(), column.origin());
    }
    let Some(Either::Left(parameters)) = statement.parameters() else { return Err("no parameters".into()) };
    println!("types: parameters {:?}", parameters.iter().map(|kind| kind.name()).collect::<Vec<_>>());
    Ok(())
}

/// What sqlx's compile-time checks and `cargo sqlx prepare` ask of a database.
pub async fn describe(it: &PgPool) -> Outcome {
    let joined = "SELECT i.id, i.name, l.note, count(*) AS n FROM public.sq_item i LEFT JOIN public.sq_line l ON l.item = i.id
                  WHERE i.name = $1 GROUP BY 1, 2, 3";
    for sql in [
        joined,
        "SELECT id, about FROM sq_item",
        "UPDATE sq_item SET name = $1 WHERE id = $2 RETURNING id, name",
        "DELETE FROM public.sq_line",
    ] {
        let mut connection = it.acquire().await?;
        let description = connection.describe(SqlStr::from_static(sql)).await;
        match description {
            Ok(told) => {
                let columns: Vec<String> = told
                    .columns()
                    .iter()
                    .map(|column| format!("{} {}", column.name(), column.type_info().name()))
                    .collect();
                let nullable: Vec<Option<bool>> = (0..columns.len()).map(|at| told.nullable(at)).collect();
                println!("describe: {columns:?} nullable {nullable:?}");
            }
            Err(error) => {
                let code = error.as_database_error().and_then(|told| Some(told.code()?.into_owned()));
                println!("describe: refused with {code:?}");
            }
        }
    }
    Ok(())
}

/// Each with columns of text.
const QUERIES: &[&str] = &[
    "SELECT table_schema::text, table_name::text, table_type::text FROM information_schema.tables
     WHERE table_schema = 'public' ORDER BY table_name COLLATE \"C\"",
    "SELECT table_schema::text, column_name::text, data_type::text, udt_schema::text, udt_name::text FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = 'sq_item' ORDER BY ordinal_position",
    "SELECT tc.table_schema::text, tc.constraint_name::text, kcu.column_name::text FROM information_schema.table_constraints tc
     JOIN information_schema.key_column_usage kcu ON kcu.constraint_name = tc.constraint_name AND kcu.table_schema = tc.table_schema
     WHERE tc.table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2",
    "SELECT n.nspname::text, c.relname::text, (c.oid::regclass)::text FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'v') ORDER BY c.relname COLLATE \"C\"",
    "SELECT event_object_schema::text, trigger_name::text, action_statement FROM information_schema.triggers",
    "SELECT routine_schema::text, routine_name::text, routine_definition FROM information_schema.routines
     WHERE routine_schema = current_schema() AND routine_name LIKE 'sq\\_%'",
    "SELECT pg_get_viewdef('public.sq_counted_item'::regclass), pg_get_triggerdef(t.oid)
     FROM pg_trigger t WHERE tgname = 'sq_counted'",
    "SELECT col_description('public.sq_item'::regclass, 2), current_schema()::text",
];

pub async fn introspection(it: &PgPool) -> Outcome {
    for query in QUERIES {
        for row in sqlx::query(*query).fetch_all(it).await? {
            let cells =
                (0..row.len()).map(|at| row.get::<Option<String>, _>(at).unwrap_or_else(|| "NULL".into()));
            println!("introspection: {}", on_one_line(&cells.collect::<Vec<_>>().join(" | ")));
        }
    }
    let mut builder: QueryBuilder<Postgres> =
        QueryBuilder::new("SELECT tablename::text FROM pg_tables WHERE schemaname = ");
    let names: Vec<String> = builder
        .push_bind("public")
        .push(" ORDER BY tablename COLLATE \"C\"")
        .build_query_scalar()
        .fetch_all(it)
        .await?;
    println!("introspection: by parameter {names:?}");
    let found: Option<String> =
        sqlx::query_scalar("SELECT to_regclass($1)::text").bind("public.sq_item").fetch_one(it).await?;
    println!("introspection: {found:?}");
    Ok(())
}
