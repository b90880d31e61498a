//! COPY of a million rows, SELECT of a hundred thousand.

use crate::client::Client;
use crate::cpu::CpuTime;
use crate::memory::{forget_peak, peak_bytes};
use crate::options::Options;
use crate::report::{Bound, Section, Table, Verdict};
use crate::rounds::Rounds;
use crate::scram::Keys;
use crate::stage::Stage;
use crate::target::{GATE, RELAY, Target};
use anyhow::Result;
use serde_json::json;
use std::time::Instant;
use testkit::frames;

const ROWS: u32 = 1_000_000;
/// Some hundred bytes each, as rows of applications have.
const FILL: &str = "DROP TABLE IF EXISTS many_rows; CREATE TABLE many_rows AS \
     SELECT n AS id, md5(n::text) AS name, md5((n * 7)::text) AS note, now() AS made FROM generate_series(1, ROWS) n";
/// What is read, and how many times in a row.
const WORKS: [(&str, &str, usize); 2] = [
    ("COPY of 1,000,000 rows", "COPY many_rows TO STDOUT", 1),
    ("SELECT of 100,000 rows", "SELECT * FROM many_rows LIMIT 100000", 8),
];
/// What the gate's memory may grow by: some buffers of some connections.
const FLAT_MIB: f64 = 1.0;

/// What all rounds measured.
#[derive(Default)]
struct Seen {
    megabytes: Rounds,
    costs: Rounds,
    growth: Rounds,
}

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let fill = FILL.replace("ROWS", &ROWS.to_string());
    Client::connect(&stage.gate, &mut Keys::default())?.simple(&fill)?;
    let mut targets = vec![&stage.direct];
    targets.extend(stage.proxies());
    let mut seen = Seen::default();
    // These are short, and one slow round should not decide.
    for round in 0..options.rounds() * 2 {
        eprintln!("bench: rows, round {} of {}", round + 1, options.rounds() * 2);
        for (work, sql, times) in WORKS {
            for step in 0..targets.len() {
                read(targets[(step + round) % targets.len()], work, sql, times, &mut seen)?;
            }
        }
    }
    let tables = WORKS.map(|(work, ..)| table(work, &targets, &seen));
    Ok(Section {
        notes: vec![
            "One client that counts bytes and does nothing else. The memory is the peak over that at the beginning."
                .to_owned(),
        ],
        tables: tables.into(),
        verdicts: verdicts(&seen),
        measured: json!({ "mb_per_s": seen.megabytes, "cpu_s_per_gb": seen.costs, "peak_growth_mib": seen.growth }),
        ..Section::default()
    })
}

fn read(target: &Target, work: &str, sql: &str, times: usize, seen: &mut Seen) -> Result<()> {
    let mut client = Client::connect(target, &mut Keys::default())?;
    client.simple("SELECT 1")?;
    let name = target.name.as_str();
    let before = target.pid.map(|pid| -> Result<_> {
        forget_peak(pid)?;
        Ok((pid, peak_bytes(pid)?, CpuTime::of(pid)?))
    });
    let (before, began, mut bytes) = (before.transpose()?, Instant::now(), 0);
    for _ in 0..times {
        client.send(&frames::query(sql))?;
        bytes += client.count()?;
    }
    seen.megabytes.add(work, name, bytes as f64 / 1e6 / began.elapsed().as_secs_f64());
    if let Some((pid, peak, cpu)) = before {
        let used = CpuTime::of(pid)?.since(&cpu);
        seen.costs.add(work, name, used.as_secs_f64() / (bytes as f64 / 1e9));
        let growth = peak_bytes(pid)?.saturating_sub(peak);
        seen.growth.add(work, name, growth as f64 / f64::from(1 << 20));
    }
    Ok(())
}

fn table(work: &str, targets: &[&Target], seen: &Seen) -> Table {
    let row = |target: &&Target| {
        let name = target.name.as_str();
        let growth = seen.growth.most(work, name).map_or("–".to_owned(), |most| format!("{most:.1}"));
        let cells = [seen.megabytes.cell(work, name, 0), seen.costs.cell(work, name, 2), growth];
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    Table {
        caption: work.to_owned(),
        head: ["target", "MB/s", "CPU s per GB", "memory grown, MiB"].map(str::to_owned).to_vec(),
        rows: targets.iter().map(row).collect(),
    }
}

fn verdicts(seen: &Seen) -> Vec<Verdict> {
    let rates = WORKS.map(|(work, ..)| {
        let ratio = seen.megabytes.ratio(work, GATE, RELAY);
        Verdict::new(format!("{work}: throughput × the bare relay"), ratio, "×", Bound::AtLeast(0.97))
    });
    let growth = WORKS.map(|(work, ..)| seen.growth.most(work, GATE).unwrap_or(f64::NAN));
    let growth = growth.into_iter().fold(0.0, f64::max);
    let flat = Verdict::new("… memory flat: most that it grew", growth, "MiB", Bound::AtMost(FLAT_MIB));
    rates.into_iter().chain([flat]).collect()
}
