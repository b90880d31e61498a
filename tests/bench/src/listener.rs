//! Which process listens on a port.

use std::collections::HashSet;
use std::fs;

/// The state of a listening socket (Linux, include/net/tcp_states.h).
const LISTENING: &str = "0A";

/// The process that listens on `port` of this machine, as far as we may look.
pub(crate) fn pid_of(port: u16) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: HashSet<String> = tables.iter().flat_map(|table| listening(table, port)).collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
    })
}

/// Listening sockets of a port, as links in /proc/PID/fd name them (proc(5), `/proc/net/tcp`).
fn listening(table: &str, port: u16) -> Vec<String> {
    let end = format!(":{port:04X}");
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.filter_map(|fields| {
        let (local, state, socket) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        (local.ends_with(&end) && *state == LISTENING).then(|| format!("socket:[{socket}]"))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_found_by_our_own_port() {
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(pid_of(port), Some(std::process::id()));
        drop(socket);
        assert_eq!(pid_of(port), None);
    }
}
