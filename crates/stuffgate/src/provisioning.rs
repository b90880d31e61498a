//! From the registry's records to work in a store: plans, the admin's connection, and a grant's two halves.

use crate::config::Config;
use model::{Credential, Endpoint, ScramKeys, Service};
use registry::{GrantRecord, Operation, OperationKind, Prepared, Purpose, Sealer, StoreRecord, scram};
use secrecy::SecretString;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use store::{Admin, GrantPlan, Provisioned, RevokePlan, StoreError};
use wire::dial::AddressPolicy;

/// Everything that is done in a store at a time must be done within this.
const STORE_WORK_TIMEOUT: Duration = Duration::from_secs(30);

/// A grant's role may have this many times the connections that the gate's pool keeps: the server counts a
/// connection for a while after the gate has closed it.
const CONNECTION_HEADROOM: usize = 2;

/// Why a store's part of the work could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvisionError {
    /// The registry or its key.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The gate has no admin login for the store.
    #[error("the gate has no admin login for this store; `stuffgate store add` gives it one")]
    NoAdmin,
    /// The store's address is one that the operator does not allow.
    #[error(
        "{host} is {kind}, where no store may be; the operator may allow that with stores.allow_addresses in the \
         configuration"
    )]
    Address {
        /// Host of the store.
        host: Box<str>,
        /// What kind of address it has.
        kind: &'static str,
    },
}

/// What connecting to a store as its admin takes.
pub(crate) struct AdminLogin {
    pub(crate) endpoint: Endpoint,
    pub(crate) role: Box<str>,
    pub(crate) secret: SecretString,
}

impl AdminLogin {
    /// The admin login that the registry keeps for a store, opened.
    ///
    /// # Errors
    /// [`ProvisionError::NoAdmin`], and those of opening the secret.
    pub(crate) fn of(record: &StoreRecord, sealer: &Sealer) -> Result<Self, ProvisionError> {
        let admin = record.admin.as_ref().ok_or(ProvisionError::NoAdmin)?;
        let purpose = Purpose::StoreAdmin(record.store.id);
        match sealer.open_credential(purpose, &admin.credential)? {
            Credential::Password(secret) => {
                Ok(Self { endpoint: record.store.endpoint.clone(), role: admin.role.clone(), secret })
            }
            Credential::Keys(_) => Err(registry::Error::Unsealable(purpose.what()).into()),
        }
    }

    /// Connects, if the store is where stores may be. Everything done with the connection must be done
    /// within `timeout`. Cancel-safe.
    ///
    /// # Errors
    /// [`ProvisionError::Address`], [`ProvisionError::Store`].
    pub(crate) async fn connect(
        &self,
        allow: AddressPolicy,
        timeout: Duration,
    ) -> Result<Admin, ProvisionError> {
        let deadline = Instant::now() + timeout;
        check_address(&self.endpoint, allow).await?;
        Ok(Box::pin(Admin::connect(&self.endpoint, &self.role, &self.secret, deadline)).await?)
    }
}

/// Whether the store may be where it is. A name that leads nowhere is left to the connection attempt.
///
/// # Errors
/// [`ProvisionError::Address`].
pub(crate) async fn check_address(endpoint: &Endpoint, allow: AddressPolicy) -> Result<(), ProvisionError> {
    let refused = |kind| ProvisionError::Address { host: endpoint.host.clone(), kind };
    if endpoint.host.starts_with('/') {
        return if allow.loopback { Ok(()) } else { Err(refused("a Unix socket")) };
    }
    if let Ok(address) = endpoint.host.parse::<IpAddr>() {
        return allow.check(address).map_err(refused);
    }
    let found = tokio::net::lookup_host((&*endpoint.host, endpoint.port)).await;
    found.into_iter().flatten().try_for_each(|address| allow.check(address.ip()).map_err(refused))
}

