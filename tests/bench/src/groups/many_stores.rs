//! Load on some of many registered stores, beside the same load on the only one there is.

use crate::client::Client;
use crate::compare::Compared;
use crate::crowd::{self, Copies};
use crate::drive::{ask, drive};
use crate::options::Options;
use crate::report::{Bound, Line, Plot, Section, Table, Verdict};
use crate::scram::Keys;
use crate::stage::{Stage, USER, USERS, users};
use crate::target::{GATE, Target};
use anyhow::{Context, Result};
use std::time::Duration;
use stuffgate_tests::secret_of;
use testkit::{Gate, frames};

/// No client waits for a connection, however few stores there are. A store lives on one worker, so with several
/// of them one store would use one and many stores all.
const SETTINGS: &str = "[listen]\nworkers = 1\n[pool]\nper_store = 40\n";
const SQL: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711";
const ONE: &str = "1 registered, all on it";

/// A gate, and clients of as many users' stores as it has.
struct Seat {
    work: String,
    stores: usize,
    clients: Vec<Client>,
    gate: Gate,
}

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let most = if options.quick { 1_000 } else { 10_000 };
    let mut seats = vec![seat(stage, crowd::gate_with_one(&stage.world, SETTINGS)?, 1)?];
    for stores in [USERS, 1_000, 10_000].into_iter().filter(|stores| *stores <= most) {
        let gate = crowd::gate_with(&stage.world, SETTINGS, stores - USERS, Copies::Idle)?;
        seats.push(seat(stage, gate, stores)?);
    }
    let compared = measure(&mut seats, options)?;
    section(&seats, &compared)
}

fn measure(seats: &mut [Seat], options: &Options) -> Result<Compared> {
    let mut compared = Compared::default();
    let (rounds, message) = (options.rounds() * 2, frames::query(SQL));
    for round in 0..rounds {
        eprintln!("bench: many-stores, round {} of {rounds}", round + 1);
        let count = seats.len();
        for step in 0..count {
            let Seat { work, clients, gate, .. } = &mut seats[(step + round) % count];
            let pid = gate.pid().context("the gate has ended")?;
            let time = Duration::from_secs(options.seconds());
            let outcome = drive(clients, time, pid, |client, _, _| ask(client, &message))?.outcome;
            compared.rates.add(work, GATE, outcome.rate);
            compared.costs.add(work, GATE, outcome.cost().unwrap_or(f64::NAN));
        }
    }
    Ok(compared)
}

fn section(seats: &[Seat], compared: &Compared) -> Result<Section> {
    let Compared { costs, rates } = compared;
    let ratio = |seat: &Seat, to: usize| costs.ratio_of((&seat.work, GATE), (&seats[to].work, GATE));
    let last = seats.last().context("no gates")?;
    let row = |seat: &Seat| {
        let cells = [costs.cell(&seat.work, GATE, 2), rates.cell(&seat.work, GATE, 0)];
        std::iter::once(seat.work.clone())
            .chain(cells)
            .chain([0, 1].map(|to| format!("{:.3}", ratio(seat, to))))
            .collect()
    };
    let point = |seat: &Seat| (seat.stores as f64, costs.median(&seat.work, GATE));
    Ok(Section {
        notes: vec![format!(
            "A gate each; {USERS} clients of our own that read one row by simple protocol, on as many stores (databases of \
             one Postgres) as there are, at most {USERS}. The pool is large enough for all of them on one store. Each gate has one worker: a store lives on one, so \
             that with two of them one store would be held against many that are spread."
        )],
        tables: vec![Table {
            caption: "CPU time".to_owned(),
            head: ["stores", "CPU s per 100,000", "per second", "÷ one store", "÷ as many as are used"]
                .map(str::to_owned)
                .to_vec(),
            rows: seats.iter().map(row).collect(),
        }],
        verdicts: vec![
            Verdict::new(
                format!(
                    "{} registered stores, load on {USERS} of them: CPU × one store registered",
                    last.stores
                ),
                ratio(last, 0),
                "×",
                Bound::AtMost(1.03),
            ),
            Verdict::new(
                format!("… CPU × the same load with those {USERS} registered alone"),
                ratio(last, 1),
                "×",
                Bound::AtMost(1.03),
            ),
        ],
        plots: vec![Plot {
            name: "cost-by-stores",
            title: "Cost by registered stores".to_owned(),
            x: "registered stores",
            y: "CPU seconds per 100,000 transactions",
            lines: vec![Line { label: GATE.to_owned(), points: seats.iter().map(point).collect() }],
        }],
        measured: compared.json(),
        ..Section::default()
    })
}

fn seat(stage: &Stage, mut gate: Gate, stores: usize) -> Result<Seat> {
    gate.start()?;
    let whose = if stores == 1 { vec![USER.to_owned(); USERS] } else { users() };
    let client = |user: &String| {
        let (user, password) = (user.clone(), secret_of(user));
        let target = Target { port: gate.port(), user, password, ..stage.gate.clone() };
        Client::connect(&target, &mut Keys::default())
    };
    let clients = whose.iter().map(client).collect::<Result<_>>()?;
    let work = if stores == 1 { ONE.to_owned() } else { format!("{stores} registered, load on {USERS}") };
    Ok(Seat { work, stores, clients, gate })
}
