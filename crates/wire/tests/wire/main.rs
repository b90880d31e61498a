//! Handshakes over real sockets, one module per side.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so and ends")]
#![allow(clippy::large_futures, reason = "a test holds both ends of a connection in one future")]

mod admit;
mod dial;
mod greet;
mod real;

use std::future::Future;
use std::time::Duration;
use testkit::certificates::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::tls::{ClientTls, TlsPolicy};

/// Nothing here takes seconds; a test that waits for ever must say so.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs both ends of one TCP connection and gives what each of them ends with.
async fn both_ends<A, B>(
    serve: impl AsyncFnOnce(TcpStream) -> A,
    connect: impl AsyncFnOnce(TcpStream) -> B,
) -> (A, B) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    patiently(async {
        tokio::join!(async { serve(listener.accept().await.expect("a client").0).await }, async {
            connect(TcpStream::connect(address).await.expect("a server")).await
        })
    })
    .await
}

/// The gate's end of a connection.
fn accepted(tcp: TcpStream) -> wire::Stream {
    wire::Stream::tcp(tcp).expect("a stream")
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes no longer than a minute")
}

/// Sends everything in one segment, then reads to the end, however it comes.
async fn say_and_hear(mut tcp: TcpStream, bytes: &[u8]) -> Vec<u8> {
    tcp.set_nodelay(true).expect("an option");
    let _ = tcp.write_all(bytes).await;
    let _ = tcp.shutdown().await;
    let mut heard = Vec::new();
    let _ = tcp.read_to_end(&mut heard).await;
    heard
}

/// A gate's TLS for `gate.test` and 127.0.0.1, and the authority to trust for it.
fn gate_tls(policy: TlsPolicy) -> (ClientTls, Authority) {
    let authority = Authority::new("test authority").expect("an authority");
    let issued = authority.server(&["gate.test", "127.0.0.1"]).expect("a certificate");
    let tls = ClientTls::new(policy, &issued.certificate, &issued.key, Some(&authority.pem())).expect("TLS");
    (tls, authority)
}
