//! What a registered store costs that nobody uses: memory, and time at the start.

use crate::client::Client;
use crate::crowd::{self, Copies};
use crate::memory::anonymous_bytes;
use crate::options::Options;
use crate::report::{Bound, Line, Plot, Section, Table, Verdict};
use crate::scram::Keys;
use crate::stage::Stage;
use crate::target::Target;
use anyhow::{Context, Result};
use std::time::{Duration, Instant};
use testkit::Gate;

const STORES: [usize; 3] = [1_000, 10_000, 100_000];
/// Between the start and looking at memory.
const REST: Duration = Duration::from_secs(2);

/// One gate with its registry.
struct Seen {
    stores: usize,
    listening: Duration,
    first_login: Duration,
    bytes: u64,
}

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let counts = if options.quick { &STORES[..2] } else { &STORES[..] };
    let base = look(stage, 1, crowd::gate_with_one(&stage.world, "")?)?;
    let mut seen = Vec::new();
    for count in counts {
        eprintln!("bench: idle-stores, {count}");
        let gate = crowd::gate_with(&stage.world, "", *count, Copies::Idle)?;
        seen.push(look(stage, *count, gate)?);
    }
    section(&base, &seen)
}

fn section(base: &Seen, seen: &[Seen]) -> Result<Section> {
    let all = || std::iter::once(base).chain(seen);
    let last = seen.last().context("no gate was started")?;
    let weight = |one: &Seen| bytes_each(base, one);
    let rows = all().map(|one| {
        let each = if one.stores == 1 { "–".to_owned() } else { format!("{:.0}", weight(one)) };
        let [listening, first] =
            [one.listening, one.first_login].map(|time| format!("{:.2}", time.as_secs_f64()));
        vec![one.stores.to_string(), listening, first, format!("{:.1}", one.bytes as f64 / 1e6), each]
    });
    Ok(Section {
        notes: vec![
            "Every store is of a user of its own, with a login, a partition and a grant, at a host of its own. Bytes are \
             anonymous memory of the gate's process over that of a gate with one store, two seconds after the start."
                .to_owned(),
        ],
        tables: vec![Table {
            caption: "A gate that was just started".to_owned(),
            head: ["stores", "listens after, s", "first login after, s", "memory, MB", "bytes for each store"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
        }],
        verdicts: vec![
            Verdict::new(
                format!("registered but idle store, of {}: resident", last.stores),
                weight(last),
                "bytes",
                Bound::AtMost(512.0),
            ),
            Verdict::new(
                "… start, to the first login",
                last.first_login.as_secs_f64(),
                "s",
                Bound::AtMost(2.0),
            ),
        ],
        plots: vec![Plot {
            name: "memory-by-stores",
            title: "Memory by registered stores".to_owned(),
            x: "registered stores, thousands",
            y: "MB",
            lines: vec![Line {
                label: "gate".to_owned(),
                points: all().map(|one| (one.stores as f64 / 1e3, one.bytes as f64 / 1e6))
                    .collect(),
            }],
        }],
        measured: all().map(Seen::json).collect(),
        ..Section::default()
    })
}

impl Seen {
    fn json(&self) -> serde_json::Value {
        let [listening_s, first_login_s] = [self.listening, self.first_login].map(|time| time.as_secs_f64());
        serde_json::json!({
            "stores": self.stores,
            "bytes": self.bytes,
            "listening_s": listening_s,
            "first_login_s": first_login_s,
        })
    }
}

fn look(stage: &Stage, stores: usize, mut gate: Gate) -> Result<Seen> {
    let began = Instant::now();
    gate.start()?;
    let listening = began.elapsed();
    let target = Target { port: gate.port(), ..stage.gate.clone() };
    Client::connect(&target, &mut Keys::default())?.simple("SELECT 1")?;
    let first_login = began.elapsed();
    std::thread::sleep(REST);
    let bytes = anonymous_bytes(gate.pid().context("the gate has ended")?)?;
    Ok(Seen { stores, listening, first_login, bytes })
}

fn bytes_each(base: &Seen, one: &Seen) -> f64 {
    one.bytes.saturating_sub(base.bytes) as f64 / (one.stores - base.stores) as f64
}
