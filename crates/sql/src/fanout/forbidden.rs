//! What no tier may run: writes, locks, what has no one value, what reads tables behind the planner's back.

use super::catalog::{Called, Catalog, RelationKind};
use super::refusal::Refusal;
use sqlparser::ast::{self, Expr, GroupByExpr, Select, SelectFlavor, TableFactor, WildcardAdditionalOptions};

/// Columns that every table has and no union of tables does.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Functions that are not volatile and yet read tables by name or run texts.
const HIDDEN: [&str; 15] = [
    "query_to_xml",
    "query_to_xmlschema",
    "query_to_xml_and_xmlschema",
    "table_to_xml",
    "table_to_xmlschema",
    "table_to_xml_and_xmlschema",
    "schema_to_xml",
    "schema_to_xmlschema",
    "schema_to_xml_and_xmlschema",
    "database_to_xml",
    "database_to_xmlschema",
    "database_to_xml_and_xmlschema",
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "ts_stat",
];

/// Functions that are not volatile and yet tell of a single server's transactions, or of how it keeps a value.
const LOCAL: [&str; 9] = [
    "txid_current",
    "txid_current_if_assigned",
    "txid_current_snapshot",
    "pg_current_xact_id",
    "pg_current_xact_id_if_assigned",
    "pg_current_snapshot",
    "pg_column_size",
    "pg_column_compression",
    "pg_column_toast_chunk_id",
];

/// A statement that changes something.
pub(crate) fn write() -> Refusal {
    Refusal::unsupported("a fan-out only reads", "Write in the session of one store.")
}

/// Rows cannot be locked in many stores at once.
pub(crate) fn locks() -> Refusal {
    Refusal::unsupported(
        "FOR UPDATE and FOR SHARE are not supported in a fan-out",
        "Leave the clause out: each store answers from its own snapshot.",
    )
}

/// Clauses around a query.
pub(crate) fn query(query: &ast::Query) -> Result<(), Refusal> {
    if !query.locks.is_empty() {
        return Err(locks());
    }
    if query.for_clause.is_some()
        || query.settings.is_some()
        || query.format_clause.is_some()
        || !query.pipe_operators.is_empty()
    {
        return Err(Refusal::unread("a clause at the end"));
    }
    Ok(())
}

/// Clauses of a SELECT.
pub(crate) fn select(select: &Select) -> Result<(), Refusal> {
    if select.into.is_some() {
        return Err(into());
    }
    let foreign = select.top.is_some()
        || select.select_modifiers.is_some()
        || select.exclude.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || matches!(select.group_by, GroupByExpr::All(_))
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.qualify.is_some()
        || select.value_table_mode.is_some()
        || select.flavor != SelectFlavor::Standard;
    if foreign { Err(Refusal::unread("a clause of SELECT")) } else { Ok(()) }
}

/// A table is made of the result.
pub(crate) fn into() -> Refusal {
    Refusal::unsupported(
        "SELECT INTO is not supported in a fan-out",
        "Leave INTO out, or keep the answer with `stuffgate materialize`.",
    )
}

/// A part of a table that each server chooses for itself.
pub(crate) fn sample() -> Refusal {
    Refusal::unsupported(
        "TABLESAMPLE is not supported in a fan-out",
        "Choose rows by a WHERE on a key, such as hashtext(id::text) % 100 = 0.",
    )
}

/// Options of `*`.
pub(crate) fn star(options: &WildcardAdditionalOptions) -> Result<(), Refusal> {
    let plain = options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none();
    if plain { Ok(()) } else { Err(Refusal::unread("something after *")) }
}

/// Things in FROM.
pub(crate) fn factor(factor: &TableFactor) -> Result<(), Refusal> {
    match factor {
        TableFactor::Table { sample: Some(_), .. } | TableFactor::Derived { sample: Some(_), .. } => {
            Err(sample())
        }
        TableFactor::Table { with_hints, version, partitions, json_path, index_hints, .. }
            if !with_hints.is_empty()
                || version.is_some()
                || !partitions.is_empty()
                || json_path.is_some()
                || !index_hints.is_empty() =>
        {
            Err(Refusal::unread("something after a table's name"))
        }
        _ => Ok(()),
    }
}

