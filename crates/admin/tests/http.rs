//! Health, readiness and metrics by raw requests.

#![allow(clippy::expect_used, reason = "test code")]

use admin::{Health, MAX_CONNECTIONS, serve_http};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[derive(Default)]
struct Made {
    draining: AtomicBool,
}

impl Health for Made {
    fn not_ready(&self) -> Option<String> {
        self.draining.load(Ordering::Acquire).then(|| "the gate is shutting down".to_owned())
    }

    fn metrics(&self) -> String {
        "# HELP x y\nx 1\n".to_owned()
    }
}

async fn serve() -> (Arc<Made>, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    let health = Arc::new(Made::default());
    tokio::spawn(serve_http(listener, Arc::clone(&health) as Arc<dyn Health>));
    (health, port)
}

async fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).await.expect("connected")
}

async fn ask(port: u16, request: &str) -> String {
    let mut stream = connect(port).await;
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A refused request may be answered before all of it was read, which resets the connection.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(port: u16, path: &str) -> String {
    ask(port, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

#[tokio::test]
async fn each_question_has_its_answer() {
    let (health, port) = serve().await;
    let answer = get(port, "/health").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
    let answer = get(port, "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("# HELP x y\nx 1\n"), "{answer}");
    assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
    assert!(get(port, "/ready").await.starts_with("HTTP/1.1 200"));
    health.draining.store(true, Ordering::Release);
    let answer = get(port, "/ready").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("shutting down"), "{answer}");
    assert!(get(port, "/health").await.starts_with("HTTP/1.1 200"), "the process is still up");
    assert!(get(port, "/else").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn other_methods_and_garbage_are_refused() {
    let (_, port) = serve().await;
    let answer = ask(port, "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("GET, HEAD"), "{answer}");
    let answer = ask(port, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(!ask(port, "\0\0\0\x08\0\x03\0\0 not http\r\n\r\n").await.contains("200"));
    let huge = format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    assert!(!ask(port, &huge).await.contains("200 OK"));
}

#[tokio::test]
async fn slow_clients_are_shown_out_and_make_room_for_the_next() {
    let (_, port) = serve().await;
    let mut slow = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut stream = connect(port).await;
        stream.write_all(b"GET /hea").await.expect("sent");
        slow.push(stream);
    }
    let began = Instant::now();
    let answer = get(port, "/health").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(began.elapsed() > Duration::from_secs(1), "there was a place left");
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}
