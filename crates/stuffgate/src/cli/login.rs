//! `stuffgate login`.

use super::gate::ConfigPath;
use super::output::{Listing, Row, say};
use super::secret::NewSecret;
use super::{Failure, time};
use clap::{Subcommand, ValueEnum};
use model::{LoginKind, Name};
use registry::{LoginRecord, LoginTarget};
use secrecy::ExposeSecret as _;
use serde::Serialize;

/// Commands about logins.
#[derive(Debug, Subcommand)]
pub(crate) enum Login {
    /// Add a login for a service, an analyst or an admin
    #[command(after_help = "Examples:
  stuffgate login add todo --kind service --service todo
  stuffgate login add ops --kind admin --generate --expires 90d
  stuffgate login add ana --kind analyst --service todo --min-stores-per-group 5")]
    Add {
        /// Name, unlike every other login's and user's
        name: Name,
        /// What it may reach
        #[arg(long)]
        kind: Kind,
        /// Service, for the kinds service and analyst
        #[arg(long, required_if_eq_any = [("kind", "service"), ("kind", "analyst")])]
        service: Option<Name>,
        /// When it ends by itself: 2030-01-31, 2030-01-31T12:00:00Z or, from now, 90d
        #[arg(long, value_name = "WHEN", value_parser = time::parse_end)]
        expires: Option<i64>,
        /// For analysts: groups to which fewer stores contributed are not shown
        #[arg(long, value_name = "STORES")]
        min_stores_per_group: Option<u32>,
        #[command(flatten)]
        secret: NewSecret,
    },
    /// Change an analyst's login; its sessions know at their next statement
    Change {
        /// Name
        name: Name,
        /// Groups to which fewer stores contributed are not shown; 0 shows all
        #[arg(long, value_name = "STORES")]
        min_stores_per_group: u32,
    },
    /// List logins of every kind
    List(Listing),
    /// Give a login another secret; open sessions go on
    Rotate {
        /// Name, also a user's
        name: Name,
        #[command(flatten)]
        secret: NewSecret,
    },
    /// Refuse a login's sessions; running ones end within a second
    Disable {
        /// Name
        name: Name,
    },
    /// Let a disabled login in again
    Enable {
        /// Name
        name: Name,
    },
    /// Remove a login; its sessions end within a second
    Remove {
        /// Name
        name: Name,
    },
}

/// Kinds of logins that are added by hand.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// The service's home, and every partition granted to it
    Service,
    /// Fan-out over the service's partitions, read-only
    Analyst,
    /// The admin console
    Admin,
}

impl Login {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        match self {
            Self::Add { name, kind, service, expires, min_stores_per_group, secret } => {
                let target = target(*kind, service.as_ref(), *min_stores_per_group)?;
                let mut registry = config.registry()?;
                let (secret, made) = secret.read(name.as_str())?;
                registry.add_login(name, &target, &secret, *expires)?;
                say_secret_or(&secret, made, &format!("added login {name}"))
            }
            Self::Change { name, min_stores_per_group } => {
                let changed = config.registry()?.set_min_stores_per_group(name, *min_stores_per_group)?;
                let (word, stores) = (if changed { "now" } else { "already" }, min_stores_per_group);
                say(&format!("login {name} is {word} shown groups of {stores} stores and more only"))
            }
            Self::List(listing) => {
                let rows: Vec<_> = config.registry()?.logins()?.iter().map(LoginRow::from).collect();
                listing.print(&rows)
            }
            Self::Rotate { name, secret } => {
                let mut registry = config.registry()?;
                registry.login(name)?;
                let (secret, made) = secret.read(name.as_str())?;
                registry.rotate_login(name, &secret)?;
                say_secret_or(&secret, made, &format!("login {name} has a new secret"))
            }
            Self::Disable { name } => set_disabled(config, name, true),
            Self::Enable { name } => set_disabled(config, name, false),
            Self::Remove { name } => {
                config.registry()?.remove_login(name)?;
                say(&format!("removed login {name}"))
            }
        }
    }
}

/// What a login of that kind is for.
pub(crate) fn target(
    kind: Kind,
    service: Option<&Name>,
    min_stores_per_group: Option<u32>,
) -> Result<LoginTarget, Failure> {
    if min_stores_per_group.is_some() && !matches!(kind, Kind::Analyst) {
        return Err(Failure::usage("only an analyst's login has a least number of stores per group"));
    }
    match (kind, service) {
        (Kind::Service, Some(service)) => Ok(LoginTarget::Service(service.clone())),
        (Kind::Analyst, Some(service)) => Ok(LoginTarget::Analyst {
            service: service.clone(),
            min_stores_per_group: min_stores_per_group.unwrap_or(0),
        }),
        (Kind::Admin, None) => Ok(LoginTarget::Admin),
        (Kind::Admin, Some(_)) => {
            Err(Failure::usage("an admin login belongs to no service: leave --service out"))
        }
        (_, None) => Err(Failure::usage("a login of this kind belongs to a service: name it with --service")),
    }
}

fn say_secret_or(secret: &secrecy::SecretString, made: bool, message: &str) -> Result<(), Failure> {
    if made { say(secret.expose_secret()) } else { say(message) }
}

fn set_disabled(config: &ConfigPath, name: &Name, disabled: bool) -> Result<(), Failure> {
    let changed = config.registry()?.set_login_disabled(name, disabled)?;
    let word = if disabled { "disabled" } else { "enabled" };
    say(&if changed { format!("{word} login {name}") } else { format!("login {name} is {word} already") })
}

#[derive(Serialize)]
struct LoginRow {
    name: String,
    kind: &'static str,
    service: Option<String>,
    disabled: bool,
    expires_at: Option<String>,
    min_stores_per_group: Option<u32>,
    created_at: String,
}

impl From<&LoginRecord> for LoginRow {
    fn from(record: &LoginRecord) -> Self {
        Self {
            name: record.login.name.to_string(),
            kind: record.login.kind.as_str(),
            service: record.service.as_ref().map(Name::to_string),
            disabled: record.login.disabled,
            expires_at: record.login.expires_at.map(time::format),
            min_stores_per_group: matches!(record.login.kind, LoginKind::Analyst(_))
                .then_some(record.login.min_stores_per_group),
            created_at: time::format(record.created_at),
        }
    }
}

impl Row for LoginRow {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "KIND", "SERVICE", "STATE", "EXPIRES", "MIN STORES", "ADDED"];

    fn cells(&self) -> Vec<String> {
        let state = if self.disabled { "disabled" } else { "enabled" };
        vec![
            self.name.clone(),
            self.kind.to_owned(),
            self.service.clone().unwrap_or_else(|| "-".to_owned()),
            state.to_owned(),
            self.expires_at.clone().unwrap_or_else(|| "-".to_owned()),
            self.min_stores_per_group.map_or_else(|| "-".to_owned(), |stores| stores.to_string()),
            self.created_at.clone(),
        ]
    }
}