/// Expressions of other databases, which Postgres may read in another way.
pub(crate) fn expr(expr: &Expr) -> Result<(), Refusal> {
    let foreign = matches!(
        expr,
        Expr::JsonAccess { .. }
            | Expr::InUnnest { .. }
            | Expr::RLike { .. }
            | Expr::Convert { .. }
            | Expr::Prefixed { .. }
            | Expr::Struct { .. }
            | Expr::Dictionary(_)
            | Expr::Map(_)
            | Expr::MatchAgainst { .. }
            | Expr::OuterJoin(_)
            | Expr::Prior(_)
            | Expr::Lambda(_)
            | Expr::MemberOf(_)
            | Expr::Wildcard(_)
    );
    if foreign { Err(Refusal::unread("an expression")) } else { Ok(()) }
}

/// A whole row of something that is not known.
pub(crate) fn row(name: &ast::ObjectName) -> Result<(), Refusal> {
    Err(Refusal::unsupported(
        format!("{name}.* as an argument is not supported in a fan-out"),
        "Name the columns.",
    ))
}

/// `t.name` where the table has no such column: a system column, or a call in disguise.
pub(crate) fn unknown_column(name: &str) -> Result<(), Refusal> {
    if SYSTEM_COLUMNS.contains(&name) {
        return Err(Refusal::unsupported(
            format!("the system column {name} is not supported in a fan-out"),
            "Rows of different stores have no common place; use the table's own key and _store.",
        ));
    }
    Err(Refusal::unsupported(
        format!("{name} is no column of its table"),
        "A function that is called like a column is not supported in a fan-out: write f(x).",
    ))
}

/// A bare name that is no column of anything.
pub(crate) fn bare(name: &str) -> Result<(), Refusal> {
    if SYSTEM_COLUMNS.contains(&name) { unknown_column(name) } else { Ok(()) }
}

/// Volatile by name only: they read home's catalog, or say what home is, as clients ask when they list tables.
const OF_HOME: [&str; 3] = ["pg_is_in_recovery", "pg_partition_ancestors", "pg_partition_tree"];

/// How much room something takes at home: answered where only the catalog is read, as clients do that list tables.
const SIZES: [&str; 6] = [
    "pg_database_size",
    "pg_indexes_size",
    "pg_relation_size",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_total_relation_size",
];

/// Whether a statement reads the catalog and nothing else.
fn lists_catalog(catalog: Option<&Catalog>) -> bool {
    let relations = catalog.map(|catalog| catalog.relations.as_slice()).unwrap_or_default();
    !relations.is_empty() && relations.iter().all(|relation| relation.kind == RelationKind::Catalog)
}

/// A function, by all its overloads.
pub(crate) fn function(called: &Called, catalog: Option<&Catalog>) -> Result<(), Refusal> {
    let name = &called.name;
    if HIDDEN.contains(&name.as_str()) {
        return Err(Refusal::unsupported(
            format!("the function {name} is not supported in a fan-out"),
            "It reads tables by name or text, which the gate cannot see; write the query itself.",
        ));
    }
    if LOCAL.contains(&name.as_str()) {
        return Err(Refusal::unsupported(
            format!("the function {name} has no meaning over many stores"),
            "It tells of one server's transactions or storage: ask in the session of one store.",
        ));
    }
    let overloads = catalog
        .into_iter()
        .flat_map(|catalog| &catalog.functions)
        .filter(|function| function.called == *called);
    for function in overloads {
        let of_home = function.schema == "pg_catalog"
            && (OF_HOME.contains(&name.as_str()) || SIZES.contains(&name.as_str()) && lists_catalog(catalog));
        if function.volatility == 'v' && function.kind != 'a' && !of_home {
            return Err(Refusal::unsupported(
                format!("the volatile function {name} is not supported in a fan-out"),
                "Use functions whose value depends on their arguments only; now() is one value for all stores.",
            ));
        }
        let own = function.schema != "pg_catalog" && !function.extension;
        if own && function.volatility != 'i' && function.kind != 'a' {
            return Err(Refusal::unsupported(
                format!("the service's function {name} is not immutable, and not supported in a fan-out"),
                "It may read tables, which the gate cannot see; write the query itself.",
            ));
        }
    }
    Ok(())
}
