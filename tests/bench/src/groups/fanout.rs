//! One statement over many stores: beside the slowest store alone, beside `postgres_fdw`, and as a stream of rows.

use crate::client::{Client, refusal};
use crate::cpu::CpuTime;
use crate::crowd;
use crate::fanout_stage::{FILLED, FanoutStage, WAITS};
use crate::memory::{forget_peak, peak_bytes};
use crate::options::Options;
use crate::report::{Bound, Section, Table, Verdict};
use crate::rounds::Rounds;
use crate::stage::USER;
use anyhow::{Context, Result, ensure};
use std::time::Instant;
use testkit::{Gate, frames};

/// The statement of README's example.
const GROUPED: &str = "SELECT done, count(*), avg(weight) FROM todos GROUP BY done ORDER BY done";
const ROWS: &str = "SELECT * FROM entries";
/// Stores that `postgres_fdw` is held against.
const FOREIGN: usize = 64;
/// Stores of the other measurements.
const COUNTS: [usize; 2] = [100, 1_000];
/// Times that a statement is run in a row, of which the median counts.
const TIMES: usize = 7;
/// What the gate's memory may grow by while ten million rows pass: buffers of the legs.
const FLAT_MIB: f64 = 32.0;
const WALL: &str = "wall ms";
const GATE: &str = "gate";
const FDW: &str = "postgres_fdw";
const ALONE: &str = "slowest store alone";
const DIRECT: &str = "direct";
/// Work that is done where the slowest store waits instead of working.
const FAR: &str = "100 stores, the slowest far away";

/// What all rounds measured.
#[derive(Default)]
struct Seen {
    /// Milliseconds by stores, for gate, slowest store and `postgres_fdw`.
    wall_ms: Rounds,
    cold_ms: Rounds,
    /// The gate's microseconds of CPU for each leg.
    leg_cpu_us: Rounds,
    grown_mib: Rounds,
    rows_per_s: Rounds,
}

pub(crate) fn run(options: &Options) -> Result<Section> {
    let counts = if options.quick { &COUNTS[..1] } else { &COUNTS[..] };
    let most = counts.last().copied().context("no stores")?;
    eprintln!("bench: fanout, {most} databases");
    let mut stage = FanoutStage::start(most)?;
    let mut seen = Seen::default();
    for count in counts {
        grouped(&mut stage, *count, options, &mut seen)?;
    }
    far(&mut stage, options, &mut seen)?;
    foreign(&mut stage, options, &mut seen)?;
    let rows = if options.quick { 1_000_000 } else { 10_000_000 };
    stream(&mut stage, rows, options, &mut seen)?;
    Ok(section(counts, rows, &seen))
}

/// Cold, once for each round, since a gate has no connections when it starts; then warm.
fn grouped(stage: &mut FanoutStage, count: usize, options: &Options, seen: &mut Seen) -> Result<()> {
    let work = stores(count);
    for round in 0..options.rounds() {
        eprintln!("bench: fanout, {work}, round {} of {}", round + 1, options.rounds());
        let gate = stage.gate(count - 1)?;
        let pid = FanoutStage::pid(&gate)?;
        let mut analyst = FanoutStage::analyst(&gate)?;
        forget_peak(pid)?;
        let before = peak_bytes(pid)?;
        seen.cold_ms.add(&work, GATE, timed(&mut analyst, GROUPED)?);
        let mut alone = stage.direct(&format!("{USER}_store"))?;
        repeated(&mut alone, GROUPED)?;
        let cpu = CpuTime::of(pid)?;
        let gate_ms = repeated(&mut analyst, GROUPED)?;
        let used = CpuTime::of(pid)?.since(&cpu);
        seen.wall_ms.add(&work, GATE, gate_ms);
        seen.wall_ms.add(&work, ALONE, repeated(&mut alone, GROUPED)?);
        seen.leg_cpu_us.add(&work, GATE, used.as_secs_f64() * 1e6 / (TIMES * count) as f64);
        seen.grown_mib.add(&work, GATE, mib(peak_bytes(pid)?.saturating_sub(before)));
    }
    Ok(())
}

/// Warm, where the slowest store takes no core from the others.
fn far(stage: &mut FanoutStage, options: &Options, seen: &mut Seen) -> Result<()> {
    stage.have_slowest_wait();
    let gate = stage.gate(COUNTS[0] - 1)?;
    let (mut analyst, mut alone) = (FanoutStage::analyst(&gate)?, stage.far()?);
    repeated(&mut analyst, GROUPED)?;
    for round in 0..options.rounds() {
        eprintln!("bench: fanout, {FAR}, round {} of {}", round + 1, options.rounds());
        seen.wall_ms.add(FAR, GATE, repeated(&mut analyst, GROUPED)?);
        seen.wall_ms.add(FAR, ALONE, repeated(&mut alone, GROUPED)?);
    }
    Ok(())
}

