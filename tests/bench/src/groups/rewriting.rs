//! Statements that name `public`, which the gate rewrites, beside the same ones without.

use crate::compare::{Case, Compared, interleave};
use crate::options::Options;
use crate::pgbench::{Load, write_script};
use crate::report::{Bound, Section, Table, Verdict};
use crate::stage::Stage;
use crate::target::GATE;
use anyhow::Result;

const CLIENTS: usize = 8;
const FRESH: &str = "simple, each time another text";
const SAME: &str = "simple, the same text";

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let mut scripts = Vec::new();
    for (word, table) in [("public.t", "public.pgbench_accounts"), ("t", "pgbench_accounts")] {
        let any = format!("\\set aid random(1, 100000)\nSELECT abalance FROM {table} WHERE aid = :aid;\n");
        let one = format!("SELECT abalance FROM {table} WHERE aid = 4711;\n");
        let any = write_script(&stage.folder, &format!("any-{word}.sql"), &any)?;
        let one = write_script(&stage.folder, &format!("one-{word}.sql"), &one)?;
        for (work, mode, script) in [
            (SAME, "simple", one),
            ("extended", "extended", any.clone()),
            ("prepared", "prepared", any.clone()),
            (FRESH, "simple", any),
        ] {
            scripts.push((work, word, mode, [script]));
        }
    }
    let cases: Vec<Case<'_>> = scripts
        .iter()
        .map(|(work, word, mode, script)| Case {
            work: format!("{work}: {word}"),
            target: &stage.gate,
            load: Load { scripts: script, ..Load::select_only(CLIENTS, mode, options.seconds()) },
        })
        .collect();
    let compared = interleave("rewriting", &stage.folder, options, &cases)?;
    let ratio = |work: &str| {
        let (with, without) = (format!("{work}: public.t"), format!("{work}: t"));
        compared.costs.ratio_of((&with, GATE), (&without, GATE))
    };
    let works = [SAME, "extended", "prepared", FRESH];
    let rows = works.iter().map(|work| vec![(*work).to_owned(), format!("{:.2}", ratio(work))]).collect();
    let worst = [SAME, "extended", "prepared"].map(ratio).into_iter().fold(0.0, f64::max);
    Ok(Section {
        notes: vec![format!(
            "One SELECT by key with {CLIENTS} clients, once as `public.pgbench_accounts` and once as \
             `pgbench_accounts`. The goal is about texts that the gate has seen before; a text that is new each \
             time, as simple protocol with a literal makes it, is shown beside them."
        )],
        tables: vec![
            Table {
                caption: "CPU time with the word ÷ without".to_owned(),
                head: vec!["protocol".to_owned(), "ratio".to_owned()],
                rows,
            },
            Table { caption: "CPU time".to_owned(), head: Compared::head(), rows: compared.rows(&cases) },
        ],
        verdicts: vec![Verdict::new(
            "statement with a trigger word (rewritten, cached): CPU × the same without, worst protocol",
            worst,
            "×",
            Bound::AtMost(1.10),
        )],
        measured: compared.json(),
        ..Section::default()
    })
}
