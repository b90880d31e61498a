//! Clients written in Go, compiled from Debian's sources of them.

use crate::harness::Driver;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn lib_pq() {
    Driver::program("lib_pq", built("lib_pq")).of_the_system().cases(26).run();
}

#[test]
fn pgx() {
    Driver::program("pgx", built("pgx")).of_the_system().cases(28).run();
}

/// Compiles the program in a folder of `go`.
fn built(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/go").join(name);
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drivers/go").join(name);
    let mut compiler = Command::new("go");
    compiler.args(["build", "-o"]).arg(&program).arg(".").current_dir(folder);
    // Debian's packages are laid out as a workspace of before modules.
    compiler.envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOFLAGS", "")]);
    let ended = compiler.output().unwrap_or_else(|error| panic!("go: {error}; tests/setup installs it"));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    program
}
