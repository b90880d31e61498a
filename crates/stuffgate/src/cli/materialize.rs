//! `stuffgate materialize`: answers that are kept in tables on home, and made anew now and then.

use super::gate::{ConfigPath, block_on};
use super::output::{Listing, Row, say};
use super::{Exit, Failure, time};
use crate::materialize::{SCHEMA, connect, drop_table};
use clap::Subcommand;
use model::Name;
use registry::{Definition, Materialized, Purpose, Registry};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long a running gate may take to take a refresh up and end it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(200);

/// Arguments of `materialize`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  stuffgate materialize done_per_day --service todo --every 1h \\
    'SELECT day, count(*) FROM todos WHERE done GROUP BY day'
  stuffgate materialize list
  stuffgate materialize refresh done_per_day
  stuffgate materialize drop done_per_day

The answer is the table stuffgate_materialized.NAME on the service's home; what each refresh covered is in
stuffgate_materialized.refreshes there. A running gate refreshes it; a refresh that fails keeps the old answer."
)]
pub(crate) struct Materialize {
    #[command(subcommand)]
    command: Option<Kept>,
    /// Name, unlike every other's; the same again defines it anew
    #[arg(required = true)]
    name: Option<Name>,
    /// The statement
    #[arg(required = true)]
    statement: Option<String>,
    /// Service whose stores are asked, and on whose home the answer is kept
    #[arg(long, required = true)]
    service: Option<Name>,
    /// Between two refreshes: 1h, 15m, 1d
    #[arg(long, value_name = "TIME", required = true, value_parser = parse_every)]
    every: Option<i64>,
    /// Below this part of the stores, from 0 to 1, the old answer is kept
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    min_coverage: f64,
    /// Leave out groups to which fewer stores contributed
    #[arg(long, value_name = "STORES", default_value_t = 0)]
    min_stores_per_group: u32,
    /// Do not wait for the first refresh
    #[arg(long)]
    no_wait: bool,
}

/// Commands about what is kept.
#[derive(Debug, Subcommand)]
enum Kept {
    /// List what is kept, and how its last refresh ended
    List(Listing),
    /// Refresh one now, and wait for it
    Refresh {
        /// Name
        name: Name,
    },
    /// Forget one, and take its table away
    Drop {
        /// Name
        name: Name,
    },
}

impl Materialize {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        match &self.command {
            Some(Kept::List(listing)) => {
                let rows: Vec<_> = config.registry()?.all_materialized()?.iter().map(KeptRow::from).collect();
                listing.print(&rows)
            }
            Some(Kept::Refresh { name }) => {
                let mut registry = config.registry()?;
                let before = registry.refresh_now(name)?;
                wait(&registry, &before)
            }
            Some(Kept::Drop { name }) => drop_kept(config, name),
            None => self.define(config),
        }
    }

    fn define(&self, config: &ConfigPath) -> Result<(), Failure> {
        let (Some(name), Some(statement), Some(service), Some(every_s)) =
            (&self.name, &self.statement, &self.service, self.every)
        else {
            return Err(Failure::usage("name it, and give a statement, --service and --every"));
        };
        let definition = Definition {
            name: name.clone(),
            service: service.clone(),
            statement: statement.clone(),
            every_s,
            min_coverage: self.min_coverage,
            min_stores_per_group: self.min_stores_per_group,
        };
        let mut registry = config.registry()?;
        let before = registry.materialize(&definition)?;
        if self.no_wait { say(&format!("{name} is due")) } else { wait(&registry, &before) }
    }
}

/// `1h` and the like, in seconds.
fn parse_every(text: &str) -> Result<i64, String> {
    let time = humantime::parse_duration(text)
        .map_err(|_| format!("{text:?} is not a time: write 1h, 15m or 1d"))?;
    i64::try_from(time.as_secs())
        .ok()
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "at least a second".to_owned())
}

