//! Relations of the server whose rows belong to a schema or a role, and what lets only those pass that
//! a service may see.

use crate::rewrite::literal;
use crate::tokens::Tokens;
use Column::{Class, Comment, Database, Name, NameOrNone, Oid, Owner, Part, Type};

/// The column that says whose a row's object is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    /// By the number of a relation in a schema.
    Class(&'static str),
    /// The same, of what is seldom read without the relation itself: where that is narrowed, so is this.
    Part(&'static str),
    /// By the number of an object of any kind.
    Comment(&'static str),
    /// By the number of a type in a schema.
    Type(&'static str),
    /// By the role that owns it: large objects and prepared transactions stand in no schema.
    Owner(&'static str),
    /// The name of a database: the store's own, and those that every server has.
    Database(&'static str),
    /// By the schema's number.
    Oid(&'static str),
    /// By its name.
    Name(&'static str),
    /// By its name; empty for objects that stand in none.
    NameOrNone(&'static str),
}

/// Of `pg_catalog`, by name (PostgreSQL manual, "System Catalogs" and "System Views").
const CATALOG: &[(&str, Column)] = &[
    ("pg_attrdef", Part("adrelid")),
    ("pg_attribute", Part("attrelid")),
    ("pg_class", Oid("relnamespace")),
    ("pg_collation", Oid("collnamespace")),
    ("pg_constraint", Oid("connamespace")),
    ("pg_conversion", Oid("connamespace")),
    ("pg_database", Database("datname")),
    ("pg_default_acl", Oid("defaclnamespace")),
    ("pg_description", Comment("objoid")),
    ("pg_enum", Type("enumtypid")),
    ("pg_index", Part("indrelid")),
    ("pg_indexes", Name("schemaname")),
    ("pg_inherits", Class("inhrelid")),
    ("pg_largeobject_metadata", Owner("lomowner")),
    ("pg_matviews", Name("schemaname")),
    ("pg_namespace", Oid("oid")),
    ("pg_opclass", Oid("opcnamespace")),
    ("pg_operator", Oid("oprnamespace")),
    ("pg_opfamily", Oid("opfnamespace")),
    ("pg_partitioned_table", Class("partrelid")),
    ("pg_policies", Name("schemaname")),
    ("pg_policy", Class("polrelid")),
    ("pg_prepared_xacts", Owner("owner")),
    ("pg_proc", Oid("pronamespace")),
    ("pg_publication_namespace", Oid("pnnspid")),
    ("pg_publication_tables", Name("schemaname")),
    ("pg_rewrite", Class("ev_class")),
    ("pg_rules", Name("schemaname")),
    ("pg_sequences", Name("schemaname")),
    ("pg_stat_all_indexes", Name("schemaname")),
    ("pg_stat_all_tables", Name("schemaname")),
    ("pg_stat_sys_indexes", Name("schemaname")),
    ("pg_stat_sys_tables", Name("schemaname")),
    ("pg_stat_user_functions", Name("schemaname")),
    ("pg_stat_user_indexes", Name("schemaname")),
    ("pg_stat_user_tables", Name("schemaname")),
    ("pg_stat_xact_all_tables", Name("schemaname")),
    ("pg_stat_xact_sys_tables", Name("schemaname")),
    ("pg_stat_xact_user_functions", Name("schemaname")),
    ("pg_stat_xact_user_tables", Name("schemaname")),
    ("pg_statio_all_indexes", Name("schemaname")),
    ("pg_statio_all_sequences", Name("schemaname")),
    ("pg_statio_all_tables", Name("schemaname")),
    ("pg_statio_sys_indexes", Name("schemaname")),
    ("pg_statio_sys_sequences", Name("schemaname")),
    ("pg_statio_sys_tables", Name("schemaname")),
    ("pg_statio_user_indexes", Name("schemaname")),
    ("pg_statio_user_sequences", Name("schemaname")),
    ("pg_statio_user_tables", Name("schemaname")),
    ("pg_statistic_ext", Oid("stxnamespace")),
    ("pg_stats", Name("schemaname")),
    ("pg_stats_ext", Name("schemaname")),
    ("pg_stats_ext_exprs", Name("schemaname")),
    ("pg_tables", Name("schemaname")),
    ("pg_trigger", Class("tgrelid")),
    ("pg_ts_config", Oid("cfgnamespace")),
    ("pg_ts_dict", Oid("dictnamespace")),
    ("pg_ts_parser", Oid("prsnamespace")),
    ("pg_ts_template", Oid("tmplnamespace")),
    ("pg_type", Oid("typnamespace")),
    ("pg_views", Name("schemaname")),
];

/// Of `information_schema`, by name (PostgreSQL manual, "The Information Schema"): they show what the
/// role has rights on, and what everybody has rights on in other schemas.
const INFORMATION_SCHEMA: &[(&str, Column)] = &[
    ("attributes", Name("udt_schema")),
    ("check_constraint_routine_usage", Name("constraint_schema")),
    ("check_constraints", Name("constraint_schema")),
    ("collation_character_set_applicability", Name("collation_schema")),
    ("collations", Name("collation_schema")),
    ("column_column_usage", Name("table_schema")),
    ("column_domain_usage", Name("domain_schema")),
    ("column_options", Name("table_schema")),
    ("column_privileges", Name("table_schema")),
    ("column_udt_usage", Name("table_schema")),
    ("columns", Name("table_schema")),
    ("constraint_column_usage", Name("table_schema")),
    ("constraint_table_usage", Name("table_schema")),
    ("data_type_privileges", Name("object_schema")),
    ("domain_constraints", Name("domain_schema")),
    ("domain_udt_usage", Name("domain_schema")),
    ("domains", Name("domain_schema")),
    ("element_types", Name("object_schema")),
    ("foreign_table_options", Name("foreign_table_schema")),
    ("foreign_tables", Name("foreign_table_schema")),
    ("key_column_usage", Name("table_schema")),
    ("parameters", Name("specific_schema")),
    ("referential_constraints", Name("constraint_schema")),
    ("role_column_grants", Name("table_schema")),
    ("role_routine_grants", Name("routine_schema")),
    ("role_table_grants", Name("table_schema")),
    ("role_udt_grants", Name("udt_schema")),
    ("role_usage_grants", NameOrNone("object_schema")),
    ("routine_column_usage", Name("routine_schema")),
    ("routine_privileges", Name("routine_schema")),
    ("routine_routine_usage", Name("specific_schema")),
    ("routine_sequence_usage", Name("routine_schema")),
    ("routine_table_usage", Name("routine_schema")),
    ("routines", Name("routine_schema")),
    ("schemata", Name("schema_name")),
    ("sequences", Name("sequence_schema")),
    ("table_constraints", Name("table_schema")),
    ("table_privileges", Name("table_schema")),
    ("tables", Name("table_schema")),
    ("transforms", Name("udt_schema")),
    ("triggered_update_columns", Name("trigger_schema")),
    ("triggers", Name("trigger_schema")),
    ("udt_privileges", Name("udt_schema")),
    ("usage_privileges", NameOrNone("object_schema")),
    ("user_defined_types", Name("user_defined_type_schema")),
    ("view_column_usage", Name("view_schema")),
    ("view_routine_usage", Name("table_schema")),
    ("view_table_usage", Name("view_schema")),
    ("views", Name("table_schema")),
];

/// The column of the relation `name` of the system schema `schema`, which is `pg_catalog` where the
/// statement names none.
pub(super) fn column(schema: Option<&[u8]>, name: &[u8]) -> Option<Column> {
    let relations = match schema {
        None | Some(b"pg_catalog") => CATALOG,
        Some(b"information_schema") => INFORMATION_SCHEMA,
        Some(_) => return None,
    };
    let at = relations.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
    relations.get(at).map(|(_, column)| *column)
}

/// Is the name at `i` that of a relation here, whatever it stands for?
pub(super) fn is_known(t: Tokens, i: usize) -> bool {
    let system = |schema: &[u8]| t.name(i).is_some_and(|name| column(Some(schema), &name).is_some());
    system(b"pg_catalog") || (t.symbol(i.wrapping_sub(1), b'.') && system(b"information_schema"))
}

/// What the rows of the relation called `alias` in the statement must fulfil.
pub(super) fn condition(alias: &str, column: Column) -> String {
    match column {
        Oid(column) => seen(&format!("{alias}.{column}")),
        Class(column) | Part(column) => of_seen(&format!("{alias}.{column}"), "pg_class", "relnamespace"),
        Comment(column) => comment_on_seen(&format!("{alias}.classoid"), &format!("{alias}.{column}")),
        Type(column) => of_seen(&format!("{alias}.{column}"), "pg_type", "typnamespace"),
        Owner(column) => format!("pg_catalog.pg_has_role({alias}.{column}, 'USAGE')"),
        Database(column) => format!(
            "{alias}.{column} IN (pg_catalog.current_database(), 'postgres', 'template0', 'template1')"
        ),
        Name(column) => format!("{alias}.{column} = {}", any_seen()),
        NameOrNone(column) => format!("({alias}.{column} = '' OR {alias}.{column} = {})", any_seen()),
    }
}

/// Is the object with this number one of the server's own, or does it stand in a schema that is seen?
///
/// `EXISTS`, not `IN`: the planner may then look single objects up instead of gathering all, which it
/// would think to do for each row of a query around this one. No client gives the names that the looked
/// up relations go by here, so they hide none of its own.
fn of_seen(oid: &str, catalog: &str, namespace: &str) -> String {
    let seen = seen(&format!("stuffgate_o.{namespace}"));
    format!(
        "({oid} < 16384 OR EXISTS (SELECT FROM pg_catalog.{catalog} stuffgate_o WHERE stuffgate_o.oid = {oid} AND {seen}))"
    )
}

/// Is the object that a comment is on, of this catalog and number, one that is seen? Schemas and relations
/// are looked up; what others there are is seldom commented on.
fn comment_on_seen(catalog: &str, oid: &str) -> String {
    let is = |name: &str| format!("{catalog} = 'pg_catalog.{name}'::pg_catalog.regclass");
    let (schemas, relations) = (is("pg_namespace"), is("pg_class"));
    let relation = of_seen(oid, "pg_class", "relnamespace");
    format!(
        "({oid} < 16384 OR CASE WHEN {schemas} THEN {} WHEN {relations} THEN {relation} ELSE true END)",
        seen(oid)
    )
}

/// What keeps the schema of extensions from view in a list of schemas: plain Postgres has extensions in
/// `public`. `None` for other relations than such lists.
///
/// A statement that may go on to what stands in a schema (`joins`) is told of it if anything does.
pub(super) fn without_extensions(name: &[u8], alias: &str, extensions: &str, joins: bool) -> Option<String> {
    let (column, number) = match name {
        b"pg_namespace" => ("nspname", format!("{alias}.oid")),
        b"schemata" => (
            "schema_name",
            format!("pg_catalog.to_regnamespace(pg_catalog.quote_ident({alias}.schema_name))"),
        ),
        _ => return None,
    };
    let other = format!("{alias}.{column} <> {}", literal(extensions));
    Some(if joins {
        format!(
            " AND ({other} OR EXISTS (SELECT FROM pg_catalog.pg_extension stuffgate_e WHERE stuffgate_e.extnamespace = {number}))"
        )
    } else {
        format!(" AND {other}")
    })
}

fn any_seen() -> String {
    format!("ANY (ARRAY(SELECT s.nspname FROM pg_catalog.pg_namespace s WHERE {}))", seen("s.oid"))
}

/// Is the schema with this number one of the server's own, or one that the session may use, but not the
/// database's own `public`?
///
/// Numbers below 16384 are given out by initdb, 2200 is `public`'s, or what it was renamed to; one that
/// was dropped and made again has another number. Most rows of the catalog are the server's own, which
/// is why comparing numbers comes first.
fn seen(oid: &str) -> String {
    format!(
        "({oid} < 16384 AND {oid} <> 2200 OR pg_catalog.has_schema_privilege({oid}, 'USAGE') AND {oid} IS DISTINCT FROM pg_catalog.to_regnamespace('public'))"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn relations_are_sorted() {
        assert!(super::CATALOG.is_sorted_by_key(|(name, _)| name));
        assert!(super::INFORMATION_SCHEMA.is_sorted_by_key(|(name, _)| name));
    }
}
