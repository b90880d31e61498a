//! The tables, as `diesel print-schema` writes them.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "ds_mood", schema = "public"))]
    pub struct DsMood;
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::DsMood;

    ds_item (id) {
        id -> Int4,
        name -> Varchar,
        mood -> DsMood,
        tags -> Array<Nullable<Text>>,
        about -> Nullable<Jsonb>,
        amount -> Nullable<Numeric>,
        mark -> Nullable<Uuid>,
        content -> Nullable<Bytea>,
        made -> Nullable<Timestamptz>,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    public.ds_line (item, number) {
        item -> Int4,
        number -> Int4,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    ds_plan (n) {
        n -> Int4,
        rest -> Int4,
        word -> Nullable<Text>,
    }
}

diesel::joinable!(ds_line -> ds_item (item));
diesel::allow_tables_to_appear_in_same_query!(ds_item, ds_line, ds_plan);
