//! Partitions: a service's places in stores, and the names that the gate gives them.

use crate::Result;
use crate::grants::{GrantRequest, Where};
use crate::kek::random_hex;
use crate::rows::column;
use model::{Name, StoreId};
use rusqlite::{Transaction, params};

/// Schema for extensions in stores that the gate prepares.
const EXTENSION_SCHEMA: &str = "extensions";

/// What the name of a schema begins with that the gate makes. It is never a word of a service's own, needs
/// no quotes, and sorts behind `information_schema` and `pg_catalog`, as `public` does.
const SCHEMA_PREFIX: &str = "stuff_";

/// Random bytes in a name: roles belong to a whole Postgres server, on which many stores may live.
const SUFFIX_BYTES: usize = 4;

/// The partition that the gate keeps for a service in a store; a new one gets its names here.
pub(crate) fn by_gate(transaction: &Transaction<'_>, request: &GrantRequest, store: StoreId) -> Result<i64> {
    let kind = request.place.kind();
    let sql = "SELECT id FROM partitions WHERE store_id = ?1 AND service = ?2 AND kind = ?3";
    if let Some(id) = column(transaction, sql, params![store.0, request.service.as_str(), kind])? {
        return Ok(id);
    }
    let word = word(&request.service);
    let suffix = random_hex::<SUFFIX_BYTES>()?;
    let owner_role = format!("p_{word}_{suffix}");
    let (schema, extensions, database) = match request.place {
        // Two services may share a word (`to-do`, `to_do`), and a server may hold many stores' databases.
        Where::Database => (None, None, Some(format!("{word}_{suffix}"))),
        _ => (Some(schema_of(transaction, &request.service, &suffix)?), Some(EXTENSION_SCHEMA), None),
    };
    transaction.execute(
        "INSERT INTO partitions (store_id, service, kind, schema, extensions, database, owner_role)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![store.0, request.service.as_str(), kind, schema, extensions, database, owner_role],
    )?;
    Ok(transaction.last_insert_rowid())
}

/// The schema of the service's partitions, by one name in all stores: what the gate makes of a statement
/// can then be used for each of them. The first one is given `suffix`.
fn schema_of(transaction: &Transaction<'_>, service: &Name, suffix: &str) -> Result<String> {
    let sql = "SELECT schema FROM partitions WHERE service = ?1 AND kind = 'schema' LIMIT 1";
    let known = column(transaction, sql, params![service.as_str()])?;
    Ok(known.unwrap_or_else(|| format!("{SCHEMA_PREFIX}{}_{suffix}", word(service))))
}

/// The partition that a store's owner prepared; its schema may change from one grant to the next.
pub(crate) fn by_owner(
    transaction: &Transaction<'_>,
    request: &GrantRequest,
    store: StoreId,
    schema: &str,
    extensions: &str,
) -> Result<i64> {
    transaction.execute(
        "INSERT INTO partitions (store_id, service, kind, schema, extensions) VALUES (?1, ?2, 'existing', ?3, ?4)
         ON CONFLICT (store_id, service, kind) DO UPDATE SET schema = ?3, extensions = ?4",
        params![store.0, request.service.as_str(), schema, extensions],
    )?;
    let sql = "SELECT id FROM partitions WHERE store_id = ?1 AND service = ?2 AND kind = 'existing'";
    Ok(transaction.query_row(sql, params![store.0, request.service.as_str()], |row| row.get(0))?)
}

/// A new name for a role of the service: `g` and `r` are a grant's, `p` is a partition's.
pub(crate) fn role_name(letter: char, service: &Name) -> Result<String> {
    Ok(format!("{letter}_{}_{}", word(service), random_hex::<SUFFIX_BYTES>()?))
}

/// A service's name as a plain word for identifiers: no quotes needed, 40 bytes at most.
fn word(service: &Name) -> String {
    service.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
