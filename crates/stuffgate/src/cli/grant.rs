//! `stuffgate grant`, `revoke` and `grants`.

use super::gate::{ConfigPath, block_on, here};
use super::output::{Listing, Row, say};
use super::secret::GivenSecret;
use super::{Failure, by_hand, time, url};
use crate::config::Config;
use crate::provisioning::{self, STORE_WORK_TIMEOUT, check_address};
use clap::ValueEnum;
use model::{GrantState, Name, Partition, StoreId};
use registry::{GrantRecord, GrantRequest, Prepared, Registry, Where};
use secrecy::SecretString;
use serde::Serialize;
use std::time::Instant;

/// Schema for extensions where the store's owner names none.
pub(crate) const EXTENSION_SCHEMA: &str = "extensions";

/// Arguments of `grant`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stuffgate grant alice todo
  stuffgate grant alice todo --expires 2030-01-31
  stuffgate grant bob todo --partition database

A store whose owner gives the gate no admin login is prepared by hand. Print what to run in it, let its owner
run that with psql, then grant what is there; both ask for the role's secret, or take --secret-file:
  stuffgate grant carol todo --existing postgres://todo@db.example.org/stuff --schema todo \
    --print-sql --server-version 17
  stuffgate grant carol todo --existing postgres://todo@db.example.org/stuff --schema todo

Interrupted anywhere, the same command finishes what it began.")]
pub(crate) struct Grant {
    /// Who grants
    user: Name,
    /// To whom
    service: Name,
    /// The user's store, by number, where there are several
    #[arg(long, value_name = "NUMBER", conflicts_with = "existing")]
    store: Option<i64>,
    /// A schema of the store's database, or a database of its own
    #[arg(long, default_value = "schema", conflicts_with = "existing")]
    partition: Kind,
    /// When it ends by itself: 2030-01-31, 2030-01-31T12:00:00Z or, from now, 90d
    #[arg(long, value_name = "WHEN", value_parser = time::parse_end)]
    expires: Option<i64>,
    /// URL, without the secret, of a role that the store's owner made for the service
    #[arg(long, value_name = "URL", requires = "schema")]
    existing: Option<String>,
    /// The schema that the owner made for the service
    #[arg(long, requires = "existing")]
    schema: Option<String>,
    /// The schema that holds extensions
    #[arg(long, requires = "existing", value_name = "SCHEMA", default_value = EXTENSION_SCHEMA)]
    extension_schema: String,
    /// Print what the store's owner should run with psql, and change nothing
    #[arg(long, requires_all = ["existing", "server_version"])]
    print_sql: bool,
    /// Major version of the owner's Postgres, for --print-sql
    #[arg(long, requires = "print_sql", value_name = "MAJOR", value_parser = clap::value_parser!(u32).range(15..100))]
    server_version: Option<u32>,
    #[command(flatten)]
    secret: GivenSecret,
}

/// Kinds of partitions that the gate prepares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A schema of the store's database, shown to the service as `public`
    Schema,
    /// A database of its own, where `public` really is `public`
    Database,
}

impl Grant {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        let settings = config.load()?;
        let mut registry = config.registry()?;
        let place = match &self.existing {
            None if self.secret.is_named() => {
                return Err(Failure::usage(
                    "a secret without --existing is for nothing: the gate picks its own",
                ));
            }
            None => place(self.partition),
            Some(text) => self.existing(text)?,
        };
        let request = GrantRequest {
            user: self.user.clone(),
            service: self.service.clone(),
            store: self.store.map(StoreId),
            place,
            expires_at: self.expires,
        };
        if let Some(version) = self.server_version {
            let service = registry.service(&self.service)?;
            return say(&by_hand::sql(&request, &service, version)?);
        }
        let record = block_on(grant(&settings, &mut registry, &request))?;
        let (place, store) = (shown(&record), record.grant.store);
        say(&format!("{} grants {} {place} in store {store}", self.user, self.service))
    }

    fn existing(&self, text: &str) -> Result<Where, Failure> {
        let target = url::parse(text, here())?;
        let secret = self.secret.read(&format!("role {} in {}'s store", target.role, self.user))?;
        Ok(by_hand::place(target, secret, self.schema.as_deref().unwrap_or_default(), &self.extension_schema))
    }
}

/// Where a grant that the gate prepares goes.
#[must_use]
pub(crate) fn place(kind: Kind) -> Where {
    match kind {
        Kind::Schema => Where::Schema,
        Kind::Database => Where::Database,
    }
}

