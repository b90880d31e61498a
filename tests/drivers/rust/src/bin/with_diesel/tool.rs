//! diesel's command, as a developer runs it in the program's folder.

use rust_drivers::{Outcome, on_one_line};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command, which tests/setup installs beside this program's folder.
fn command() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.ancestors().nth(2).unwrap_or(Path::new("/")).join("tools/bin/diesel")
}

/// Runs it, and returns what it printed, or what it complained of.
fn diesel(arguments: &[&str]) -> Result<String, std::io::Error> {
    let ended = Command::new(command()).args(arguments).output()?;
    let said = String::from_utf8_lossy(&ended.stderr);
    let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
    if ended.status.success() { Ok(printed) } else { Err(std::io::Error::other(format!("{printed} {said}"))) }
}

/// Makes the folder of migrations with diesel's own first one, and runs that. A Cargo.toml says where it belongs.
pub fn setup() -> Outcome {
    fs::write("Cargo.toml", "")?;
    diesel(&["setup"])?;
    let mut made: Vec<String> = Vec::new();
    for entry in fs::read_dir("migrations")? {
        made.push(entry?.file_name().to_string_lossy().into_owned());
    }
    made.sort();
    println!("setup: {made:?}");
    println!("setup: {}", on_one_line(&diesel(&["migration", "list"])?));
    Ok(())
}

pub fn print_schema() -> Outcome {
    let printed = diesel(&["print-schema", "--with-docs", "--column-sorting", "ordinal_position"])?;
    fs::write("schema.rs", &printed)?;
    for line in printed.lines().filter(|line| !line.trim().is_empty()) {
        println!("print_schema: {}", line.trim());
    }
    for line in
        diesel(&["print-schema", "--schema", "public"])?.lines().filter(|line| !line.trim().is_empty())
    {
        println!("print_schema: public: {}", line.trim());
    }
    Ok(())
}

/// A migration from what differs between a schema file and the database: nothing at first.
pub fn diff_schema() -> Outcome {
    let whole = fs::read_to_string("schema.rs")?;
    let lines = whole
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("///") && *line != "note -> Nullable<Text>,");
    let shorter = lines.collect::<Vec<_>>().join("\n");
    fs::write("shorter.rs", shorter)?;
    for (file, name) in [("schema.rs", "same"), ("shorter.rs", "shorter")] {
        let wanted = format!("--diff-schema={file}");
        diesel(&["migration", "generate", "--version", "20300101", &wanted, name])?;
        let folder = Path::new("migrations").join(format!("20300101_{name}"));
        let [up, down] = ["up.sql", "down.sql"].map(|part| fs::read_to_string(folder.join(part)));
        println!("diff_schema: {name}: {} / {}", on_one_line(&up?), on_one_line(&down?));
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// The program's own migrations once more, backwards and forwards.
pub fn redo() -> Outcome {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/diesel");
    for arguments in
        [["list"].as_slice(), &["redo", "-n", "2"], &["pending"], &["revert"], &["run"], &["list"]]
    {
        let all: Vec<&str> =
            ["migration"].iter().chain(arguments).copied().chain(["--migration-dir", folder]).collect();
        println!("redo: {} {}", arguments[0], on_one_line(&diesel(&all)?));
    }
    Ok(())
}
