//! `stuffgate apply`: makes the registry what a file says.

mod file;
mod items;

use super::gate::{ConfigPath, block_on};
use super::output::{json, say};
use super::{Exit, Failure};
use crate::config::Config;
use file::File;
use registry::Registry;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example of FILE.toml; what it does not name stays as it is, paths start where it is:

  [[service]]
  name = \"todo\"
  extensions = [\"citext\"]
  home = { url = \"postgres://todo@db.example.org/todo\", secret_file = \"home.secret\" }

  [[login]]
  name = \"todo\"
  kind = \"service\"              # service, analyst or admin
  service = \"todo\"
  secret_env = \"TODO_SECRET\"    # or secret_file
  expires = \"2030-01-31\"
  # min_stores_per_group = 5     for analysts; left as it is where the file does not say

  [[user]]
  name = \"alice\"
  secret_file = \"alice.secret\"
  disabled = false

  [[store]]
  user = \"alice\"
  url = \"postgres://owner@db.example.org/stuff\"
  secret_file = \"alice-store.secret\"

  [[grant]]
  user = \"alice\"
  service = \"todo\"
  partition = \"schema\"          # or database; or: existing = { url, schema, secret_file }
  fanout = \"additive\"           # or values, rows, none; left as it is where the file does not say
  state = \"active\"              # or revoked")]
pub(crate) struct Apply {
    /// TOML file
    file: PathBuf,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON: one array of objects
    #[arg(long)]
    json: bool,
}

/// What came, or would come, of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Added,
    Changed,
    Revoked,
    Unchanged,
}

/// What items are compared with and written to.
struct Place<'a> {
    config: &'a Config,
    registry: &'a mut Registry,
    /// Where relative paths start.
    folder: &'a Path,
    dry_run: bool,
}

#[derive(Serialize)]
struct Line {
    what: &'static str,
    name: String,
    outcome: Outcome,
}

impl Apply {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        let settings = config.load()?;
        let place = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file).map_err(|error| Failure::from(error).at(&place))?;
        let file: File = toml::from_str(&text)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()).at(&place))?;
        let mut registry = config.registry()?;
        let folder = self.file.parent().unwrap_or_else(|| Path::new(""));
        let place = Place { config: &settings, registry: &mut registry, folder, dry_run: self.dry_run };
        self.print(&block_on(all(&file, place))?)
    }

    fn print(&self, lines: &[Line]) -> Result<(), Failure> {
        if self.json {
            return say(&json(&lines)?);
        }
        for line in lines {
            let outcome = match (line.outcome, self.dry_run) {
                (Outcome::Unchanged, _) => "unchanged",
                (Outcome::Added, false) => "added",
                (Outcome::Changed, false) => "changed",
                (Outcome::Revoked, false) => "revoked",
                (Outcome::Added, true) => "would be added",
                (Outcome::Changed, true) => "would be changed",
                (Outcome::Revoked, true) => "would be revoked",
            };
            say(&format!("{} {}: {outcome}", line.what, line.name))?;
        }
        Ok(())
    }
}

/// Every item in the order in which they need each other. What was done before a failure stays done.
async fn all(file: &File, mut place: Place<'_>) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    let mut note = |what, name: String, outcome: Result<Outcome, Failure>| {
        let outcome = outcome.map_err(|failure| failure.at(&format!("{what} {name}")))?;
        lines.push(Line { what, name, outcome });
        Ok::<_, Failure>(())
    };
    for item in &file.service {
        note("service", item.name.to_string(), items::service(item, &mut place))?;
    }
    for item in &file.user {
        note("user", item.name.to_string(), items::user(item, &mut place))?;
    }
    for item in &file.login {
        note("login", item.name.to_string(), items::login(item, &mut place))?;
    }
    for item in &file.store {
        note("store", format!("of {}", item.user), items::store(item, &mut place))?;
    }
    for item in &file.grant {
        let outcome = Box::pin(items::grant(item, &mut place)).await;
        note("grant", format!("{} to {}", item.user, item.service), outcome)?;
    }
    Ok(lines)
}