/// Prepares a pending grant's partition in its store. The registry's part, putting the grant in use, is
/// left to the caller. Cancel-safe: call it again.
///
/// # Errors
/// [`ProvisionError`].
pub(crate) async fn prepare(
    config: &Config,
    sealer: &Sealer,
    record: &GrantRecord,
    store: &StoreRecord,
    service: &Service,
) -> Result<Provisioned, ProvisionError> {
    let plan = grant_plan(config, sealer, record, store, service)?;
    let admin = AdminLogin::of(store, sealer)?.connect(config.allow_addresses, STORE_WORK_TIMEOUT).await?;
    Ok(Box::pin(store::provision(&admin, &plan)).await?)
}

/// Does an operation of the outbox in its store. Taking it out of the outbox is left to the caller.
/// Cancel-safe: call it again.
///
/// # Errors
/// [`ProvisionError`].
pub(crate) async fn carry_out(
    allow: AddressPolicy,
    sealer: &Sealer,
    operation: &Operation,
    store: &StoreRecord,
) -> Result<(), ProvisionError> {
    let OperationKind::Revoke = operation.kind;
    let Some(plan) = revoke_plan(operation, store) else { return Ok(()) };
    let admin = AdminLogin::of(store, sealer)?.connect(allow, STORE_WORK_TIMEOUT).await?;
    Box::pin(store::revoke(&admin, &plan)).await?;
    Ok(())
}

fn grant_plan(
    config: &Config,
    sealer: &Sealer,
    record: &GrantRecord,
    store: &StoreRecord,
    service: &Service,
) -> Result<GrantPlan, ProvisionError> {
    let grant = &record.grant;
    let (Prepared::ByGate { owner_role }, Some(reader)) = (&record.prepared, &record.reader) else {
        return Err(ProvisionError::NoAdmin);
    };
    let login_keys = keys(sealer, Purpose::GrantLogin(grant.id), &grant.credential)?;
    let reader_keys = keys(sealer, Purpose::GrantReader(grant.id), &reader.credential)?;
    let limit = config.pool.per_store.saturating_mul(CONNECTION_HEADROOM);
    Ok(GrantPlan {
        // Each run is an operation of its own: running a grant again repairs what somebody broke.
        operation: registry::OperationId::fresh()?.to_string(),
        service: record.service.to_string(),
        database: grant.database.as_ref().unwrap_or(&store.store.endpoint.database).to_string(),
        partition: grant.partition.clone(),
        owner_role: owner_role.to_string(),
        login_role: grant.role.to_string(),
        reader_role: reader.role.to_string(),
        login_verifier: scram::to_text(&scram::verifier_of(&login_keys)),
        reader_verifier: scram::to_text(&scram::verifier_of(&reader_keys)),
        connection_limit: Some(i32::try_from(limit).unwrap_or(i32::MAX)),
        valid_until: grant.expires_at,
        extensions: service.extensions.iter().map(ToString::to_string).collect(),
    })
}

/// `None` where the gate prepared nothing in the store.
fn revoke_plan(operation: &Operation, store: &StoreRecord) -> Option<RevokePlan> {
    let (record, grant) = (&operation.grant, &operation.grant.grant);
    let Prepared::ByGate { owner_role } = &record.prepared else { return None };
    Some(RevokePlan {
        operation: operation.id.to_string(),
        database: grant.database.as_ref().unwrap_or(&store.store.endpoint.database).to_string(),
        partition: grant.partition.clone(),
        owner_role: owner_role.to_string(),
        login_role: grant.role.to_string(),
        reader_role: record.reader.as_ref().map(|reader| reader.role.to_string()),
    })
}

fn keys(sealer: &Sealer, purpose: Purpose, sealed: &model::Sealed) -> Result<ScramKeys, ProvisionError> {
    match sealer.open_credential(purpose, sealed)? {
        Credential::Keys(keys) => Ok(keys),
        Credential::Password(_) => Err(registry::Error::Unsealable(purpose.what()).into()),
    }
}