/// The gate and a table of `postgres_fdw` partitions, over the same stores in turn.
fn foreign(stage: &mut FanoutStage, options: &Options, seen: &mut Seen) -> Result<()> {
    let work = stores(FOREIGN);
    let _ = stage.world.on_server_of(USER, "CREATE DATABASE foreign_data");
    let script = foreign_tables(stage);
    let mut fdw = stage.direct("foreign_data")?;
    for statement in script {
        fdw.simple(&statement)?;
    }
    let gate = stage.gate(FOREIGN)?;
    let mut analyst = FanoutStage::analyst(&gate)?;
    // The user's own store is not among the foreign ones: it would hide what the others take.
    let by_gate = GROUPED.replace("GROUP", &format!("WHERE _store <> '{USER}' GROUP"));
    for (client, sql) in [(&mut analyst, by_gate.as_str()), (&mut fdw, GROUPED)] {
        repeated(client, sql)?;
    }
    for round in 0..options.rounds() * 2 {
        eprintln!("bench: fanout, {FDW}, round {} of {}", round + 1, options.rounds() * 2);
        seen.wall_ms.add(&work, GATE, repeated(&mut analyst, &by_gate)?);
        seen.wall_ms.add(&work, FDW, repeated(&mut fdw, GROUPED)?);
    }
    Ok(())
}

/// A partition for each store, read side by side where `postgres_fdw` can.
fn foreign_tables(stage: &mut FanoutStage) -> Vec<String> {
    let (port, schema) = (stage.world.server(USER).port(), stage.world.schema(USER).to_owned());
    let secret = stuffgate_tests::secret_of("bench");
    let mut script = vec![
        format!("CREATE SCHEMA \"{schema}\""),
        "CREATE EXTENSION postgres_fdw".to_owned(),
        "CREATE TABLE todos (id uuid, owner text, done boolean, weight numeric(10, 2), title text) PARTITION BY LIST (owner)"
            .to_owned(),
    ];
    for name in (1..=FOREIGN).map(crowd::name) {
        script.push(format!(
            "CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw \
             OPTIONS (host '127.0.0.1', port '{port}', dbname '{name}', async_capable 'true', fetch_size '1000')"
        ));
        script.push(format!(
            "CREATE USER MAPPING FOR bench SERVER {name} OPTIONS (user 'bench', password '{secret}')"
        ));
        script.push(format!(
            "CREATE FOREIGN TABLE {name} PARTITION OF todos FOR VALUES IN ('{name}') \
             SERVER {name} OPTIONS (schema_name '{schema}', table_name 'todos')"
        ));
    }
    script.push("SET enable_partitionwise_aggregate = on".to_owned());
    script
}

/// The same number of rows from some stores through the gate, and from one table without it.
fn stream(stage: &mut FanoutStage, rows: usize, options: &Options, seen: &mut Seen) -> Result<()> {
    eprintln!("bench: fanout, filling {rows} rows twice");
    stage.fill_entries(rows)?;
    let gate = stage.gate(FILLED)?;
    let pid = FanoutStage::pid(&gate)?;
    let (mut analyst, mut direct) = (FanoutStage::analyst(&gate)?, stage.direct(&format!("{USER}_store"))?);
    let whole = ROWS.replace("entries", "all_entries");
    for round in 0..options.rounds().min(2) {
        eprintln!("bench: fanout, stream, round {} of {}", round + 1, options.rounds().min(2));
        forget_peak(pid)?;
        let before = peak_bytes(pid)?;
        seen.rows_per_s.add(ROWS, GATE, rows as f64 / read(&mut analyst, ROWS)?);
        seen.grown_mib.add(ROWS, GATE, mib(peak_bytes(pid)?.saturating_sub(before)));
        seen.rows_per_s.add(ROWS, DIRECT, rows as f64 / read(&mut direct, &whole)?);
    }
    whole_answer(&gate, rows)
}

/// What was timed was an answer with all rows.
fn whole_answer(gate: &Gate, rows: usize) -> Result<()> {
    let mut analyst = FanoutStage::analyst(gate)?;
    let mut answer = Vec::new();
    analyst.send(&frames::query("SELECT count(*)::text FROM entries"))?;
    analyst.answer(&mut answer)?;
    refusal(&answer)?;
    let wanted = rows.to_string();
    let found = answer.windows(wanted.len()).any(|window| window == wanted.as_bytes());
    ensure!(found, "the stores do not have {rows} rows");
    Ok(())
}

/// Seconds until the last row has come.
fn read(client: &mut Client, sql: &str) -> Result<f64> {
    let began = Instant::now();
    client.send(&frames::query(sql))?;
    client.count()?;
    Ok(began.elapsed().as_secs_f64())
}

/// The median milliseconds of some runs in a row.
fn repeated(client: &mut Client, sql: &str) -> Result<f64> {
    let times = (0..TIMES).map(|_| timed(client, sql)).collect::<Result<Vec<_>>>()?;
    Ok(crate::stats::median(&times))
}

/// Milliseconds of one run, whose answer may hold neither an error nor a warning: nobody is left out.
fn timed(client: &mut Client, sql: &str) -> Result<f64> {
    let (began, mut answer) = (Instant::now(), Vec::new());
    client.send(&frames::query(sql))?;
    client.answer(&mut answer)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    refusal(&answer)?;
    let text = String::from_utf8_lossy(&answer);
    ensure!(!text.contains("WARNING"), "not all stores answered: {}", text.replace('\0', " "));
    Ok(took)
}

