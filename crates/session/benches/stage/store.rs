//! A store that has one row for every query.

use super::{Line, house, tokio_socket};
use std::net::TcpListener;
use testkit::{Peer, frames};

pub(crate) struct Store {
    listener: tokio::net::TcpListener,
    line: Option<Line>,
    status: u8,
}

impl Store {
    pub(crate) fn at(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a socket");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
        Self { listener, line: None, status: b'I' }
    }

    /// Lets the gate in, once, and answers whatever comes.
    pub(crate) async fn serve(&mut self) {
        if self.line.is_none() {
            self.line = Some(self.accept().await);
        }
        loop {
            self.answer_next().await;
        }
    }

    async fn accept(&mut self) -> Line {
        let (accepted, _) = self.listener.accept().await.expect("the gate");
        let socket = accepted.into_std().expect("a socket");
        let copy = tokio_socket(socket.try_clone().expect("a socket"));
        Peer::over(copy).let_in(house::SECRET).await.expect("the gate's login");
        Line::new(socket)
    }

    /// Answers everything up to the next Query or Sync.
    async fn answer_next(&mut self) {
        let Some(line) = &mut self.line else { return };
        let mut answer = Vec::new();
        loop {
            let message = line.message().await;
            match message[0] {
                b'P' => answer.extend(frames::message(b'1', &[])),
                b'B' => answer.extend(frames::message(b'2', &[])),
                b'D' => answer.extend(frames::row_description(&["abalance"])),
                b'E' => answer.extend(result()),
                b'Q' => answer.extend(run(&mut self.status, &String::from_utf8_lossy(&message[5..]))),
                b'S' => {}
                other => panic!("{:?} is not in the script", char::from(other)),
            }
            if matches!(message[0], b'Q' | b'S') {
                answer.extend(frames::ready(self.status));
                return line.send(&answer).await;
            }
        }
    }
}

/// The answer to a simple query.
fn run(status: &mut u8, sql: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    for statement in sql.trim_end_matches('\0').split(';').map(str::trim) {
        match statement.split_whitespace().next() {
            None => {}
            Some("SELECT") => {
                answer.extend(frames::row_description(&["abalance"]));
                answer.extend(result());
            }
            // What code of the store's own is suspect: none.
            Some("WITH") => {
                let nothing = [frames::row_description(&["names"]), frames::data_row(&[None])];
                answer.extend([nothing.concat(), frames::command_complete("SELECT 1")].concat());
            }
            Some(word) => {
                *status = match word {
                    "BEGIN" => b'T',
                    "COMMIT" => b'I',
                    _ => *status,
                };
                answer.extend(frames::command_complete(word));
            }
        }
    }
    answer
}

fn result() -> Vec<u8> {
    [frames::data_row(&[Some("-4711")]), frames::command_complete("SELECT 1")].concat()
}
