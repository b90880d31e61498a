//! A load of our own: light clients in a thread each, and what the machine did meanwhile.

use crate::client::Client;
use crate::cpu::{CpuTime, idle_s};
use crate::pgbench::Outcome;
use anyhow::{Result, anyhow};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Ahead of what is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// What came of it.
pub(crate) struct Driven {
    pub(crate) outcome: Outcome,
    /// Cores that were busy with the process that was asked for, and with ours.
    pub(crate) target: f64,
    pub(crate) load: f64,
    /// Share of all cores' time that was not idle, whoever had it.
    pub(crate) busy: f64,
}

/// Each client does `turn` (given its own number and the turn's, it returns how many transactions that was)
/// again and again until `time` is over; `pid` is the process whose CPU time counts.
pub(crate) fn drive<F>(clients: &mut [Client], time: Duration, pid: u32, turn: F) -> Result<Driven>
where
    F: Fn(&mut Client, usize, usize) -> Result<u64> + Sync,
{
    let (done, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let one = |client: &mut Client, number: usize| -> Result<()> {
        for at in 1.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            done.fetch_add(turn(client, number, at)?, Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let one = &one;
        let running: Vec<_> = clients
            .iter_mut()
            .enumerate()
            .map(|(number, client)| scope.spawn(move || one(client, number)))
            .collect();
        thread::sleep(WARM_UP);
        let driven = watch(&done, time, pid);
        over.store(true, Ordering::Relaxed);
        for client in running {
            client.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        driven
    })
}

fn watch(done: &AtomicU64, time: Duration, pid: u32) -> Result<Driven> {
    let own = std::process::id();
    let (target, load, idle) = (CpuTime::of(pid)?, CpuTime::of(own)?, idle_s()?);
    let (began, first) = (Instant::now(), done.load(Ordering::Relaxed));
    thread::sleep(time);
    let (took, last) = (began.elapsed().as_secs_f64(), done.load(Ordering::Relaxed));
    let (target, load) = (CpuTime::of(pid)?.since(&target), CpuTime::of(own)?.since(&load));
    let cores = thread::available_parallelism()?.get() as f64;
    let transactions = (last - first) as f64;
    Ok(Driven {
        outcome: Outcome { rate: transactions / took, transactions, cpu: Some(target) },
        target: target.as_secs_f64() / took,
        load: load.as_secs_f64() / took,
        busy: 1.0 - (idle_s()? - idle) / took / cores,
    })
}

/// A turn that sends a message and reads the answer, which may be no error.
pub(crate) fn ask(client: &mut Client, message: &[u8]) -> Result<u64> {
    let mut answer = Vec::new();
    client.send(message)?;
    client.answer(&mut answer)?;
    crate::client::refusal(&answer)?;
    Ok(1)
}
