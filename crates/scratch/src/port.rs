//! Ports that nobody listens on.

use crate::HOST;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Tries for a port before giving up.
pub(crate) const PORT_TRIES: usize = 50;
/// Ports to choose from: below the range that Linux hands out for outgoing connections (32768 and up),
/// so that a stopped server finds its port free again.
const PORTS: std::ops::Range<u32> = 15_000..32_000;

/// A port of [`HOST`] that nobody listens on, another with each call and in each process. Somebody may
/// still take it first: whoever binds it tries again with another.
#[must_use]
pub fn free_port() -> u16 {
    let free = |port: &u16| TcpListener::bind((HOST, *port)).is_ok();
    std::iter::repeat_with(a_port).take(PORT_TRIES).find(free).unwrap_or_default()
}

fn a_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let mixed = std::process::id()
        .wrapping_mul(2_654_435_761)
        .wrapping_add(nanos)
        .wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed).wrapping_mul(7_919));
    let port = PORTS.start + mixed % (PORTS.end - PORTS.start);
    u16::try_from(port).unwrap_or(u16::MAX)
}
