//! What the catalog tells a program about its tables.

use crate::Session;
use rust_drivers::{Outcome, on_one_line};

/// Each with the columns that make its rows, as text.
const QUERIES: &[&str] = &[
    "SELECT table_schema::text, table_name::text, table_type::text FROM information_schema.tables
     WHERE table_schema = 'public' AND table_name LIKE 'tp\\_%' ORDER BY 2",
    "SELECT table_schema::text, table_name::text, column_name::text, data_type::text, udt_schema::text, is_nullable::text
     FROM information_schema.columns WHERE table_name = 'tp_item' ORDER BY ordinal_position",
    "SELECT schemaname::text, tablename::text FROM pg_catalog.pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename LIKE 'tp\\_%' ORDER BY 2",
    "SELECT n.nspname::text, c.relname::text, c.relkind::text, c.oid::regclass::text, obj_description(c.oid, 'pg_class')
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relname LIKE 'tp\\_%' ORDER BY 2",
    "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conname LIKE 'tp\\_%' ORDER BY 2",
    "SELECT schemaname::text, indexname::text, indexdef FROM pg_indexes WHERE tablename LIKE 'tp\\_%' ORDER BY 2",
    "SELECT viewname::text, definition FROM pg_views WHERE viewname LIKE 'tp\\_%' ORDER BY 1",
    "SELECT pg_get_functiondef('public.tp_twice'::regproc)",
    "SELECT typname::text, typnamespace::regnamespace::text, format_type(oid, NULL) FROM pg_type
     WHERE typname LIKE 'tp\\_mood' ORDER BY 1",
    "SELECT current_schema()::text, to_regclass('public.tp_item')::text",
    "SELECT pg_get_serial_sequence('public.tp_line', 'id'), column_default FROM information_schema.columns
     WHERE table_schema = current_schema() AND table_name = 'tp_line' AND column_name = 'id'",
    "SELECT json_build_object('schema', n.nspname, 'tables', json_agg(c.relname ORDER BY c.relname))::text
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname IN ('tp_item', 'tp_line') GROUP BY n.nspname",
];

/// Which schemas there are.
pub async fn schemas(it: &mut Session) -> Outcome {
    let names = "SELECT schema_name::text FROM information_schema.schemata WHERE schema_name NOT LIKE 'pg\\_%' ORDER BY 1";
    let rows = it.client.query(names, &[]).await?;
    println!("schemas: {:?}", rows.iter().map(|row| row.get(0)).collect::<Vec<String>>());
    let row = it
        .client
        .query_one("SELECT current_schemas(false)::text, current_setting('search_path')", &[])
        .await?;
    println!("schemas: {} {}", row.get::<_, &str>(0), row.get::<_, &str>(1));
    Ok(())
}

pub async fn introspection(it: &mut Session) -> Outcome {
    for query in QUERIES {
        for row in it.client.query(*query, &[]).await? {
            let cells =
                (0..row.len()).map(|at| row.get::<_, Option<String>>(at).unwrap_or_else(|| "NULL".into()));
            println!("introspection: {}", on_one_line(&cells.collect::<Vec<_>>().join(" | ")));
        }
    }
    let by_parameter =
        "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 AND tablename LIKE $2 ORDER BY 1";
    let rows = it.client.query(by_parameter, &[&"public", &"tp\\_%"]).await?;
    println!("introspection: by parameter {:?}", rows.iter().map(|row| row.get(0)).collect::<Vec<String>>());
    let rows = it.client.query("SELECT name FROM tp_item LIMIT 1", &[]).await?;
    let column = &rows[0].columns()[0];
    let origin = "SELECT n.nspname::text, c.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attrelid = $1 AND a.attnum = $2";
    let origin = it.client.query_one(origin, &[&column.table_oid(), &column.column_id()]).await?;
    let names: [String; 3] = [origin.get(0), origin.get(1), origin.get(2)];
    println!("introspection: a result's column comes from {}", names.join("."));
    Ok(())
}
