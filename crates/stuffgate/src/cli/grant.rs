//! `stuffgate grant`.

use super::gate::{ConfigPath, block_on, here};
use super::output::say;
use super::secret::GivenSecret;
use super::{Failure, by_hand, time, trial, url};
use crate::config::Config;
use crate::provisioning;
use clap::ValueEnum;
use model::{Disclosure, GrantState, Name, Partition, StoreId};
use registry::{GrantRecord, GrantRequest, Prepared, Registry, Where};

/// Schema for extensions where the store's owner names none.
pub(crate) const EXTENSION_SCHEMA: &str = "extensions";

/// Arguments of `grant`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stuffgate grant alice todo
  stuffgate grant alice todo --expires 2030-01-31
  stuffgate grant bob todo --partition database
  stuffgate grant alice todo --fanout additive

A store whose owner gives the gate no admin login is prepared by hand: print what to run
in it, let its owner run that with psql, then grant what is there. Both ask for the role's
secret, or take --secret-file:
  URL=postgres://todo@db.example.org/stuff
  stuffgate grant carol todo --existing $URL --schema todo --print-sql --server-version 17
  stuffgate grant carol todo --existing $URL --schema todo

Interrupted anywhere, the same command finishes what it began. --fanout alone changes what
fan-outs may disclose of a grant in use, and nothing else of it.")]
pub(crate) struct Grant {
    /// Who grants
    user: Name,
    /// To whom
    service: Name,
    /// The user's store, by number, where there are several
    #[arg(long, value_name = "NUMBER", conflicts_with = "existing")]
    store: Option<i64>,
    /// A schema of the store's database, or a database of its own [default: schema]
    #[arg(long, conflicts_with = "existing")]
    partition: Option<Kind>,
    /// When it ends by itself: 2030-01-31, 2030-01-31T12:00:00Z or, from now, 90d
    #[arg(long, value_name = "WHEN", value_parser = time::parse_end)]
    expires: Option<i64>,
    /// How much of it fan-outs may disclose: sums and counts, single values too, whole rows, or nothing
    /// [default: rows]
    #[arg(long, value_name = "additive|values|rows|none")]
    fanout: Option<Disclosure>,
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
        if let Some(class) = self.class_alone(&registry)? {
            let record = registry.set_fanout(&self.user, &self.service, class)?;
            return self.said(&record);
        }
        let place = match &self.existing {
            None if self.secret.is_named() => {
                return Err(Failure::usage(
                    "a secret without --existing is for nothing: the gate picks its own",
                ));
            }
            None => place(self.partition.unwrap_or(Kind::Schema)),
            Some(text) => self.existing(text)?,
        };
        let request = GrantRequest {
            user: self.user.clone(),
            service: self.service.clone(),
            store: self.store.map(StoreId),
            place,
            expires_at: self.expires,
            fanout: self.fanout,
        };
        if let Some(version) = self.server_version {
            let service = registry.service(&self.service)?;
            return say(&by_hand::sql(&request, &service, version)?);
        }
        let record = block_on(grant(&settings, &mut registry, &request))?;
        self.said(&record)
    }

    fn said(&self, record: &GrantRecord) -> Result<(), Failure> {
        let (place, store, class) = (shown(record), record.grant.store, record.grant.fanout);
        let fanout = if self.fanout.is_some() { format!("; fan-outs: {class}") } else { String::new() };
        say(&format!("{} grants {} {place} in store {store}{fanout}", self.user, self.service))
    }

    /// The class, where it is all that is asked for, of a grant in use. What takes rows away from fan-outs
    /// must not wait for a store that is down.
    fn class_alone(&self, registry: &Registry) -> Result<Option<Disclosure>, Failure> {
        let others = self.store.is_some()
            || self.partition.is_some()
            || self.expires.is_some()
            || self.existing.is_some()
            || self.secret.is_named();
        let in_use = |record: &GrantRecord| record.grant.state == GrantState::Active;
        let class = self.fanout.filter(|_| !others);
        Ok(match class {
            Some(class) => registry.live_grant(&self.user, &self.service)?.filter(in_use).map(|_| class),
            None => None,
        })
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
        // Tried before anything is recorded.
        trial::adopt(endpoint, role, secret, schema, config.allow_addresses).await?;
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

/// A grant's place, as people read it.
#[must_use]
pub(crate) fn shown(record: &GrantRecord) -> String {
    match &record.grant.partition {
        Partition::Schema { schema, .. } => format!("schema {schema}"),
        Partition::Database => format!("database {}", record.grant.database.as_deref().unwrap_or_default()),
    }
}
