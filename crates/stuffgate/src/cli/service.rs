//! `stuffgate service`.

use super::gate::{ConfigPath, here};
use super::output::{Listing, Row, say};
use super::secret::GivenSecret;
use super::{Failure, url};
use clap::Subcommand;
use model::Name;
use registry::NewHome;
use serde::Serialize;

/// Commands about services.
#[derive(Debug, Subcommand)]
pub(crate) enum Service {
    /// Add a service
    #[command(after_help = "Examples:
  stuffgate service add todo
  stuffgate service add todo --extension citext --home postgres://todo@db.example.org/todo")]
    Add {
        /// Name: the database that its sessions connect to
        name: Name,
        /// The service's own Postgres, for what is not user data; its secret is asked for
        #[arg(long, value_name = "URL")]
        home: Option<String>,
        /// An extension that every partition gets; may be given several times
        #[arg(long = "extension", value_name = "NAME")]
        extensions: Vec<String>,
        #[command(flatten)]
        secret: GivenSecret,
    },
    /// List services
    List(Listing),
    /// Forget a service that nobody grants any more, and its logins
    Remove {
        /// Name
        name: Name,
    },
}

impl Service {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        match self {
            Self::Add { name, home, extensions, secret } => {
                add(config, name, home.as_deref(), extensions, secret)
            }
            Self::List(listing) => {
                let rows: Vec<_> = config.registry()?.services()?.iter().map(ServiceRow::from).collect();
                listing.print(&rows)
            }
            Self::Remove { name } => {
                config.registry()?.remove_service(name)?;
                say(&format!("removed service {name}"))
            }
        }
    }
}

fn add(
    config: &ConfigPath,
    name: &Name,
    home: Option<&str>,
    extensions: &[String],
    secret: &GivenSecret,
) -> Result<(), Failure> {
    let home = match home {
        Some(text) => {
            let target = url::parse(text, here())?;
            let secret = secret.read(&format!("role {} at {name}'s home", target.role))?;
            Some(NewHome { endpoint: target.endpoint, role: target.role, secret })
        }
        None if secret.is_named() => return Err(Failure::usage("a secret without --home is for nothing")),
        None => None,
    };
    let extensions: Vec<Box<str>> = extensions.iter().map(|name| name.as_str().into()).collect();
    config.registry()?.add_service(name, home.as_ref(), &extensions)?;
    say(&format!("added service {name}"))
}

#[derive(Serialize)]
struct ServiceRow {
    name: String,
    home: Option<String>,
    extensions: Vec<String>,
}

impl From<&model::Service> for ServiceRow {
    fn from(service: &model::Service) -> Self {
        let home = service.home.as_ref().map(|home| super::store::shown(&home.endpoint, &home.role));
        let extensions = service.extensions.iter().map(ToString::to_string).collect();
        Self { name: service.name.to_string(), home, extensions }
    }
}

impl Row for ServiceRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "HOME", "EXTENSIONS"];

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        vec![
            self.name.clone(),
            or_dash(self.home.clone().unwrap_or_default()),
            or_dash(self.extensions.join(",")),
        ]
    }
}
