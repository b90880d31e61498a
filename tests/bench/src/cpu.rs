//! CPU time of a process that is not ours.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Clock ticks in a second, as proc(5) counts them: the same on every Linux that Rust runs on.
const TICKS_PER_S: u64 = 100;

/// What a process has used up to now: each thread's nanoseconds (`schedstat`, first number), and the whole
/// process's ticks of 10 ms (`stat`, utime + stime), which also know of threads that have ended.
#[derive(Clone, Debug)]
pub(crate) struct CpuTime {
    threads: BTreeMap<u32, u64>,
    ticks: u64,
}

impl CpuTime {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
            let Some(thread) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let told = fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
            if let Some(nanos) = told.split_whitespace().next().and_then(|word| word.parse().ok()) {
                threads.insert(thread, nanos);
            }
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let ticks = ticks_in(&stat).with_context(|| format!("/proc/{pid}/stat says {stat:?}"))?;
        Ok(Self { threads, ticks })
    }

    /// Time used since `before`: to the nanosecond while all threads of then are still there.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let all_there = before.threads.keys().all(|thread| self.threads.contains_key(thread));
        if self.threads.is_empty() || !all_there {
            let ticks = self.ticks.saturating_sub(before.ticks);
            return Duration::from_millis(ticks * 1000 / TICKS_PER_S);
        }
        let used = self.threads.iter().map(|(thread, nanos)| {
            nanos.saturating_sub(before.threads.get(thread).copied().unwrap_or_default())
        });
        Duration::from_nanos(used.sum())
    }
}

/// Seconds that all cores together have been idle since the machine's start (proc(5), `/proc/stat`).
pub(crate) fn idle_s() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let ticks = idle_ticks_in(&text).with_context(|| format!("/proc/stat says {text:?}"))?;
    Ok(ticks as f64 / TICKS_PER_S as f64)
}

/// The fourth and fifth number of all cores: idle, and idle while waiting for a disk.
fn idle_ticks_in(stat: &str) -> Option<u64> {
    let mut fields = stat.strip_prefix("cpu ")?.lines().next()?.split_whitespace().skip(3);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// utime + stime, the 14th and 15th field; the second is a name in parentheses that may hold anything.
fn ticks_in(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_found() {
        assert_eq!(idle_ticks_in("cpu  1 2 3 40 5 6 7\ncpu0 1 1 1 1 1\n"), Some(45));
        assert!(idle_s().unwrap() > 0.0);
    }

    fn time(threads: &[(u32, u64)], ticks: u64) -> CpuTime {
        CpuTime { threads: threads.iter().copied().collect(), ticks }
    }

    #[test]
    fn ticks_are_found_behind_an_odd_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 1 0 1 1 1";
        assert_eq!(ticks_in(stat), Some(175));
        assert_eq!(ticks_in("nonsense"), None);
    }

    #[test]
    fn threads_are_added_up_and_new_ones_count_from_nothing() {
        let before = time(&[(1, 100), (2, 50)], 10);
        assert_eq!(time(&[(1, 150), (2, 60), (3, 5)], 11).since(&before), Duration::from_nanos(65));
    }

    #[test]
    fn where_a_thread_is_gone_the_ticks_count() {
        let before = time(&[(1, 100), (2, 50)], 10);
        assert_eq!(time(&[(1, 150)], 12).since(&before), Duration::from_millis(20));
    }

    #[test]
    fn our_own_time_grows() {
        let now = || CpuTime::of(std::process::id()).unwrap();
        let (before, end) = (now(), std::time::Instant::now() + Duration::from_secs(20));
        while now().since(&before) < Duration::from_millis(10) {
            assert!(std::time::Instant::now() < end, "no time was used");
        }
    }
}
