//! What the demo prints is what happens: the commands it says are worth trying, run as they are printed.

#![allow(clippy::expect_used, clippy::panic, reason = "test code")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

/// A demo, ended as Ctrl-C ends it.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// The one printed command that has `part` in it, without the remark behind it.
fn command<'a>(printed: &'a [String], part: &str) -> &'a str {
    let line = printed.iter().find(|line| line.contains(part)).expect(part);
    line.split("     (").next().expect("a command").trim()
}

/// Runs a command as a person would: its exit code, and all that it says.
fn run(command: &str) -> (i32, String) {
    let Output { status, stdout, stderr } =
        Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output().expect("a shell");
    let said = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (status.code().unwrap_or(-1), said)
}

#[test]
fn a_stopped_store_is_told_of_by_the_commands_that_the_demo_prints() {
    let child = Command::new(env!("CARGO_BIN_EXE_stuffgate"))
        .arg("demo")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut demo = Demo(child);
    let out = BufReader::new(demo.0.stdout.take().expect("its output"));
    let mut printed = Vec::new();
    for line in out.lines() {
        let line = line.expect("a line");
        let is_last = line.starts_with("Ctrl-C");
        printed.push(line);
        if is_last {
            break;
        }
    }
    let by_psql = command(&printed, "psql 'postgres://analyst:");
    let (code, said) = run(by_psql);
    assert!(code == 0 && ["alice", "bob", "carol"].iter().all(|user| said.contains(user)), "{said}");
    assert!(!said.contains("WARNING"), "{said}");
    let (code, said) = run(command(&printed, " query todo "));
    assert!(code == 0 && said.contains("Covered 3 of 3 stores in "), "{code} {said}");

    assert_eq!(run(command(&printed, "kill -INT")), (0, String::new()));
    let waited = std::time::Instant::now();
    while run(by_psql).1.contains("(3 rows)") {
        assert!(waited.elapsed().as_secs() < 20, "the store does not stop");
    }
    let (code, said) = run(by_psql);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("WARNING:  fan-out covered 2 of 3 stores"), "{said}");
    assert!(said.contains("1 unreachable (carol)") && said.contains("(2 rows)"), "{said}");
    let (code, said) = run(command(&printed, " query todo "));
    assert!(code == 6 && said.contains("  carol  unreachable  "), "{code} {said}");
}
