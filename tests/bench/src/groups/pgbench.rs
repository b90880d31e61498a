//! Select-only pgbench: throughput and CPU time, by clients and protocol.

use crate::options::Options;
use crate::pgbench::{self, Load, MODES};
use crate::report::{Bound, Line, Plot, Section, Table, Verdict};
use crate::rounds::Rounds;
use crate::stage::Stage;
use crate::stats::geometric_mean;
use crate::target::{GATE, PGBOUNCER, RELAY};
use anyhow::Result;
use serde_json::json;

const CLIENTS: [usize; 4] = [1, 8, 32, 64];

fn works() -> impl Iterator<Item = (usize, &'static str)> {
    CLIENTS.into_iter().flat_map(|clients| MODES.into_iter().map(move |mode| (clients, mode)))
}

fn named((clients, mode): (usize, &str)) -> String {
    format!("{clients:>2} {mode}")
}

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let (mut rates, mut costs) = (Rounds::default(), Rounds::default());
    let targets = stage.proxies();
    for round in 0..options.rounds() {
        for work in works() {
            eprintln!("bench: pgbench, round {} of {}, {}", round + 1, options.rounds(), named(work));
            for step in 0..targets.len() {
                // Nobody is always the first of a round.
                let target = targets[(step + round) % targets.len()];
                let load = Load::select_only(work.0, work.1, options.seconds());
                let outcome = pgbench::run(&stage.folder, target, &load)?;
                rates.add(&named(work), &target.name, outcome.rate);
                if let Some(cost) = outcome.cost() {
                    costs.add(&named(work), &target.name, cost);
                }
            }
        }
    }
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    Ok(Section {
        notes: vec![
            "`pgbench -S`, scale 1, one thread; the gate and PgBouncer pool by transaction with as many server \
             connections each. CPU time is that of the proxy's process."
                .to_owned(),
        ],
        tables: vec![
            table("CPU seconds per 100,000 transactions", &costs, &names, 2),
            table("Transactions per second", &rates, &names, 0),
        ],
        verdicts: verdicts(&rates, &costs),
        plots: vec![plot(&costs, &names)],
        measured: json!({ "cpu_s_per_100k": costs, "tps": rates }),
        ..Section::default()
    })
}

fn table(caption: &str, rounds: &Rounds, names: &[&str], digits: usize) -> Table {
    let others = [("gate ÷ relay", RELAY), ("gate ÷ PgBouncer", PGBOUNCER)];
    let head = ["clients, protocol"].iter().chain(names).map(|name| (*name).to_owned());
    let head = head.chain(others.iter().map(|other| other.0.to_owned())).collect();
    let mut rows: Vec<Vec<String>> = works()
        .map(named)
        .map(|work| {
            let cells = names.iter().map(|name| rounds.cell(&work, name, digits));
            let ratios = others.iter().map(|other| format!("{:.2}", rounds.ratio(&work, GATE, other.1)));
            std::iter::once(work.clone()).chain(cells).chain(ratios).collect()
        })
        .collect();
    let means = others.iter().map(|other| format!("**{:.2}**", geometric_mean(&ratios(rounds, other.1))));
    let empty = names.iter().map(|_| String::new());
    rows.push(std::iter::once("geometric mean".to_owned()).chain(empty).chain(means).collect());
    Table { caption: caption.to_owned(), head, rows }
}

fn ratios(rounds: &Rounds, to: &str) -> Vec<f64> {
    works().map(named).map(|work| rounds.ratio(&work, GATE, to)).collect()
}

fn verdicts(rates: &Rounds, costs: &Rounds) -> Vec<Verdict> {
    let least = |rounds, to| ratios(rounds, to).into_iter().fold(f64::INFINITY, f64::min);
    vec![
        Verdict::new(
            "select-only pgbench, CPU per transaction: × the bare relay, geometric mean",
            geometric_mean(&ratios(costs, RELAY)),
            "×",
            Bound::AtMost(1.10),
        ),
        Verdict::new(
            "… × PgBouncer, geometric mean",
            geometric_mean(&ratios(costs, PGBOUNCER)),
            "×",
            Bound::AtMost(0.85),
        ),
        Verdict::new(
            "… throughput: × PgBouncer, worst cell",
            least(rates, PGBOUNCER),
            "×",
            Bound::AtLeast(1.0),
        ),
        Verdict::new("… × the bare relay, worst cell", least(rates, RELAY), "×", Bound::AtLeast(0.95)),
    ]
}

fn plot(costs: &Rounds, names: &[&str]) -> Plot {
    let point = |name: &str, clients| (clients as f64, costs.median(&named((clients, "prepared")), name));
    let line = |name: &&str| Line {
        label: (*name).to_owned(),
        points: CLIENTS.into_iter().map(|clients| point(name, clients)).collect(),
    };
    Plot {
        name: "cost-by-clients",
        title: "Cost by clients, prepared".to_owned(),
        x: "clients",
        y: "CPU seconds per 100,000 transactions",
        lines: names.iter().map(line).collect(),
    }
}
