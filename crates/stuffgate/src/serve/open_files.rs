//! The limit on open files, which every client and every server connection counts against.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that the gate has open besides connections: registry, sockets, polls, logs.
const OTHERS: usize = 128;

/// Raises the limit as far as the system allows, and warns when that is less than the configuration lets
/// clients and server connections take (getrlimit(2), `RLIMIT_NOFILE`).
pub(crate) fn raise_limit(connections: usize) {
    let limits = getrlimit(Resource::Nofile);
    if limits.current != limits.maximum {
        // Refused, it stays what it was; what that means is told below.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, maximum: limits.maximum });
    }
    let needed = (connections + OTHERS) as u64;
    if let Some(allowed) = getrlimit(Resource::Nofile).current
        && allowed < needed
    {
        tracing::warn!(
            allowed,
            needed,
            "fewer files may be open than session.max_clients and pool.total need: raise the limit (ulimit -n, LimitNOFILE)"
        );
    }
}