/// Waits until a running gate has ended the refresh, and says how.
fn wait(registry: &Registry, before: &Materialized) -> Result<(), Failure> {
    let name = &before.definition.name;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let now = registry.materialized(name)?;
        if now.tries > before.tries {
            return ended(&now);
        }
        std::thread::sleep(LOOK);
    }
    let message = format!(
        "{name} is due, and no gate has refreshed it for {} s; is one running? `stuffgate serve` runs it",
        PATIENCE.as_secs()
    );
    Err(Failure::new(Exit::Failed, message))
}

fn ended(now: &Materialized) -> Result<(), Failure> {
    let name = &now.definition.name;
    if let Some(error) = &now.last_error {
        return Err(Failure::new(Exit::Failed, format!("{name} could not be refreshed: {error}")));
    }
    let Some(kept) = now.kept else { return Ok(()) };
    let (service, registry::Kept { asked, ok, rows, .. }) = (&now.definition.service, kept);
    say(&format!("{SCHEMA}.{name} on the home of {service}: {rows} row(s), {ok} of {asked} stores"))?;
    if ok < asked { Err(Failure::told(Exit::Partial)) } else { Ok(()) }
}

fn drop_kept(config: &ConfigPath, name: &Name) -> Result<(), Failure> {
    let settings = config.load()?;
    let mut registry = config.registry()?;
    let dropped = registry.drop_materialized(name)?;
    let service = registry.service(&dropped.definition.service)?;
    if let Some(home) = &service.home {
        let credential = registry.open_credential(Purpose::Home(service.id), &home.credential)?;
        let gone = block_on(async {
            let mut peer = connect(home, credential, settings.allow_addresses).await?;
            Ok(drop_table(&mut peer, name.as_str()).await?)
        });
        gone.map_err(|failure| {
            let left = format!("{name} is not refreshed any more, but {SCHEMA}.{name} is still there");
            failure.at(&left)
        })?;
    }
    say(&format!("dropped {name}"))
}

impl From<crate::materialize::HomeError> for Failure {
    fn from(error: crate::materialize::HomeError) -> Self {
        Self::new(Exit::Store, error.to_string())
    }
}

#[derive(Serialize)]
struct KeptRow {
    name: String,
    service: String,
    every_s: i64,
    as_of: Option<String>,
    asked: Option<u32>,
    ok: Option<u32>,
    rows: Option<i64>,
    due_at: String,
    last_error: Option<String>,
    min_coverage: f64,
    min_stores_per_group: u32,
    statement: String,
}

impl From<&Materialized> for KeptRow {
    fn from(known: &Materialized) -> Self {
        let definition = &known.definition;
        Self {
            name: definition.name.to_string(),
            service: definition.service.to_string(),
            every_s: definition.every_s,
            as_of: known.kept.map(|kept| time::format(kept.as_of)),
            asked: known.kept.map(|kept| kept.asked),
            ok: known.kept.map(|kept| kept.ok),
            rows: known.kept.map(|kept| kept.rows),
            due_at: time::format(known.due_at),
            last_error: known.last_error.clone(),
            min_coverage: definition.min_coverage,
            min_stores_per_group: definition.min_stores_per_group,
            statement: definition.statement.clone(),
        }
    }
}

impl Row for KeptRow {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "SERVICE", "EVERY", "AS OF", "STORES", "ROWS", "NEXT", "LAST ERROR"];

    fn cells(&self) -> Vec<String> {
        let dash = || "-".to_owned();
        let every = Duration::from_secs(u64::try_from(self.every_s).unwrap_or(0));
        vec![
            self.name.clone(),
            self.service.clone(),
            humantime::format_duration(every).to_string(),
            self.as_of.clone().unwrap_or_else(dash),
            self.ok.zip(self.asked).map_or_else(dash, |(ok, asked)| format!("{ok}/{asked}")),
            self.rows.map_or_else(dash, |rows| rows.to_string()),
            self.due_at.clone(),
            self.last_error.clone().unwrap_or_else(dash),
        ]
    }
}
