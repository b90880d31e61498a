//! A load that costs a gate much and its own side little: long statements, and a server that need not think.

use anyhow::{Context, Result};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use testkit::{Error, FakeStore, Peer, frames};

/// The secret that the server asks for.
pub(crate) const SECRET: &str = "scripted";
/// What statements of the load begin with; the gate's own do not.
const ANSWERED: &str = "SELECT /*load*/";
/// Keys that a statement names.
const KEYS: usize = 200;
/// Longest that the server waits for a message.
const IDLE: Duration = Duration::from_secs(3600);

/// A statement of a kilobyte that has to be rewritten, another for each client, turn and place in a message.
pub(crate) fn statement(client: usize, turn: usize, place: usize) -> Vec<u8> {
    let keys: Vec<String> = (1..=KEYS).map(|key| key.to_string()).collect();
    let (keys, number) = (keys.join(", "), format!("{client}{turn:09}{place:02}"));
    frames::query(&format!("{ANSWERED} n FROM public.numbers WHERE n IN ({keys}) AND m <> {number}"))
}

/// Starts a server that gives one row to every such statement, on a thread of its own until the bench ends;
/// returns its port.
pub(crate) fn start_server() -> Result<u16> {
    let (told, port) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let Ok(store) = FakeStore::start(play).await else { return };
            let _ = told.send(store.port());
            std::future::pending::<()>().await;
        });
    });
    port.recv().context("no scripted server")
}

async fn play(mut peer: Peer) -> Result<(), Error> {
    peer.let_in(SECRET).await?;
    peer.patience(IDLE);
    let done = [frames::command_complete("SELECT 0"), frames::ready(b'I')].concat();
    let row = [frames::row_description(&["n"]), frames::data_row(&[Some("0")]), done.clone()].concat();
    loop {
        let frame = peer.frame().await?;
        match frame.tag {
            b'Q' if frame.body.starts_with(ANSWERED.as_bytes()) => peer.send(&row).await?,
            b'X' => return Ok(()),
            _ => peer.send(&done).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_never_the_same_twice() {
        let all = [statement(1, 2, 0), statement(1, 3, 0), statement(12, 2, 0), statement(1, 2, 1)];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
