//! Partitions that a store's owner prepares by hand: what to run, and what was made.

use super::Failure;
use super::url::Target;
use model::{Partition, Service};
use registry::{GrantRequest, OperationId, Where, scram};
use secrecy::SecretString;
use store::{GrantPlan, ServerVersion};

/// Longest role name, in bytes (PostgreSQL manual, "Identifiers and Key Words").
const MAX_ROLE_BYTES: usize = 63;

/// The place that an owner made, as a grant takes it.
#[must_use]
pub(crate) fn place(target: Target, secret: SecretString, schema: &str, extensions: &str) -> Where {
    Where::Existing {
        endpoint: target.endpoint,
        role: target.role,
        secret,
        schema: schema.into(),
        extensions: extensions.into(),
    }
}

/// What the store's owner runs with psql to make the place that `request` asks for. It holds the secret's
/// verifier, not the secret.
///
/// # Errors
/// When names are no names for Postgres.
pub(crate) fn sql(request: &GrantRequest, service: &Service, version: u32) -> Result<String, Failure> {
    let Where::Existing { endpoint, role, secret, schema, extensions } = &request.place else {
        return Err(Failure::usage("--print-sql is for a place that the owner prepares: add --existing URL"));
    };
    let plan = GrantPlan {
        operation: OperationId::fresh()?.to_string(),
        service: service.name.to_string(),
        database: endpoint.database.to_string(),
        partition: Partition::Schema { schema: schema.clone(), extensions: extensions.clone() },
        // The same on every run, so that running what was printed twice does no harm.
        owner_role: beside("p_", role),
        login_role: role.to_string(),
        reader_role: beside("r_", role),
        login_verifier: scram::to_text(&scram::verifier_for(secret)?),
        // Nobody knows this role's password until its owner sets one.
        reader_verifier: scram::to_text(&scram::verifier_of(&scram::fresh_keys()?)),
        connection_limit: None,
        valid_until: request.expires_at,
        extensions: service.extensions.iter().map(ToString::to_string).collect(),
    };
    Ok(store::plan_sql(&plan, ServerVersion::of_major(version))?)
}

fn beside(prefix: &str, role: &str) -> String {
    let room = MAX_ROLE_BYTES - prefix.len();
    format!("{prefix}{}", &role[..role.floor_char_boundary(room)])
}
