//! What a program learns from the catalog through diesel's own query language.

use diesel::prelude::*;
use diesel::sql_types::Text;
use rust_drivers::Outcome;

mod information_schema {
    diesel::table! {
        information_schema.tables (table_schema, table_name) {
            table_schema -> Text,
            table_name -> Text,
            table_type -> Text,
        }
    }
    diesel::table! {
        information_schema.columns (table_schema, table_name, column_name) {
            table_schema -> Text,
            table_name -> Text,
            column_name -> Text,
            ordinal_position -> Integer,
            udt_schema -> Text,
            udt_name -> Text,
        }
    }
}

pub fn introspection(it: &mut PgConnection) -> Outcome {
    use information_schema::{columns, tables};
    let found: Vec<(String, String, String)> = tables::table
        .filter(tables::table_schema.eq("public"))
        .filter(tables::table_name.not_like("\\_\\_%"))
        .select((tables::table_schema, tables::table_name, tables::table_type))
        .order(tables::table_name)
        .load(it)?;
    for table in found {
        println!("introspection: {table:?}");
    }
    let found: Vec<(String, String, String)> = columns::table
        .filter(columns::table_name.eq("ds_item"))
        .select((columns::column_name, columns::udt_schema, columns::udt_name))
        .order(columns::ordinal_position)
        .load(it)?;
    println!("introspection: {found:?}");
    let of_type = "(SELECT string_agg(typnamespace::regnamespace::text || '.' || typname, ' ' ORDER BY typname) FROM pg_type \
                   WHERE typname LIKE '%ds\\_mood')";
    let names: (String, String, String) = diesel::select((
        diesel::dsl::sql::<Text>("current_schema()::text"),
        diesel::dsl::sql::<Text>("'public.ds_item'::regclass::text"),
        diesel::dsl::sql::<Text>(of_type),
    ))
    .get_result(it)?;
    println!("introspection: {names:?}");
    Ok(())
}

/// A table's name as the argument of a function of the program's own, which takes a `regclass`.
pub fn regclass_argument(it: &mut PgConnection) -> Outcome {
    diesel::sql_query(
        "CREATE FUNCTION public.ds_name_of(it regclass) RETURNS text LANGUAGE sql \
         AS 'SELECT relname::text FROM pg_class WHERE oid = it'",
    )
    .execute(it)?;
    for call in
        ["ds_name_of('ds_item')", "ds_name_of('public.ds_item'::regclass)", "ds_name_of('public.ds_item')"]
    {
        let name: String = diesel::select(diesel::dsl::sql::<Text>(call)).get_result(it)?;
        println!("regclass_argument: {call} is {name}");
    }
    Ok(())
}
