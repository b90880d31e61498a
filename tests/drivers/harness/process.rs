//! One run of a program, bounded in time, with nothing left of it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use stuffgate_tests::testkit::scratch::Folder;

/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(10);
/// Bytes of the end of standard error that a failure shows.
const SHOWN: usize = 4_000;

/// Runs `command` in a fresh empty folder, what it prints going to `kept`.out and `kept`.err; returns its
/// standard output.
///
/// # Errors
/// How it ended, when not well or not within `limit`, with the end of what it said.
pub(crate) fn run(mut command: Command, limit: Duration, kept: &Path) -> Result<String, String> {
    let folder = Folder::new("stuffgate-driver-").map_err(|error| error.to_string())?;
    let (out, err) = (kept.with_extension("out"), kept.with_extension("err"));
    let open = |path: &Path| File::create(path).map_err(|error| format!("{}: {error}", path.display()));
    command.current_dir(folder.path()).process_group(0);
    command.stdin(Stdio::null()).stdout(open(&out)?).stderr(open(&err)?);
    let child = command.spawn().map_err(|error| {
        format!("{}: {error}; tests/setup installs what tests need", command.get_program().display())
    })?;
    let outcome = wait(child, limit);
    let said = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    let printed = said(&out);
    outcome.map(|()| printed.clone()).map_err(|how| {
        let errors = said(&err);
        format!("{how}; the end of what it printed:\n{}\nand said:\n{}", end_of(&printed), end_of(&errors))
    })
}

fn wait(mut child: Child, limit: Duration) -> Result<(), String> {
    let (end, id) = (Instant::now() + limit, child.id());
    let outcome = loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break Ok(()),
            Ok(Some(status)) => break Err(format!("it ended with {status}")),
            Ok(None) if Instant::now() < end => std::thread::sleep(LOOK),
            Ok(None) => break Err(format!("it did not end within {} s", limit.as_secs())),
            Err(error) => break Err(error.to_string()),
        }
    };
    // Its group: whatever it started and left behind goes too.
    if let Some(group) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
    outcome
}

fn end_of(text: &str) -> &str {
    let from = (text.len().saturating_sub(SHOWN)..text.len()).find(|at| text.is_char_boundary(*at));
    &text[from.unwrap_or(text.len())..]
}

#[test]
fn a_program_that_hangs_is_ended() {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("a_program_that_hangs");
    let mut command = Command::new("sh");
    command.args(["-c", "echo before; sleep 600 & wait"]);
    let told = run(command, Duration::from_millis(300), &kept).unwrap_err();
    assert!(told.contains("did not end") && told.contains("before"), "{told}");
}
