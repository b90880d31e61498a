//! Changing the secret of a role in a store.

use crate::plan::{identifier, verifier};
use crate::{Admin, StoreError};
use model::partition::{quote_identifier as ident, quote_literal as literal};

/// Gives `role` a new secret by its verifier (Postgres's text form). Sessions that run go on. The same
/// verifier twice changes nothing.
///
/// # Errors
/// [`StoreError::Plan`] when the text is no SCRAM verifier, [`StoreError::Rights`], [`StoreError::Sql`]
/// (42704: there is no such role), and those of a lost connection. Cancel-safe: call it again.
pub async fn set_verifier(admin: &Admin, role: &str, text: &str) -> Result<(), StoreError> {
    identifier("role", role)?;
    verifier(text)?;
    let sql = format!("ALTER ROLE {} PASSWORD {}", ident(role), literal(text));
    admin.link().batch(&format!("change the secret of {role}"), &sql).await
}