fn stores(count: usize) -> String {
    format!("{count} stores")
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn section(counts: &[usize], rows: usize, seen: &Seen) -> Section {
    let row = |count: &usize| {
        let work = stores(*count);
        let over = seen.wall_ms.median(&work, GATE) - seen.wall_ms.median(&work, ALONE);
        vec![
            work.clone(),
            seen.cold_ms.cell(&work, GATE, 0),
            seen.wall_ms.cell(&work, GATE, 1),
            seen.wall_ms.cell(&work, ALONE, 1),
            format!("{over:.1}"),
            seen.leg_cpu_us.cell(&work, GATE, 0),
            seen.grown_mib.cell(&work, GATE, 1),
        ]
    };
    let mut shown: Vec<Vec<String>> = counts.iter().map(row).collect();
    let over = seen.wall_ms.median(FAR, GATE) - seen.wall_ms.median(FAR, ALONE);
    let [gate, alone] = [GATE, ALONE].map(|who| seen.wall_ms.cell(FAR, who, 1));
    let none = || "–".to_owned();
    shown.push(vec![FAR.to_owned(), none(), gate, alone, format!("{over:.1}"), none(), none()]);
    let head = [
        "",
        "cold, ms",
        "warm, ms",
        "slowest store alone, ms",
        "over it, ms",
        "gate's CPU for a leg, µs",
        "memory grown, MiB",
    ];
    let beside = [GATE, FDW].map(|who| vec![who.to_owned(), seen.wall_ms.cell(&stores(FOREIGN), who, 1)]);
    let streamed = [GATE, DIRECT].map(|who| {
        let grown = seen.grown_mib.most(ROWS, who).map_or("–".to_owned(), |most| format!("{most:.1}"));
        vec![who.to_owned(), seen.rows_per_s.cell(ROWS, who, 0), grown]
    });
    Section {
        notes: vec![format!(
            "Stores are databases of one Postgres on the machine that the gate runs on, with 1,000 rows each and one with \
             half a million more, which takes longest. `{GROUPED}`; a figure is the median of {TIMES} runs in a row. \
             No leg \
             has parallel workers. Cold: the first statement of a gate that was just started. All stores answered every time. The legs share \
             two cores with the gate and the client, so what many stores take beside the slowest is mostly their own \
             work, unless the slowest, as one that is far away, waits {} ms instead of working. {FDW}: a table partitioned over the same {FOREIGN} databases (without the slow one), `async_capable`, \
             `enable_partitionwise_aggregate` on. The stream is `{ROWS}` with {rows} rows in {FILLED} stores.",
            WAITS.as_millis()
        )],
        tables: vec![
            table("One GROUP BY over many stores", &head, shown),
            table(&format!("Beside {FDW}, {FOREIGN} stores"), &["", WALL], beside.into()),
            table("Rows as a stream", &["", "rows per second", "memory grown, MiB"], streamed.into()),
        ],
        verdicts: verdicts(counts, rows, seen),
        measured: serde_json::json!({
            "wall_ms": seen.wall_ms, "cold_ms": seen.cold_ms, "leg_cpu_us": seen.leg_cpu_us,
            "grown_mib": seen.grown_mib, "rows_per_s": seen.rows_per_s,
        }),
        ..Section::default()
    }
}

fn verdicts(counts: &[usize], rows: usize, seen: &Seen) -> Vec<Verdict> {
    let over = |work: &str| seen.wall_ms.median(work, GATE) - seen.wall_ms.median(work, ALONE);
    let [few, many] = COUNTS;
    let goal = format!("{few} warm stores: wall time over the slowest store's alone");
    let far = "… where the slowest waits instead of working".to_owned();
    let mut all = vec![
        Verdict::new(goal, over(&stores(few)), "ms", Bound::AtMost(5.0)),
        Verdict::new(far, over(FAR), "ms", Bound::AtMost(5.0)),
    ];
    if counts.contains(&many) {
        let wall_s = seen.wall_ms.median(&stores(many), GATE) / 1e3;
        all.push(Verdict::new(format!("{many} warm stores: wall time"), wall_s, "s", Bound::AtMost(1.0)));
    }
    let times = seen.wall_ms.ratio(&stores(FOREIGN), FDW, GATE);
    let faster = format!("{FOREIGN} stores: times faster than {FDW}");
    all.push(Verdict::new(faster, times, "×", Bound::AtLeast(4.0)));
    let speed = seen.rows_per_s.ratio(ROWS, GATE, DIRECT);
    let streamed = format!("{rows} rows as a stream: speed × one direct connection");
    all.push(Verdict::new(streamed, speed, "×", Bound::AtLeast(0.5)));
    let grown = seen.grown_mib.most(ROWS, GATE).unwrap_or(f64::NAN);
    all.push(Verdict::new("… memory flat: most that it grew", grown, "MiB", Bound::AtMost(FLAT_MIB)));
    all
}

fn table(caption: &str, head: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { caption: caption.to_owned(), head: head.iter().map(|text| (*text).to_owned()).collect(), rows }
}
