//! A load of our own: light clients that send the same message again and again, a thread each.

use crate::client::Client;
use crate::cpu::CpuTime;
use crate::pgbench::Outcome;
use anyhow::{Result, anyhow};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Ahead of what is measured.
const WARM_UP: Duration = Duration::from_millis(300);

/// Each client sends `message` and reads the answer, until `time` is over; what the process `pid` used for it.
pub(crate) fn drive(clients: &mut [Client], message: &[u8], time: Duration, pid: u32) -> Result<Outcome> {
    let (done, over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let running: Vec<_> =
            clients.iter_mut().map(|client| scope.spawn(|| send(client, message, &done, &over))).collect();
        thread::sleep(WARM_UP);
        let (cpu, began, before) = (CpuTime::of(pid), Instant::now(), done.load(Ordering::Relaxed));
        thread::sleep(time);
        let (after, took) = (done.load(Ordering::Relaxed), began.elapsed());
        let used = CpuTime::of(pid).and_then(|now| Ok(now.since(&cpu?)));
        over.store(true, Ordering::Relaxed);
        for client in running {
            client.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        let transactions = (after - before) as f64;
        Ok(Outcome { rate: transactions / took.as_secs_f64(), transactions, cpu: Some(used?) })
    })
}

fn send(client: &mut Client, message: &[u8], done: &AtomicU64, over: &AtomicBool) -> Result<()> {
    let mut answer = Vec::new();
    while !over.load(Ordering::Relaxed) {
        client.send(message)?;
        client.answer(&mut answer)?;
        crate::client::refusal(&answer)?;
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
