//! `stuffgate revoke`.

use super::gate::{ConfigPath, block_on};
use super::output::say;
use super::{Failure, time};
use crate::config::Config;
use crate::provisioning;
use model::Name;
use registry::{Prepared, Registry};

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stuffgate revoke alice todo

The gate refuses new sessions at once and ends running ones within a second. What the
service kept stays in the store. Where the store cannot be reached, its clean-up waits;
a running gate tries it again, and so does this command.")]
pub(crate) struct Revoke {
    /// Who granted
    user: Name,
    /// To whom
    service: Name,
}

impl Revoke {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        let settings = config.load()?;
        let mut registry = config.registry()?;
        say(&block_on(revoke(&settings, &mut registry, &self.user, &self.service))?)
    }
}

/// Revokes a grant here, then tries the store's part once. Says what came of it: a store that cannot be
/// reached does not undo a revocation.
///
/// # Errors
/// When there is no such grant.
pub(crate) async fn revoke(
    config: &Config,
    registry: &mut Registry,
    user: &Name,
    service: &Name,
) -> Result<String, Failure> {
    let (record, operation) = registry.begin_revoke(user, service)?;
    let Some(operation) = operation else {
        return Ok(match record.prepared {
            Prepared::ByOwner => format!(
                "revoked; {user} prepared role {} by hand, and should drop it in the store",
                record.grant.role
            ),
            Prepared::ByGate { .. } => "revoked".to_owned(),
        });
    };
    let store = registry.store(operation.store)?;
    let sealer = registry.sealer();
    let done = Box::pin(provisioning::carry_out(config.allow_addresses, &sealer, &operation, &store)).await;
    match done {
        Ok(()) => {
            registry.operation_done(&operation.id)?;
            Ok("revoked, and cleaned up in the store".to_owned())
        }
        Err(error) => {
            registry.operation_failed(&operation.id, &error.to_string(), time::now())?;
            Ok(format!("revoked; the store's clean-up waits and will be tried again: {error}"))
        }
    }
}
