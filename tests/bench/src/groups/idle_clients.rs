//! Memory of ten thousand idle clients, plain and with TLS.

use crate::client::Client;
use crate::memory::anonymous_bytes;
use crate::options::Options;
use crate::report::{Bound, Section, Table, Verdict};
use crate::scram::Keys;
use crate::stage::Stage;
use crate::target::{GATE, Target};
use anyhow::{Context, Result};
use rustls::ClientConfig;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CLIENTS: u32 = 10_000;
/// Between the last login and looking, so that what was in use meanwhile is free.
const REST: Duration = Duration::from_secs(1);

/// Kilobytes (1,000 bytes) for each client: logged in, and once each has read a row.
type Weights = BTreeMap<String, [f64; 2]>;

pub(crate) fn run(alone: impl Fn() -> Result<Stage>, options: &Options) -> Result<Section> {
    let clients = if options.quick { CLIENTS / 10 } else { CLIENTS };
    let plain = weigh(&alone()?, clients, false)?;
    let tls = weigh(&alone()?, clients, true)?;
    let gate = |weights: &Weights| weights.get(GATE).map_or(f64::NAN, |weight| weight[0]);
    let rows = [("plain", &plain), ("TLS", &tls)].into_iter().flat_map(|(kind, weights)| {
        weights.iter().map(move |(name, [idle, used])| {
            vec![kind.to_owned(), name.clone(), format!("{idle:.2}"), format!("{used:.2}")]
        })
    });
    Ok(Section {
        notes: vec![format!(
            "{clients} clients log in by SCRAM and stay. What the process's anonymous memory has grown by, divided by \
             their number; the processes are new, and had one client before."
        )],
        tables: vec![Table {
            caption: "Kilobytes (1,000 bytes) for each idle client".to_owned(),
            head: ["", "target", "logged in", "after one query each"].map(str::to_owned).to_vec(),
            rows: rows.collect(),
        }],
        verdicts: vec![
            Verdict::new("idle client, plain", gate(&plain), "kB", Bound::AtMost(1.2)),
            Verdict::new("idle client, TLS", gate(&tls), "kB", Bound::AtMost(15.0)),
        ],
        measured: serde_json::json!({ "clients": clients, "plain_kb": plain, "tls_kb": tls }),
        ..Section::default()
    })
}

fn weigh(stage: &Stage, clients: u32, tls: bool) -> Result<Weights> {
    let config = if tls { Some(stage.tls_config()?) } else { None };
    let mut weights = Weights::new();
    for target in [&stage.pgbouncer, &stage.gate] {
        eprintln!("bench: idle-clients, {}{}", target.name, if tls { ", TLS" } else { "" });
        weights.insert(target.name.clone(), weigh_one(target, clients, config.as_ref())?);
    }
    Ok(weights)
}

fn weigh_one(target: &Target, clients: u32, config: Option<&Arc<ClientConfig>>) -> Result<[f64; 2]> {
    let pid = target.pid.context("no process")?;
    let mut keys = Keys::default();
    let mut connect = || match config {
        Some(config) => Client::connect_by_tls(target, &mut keys, Arc::clone(config)),
        None => Client::connect(target, &mut keys),
    };
    let mut first = connect()?;
    first.simple("SELECT 1")?;
    let before = anonymous_bytes(pid)?;
    let grown = || -> Result<f64> {
        std::thread::sleep(REST);
        let grown = anonymous_bytes(pid)?.saturating_sub(before) as f64;
        Ok(grown / f64::from(clients) / 1000.0)
    };
    let began = Instant::now();
    let mut idle = (0..clients).map(|_| connect()).collect::<Result<Vec<_>>>()?;
    eprintln!("bench: idle-clients, {clients} logged in after {:.1} s", began.elapsed().as_secs_f64());
    let logged_in = grown()?;
    for client in &mut idle {
        client.simple("SELECT 1")?;
    }
    Ok([logged_in, grown()?])
}
