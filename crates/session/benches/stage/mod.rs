//! A gate with one store and one client, all on one thread.

mod house;
mod store;

use std::net::{TcpListener, TcpStream};
use testkit::callgrind::Rounds;
use testkit::{Login, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use wire::Stream;

pub(crate) use house::{SERVICE, USER};

/// What of a connection is not read yet, and the connection.
pub(crate) struct Line {
    socket: tokio::net::TcpStream,
    unread: Vec<u8>,
}

/// A session that is logged in, and both its ends.
pub(crate) struct Stage {
    runtime: Runtime,
    client: Line,
    store: store::Store,
}

impl Stage {
    /// Logs `login` in.
    pub(crate) fn set(login: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (client, store) = runtime.block_on(async {
            let (stores, clients) = (listener(), listener());
            let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
            let gate = house::gate(port(&stores));
            let client = TcpStream::connect((testkit::scratch::HOST, port(&clients))).expect("the gate");
            let (served, _) = clients.accept().expect("a client");
            tokio::spawn(session::serve(gate, Stream::accepted(tokio_socket(served))));
            let mut store = store::Store::at(stores);
            let login =
                Login { port: 0, user: login, secret: house::SECRET, database: SERVICE, parameters: &[] };
            let client = tokio::select! {
                biased;
                () = store.serve() => unreachable!("it serves for ever"),
                client = log_in(client, &login) => client,
            };
            (client, store)
        });
        Self { runtime, client, store }
    }

    /// Has the client say each of `texts`, wait for the answer, and do it all again in each round.
    pub(crate) fn play(&mut self, texts: &[Vec<u8>], rounds: Rounds) {
        let Self { runtime, client, store } = self;
        runtime.block_on(rounds.aside(async {
            tokio::select! {
                biased;
                () = store.serve() => {}
                () = client.play(texts, rounds.count) => {}
            }
        }));
    }
}

impl Line {
    fn new(socket: TcpStream) -> Self {
        Self { socket: tokio_socket(socket), unread: Vec::new() }
    }

    /// The next message from its tag on.
    async fn message(&mut self) -> Vec<u8> {
        loop {
            if let Some(head) = self.unread.first_chunk::<5>() {
                let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
                let total = usize::try_from(length).expect("a length") + 1;
                if self.unread.len() >= total {
                    return self.unread.drain(..total).collect();
                }
            }
            let read = self.socket.read_buf(&mut self.unread).await.expect("an open connection");
            assert!(read > 0, "the connection was closed");
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.expect("an open connection");
    }

    async fn play(&mut self, texts: &[Vec<u8>], count: u32) {
        for text in (0..count).flat_map(|_| texts) {
            self.send(text).await;
            loop {
                let message = self.message().await;
                assert!(message[0] != b'E', "{}", String::from_utf8_lossy(&message));
                if message[0] == b'Z' {
                    break;
                }
            }
        }
    }
}

fn listener() -> TcpListener {
    TcpListener::bind((testkit::scratch::HOST, 0)).expect("a port")
}

fn tokio_socket(socket: TcpStream) -> tokio::net::TcpStream {
    socket.set_nonblocking(true).expect("a socket");
    socket.set_nodelay(true).expect("a socket");
    tokio::net::TcpStream::from_std(socket).expect("a runtime")
}

/// Logs in by a copy of the socket: what the kit's own end sets up, its timers for one, goes with it.
async fn log_in(socket: TcpStream, login: &Login<'_>) -> Line {
    let copy = tokio_socket(socket.try_clone().expect("a socket"));
    Peer::over(copy).log_in(login).await.expect("a session");
    Line::new(socket)
}
