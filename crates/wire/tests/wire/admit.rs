//! How a client proves its secret to the gate, and what becomes of one that does not.

use crate::{accepted, both_ends, patiently};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::admit::{AuthError, MAX_BODY_BYTES, authenticate};
use wire::scram::client::{Binding, Start};
use wire::scram::{DEFAULT_ITERATIONS, Keys, Mock};
use wire::{Fields, Peer};

fn keys(password: &str) -> Keys {
    Keys::derive(password, b"0123456789abcdef", DEFAULT_ITERATIONS)
}

/// Lets a scripted client authenticate as alice, whose password is `pencil`, or as somebody unknown.
async fn admit<T>(known: bool, script: impl AsyncFnOnce(TcpStream) -> T) -> (Result<(), AuthError>, T) {
    let verifier = keys("pencil").verifier();
    let mock = Mock::new([5; 32]);
    both_ends(
        async |tcp| {
            let mut client = Peer::new(accepted(tcp));
            let outcome = authenticate(&mut client, "alice", known.then_some(&verifier), &mock).await;
            client.send().await.expect("sent");
            outcome
        },
        script,
    )
    .await
}

async fn message(tcp: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let tag = tcp.read_u8().await.ok()?;
    let length = tcp.read_u32().await.ok()?;
    let mut body = vec![0; length as usize - 4];
    tcp.read_exact(&mut body).await.ok()?;
    Some((tag, body))
}

fn password_message(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    wire::frame::write(&mut out, b'p', |into| into.extend_from_slice(body));
    out
}

fn initial(first: &str) -> Vec<u8> {
    let length = u32::try_from(first.len()).expect("short").to_be_bytes();
    password_message(&[b"SCRAM-SHA-256\0", &length[..], first.as_bytes()].concat())
}

/// A client that knows `password`: everything it hears, as (tag, body).
async fn client(mut tcp: TcpStream, password: &str) -> Vec<(u8, Vec<u8>)> {
    let mut heard = vec![message(&mut tcp).await.expect("an offer")];
    let start = Start::new(Binding::Impossible).expect("random");
    tcp.write_all(&initial(&start.first())).await.expect("sent");
    let (_, body) = message(&mut tcp).await.expect("a challenge");
    let challenged = start.challenge(&body[4..]).expect("a challenge");
    let keys = Keys::derive(password, &challenged.salt, challenged.iterations);
    let (_, last) = challenged.prove(&keys);
    tcp.write_all(&password_message(last.as_bytes())).await.expect("sent");
    while let Some(next) = message(&mut tcp).await {
        heard.push(next);
    }
    heard
}

#[tokio::test]
async fn the_right_secret_is_admitted_and_not_yet_told_so() {
    let (outcome, heard) = admit(true, async |tcp| client(tcp, "pencil").await).await;
    outcome.expect("admitted");
    assert_eq!(heard[0], (b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec()));
    assert_eq!(heard.len(), 2, "the offer and the server's proof, no AuthenticationOk: {heard:?}");
    assert_eq!(&heard[1].1[..6], b"\0\0\0\x0cv=");
}

#[tokio::test]
async fn wrong_secret_and_unknown_login_hear_the_same() {
    let mut heard = Vec::new();
    for known in [true, false] {
        let (outcome, said) = admit(known, async |tcp| client(tcp, "crayon").await).await;
        assert!(matches!(outcome, Err(AuthError::WrongSecret)), "{outcome:?}");
        heard.push(said);
    }
    assert_eq!(heard[0], heard[1]);
    let fields = Fields::decode(&heard[0][1].1);
    assert_eq!(fields.to_string(), "FATAL 28P01: password authentication failed for user \"alice\"");
}

#[tokio::test]
async fn an_unknown_login_is_refused_whatever_it_knows() {
    let (outcome, _) = admit(false, async |tcp| client(tcp, "pencil").await).await;
    assert!(matches!(outcome, Err(AuthError::WrongSecret)), "{outcome:?}");
}

#[tokio::test]
async fn impossible_messages_are_refused_at_both_steps() {
    let mut table: Vec<Vec<u8>> = [0, 1, 2, 3, MAX_BODY_BYTES + 5, 0x7fff_ffff, u32::MAX]
        .iter()
        .map(|length| [&b"p"[..], &length.to_be_bytes(), &[0; 16]].concat())
        .collect();
    table.push(password_message(b""));
    table.push(password_message(b"SCRAM-SHA-1\0\0\0\0\0"));
    table.push(password_message(b"SCRAM-SHA-256"));
    table.push(password_message(b"SCRAM-SHA-256\0\xff\xff\xff\xff"));
    table.push(password_message(b"SCRAM-SHA-256\0\x7f\xff\xff\xffn,,"));
    table.push(password_message(b"SCRAM-SHA-256\0\0\0\0\x01n,,"));
    table.push(password_message(b"SCRAM-SHA-256-PLUS\0\0\0\0\x03n,,"));
    table.push(b"Q\0\0\0\x0dselect 1\0".to_vec());
    for second_step in [false, true] {
        for bytes in &table {
            let (outcome, fields) = admit(true, async |mut tcp| {
                message(&mut tcp).await.expect("an offer");
                if second_step {
                    tcp.write_all(&initial("n,,n=,r=abc")).await.expect("sent");
                    message(&mut tcp).await.expect("a challenge");
                }
                tcp.write_all(bytes).await.expect("sent");
                message(&mut tcp).await.map(|(_, body)| Fields::decode(&body))
            })
            .await;
            assert!(matches!(outcome, Err(AuthError::Protocol(_))), "{bytes:?}: {outcome:?}");
            let code = fields.expect("an error").code;
            assert!(["08P01", "28000"].contains(&code.as_str()), "{bytes:?}: {code}");
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_is_no_failure_of_the_gate() {
    for bytes in [&b""[..], b"X\0\0\0\x04", b"p", b"p\0\0\0\x20SCRAM"] {
        let (outcome, ()) = admit(true, async |mut tcp| {
            message(&mut tcp).await.expect("an offer");
            tcp.write_all(bytes).await.expect("sent");
        })
        .await;
        assert!(matches!(outcome, Err(AuthError::Io(_))), "{bytes:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_exchange_may_come_a_byte_at_a_time_and_keeps_what_follows() {
    let (outcome, ()) = patiently(both_ends(
        async |tcp| {
            let mut client = Peer::new(accepted(tcp));
            let verifier = keys("pencil").verifier();
            authenticate(&mut client, "alice", Some(&verifier), &Mock::new([5; 32])).await.expect("admitted");
            while client.inbox.unread().len() < 5 {
                assert_ne!(client.fill().await.expect("what follows"), 0);
            }
            client.inbox.unread().to_vec()
        },
        async |mut tcp| {
            tcp.set_nodelay(true).expect("an option");
            message(&mut tcp).await.expect("an offer");
            let start = Start::new(Binding::Impossible).expect("random");
            slowly(&mut tcp, &initial(&start.first())).await;
            let (_, body) = message(&mut tcp).await.expect("a challenge");
            let (_, last) = start.challenge(&body[4..]).expect("a challenge").prove(&keys("pencil"));
            slowly(&mut tcp, &[&password_message(last.as_bytes())[..], b"S\0\0\0\x04"].concat()).await;
        },
    ))
    .await;
    assert_eq!(outcome, b"S\0\0\0\x04");
}

async fn slowly(tcp: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        tcp.write_all(&[*byte]).await.expect("sent");
        tokio::task::yield_now().await;
    }
}
