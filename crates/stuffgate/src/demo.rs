//! `stuffgate demo`: a gate with throw-away stores, which shows by itself that it works.

mod report;
mod show;
mod stage;

use crate::cli::demo::DemoArgs;
use crate::config::Config;
use anyhow::Context as _;
use stage::Stage;
use std::sync::atomic::{AtomicBool, Ordering};

/// The service of the demo, and the name of its login.
const SERVICE: &str = "todo";

/// Sets everything up, runs the gate until it is told to end, and removes everything.
///
/// # Errors
/// What is in the way, in words for the person at the terminal.
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<()> {
    println!("Starting Postgres servers in {} …", scratch::parent().display());
    let stage = Stage::set(args)?;
    let config = Config::load(&stage.config())?;
    let over = AtomicBool::new(false);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            if let Err(error) = present(&stage, args, &over) {
                // The gate would go on with nobody to show it, so the process ends; the scratch folders notice.
                eprintln!("stuffgate: demo: {error:#}");
                std::process::exit(1);
            }
        });
        let ended = crate::serve::run(config, None);
        over.store(true, Ordering::Release);
        ended
    });
    if args.keep {
        println!("Kept: {}", stage.kept());
    } else if let Some(path) = &args.json {
        let _ = std::fs::remove_file(path);
    }
    ended
}

/// What the demo has to say once the gate takes connections, unless all is `over` before.
fn present(stage: &Stage, args: &DemoArgs, over: &AtomicBool) -> anyhow::Result<()> {
    if !stage.wait_for_gate(over)? {
        return Ok(());
    }
    let shown = show::run(stage)?;
    if let Some(path) = &args.json {
        report::write_json(stage, path).with_context(|| path.display().to_string())?;
    }
    println!("{shown}\n{}", report::table(stage)?);
    Ok(())
}
