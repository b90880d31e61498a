//! Memory of a process that is not ours.

use anyhow::{Context, Result};
use std::fs;

/// Bytes of anonymous memory that a process has: its own, neither files nor what it shares (proc(5),
/// `smaps_rollup`).
pub(crate) fn anonymous_bytes(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).context(path)?;
    field(&text, "Anonymous:").context("smaps_rollup has no Anonymous")
}

/// The most memory that a process has had since [`forget_peak`].
pub(crate) fn peak_bytes(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    field(&text, "VmHWM:").context("status has no VmHWM")
}

/// Makes what a process has now its peak (proc(5), `clear_refs`).
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("clear_refs")
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_become_bytes() {
        let text = "Rss:  12 kB\nAnonymous:            3 kB\n";
        assert_eq!(field(text, "Anonymous:"), Some(3072));
        assert_eq!(field(text, "Pss:"), None);
    }

    #[test]
    fn memory_that_is_taken_is_seen() {
        let pid = std::process::id();
        let before = anonymous_bytes(pid).unwrap();
        let taken = vec![1_u8; 32 << 20];
        assert!(anonymous_bytes(pid).unwrap() >= before + (30 << 20));
        assert!(peak_bytes(pid).unwrap() >= 32 << 20);
        drop(taken);
    }
}
