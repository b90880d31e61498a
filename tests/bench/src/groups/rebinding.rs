//! A service login that binds another user in every transaction, beside one that is bound once.

use crate::compare::{Case, Compared, interleave};
use crate::options::Options;
use crate::pgbench::{Load, write_script};
use crate::report::{Bound, Section, Table, Verdict};
use crate::stage::{Stage, USER, users};
use crate::target::{GATE, Target};
use anyhow::Result;
use std::path::PathBuf;
use stuffgate_tests::{SERVICE, secret_of};

const CLIENTS: usize = 8;
const MODES: [&str; 2] = ["simple", "prepared"];
const SELECT: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n";

/// What a transaction is made of; `USER` stands for whom it is for.
const FORMS: [(&str, &str); 4] = [
    ("SET LOCAL, any user", "BEGIN;\nSET LOCAL stuffgate.user = 'USER';\nSELECTCOMMIT;\n"),
    ("BEGIN … COMMIT, bound once", "BEGIN;\nSELECTCOMMIT;\n"),
    ("tag, any user", "/*stuffgate.user='USER'*/ SELECT"),
    ("SELECT, bound once", "SELECT"),
];

/// A form in a file for each user it is for, and how it is sent.
struct Run {
    work: String,
    mode: &'static str,
    scripts: Vec<PathBuf>,
    target: Target,
}

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let mut runs = Vec::new();
    for (at, (form, text)) in FORMS.iter().enumerate() {
        for mode in MODES {
            runs.push(prepare(stage, &format!("{form}, {mode}"), mode, text, at)?);
        }
    }
    let cases: Vec<Case<'_>> = runs
        .iter()
        .map(|run| Case {
            work: run.work.clone(),
            target: &run.target,
            load: Load { scripts: &run.scripts, ..Load::select_only(CLIENTS, run.mode, options.seconds()) },
        })
        .collect();
    let compared = interleave("rebinding", &stage.folder, options, &cases)?;
    let ratio = |form: usize, mode: &str| {
        let (with, without) = (FORMS[form].0, FORMS[form + 1].0);
        compared.costs.ratio_of((&format!("{with}, {mode}"), GATE), (&format!("{without}, {mode}"), GATE))
    };
    let worst = |form| MODES.map(|mode| ratio(form, mode)).into_iter().fold(0.0, f64::max);
    let row = |form: usize| {
        let ratios = MODES.map(|mode| format!("{:.2}", ratio(form, mode)));
        std::iter::once(FORMS[form].0.to_owned()).chain(ratios).collect()
    };
    Ok(Section {
        notes: vec![format!(
            "{CLIENTS} sessions of the service's login. Each transaction is for one of {} users at random, each with a \
             store of their own, and reads one row. It is held against the same statements without the binding, in a \
             session that was bound to one user when it began: so the ratio holds the change of store, and, for \
             `SET LOCAL`, one more statement with its round trip, which is a quarter of those that the client makes.",
            users().len()
        )],
        tables: vec![
            Table {
                caption: "CPU time with the binding ÷ without".to_owned(),
                head: std::iter::once("form").chain(MODES).map(str::to_owned).collect(),
                rows: vec![row(0), row(2)],
            },
            Table { caption: "CPU time".to_owned(), head: Compared::head(), rows: compared.rows(&cases) },
        ],
        verdicts: [(0, "`SET LOCAL` form"), (2, "tag form")]
            .map(|(form, name)| {
                let goal =
                    format!("service session that binds another user each time, {name}: CPU × without");
                Verdict::new(goal, worst(form), "×", Bound::AtMost(1.25))
            })
            .into(),
        measured: compared.json(),
        ..Section::default()
    })
}

fn prepare(stage: &Stage, work: &str, mode: &'static str, text: &str, at: usize) -> Result<Run> {
    let text = format!("\\set aid random(1, 100000)\n{}", text.replace("SELECT", SELECT));
    let rebinds = text.contains("USER");
    let whose = if rebinds { users() } else { vec![USER.to_owned()] };
    let scripts = whose.iter().map(|user| {
        write_script(&stage.folder, &format!("bind-{at}-{user}.sql"), &text.replace("USER", user))
    });
    let options = if rebinds { String::new() } else { format!("-c stuffgate.user={USER}") };
    let target =
        Target { user: SERVICE.to_owned(), password: secret_of(SERVICE), options, ..stage.gate.clone() };
    Ok(Run { work: work.to_owned(), mode, scripts: scripts.collect::<Result<_>>()?, target })
}
