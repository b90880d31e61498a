//! What a round trip takes longer than without a proxy, at one client.

use crate::client::Client;
use crate::options::Options;
use crate::report::{Bound, Section, Table, Verdict};
use crate::scram::Keys;
use crate::stage::Stage;
use crate::stats::{median, quantile};
use crate::target::{DIRECT, GATE, PGBOUNCER, Target};
use anyhow::Result;
use std::collections::BTreeMap;
use std::time::Instant;
use testkit::frames;

/// Round trips in a row before it is another target's turn, and those at the beginning that do not count.
const BATCH: usize = 200;
const WARM_UP: usize = 20;
const SQL: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711";
const SHARES: [f64; 2] = [0.5, 0.99];
const PROTOCOLS: [&str; 2] = ["simple", "prepared"];

/// Microseconds that half (and 99 of 100) of a turn's round trips took at most, for each turn, by target.
type Times = BTreeMap<String, [Vec<f64>; 2]>;

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let mut targets = vec![&stage.direct];
    targets.extend(stage.proxies());
    let turns = if options.quick { 10 } else { 300 };
    let (mut tables, mut verdicts, mut measured) = (Vec::new(), Vec::new(), BTreeMap::new());
    for protocol in PROTOCOLS {
        eprintln!("bench: latency, {protocol}");
        let times = measure(&targets, protocol, turns)?;
        tables.push(table(protocol, &targets, &times));
        verdicts.extend(judge(protocol, &times));
        measured.insert(protocol, times);
    }
    Ok(Section {
        notes: vec![format!(
            "One blocking client, one row by key, the time of every round trip; {BATCH} in a row to each target in turn, \
             {turns} turns each; of each {BATCH} the first {WARM_UP} do not count. p50 and p99 are the medians over turns of \
             each turn's; added is what they are above the direct connection's."
        )],
        tables,
        verdicts,
        measured: serde_json::to_value(&measured)?,
        ..Section::default()
    })
}

fn measure(targets: &[&Target], protocol: &str, turns: usize) -> Result<Times> {
    let prepared = protocol == "prepared";
    let message = if prepared {
        [frames::bind("", "s", &[]), frames::describe(b'P', ""), frames::execute("", 0), frames::sync()]
            .concat()
    } else {
        frames::query(SQL)
    };
    let mut clients = Vec::new();
    for target in targets {
        let mut client = Client::connect(target, &mut Keys::default())?;
        if prepared {
            client.send(&[frames::parse("s", SQL), frames::sync()].concat())?;
            client.answer(&mut Vec::new())?;
        }
        clients.push((target.name.clone(), client));
    }
    let mut times = Times::new();
    for _ in 0..turns {
        for (name, client) in &mut clients {
            let taken = turn(client, &message)?;
            for (kept, share) in times.entry(name.clone()).or_default().iter_mut().zip(SHARES) {
                kept.push(quantile(&taken, share));
            }
        }
    }
    Ok(times)
}

/// The microseconds of one turn's round trips.
fn turn(client: &mut Client, message: &[u8]) -> Result<Vec<f64>> {
    let (mut taken, mut answer) = (Vec::with_capacity(BATCH), Vec::new());
    for trip in 0..BATCH {
        let began = Instant::now();
        client.send(message)?;
        client.answer(&mut answer)?;
        if trip >= WARM_UP {
            taken.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(taken)
}

/// The medians over turns.
fn figures(times: &Times, target: &str) -> [f64; 2] {
    times.get(target).map_or([f64::NAN; 2], |kept| [median(&kept[0]), median(&kept[1])])
}

fn added(times: &Times, target: &str) -> [f64; 2] {
    let (of, direct) = (figures(times, target), figures(times, DIRECT));
    [of[0] - direct[0], of[1] - direct[1]]
}

fn table(protocol: &str, targets: &[&Target], times: &Times) -> Table {
    let row = |target: &&Target| {
        let (of, more) = (figures(times, &target.name), added(times, &target.name));
        let cells =
            of.into_iter().zip(more).flat_map(|(of, more)| [format!("{of:.1}"), format!("{more:+.1}")]);
        std::iter::once(target.name.clone()).chain(cells).collect()
    };
    Table {
        caption: format!("Microseconds of a round trip, {protocol}"),
        head: ["target", "p50", "added", "p99", "added"].map(str::to_owned).to_vec(),
        rows: targets.iter().map(row).collect(),
    }
}

fn judge(protocol: &str, times: &Times) -> [Verdict; 2] {
    let (gate, pgbouncer) = (added(times, GATE), added(times, PGBOUNCER));
    [
        Verdict::new(
            format!("latency at one client, {protocol}: added p50"),
            gate[0],
            "µs",
            Bound::AtMost(35.0),
        ),
        Verdict::new("… added p99, PgBouncer's in the same run", gate[1], "µs", Bound::AtMost(pgbouncer[1])),
    ]
}
