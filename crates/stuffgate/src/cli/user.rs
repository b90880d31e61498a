//! `stuffgate user`.

use super::gate::ConfigPath;
use super::output::{Listing, Row, say};
use super::secret::NewSecret;
use super::{Failure, time};
use clap::Subcommand;
use model::Name;
use registry::UserRecord;
use secrecy::ExposeSecret as _;
use serde::Serialize;

/// Commands about users.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user, and the login of the same name
    #[command(after_help = "Examples:
  stuffgate user add alice
  stuffgate user add alice --generate > alice.secret")]
    Add {
        /// Name
        name: Name,
        #[command(flatten)]
        secret: NewSecret,
    },
    /// List users
    List(Listing),
    /// Refuse a user's sessions; running ones end within a second
    Disable {
        /// Name
        name: Name,
    },
    /// Let a disabled user in again
    Enable {
        /// Name
        name: Name,
    },
    /// Forget a user who grants nothing any more; the stores are left as they are
    Remove {
        /// Name
        name: Name,
    },
}

impl User {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        match self {
            Self::Add { name, secret } => add(config, name, secret),
            Self::List(listing) => {
                let rows: Vec<_> = config.registry()?.users()?.iter().map(UserRow::from).collect();
                listing.print(&rows)
            }
            Self::Disable { name } => set_disabled(config, name, true),
            Self::Enable { name } => set_disabled(config, name, false),
            Self::Remove { name } => {
                config.registry()?.remove_user(name)?;
                say(&format!("removed user {name}"))
            }
        }
    }
}

fn add(config: &ConfigPath, name: &Name, secret: &NewSecret) -> Result<(), Failure> {
    let mut registry = config.registry()?;
    let (secret, made) = secret.read(name.as_str())?;
    registry.add_user(name, &secret)?;
    if made { say(secret.expose_secret()) } else { say(&format!("added user {name}")) }
}

fn set_disabled(config: &ConfigPath, name: &Name, disabled: bool) -> Result<(), Failure> {
    let changed = config.registry()?.set_user_disabled(name, disabled)?;
    let word = if disabled { "disabled" } else { "enabled" };
    say(&if changed { format!("{word} user {name}") } else { format!("user {name} is {word} already") })
}

#[derive(Serialize)]
struct UserRow {
    name: String,
    disabled: bool,
    stores: u32,
    grants: u32,
    created_at: String,
}

impl From<&UserRecord> for UserRow {
    fn from(record: &UserRecord) -> Self {
        Self {
            name: record.user.name.to_string(),
            disabled: record.user.disabled,
            stores: record.stores,
            grants: record.grants,
            created_at: time::format(record.created_at),
        }
    }
}

impl Row for UserRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "STATE", "STORES", "GRANTS", "ADDED"];

    fn cells(&self) -> Vec<String> {
        let state = if self.disabled { "disabled" } else { "enabled" };
        vec![
            self.name.clone(),
            state.to_owned(),
            self.stores.to_string(),
            self.grants.to_string(),
            self.created_at.clone(),
        ]
    }
}
