//! Signals to a server's processes, and waiting for what they do.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::time::{Duration, Instant};

/// Longest wait for a server to come up or to go.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(2);

/// Waits until `condition` holds; false when it does not within [`PATIENCE`].
pub(crate) fn wait_for(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if condition() {
            return true;
        }
        std::thread::sleep(LOOK);
    }
    condition()
}

pub(crate) fn pid_of(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// A server's backends: each is a session of its own, so no signal to a process group reaches them all.
pub(crate) fn children_of(first: Pid) -> Vec<Pid> {
    let told = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
    told.split_whitespace().filter_map(|word| pid_of(word.parse().ok()?)).collect()
}

/// A process that is gone already needs no signal.
pub(crate) fn signal(pid: Pid, which: Signal) {
    let _ = kill_process(pid, which);
}

/// Stops one process and waits until it stands still (proc(5), `/proc/pid/stat`, field 3) or is gone.
pub(crate) fn freeze(pid: Pid) {
    signal(pid, Signal::STOP);
    wait_for(|| match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.contains(") T ") || stat.contains(") Z "),
        Err(_) => true,
    });
}

/// Waits until a process that was killed is gone, or nothing is left of it but its number.
pub(crate) fn outlive(pid: Pid) {
    wait_for(|| match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    });
}
