//! `stuffgate check`.

use super::gate::{ConfigPath, block_on, kek};
use super::output::say;
use super::trial::Trial;
use super::{Exit, Failure};
use crate::config::{Config, Tls, TlsFiles};
use registry::Registry;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Stores that are tried at a time.
const STORES_AT_A_TIME: usize = 16;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stuffgate check
  stuffgate check --stores")]
pub(crate) struct Check {
    /// Try every store too
    #[arg(long)]
    stores: bool,
}

impl Check {
    pub(crate) fn run(&self, path: &ConfigPath) -> Result<(), Failure> {
        let config = path.load()?;
        say(&format!("configuration  {}", config.source.display()))?;
        for warning in warnings(&config) {
            say(&format!("warning        {warning}"))?;
        }
        certificates(&config.tls)?;
        let kek = kek(&config)?;
        say(&format!("key            {}", kek.id()))?;
        let registry = Registry::open(&config.registry, kek)?;
        say(&format!("registry       {}: {}", config.registry.display(), counted(&registry)?))?;
        if self.stores { block_on(try_stores(&config, &registry)) } else { Ok(()) }
    }
}

/// What works and had better be otherwise.
pub(crate) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.tls == Tls::Off {
        let open = config.listen.iter().filter(|address| !address.ip().is_loopback());
        warnings.extend(open.map(|address| {
            format!("{address} is open to the network without TLS: set tls.mode to \"require\"")
        }));
    }
    if let Some(http) = config.http.filter(|address| !address.ip().is_loopback()) {
        warnings.push(format!("health and metrics are open to the network at {http}"));
    }
    warnings
}

fn certificates(tls: &Tls) -> Result<(), Failure> {
    let (Tls::Prefer(TlsFiles { cert, key, client_ca }) | Tls::Require(TlsFiles { cert, key, client_ca })) =
        tls
    else {
        return Ok(());
    };
    for file in [Some(cert), Some(key), client_ca.as_ref()].into_iter().flatten() {
        let pem =
            std::fs::read(file).map_err(|error| Failure::from(error).at(&file.display().to_string()))?;
        if !pem.windows(11).any(|window| window == b"-----BEGIN ") {
            return Err(Failure::new(Exit::Failed, format!("{} is not a PEM file", file.display())));
        }
    }
    Ok(())
}

fn counted(registry: &Registry) -> Result<String, Failure> {
    let (users, services) = (registry.users()?.len(), registry.services()?.len());
    let (stores, grants) = (registry.stores()?.len(), registry.grants(false)?.len());
    Ok(format!("{users} user(s), {services} service(s), {stores} store(s), {grants} grant(s)"))
}

/// Tries all stores, some at a time, says how each is, and fails when one is not fit.
async fn try_stores(config: &Config, registry: &Registry) -> Result<(), Failure> {
    let places = Arc::new(Semaphore::new(STORES_AT_A_TIME));
    let mut running = Vec::new();
    for record in registry.stores()? {
        let (places, allow) = (Arc::clone(&places), config.allow_addresses);
        let trial = Trial::of(registry, &record)?;
        let outcome = tokio::spawn(async move {
            let _place = places.acquire_owned().await;
            Box::pin(trial.run(allow)).await
        });
        running.push((format!("store          {} of {}", record.store.id, record.user), outcome));
    }
    let mut unfit = 0;
    for (name, outcome) in running {
        let outcome = outcome.await.map_err(std::io::Error::from)?;
        unfit += usize::from(outcome.is_err());
        let line = outcome.unwrap_or_else(|failure| failure.message().to_owned());
        say(&format!("{name}: {line}"))?;
    }
    if unfit == 0 {
        Ok(())
    } else {
        Err(Failure::new(Exit::Store, format!("{unfit} store(s) are not fit for use")))
    }
}
