//! The bench: runs loads against the gate and against what it is held against, and says which goals are met.

mod child;
mod client;
mod compare;
mod cpu;
mod crowd;
mod drive;
mod fanout_stage;
mod groups;
mod listener;
mod machine;
mod markdown;
mod memory;
mod options;
mod pgbench;
mod plots;
mod proxies;
mod report;
mod rounds;
mod scram;
mod scripted;
mod stage;
mod stats;
mod target;

use crate::groups::Group;
use crate::machine::Machine;
use crate::options::Options;
use crate::report::Section;
use crate::stage::SharedStage;
use anyhow::{Context, Result, anyhow, ensure};
use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Open files that 10,000 clients and what serves them need.
const OPEN_FILES: u64 = 60_000;

fn main() -> ExitCode {
    let options = Options::parse();
    raise_open_files();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for and writes it down; false when a group could not be measured.
fn run(options: &Options) -> Result<bool> {
    let wanted = if options.groups.is_empty() { Group::value_variants() } else { &options.groups };
    let gate = testkit::gate::program();
    ensure!(gate.exists(), "{} is missing: tests/bench/run makes it and names it", gate.display());
    let mut stage = SharedStage::new(options.targets.clone());
    let sections: Vec<Section> = wanted.iter().map(|group| section(*group, &mut stage, options)).collect();
    drop(stage);
    let machine = Machine::look();
    let report = markdown::report(&machine, &sections, options.plots_from_page().as_deref());
    println!("{report}");
    if let Some(path) = &options.json {
        let all = serde_json::json!({ "machine": machine, "sections": sections });
        std::fs::write(path, serde_json::to_vec_pretty(&all)?).with_context(|| path.display().to_string())?;
    }
    if let Some(folder) = &options.plots {
        plots::draw_all(folder, &sections)?;
    }
    if let Some(page) = &options.document {
        markdown::document(page, &report)?;
    }
    Ok(sections.iter().all(|section| section.failure.is_none()))
}

/// What a group found. One that cannot be measured does not keep the others from it, even where the world that
/// the tests share panics.
fn section(group: Group, stage: &mut SharedStage, options: &Options) -> Section {
    let ran = catch_unwind(AssertUnwindSafe(|| group.run(stage, options)));
    ran.unwrap_or_else(|_| Err(anyhow!("it panicked"))).unwrap_or_else(|error| {
        eprintln!("bench: {group:?}: {error:#}");
        Section { title: group.title(), failure: Some(format!("{error:#}")), ..Section::default() }
    })
}

/// As many open files as the system lets us have; what we start inherits it.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let more = Rlimit { current: Some(OPEN_FILES), maximum: Some(OPEN_FILES) };
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current.is_some_and(|now| now < OPEN_FILES) && setrlimit(Resource::Nofile, more).is_err() {
        let _ = setrlimit(Resource::Nofile, most);
    }
}
