//! `stuffgate grants`.

use super::gate::ConfigPath;
use super::grant::shown;
use super::output::{Listing, Row};
use super::{Failure, time};
use model::{GrantState, Partition};
use registry::{GrantRecord, Prepared};
use serde::Serialize;

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
    fanout: &'static str,
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
            fanout: grant.fanout.as_str(),
            clean_up_waits: record.waiting,
            created_at: time::format(record.created_at),
            place: shown(record),
        }
    }
}

impl Row for GrantRow {
    const HEADINGS: &'static [&'static str] =
        &["USER", "SERVICE", "STATE", "PARTITION", "STORE", "ROLE", "EXPIRES", "FANOUT"];

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
            self.fanout.to_owned(),
        ]
    }
}
