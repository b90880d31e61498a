//! Trying a store as the gate will use it, without changing anything in it.

use super::{Exit, Failure};
use crate::provisioning::{AdminLogin, ProvisionError, check_address};
use model::{Credential, Endpoint, Partition};
use registry::{GrantRecord, Prepared, Purpose, Registry, StoreRecord};
use secrecy::SecretString;
use std::time::{Duration, Instant};
use store::Report;
use wire::dial::AddressPolicy;

/// A store that says nothing for this long is as good as down.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// All that trying a store takes, registry and key put away.
pub(crate) enum Trial {
    /// The gate prepares this store.
    Admin(AdminLogin),
    /// Its owner does: what can be tried is what sessions log in with.
    ByHand(Vec<Session>),
}

/// A grant that the store's owner prepared, as its sessions use it.
pub(crate) struct Session {
    endpoint: Endpoint,
    role: Box<str>,
    secret: SecretString,
    schema: Box<str>,
}

impl Trial {
    /// What the registry knows of the store.
    ///
    /// # Errors
    /// When a secret does not open.
    pub(crate) fn of(registry: &Registry, record: &StoreRecord) -> Result<Self, Failure> {
        if record.admin.is_some() {
            return Ok(Self::Admin(AdminLogin::of(record, &registry.sealer())?));
        }
        let grants = registry.grants(false)?;
        let here = grants.iter().filter(|grant| grant.grant.store == record.store.id);
        let sessions: Result<Vec<_>, Failure> =
            here.map(|grant| Session::of(registry, record, grant)).collect();
        Ok(Self::ByHand(sessions?.into_iter().flatten().collect()))
    }

    /// Tries it, and says in one line that it is fit for use. Warnings about grants go to standard error.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(crate) async fn run(self, allow: AddressPolicy) -> Result<String, Failure> {
        match self {
            Self::Admin(login) => Ok(Box::pin(fit(&login, allow)).await?.one_line()),
            Self::ByHand(sessions) if sessions.is_empty() => {
                Ok("no admin login, and no grant to log in with: nothing to test".to_owned())
            }
            Self::ByHand(sessions) => {
                for session in &sessions {
                    Box::pin(session.run(allow)).await?;
                }
                Ok(format!(
                    "ready: prepared by hand, {} grant(s) log in and may use their schema",
                    sessions.len()
                ))
            }
        }
    }
}

impl Session {
    fn of(registry: &Registry, record: &StoreRecord, grant: &GrantRecord) -> Result<Option<Self>, Failure> {
        let (Prepared::ByOwner, Partition::Schema { schema, .. }) = (&grant.prepared, &grant.grant.partition)
        else {
            return Ok(None);
        };
        let purpose = Purpose::GrantLogin(grant.grant.id);
        let Credential::Password(secret) = registry.open_credential(purpose, &grant.grant.credential)? else {
            return Ok(None);
        };
        let (endpoint, role) = (record.store.endpoint.clone(), grant.grant.role.clone());
        Ok(Some(Self { endpoint, role, secret, schema: schema.clone() }))
    }

    async fn run(&self, allow: AddressPolicy) -> Result<(), Failure> {
        adopt(&self.endpoint, &self.role, &self.secret, &self.schema, allow).await
    }
}

/// Whether a store lets its admin do what the gate needs.
///
/// # Errors
/// What is wrong with it.
pub(crate) async fn fit(login: &AdminLogin, allow: AddressPolicy) -> Result<Report, ProvisionError> {
    let admin = login.connect(allow, TRIAL_TIMEOUT).await?;
    let report = store::probe(&admin).await?;
    report.problem().map_or(Ok(report), |problem| Err(problem.into()))
}

/// Logs in as a service's session will and tries what its owner prepared; warnings go to standard error.
///
/// # Errors
/// What is wrong with it.
pub(crate) async fn adopt(
    endpoint: &Endpoint,
    role: &str,
    secret: &SecretString,
    schema: &str,
    allow: AddressPolicy,
) -> Result<(), Failure> {
    check_address(endpoint, allow).await?;
    let deadline = Instant::now() + TRIAL_TIMEOUT;
    let adopted = Box::pin(store::adopt(endpoint, role, secret, schema, deadline)).await;
    let adopted = adopted.map_err(|error| match error {
        // What is there is not what was said to be there: the store is unfit, the registry is not in conflict.
        store::StoreError::Conflict(message) => Failure::new(Exit::Store, message),
        error => error.into(),
    })?;
    for warning in adopted.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
