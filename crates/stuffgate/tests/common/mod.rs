//! The built program in a scratch folder, and what it said.

#![allow(dead_code, clippy::expect_used, reason = "test code; each test binary uses a part of it")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// An initialised gate whose folder goes with it.
pub(crate) struct Gate {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Gate {
    /// `stuffgate init`, with stores on this machine allowed.
    pub(crate) fn new() -> Self {
        let gate = Self { folder: tempfile::tempdir().expect("a folder") };
        gate.run(&["init", gate.folder().to_str().expect("a path")]).done();
        let config = gate.path("stuffgate.toml");
        let text = std::fs::read_to_string(&config).expect("the configuration");
        let text = text.replace("# allow_addresses = []", "allow_addresses = [\"loopback\"]");
        std::fs::write(&config, text).expect("the configuration");
        gate
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the configuration.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with("", arguments)
    }

    /// Runs the program in the gate's folder with `input` as its standard input.
    pub(crate) fn run_with(&self, input: &str, arguments: &[&str]) -> Ended {
        run_in(self.folder(), input, arguments)
    }

    /// A listing, parsed.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.run(arguments).done()).expect("JSON")
    }
}

impl Ended {
    /// What it printed, provided that it went well.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// What it complained of, provided that it ended with that code.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.err
    }
}

pub(crate) fn run_in(folder: &Path, input: &str, arguments: &[&str]) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stuffgate"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("STUFFGATE_CONFIG")
        .env_remove("STUFFGATE_KEK")
        .env("TEST_SECRET", "from-the-environment")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    // A program that reads no input may be gone already.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("its end");
    Ended {
        code: output.status.code().expect("an exit code"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}
