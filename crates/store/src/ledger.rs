//! The store's record of finished operations, by which each happens exactly once.
//!
//! `stuffgate.operation (id, kind, finished_at)` in the store's own database, owned by the admin and open
//! to nobody else. Its row is written in the transaction that does the work, under a lock on the table,
//! so that a repetition, late or at the same time, finds it. An advisory lock would not do: any service
//! could hold it and so hold up its own revocation.

use crate::StoreError;
use crate::link::Link;
use crate::plan::LEDGER_SCHEMA;
use crate::script::{self, Step, block, raise};
use model::partition::quote_literal;

/// What kind of work an operation was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Grant,
    Revoke,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Revoke => "revoke",
        }
    }
}

/// Makes the record and locks it until the transaction ends.
pub(crate) fn open() -> Step {
    let foreign =
        raise("schema \"stuffgate\" belongs to another role; rename it, the gate keeps its record there");
    let guard = block(&format!(
        "IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '{LEDGER_SCHEMA}' AND NOT pg_has_role(nspowner, 'USAGE')) THEN
  {foreign}
END IF;"
    ));
    Step::new(
        "keep the record of finished operations",
        format!(
            "{guard}
CREATE SCHEMA IF NOT EXISTS {LEDGER_SCHEMA};
CREATE TABLE IF NOT EXISTS {LEDGER_SCHEMA}.operation (
  id text PRIMARY KEY,
  kind text NOT NULL,
  finished_at timestamptz NOT NULL DEFAULT now()
);
LOCK TABLE {LEDGER_SCHEMA}.operation IN SHARE ROW EXCLUSIVE MODE;"
        ),
    )
}

/// Records the operation as finished.
pub(crate) fn record(operation: &str, kind: Kind) -> Step {
    Step::new(
        "record the operation",
        format!(
            "INSERT INTO {LEDGER_SCHEMA}.operation (id, kind) VALUES ({}, '{}') ON CONFLICT (id) DO NOTHING;",
            quote_literal(operation),
            kind.as_str()
        ),
    )
}

/// Begins a transaction with the record open and locked; whether the operation is in it already.
pub(crate) async fn begin(link: &Link, operation: &str, kind: Kind) -> Result<bool, StoreError> {
    script::begin(link).await?;
    script::run(link, &[open()]).await?;
    let sql = format!("SELECT kind FROM {LEDGER_SCHEMA}.operation WHERE id = {}", quote_literal(operation));
    match link.value("read the record of operations", &sql).await? {
        None => Ok(false),
        Some(found) if found == kind.as_str() => Ok(true),
        Some(found) => Err(StoreError::Plan(format!("operation {operation:?} was a {found}"))),
    }
}
