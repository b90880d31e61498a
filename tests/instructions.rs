//! No change makes a transaction take more instructions unseen.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so and ends")]

use std::path::Path;
use std::process::Command;

/// Where valgrind cannot be had this fails: nobody would notice that nothing is counted.
#[test]
fn transactions_take_no_more_instructions_than_written_down() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions");
    let output =
        Command::new(script).env_remove("STUFFGATE_WRITE_BASELINE").output().expect("tests/instructions");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{said}\n{complained}\nwhere it is meant to be so: STUFFGATE_WRITE_BASELINE=1 tests/instructions"
    );
    assert_eq!(said.matches("instructions of one round").count(), 2, "relay and session:\n{said}");
}
