//! `stuffgate store`.

use super::gate::{ConfigPath, block_on, here};
use super::output::{Listing, Row, say};
use super::secret::GivenSecret;
use super::trial::{self, Trial};
use super::{Failure, time, url};
use crate::config::Config;
use crate::provisioning::AdminLogin;
use clap::Subcommand;
use model::{Endpoint, Name, StoreId};
use registry::{Registry, StoreRecord};
use serde::Serialize;

/// Commands about stores.
#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Add a store, with the admin role that prepares partitions in it
    #[command(after_help = "Examples:
  stuffgate store add alice postgres://owner@db.example.org/stuff
  stuffgate store add bob 'postgres://owner@db/stuff?sslrootcert=ca.pem' --secret-file pw

The role must own the database and have CREATEROLE; it should not be a superuser.
Without sslmode, verify-full is meant, and disable for this machine alone.")]
    Add {
        /// Its owner
        user: Name,
        #[arg(
            help = "postgres://ROLE@HOST[:PORT]/DATABASE[?sslmode=…&sslrootcert=FILE], without the secret"
        )]
        url: String,
        /// Do not try the store first
        #[arg(long)]
        no_test: bool,
        #[command(flatten)]
        secret: GivenSecret,
    },
    /// List stores
    List(Listing),
    /// Say in one line whether a store is fit for use, or what is wrong with it
    #[command(after_help = "Example:
  stuffgate store test alice")]
    Test {
        #[command(flatten)]
        which: Which,
    },
    /// Forget a store that nothing is granted in any more; the store is left as it is
    Remove {
        #[command(flatten)]
        which: Which,
        /// Give up clean-ups that still wait for it
        #[arg(long)]
        abandon: bool,
    },
}

/// Which store.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Which {
    /// Its owner
    user: Name,
    /// Its number, where the user has several
    #[arg(long, value_name = "NUMBER")]
    store: Option<i64>,
}

impl Which {
    fn find(&self, registry: &Registry) -> Result<StoreRecord, Failure> {
        Ok(registry.store_of(&self.user, self.store.map(StoreId))?)
    }
}

impl Store {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        match self {
            Self::Add { user, url, no_test, secret } => {
                let target = url::parse(url, here())?;
                let settings = config.load()?;
                let mut registry = config.registry()?;
                registry.user(user)?;
                let secret = secret.read(&format!("role {} in {user}'s store", target.role))?;
                let login = AdminLogin { endpoint: target.endpoint, role: target.role, secret };
                if !no_test {
                    block_on(must_be_fit(&settings, &login))?;
                }
                let record = registry.add_store(user, &login.endpoint, (&login.role, &login.secret))?;
                say(&format!("added store {} of {user}", record.store.id))
            }
            Self::List(listing) => {
                let rows: Vec<_> = config.registry()?.stores()?.iter().map(StoreRow::from).collect();
                listing.print(&rows)
            }
            Self::Test { which } => {
                let settings = config.load()?;
                let registry = config.registry()?;
                let trial = Trial::of(&registry, &which.find(&registry)?)?;
                say(&block_on(trial.run(settings.allow_addresses))?)
            }
            Self::Remove { which, abandon } => {
                let mut registry = config.registry()?;
                let record = which.find(&registry)?;
                registry.remove_store(record.store.id, *abandon)?;
                say(&format!("removed store {} of {}", record.store.id, which.user))
            }
        }
    }
}

/// Tries a store before it is recorded; warnings go to standard error.
async fn must_be_fit(config: &Config, login: &AdminLogin) -> Result<(), Failure> {
    match trial::fit(login, config.allow_addresses).await {
        Ok(report) => {
            for warning in report.warnings() {
                eprintln!("warning: {warning}");
            }
            Ok(())
        }
        Err(error) => {
            let failure = Failure::from(error);
            let message = format!("{}\nnothing was added; --no-test adds a store untried", failure.message());
            Err(Failure::new(failure.exit(), message))
        }
    }
}

/// An endpoint as people read it.
#[must_use]
pub(crate) fn shown(endpoint: &Endpoint, role: &str) -> String {
    let Endpoint { host, port, database, tls, .. } = endpoint;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
    format!("{role}@{host}:{port}/{database} sslmode={}", tls.as_str())
}

#[derive(Serialize)]
struct StoreRow {
    number: i64,
    user: String,
    host: String,
    port: u16,
    database: String,
    sslmode: &'static str,
    ca: bool,
    admin: Option<String>,
    grants: u32,
    waiting: u32,
    state: &'static str,
    created_at: String,
}

impl From<&StoreRecord> for StoreRow {
    fn from(record: &StoreRecord) -> Self {
        let endpoint = &record.store.endpoint;
        Self {
            number: record.store.id.0,
            user: record.user.to_string(),
            host: endpoint.host.to_string(),
            port: endpoint.port,
            database: endpoint.database.to_string(),
            sslmode: endpoint.tls.as_str(),
            ca: endpoint.ca.is_some(),
            admin: record.admin.as_ref().map(|admin| admin.role.to_string()),
            grants: record.grants,
            waiting: record.waiting,
            state: match record.store.state {
                model::StoreState::Active => "active",
                model::StoreState::Reconciling => "reconciling",
            },
            created_at: time::format(record.created_at),
        }
    }
}

impl Row for StoreRow {
    const HEADINGS: &'static [&'static str] =
        &["NUMBER", "USER", "HOST", "PORT", "DATABASE", "SSLMODE", "ADMIN", "GRANTS", "STATE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.user.clone(),
            self.host.clone(),
            self.port.to_string(),
            self.database.clone(),
            self.sslmode.to_owned(),
            self.admin.clone().unwrap_or_else(|| "-".to_owned()),
            self.grants.to_string(),
            self.state.to_owned(),
        ]
    }
}
