//! What is to be done in a store: the plans of a grant and of a revocation, checked before anything runs.

use crate::StoreError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Partition;

/// Longest identifier in bytes (PostgreSQL manual, "Identifiers and Key Words"); a longer one would be
/// cut short without a word and might then name something else.
const IDENTIFIER_MAX: usize = 63;
/// Longest operation id, in bytes.
const OPERATION_MAX: usize = 200;
/// Where operations are recorded; no partition may be called so.
pub(crate) const LEDGER_SCHEMA: &str = "stuffgate";

/// A partition and the login of one grant on it. Role names are server-wide in Postgres: they must differ
/// between databases of one server too.
#[derive(Clone)]
pub struct GrantPlan {
    /// Identifies this very operation: one that the store has recorded is not done again.
    pub operation: String,
    /// The service's name, for comments that the store's owner reads.
    pub service: String,
    /// Database that the partition is in: the store's own, or for [`Partition::Database`] the one to make.
    pub database: String,
    /// The partition.
    pub partition: Partition,
    /// NOLOGIN role that owns what the service makes (`p_…`).
    pub owner_role: String,
    /// LOGIN role of this grant (`g_…`).
    pub login_role: String,
    /// Read-only LOGIN role of this partition (`r_…`).
    pub reader_role: String,
    /// Postgres's text form of the login role's SCRAM verifier.
    pub login_verifier: String,
    /// Postgres's text form of the reader's SCRAM verifier.
    pub reader_verifier: String,
    /// Most sessions of the login role at once; `None` for no limit.
    pub connection_limit: Option<i32>,
    /// When both logins end by themselves, in seconds since the Unix epoch.
    pub valid_until: Option<i64>,
    /// Extensions that the service declared.
    pub extensions: Vec<String>,
}

impl std::fmt::Debug for GrantPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrantPlan")
            .field("operation", &self.operation)
            .field("database", &self.database)
            .field("partition", &self.partition)
            .field("login_role", &self.login_role)
            .finish_non_exhaustive()
    }
}

impl GrantPlan {
    /// Whether it can be carried out as it is written.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        operation(&self.operation)?;
        identifier("database", &self.database)?;
        roles(&[&self.owner_role, &self.login_role, &self.reader_role])?;
        verifier(&self.login_verifier)?;
        verifier(&self.reader_verifier)?;
        if self.connection_limit.is_some_and(i32::is_negative) {
            return Err(wrong("the connection limit is negative"));
        }
        for extension in &self.extensions {
            identifier("extension", extension)?;
        }
        match &self.partition {
            Partition::Database => Ok(()),
            Partition::Schema { schema, extensions } => schemas(schema, extensions),
        }
    }
}

/// The end of one grant. The partition's owner role and all data stay.
#[derive(Clone, Debug)]
pub struct RevokePlan {
    /// Identifies this very operation: one that the store has recorded is not done again.
    pub operation: String,
    /// Database that the partition is in.
    pub database: String,
    /// Whether that database is a partition of its own.
    pub partition: Partition,
    /// The partition's owner role, which inherits what the login role may have made in its own name.
    pub owner_role: String,
    /// The grant's LOGIN role.
    pub login_role: String,
    /// The partition's reader; `None` where another grant on the partition goes on.
    pub reader_role: Option<String>,
}

impl RevokePlan {
    /// Whether it can be carried out as it is written.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        operation(&self.operation)?;
        identifier("database", &self.database)?;
        let mut all = vec![self.owner_role.as_str()];
        all.extend(self.logins());
        roles(&all)
    }

    /// The roles that go.
    pub(crate) fn logins(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.login_role.as_str()).chain(self.reader_role.as_deref())
    }
}

/// Whether `text` is a SCRAM-SHA-256 verifier as Postgres writes it. Anything else Postgres would take
/// for a password in the clear.
pub(crate) fn verifier(text: &str) -> Result<(), StoreError> {
    let well_formed = || -> Option<bool> {
        let (head, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (iterations, salt) = head.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let key = |text: &str| STANDARD.decode(text).ok().map(|bytes| bytes.len());
        let salted = !STANDARD.decode(salt).ok()?.is_empty();
        Some(salted && iterations.parse::<u32>().ok()? > 0 && key(stored)? == 32 && key(server)? == 32)
    };
    if well_formed() == Some(true) { Ok(()) } else { Err(wrong("a verifier is not SCRAM-SHA-256 text")) }
}

/// Whether `name` can be an identifier of Postgres without change.
pub(crate) fn identifier(what: &str, name: &str) -> Result<(), StoreError> {
    if name.is_empty() || name.len() > IDENTIFIER_MAX || name.contains('\0') {
        return Err(wrong(&format!("{what} {name:?} is not 1 to {IDENTIFIER_MAX} bytes long")));
    }
    Ok(())
}

fn operation(id: &str) -> Result<(), StoreError> {
    if id.is_empty() || id.len() > OPERATION_MAX || id.contains('\0') {
        return Err(wrong(&format!("operation id {id:?} is not 1 to {OPERATION_MAX} bytes long")));
    }
    Ok(())
}

fn roles(names: &[&str]) -> Result<(), StoreError> {
    for (at, name) in names.iter().enumerate() {
        identifier("role", name)?;
        if name.starts_with("pg_") || ["public", "none"].contains(name) {
            return Err(wrong(&format!("role name {name:?} is Postgres's own")));
        }
        if names[..at].contains(name) {
            return Err(wrong(&format!("role name {name:?} stands for two roles")));
        }
    }
    Ok(())
}

fn schemas(schema: &str, extensions: &str) -> Result<(), StoreError> {
    identifier("schema", schema)?;
    identifier("schema", extensions)?;
    let reserved =
        |name: &str| name.starts_with("pg_") || [LEDGER_SCHEMA, "information_schema"].contains(&name);
    if reserved(schema) || reserved(extensions) || schema == "public" || schema == extensions {
        return Err(wrong(&format!("{schema:?} with extensions in {extensions:?} is no partition")));
    }
    Ok(())
}

fn wrong(what: &str) -> StoreError {
    StoreError::Plan(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scram_verifier_is_taken_for_one() {
        let key = STANDARD.encode([7; 32]);
        let good = format!("SCRAM-SHA-256$4096:c2FsdA==${key}:{key}");
        assert_eq!(verifier(&good), Ok(()));
        for bad in [
            "secret".to_owned(),
            "md5".to_owned() + &"0".repeat(32),
            good.replace("4096", "0"),
            good.replace("c2FsdA==", ""),
            good[..good.len() - 4].to_owned(),
        ] {
            assert!(verifier(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_mean_something_else_in_postgres_are_no_partition() {
        for (schema, extensions) in
            [("public", "ext"), ("pg_x", "ext"), ("stuffgate", "ext"), ("a", "a"), ("", "ext"), ("a", "pg_x")]
        {
            assert!(schemas(schema, extensions).is_err(), "{schema}, {extensions}");
        }
        assert_eq!(schemas("todo", "public"), Ok(()));
        assert!(roles(&["p_a", "p_a"]).is_err());
        assert!(roles(&["none"]).is_err());
        assert!(identifier("role", &"x".repeat(64)).is_err());
    }
}
