//! Checking a role and schema that a store's owner prepared by hand.

use crate::link::Link;
use crate::plan::identifier;
use crate::{ServerVersion, StoreError};
use model::Endpoint;
use model::partition::{quote_identifier as ident, quote_literal as literal};
use secrecy::SecretString;
use std::time::Instant;

/// What a hand-made login is like, once it was found to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The server's version.
    pub version: ServerVersion,
    /// The role that its sessions act as: its own, or the one that `ALTER ROLE … SET role` names.
    pub acts_as: String,
    /// What works and had better be otherwise, each on one line.
    pub warnings: Vec<String>,
}

/// Logs in as the service's session would and checks that it can work in `schema`, and in that alone.
/// Needs no admin and changes nothing.
///
/// # Errors
/// [`StoreError::Rights`] when it cannot use the schema or create in it, [`StoreError::Conflict`] when
/// there is no such schema, and those of [`crate::Admin::connect`]. Cancel-safe.
pub async fn adopt(
    endpoint: &Endpoint,
    role: &str,
    secret: &SecretString,
    schema: &str,
    deadline: Instant,
) -> Result<Adopted, StoreError> {
    identifier("schema", schema)?;
    let link = Link::open(endpoint, role, secret, deadline).await?;
    let acts_as = usable(&link, schema).await?;
    let mut warnings = excess_rights(&link).await?;
    warnings.extend(foreign_tables(&link, schema).await?);
    Ok(Adopted { version: link.version(), acts_as, warnings })
}

async fn usable(link: &Link, schema: &str) -> Result<String, StoreError> {
    let sql = format!(
        "SELECT current_user, has_schema_privilege(oid, 'USAGE'), has_schema_privilege(oid, 'CREATE')
         FROM pg_namespace WHERE nspname = {}",
        literal(schema)
    );
    let rows = link.rows("say what its role may do", &sql).await?;
    let Some(row) = rows.into_iter().next() else {
        return Err(StoreError::Conflict(format!(
            "there is no schema {schema:?}; let the store's owner create it, or correct --schema"
        )));
    };
    let acts_as = row.first().cloned().flatten().unwrap_or_default();
    for (at, right) in [(1, "USAGE"), (2, "CREATE")] {
        if row.get(at).and_then(Option::as_deref) != Some("t") {
            return Err(StoreError::Rights {
                missing: format!("role {acts_as:?} has no {right} on schema {schema:?}"),
                hint: format!(
                    "let the store's owner run: GRANT {right} ON SCHEMA {} TO {}",
                    ident(schema),
                    ident(&acts_as)
                ),
            });
        }
    }
    Ok(acts_as)
}

async fn excess_rights(link: &Link) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT rolname, concat_ws(', ', CASE WHEN rolsuper THEN 'SUPERUSER' END,
          CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
          CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END)
        FROM pg_roles WHERE rolname IN (current_user, session_user)
          AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls) ORDER BY 1";
    let rows = link.rows("say what its role may do", sql).await?;
    Ok(rows.into_iter().map(|row| warning(&row, "role", "has", "the service needs none of that")).collect())
}

async fn foreign_tables(link: &Link, schema: &str) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "SELECT nspname, count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> {}
           AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
           AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
           AND NOT EXISTS (SELECT FROM pg_depend d
             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
         GROUP BY 1 ORDER BY 1 LIMIT 20",
        literal(schema)
    );
    let rows = link.rows("say what its role may read", &sql).await?;
    let advice = "tables that the role can read; revoke that if they are not the service's";
    Ok(rows.into_iter().map(|row| warning(&row, "schema", "has", advice)).collect())
}

fn warning(row: &[Option<String>], what: &str, verb: &str, advice: &str) -> String {
    let text = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
    format!("{what} {:?} {verb} {} {advice}", text(0), text(1))
}
