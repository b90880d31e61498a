//! The three targets of the drivers' programs for trying one by hand: their URLs, until standard input ends.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::process::{Command, ExitCode};
use stuffgate_tests::{Target, Targets};

const NAMES: [(&str, Target); 3] = [
    ("PLAIN", Target::Plain),
    ("SCHEMA_PARTITION", Target::Schema),
    ("DATABASE_PARTITION", Target::Database),
];

fn main() -> ExitCode {
    let mut targets = Targets::start();
    let urls: Vec<(String, String)> = NAMES
        .into_iter()
        .flat_map(|(word, target)| {
            target.logins().iter().enumerate().map(move |(at, login)| (word, at, target, *login))
        })
        .map(|(word, at, target, login)| {
            let second = if at == 0 { "" } else { "_2" };
            (format!("{word}_URL{second}"), targets.url(target, login))
        })
        .collect();
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        print(&urls, &targets);
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        return ExitCode::SUCCESS;
    };
    let ended = Command::new(program).args(arguments).envs(urls).status().unwrap();
    ExitCode::from(u8::try_from(ended.code().unwrap_or(1)).unwrap_or(1))
}

fn print(urls: &[(String, String)], targets: &Targets) {
    let mut out = std::io::stdout().lock();
    for (name, url) in urls {
        writeln!(out, "{name}='{url}'").unwrap();
    }
    writeln!(out, "GATE_LOG='{}'", targets.world().gate.folder().join("gate.log").display()).unwrap();
    out.flush().unwrap();
}