/// Records a grant, prepares its store or tries what is prepared there, and puts it in use.
///
/// # Errors
/// What is in the way; run it again when that is gone.
pub(crate) async fn grant(
    config: &Config,
    registry: &mut Registry,
    request: &GrantRequest,
) -> Result<GrantRecord, Failure> {
    registry.user(&request.user)?;
    let service = registry.service(&request.service)?;
    if let Where::Existing { endpoint, role, secret, schema, .. } = &request.place {
        try_existing(config, endpoint, role, secret, schema).await?;
    }
    let record = registry.begin_grant(request)?;
    if let Prepared::ByGate { .. } = record.prepared {
        let store = registry.store(record.grant.store)?;
        let sealer = registry.sealer();
        let done = Box::pin(provisioning::prepare(config, &sealer, &record, &store, &service)).await?;
        for (extension, schema) in done.extensions_elsewhere {
            eprintln!(
                "warning: extension {extension} is installed in schema {schema} already, where {} does not look: let \
                 its owner run ALTER EXTENSION {extension} SET SCHEMA {EXTENSION_SCHEMA}",
                request.service
            );
        }
    }
    Ok(registry.finish_grant(record.grant.id)?)
}

/// Logs in as sessions will, before anything is recorded.
async fn try_existing(
    config: &Config,
    endpoint: &model::Endpoint,
    role: &str,
    secret: &SecretString,
    schema: &str,
) -> Result<(), Failure> {
    check_address(endpoint, config.allow_addresses).await?;
    let deadline = Instant::now() + STORE_WORK_TIMEOUT;
    let adopted = Box::pin(store::adopt(endpoint, role, secret, schema, deadline)).await?;
    for warning in adopted.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(())
}

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stuffgate revoke alice todo

The gate refuses new sessions at once and ends running ones within a second. What the service kept stays in the
store. Where the store cannot be reached, its clean-up waits, a running gate tries it again, and so does this
command.")]
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

/// Arguments of `grants`.
#[derive(Debug, clap::Args)]
pub(crate) struct Grants {
    /// Revoked ones too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    listing: Listing,
}

impl Grants {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        let rows: Vec<_> = config.registry()?.grants(self.all)?.iter().map(GrantRow::from).collect();
        self.listing.print(&rows)
    }
}

fn shown(record: &GrantRecord) -> String {
    match &record.grant.partition {
        Partition::Schema { schema, .. } => format!("schema {schema}"),
        Partition::Database => format!("database {}", record.grant.database.as_deref().unwrap_or_default()),
    }
}

#[derive(Serialize)]
struct GrantRow {
    user: String,
    service: String,
    state: &'static str,
    partition: &'static str,
    schema: Option<String>,
    database: Option<String>,
    store: i64,
    role: String,
    prepared_by: &'static str,
    expires_at: Option<String>,
    clean_up_waits: bool,
    created_at: String,
    #[serde(skip)]
    place: String,
}

impl From<&GrantRecord> for GrantRow {
    fn from(record: &GrantRecord) -> Self {
        let grant = &record.grant;
        let (partition, schema) = match &grant.partition {
            Partition::Schema { schema, .. } => ("schema", Some(schema.to_string())),
            Partition::Database => ("database", None),
        };
        Self {
            user: record.user.to_string(),
            service: record.service.to_string(),
            state: match grant.state {
                GrantState::Pending => "pending",
                GrantState::Active if !grant.is_usable(time::now()) => "expired",
                GrantState::Active => "active",
                GrantState::Revoked => "revoked",
            },
            partition,
            schema,
            database: grant.database.as_ref().map(ToString::to_string),
            store: grant.store.0,
            role: grant.role.to_string(),
            prepared_by: match record.prepared {
                Prepared::ByGate { .. } => "gate",
                Prepared::ByOwner => "owner",
            },
            expires_at: grant.expires_at.map(time::format),
            clean_up_waits: record.waiting,
            created_at: time::format(record.created_at),
            place: shown(record),
        }
    }
}

impl Row for GrantRow {
    const HEADINGS: &'static [&'static str] =
        &["USER", "SERVICE", "STATE", "PARTITION", "STORE", "ROLE", "EXPIRES"];

    fn cells(&self) -> Vec<String> {
        let state = if self.clean_up_waits { "revoked, clean-up waits" } else { self.state };
        vec![
            self.user.clone(),
            self.service.clone(),
            state.to_owned(),
            self.place.clone(),
            self.store.to_string(),
            self.role.clone(),
            self.expires_at.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }
}
