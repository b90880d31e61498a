//! Prepared statements with TLS to the client.

use crate::compare::{Case, Compared, interleave};
use crate::options::Options;
use crate::pgbench::Load;
use crate::report::{Bound, Section, Table, Verdict};
use crate::stage::Stage;
use crate::target::{GATE, PGBOUNCER};
use anyhow::Result;

const CLIENTS: usize = 8;
const TLS: &str = "prepared, TLS";

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<Section> {
    let plain = Load::select_only(CLIENTS, "prepared", options.seconds());
    let load = Load { tls: true, ..plain };
    let case = |target, load: Load<'static>| Case {
        work: if load.tls { TLS } else { "prepared, plain" }.to_owned(),
        target,
        load,
    };
    let cases = [
        case(&stage.pgbouncer, load),
        case(&stage.gate, load),
        case(&stage.pgbouncer, plain),
        case(&stage.gate, plain),
        case(&stage.relay, plain),
    ];
    let compared = interleave("tls", &stage.folder, options, &cases)?;
    Ok(Section {
        notes: vec![format!(
            "Select-only pgbench with {CLIENTS} clients; TLS ends at the proxy, which speaks plain to Postgres."
        )],
        tables: vec![Table {
            caption: "CPU time".to_owned(),
            head: Compared::head(),
            rows: compared.rows(&cases),
        }],
        verdicts: vec![Verdict::new(
            "TLS to the client, prepared, 8 clients: CPU per transaction × PgBouncer with TLS",
            compared.costs.ratio(TLS, GATE, PGBOUNCER),
            "×",
            Bound::AtMost(1.0),
        )],
        measured: compared.json(),
        ..Section::default()
    })
}
