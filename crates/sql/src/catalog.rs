//! Statements whose rows may carry schema names: those that read the catalog, or ask the server how
//! it calls something.

use crate::tokens::Tokens;

/// What the names of schemas begin with that are told apart from every word that a service may store.
const DISTINCT: &str = "stuff_";

/// Statements that answer what the server makes of others.
const ALWAYS: &[&str] = &["execute", "explain", "show"];

/// Names in `pg_` whose answers hold no names; the qualifiers of a schema say nothing either.
const SILENT: &[&[u8]] = &[
    b"pg_backend_pid",
    b"pg_cancel_backend",
    b"pg_catalog",
    b"pg_notify",
    b"pg_sleep",
    b"pg_sleep_for",
    b"pg_sleep_until",
    b"pg_temp",
    b"pg_terminate_backend",
];

/// Is a schema of this name one that the gate made, so that it is replaced by `public` in the rows of
/// every [`Statement::catalog`](crate::Statement::catalog)?
#[must_use]
pub fn is_distinct(schema: &str) -> bool {
    schema.starts_with(DISTINCT)
}

/// May rows of the statement carry schema names?
pub(crate) fn speaks_of_schemas(t: Tokens) -> bool {
    t.is_any(0, ALWAYS) || (0..t.len()).any(|i| t.name(i).is_some_and(|name| tells_schemas(&name)))
}

fn tells_schemas(name: &[u8]) -> bool {
    match name {
        b"information_schema"
        | b"current_schema"
        | b"current_schemas"
        | b"current_setting"
        | b"set_config"
        | b"tableoid"
        | b"format_type" => true,
        b"regclass" | b"regcollation" | b"regconfig" | b"regdictionary" | b"regnamespace" | b"regoper"
        | b"regoperator" | b"regproc" | b"regprocedure" | b"regtype" => true,
        _ if name.starts_with(b"pg_") => !is_silent(name),
        _ => name.starts_with(b"to_reg") || memchr::memmem::find(name, b"_to_xml").is_some(),
    }
}

fn is_silent(name: &[u8]) -> bool {
    let advisory = name.starts_with(b"pg_advisory_") || name.starts_with(b"pg_try_advisory_");
    advisory || SILENT.contains(&name)
}
