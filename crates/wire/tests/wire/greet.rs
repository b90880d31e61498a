//! What the gate does with whatever a client begins with.

use crate::{accepted, both_ends, gate_tls, say_and_hear};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wire::Fields;
use wire::greet::{CancelKey, GreetError, Greeting, MAX_STARTUP_BYTES, Startup, greet};
use wire::tls::{ClientTls, TlsPolicy};

const SSL: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const GSS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];

fn packet(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
    [&length[..], body].concat()
}

fn start_up(minor: u16, pairs: &[u8]) -> Vec<u8> {
    packet(&[&[0, 3], &minor.to_be_bytes()[..], pairs, b"\0"].concat())
}

fn alice() -> Vec<u8> {
    start_up(0, b"user\0alice\0database\0todo\0")
}

fn cancel() -> Vec<u8> {
    packet(&[4, 210, 22, 46, 0, 0, 0, 7, 1, 2, 3, 4])
}

/// Greets a client that sends `bytes` in one segment and then waits for the end.
async fn greet_to(tls: &ClientTls, bytes: &[u8]) -> (Result<Greeting, GreetError>, Vec<u8>) {
    both_ends(
        async |tcp| {
            let mut greeting = greet(accepted(tcp), tls).await;
            // The client waits for the end, so the stream must go; what it was is in the rest.
            let stream = match &mut greeting {
                Ok(Greeting::Startup(startup)) => Some(&mut startup.stream),
                Ok(Greeting::Cancel { stream, .. }) => Some(&mut **stream),
                Err(_) => None,
            };
            if let Some(stream) = stream {
                stream.shutdown().await.expect("an open stream");
            }
            greeting
        },
        async |tcp| say_and_hear(tcp, bytes).await,
    )
    .await
}

fn startup_of(outcome: Result<Greeting, GreetError>) -> Box<Startup> {
    match outcome {
        Ok(Greeting::Startup(startup)) => startup,
        other => panic!("{other:?} is no start-up"),
    }
}

/// The error that ends `heard`, and what came before it.
fn error_in(heard: &[u8]) -> (&[u8], Fields) {
    let at = heard.iter().position(|byte| *byte == b'E').expect("an error");
    (&heard[..at], Fields::decode(&heard[at + 5..]))
}

#[tokio::test]
async fn a_start_up_packet_may_come_in_any_two_pieces() {
    let whole = alice();
    for cut in 1..whole.len() {
        let (outcome, ()) = both_ends(
            async |tcp| greet(accepted(tcp), &ClientTls::off()).await,
            async |mut tcp| {
                tcp.set_nodelay(true).expect("an option");
                tcp.write_all(&whole[..cut]).await.expect("sent");
                tokio::task::yield_now().await;
                tcp.write_all(&whole[cut..]).await.expect("sent");
            },
        )
        .await;
        assert_eq!(startup_of(outcome).user, "alice", "cut at {cut}");
    }
}

#[tokio::test]
async fn a_start_up_packet_may_come_a_byte_at_a_time_behind_a_request_for_each_encryption() {
    let (outcome, ()) = both_ends(
        async |tcp| greet(accepted(tcp), &ClientTls::off()).await,
        async |mut tcp| {
            tcp.set_nodelay(true).expect("an option");
            for request in [&GSS[..], &SSL, &alice()] {
                for byte in request {
                    tcp.write_all(&[*byte]).await.expect("sent");
                    tokio::task::yield_now().await;
                }
                if request.len() == 8 {
                    assert_eq!(tcp.read_u8().await.expect("an answer"), b'N');
                }
            }
        },
    )
    .await;
    assert_eq!(startup_of(outcome).database, "todo");
}

#[tokio::test]
async fn a_packet_that_is_cut_short_is_an_end_and_not_a_session() {
    let whole = alice();
    for end in 0..whole.len() {
        let (outcome, heard) = greet_to(&ClientTls::off(), &whole[..end]).await;
        let nothing = matches!(outcome, Err(GreetError::Nothing));
        let broken = matches!(outcome, Err(GreetError::Io(_)));
        assert!(if end == 0 { nothing } else { broken }, "cut at {end}: {outcome:?}");
        assert_eq!(heard, b"");
    }
}

#[tokio::test]
async fn every_impossible_length_is_refused_before_anything_is_read_or_kept() {
    for length in [0_u32, 1, 2, 3, 4, 7, MAX_STARTUP_BYTES + 1, 0x0100_0000, 0x7fff_ffff, u32::MAX] {
        let bytes = [&length.to_be_bytes()[..], &[0; 64]].concat();
        let first = bytes[0];
        let (outcome, heard) = greet_to(&ClientTls::off(), &bytes).await;
        assert!(matches!(outcome, Err(GreetError::Refused(_))), "{length}: {outcome:?}");
        assert_eq!(error_in(&heard).1.code.as_str(), "08P01", "{length}, first byte {first}");
    }
}

#[tokio::test]
async fn the_longest_packet_is_taken_and_one_byte_more_is_not() {
    for (extra, good) in [(0, true), (1, false)] {
        let room = MAX_STARTUP_BYTES as usize - alice().len() - b"x\0\0".len() + extra;
        let pairs = [b"user\0alice\0database\0todo\0x\0", &vec![b'y'; room][..], b"\0"].concat();
        let (outcome, _) = greet_to(&ClientTls::off(), &start_up(0, &pairs)).await;
        assert_eq!(outcome.is_ok(), good, "{extra} more");
    }
}

#[tokio::test]
async fn bytes_ahead_of_the_answer_to_a_request_for_encryption_are_refused() {
    let (on, _) = gate_tls(TlsPolicy::Prefer);
    for tls in [&on, &ClientTls::off()] {
        for request in [SSL, GSS] {
            for early in [&alice()[..], b"Q", &SSL] {
                let (outcome, heard) = greet_to(tls, &[&request, early].concat()).await;
                assert!(matches!(outcome, Err(GreetError::Refused(_))), "{outcome:?}");
                let (before, fields) = error_in(&heard);
                assert_eq!((before, fields.code.as_str()), (&b""[..], "08P01"), "{}", fields.message);
            }
        }
    }
}

#[tokio::test]
async fn each_encryption_may_be_asked_for_once() {
    for (first, second) in [(SSL, SSL), (GSS, GSS)] {
        let (outcome, heard) = both_ends(
            async |tcp| greet(accepted(tcp), &ClientTls::off()).await,
            async |mut tcp| {
                tcp.write_all(&first).await.expect("sent");
                assert_eq!(tcp.read_u8().await.expect("an answer"), b'N');
                say_and_hear(tcp, &second).await
            },
        )
        .await;
        assert!(matches!(outcome, Err(GreetError::Refused(_))), "{outcome:?}");
        assert_eq!(error_in(&heard).1.code.as_str(), "08P01");
    }
}

/// Asks for TLS after `before`, then sends `bytes` through it and gives what comes back.
async fn through_tls(
    mut tcp: TcpStream,
    config: Arc<ClientConfig>,
    before: &[&[u8]],
    bytes: &[u8],
) -> Vec<u8> {
    for request in before {
        tcp.write_all(request).await.expect("sent");
        tcp.read_u8().await.expect("an answer");
    }
    let name = ServerName::try_from("gate.test").expect("a name");
    let connected = TlsConnector::from(config).connect(name, tcp).await;
    let Ok(mut stream): Result<TlsStream<TcpStream>, _> = connected else { return b"no TLS".to_vec() };
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    heard
}

#[tokio::test]
async fn tls_may_be_asked_for_or_begun_directly() {
    let (tls, authority) = gate_tls(TlsPolicy::Require);
    let with = |alpn: &[&[u8]]| authority.client_config(None, alpn).expect("TLS");
    type Texts = &'static [&'static [u8]];
    let table: [(Texts, Texts); 4] =
        [(&[&SSL], &[]), (&[&GSS, &SSL], &[]), (&[&SSL], &[b"postgresql"]), (&[], &[b"postgresql"])];
    for (before, alpn) in table {
        let (outcome, _) = both_ends(
            async |tcp| {
                greet(accepted(tcp), &tls).await.map(|greeting| startup_of(Ok(greeting)).stream.is_tls())
            },
            async |tcp| through_tls(tcp, with(alpn), before, &alice()).await,
        )
        .await;
        assert!(matches!(outcome, Ok(true)), "{before:?} {alpn:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn direct_tls_needs_the_protocols_name_and_tls_that_is_switched_on() {
    let (tls, authority) = gate_tls(TlsPolicy::Prefer);
    let with = |alpn: &[&[u8]]| authority.client_config(None, alpn).expect("TLS");
    let (outcome, heard) = both_ends(
        async |tcp| greet(accepted(tcp), &tls).await,
        async |tcp| through_tls(tcp, with(&[]), &[], &alice()).await,
    )
    .await;
    assert!(matches!(outcome, Err(GreetError::Refused(_))), "{outcome:?}");
    assert_eq!(error_in(&heard).1.code.as_str(), "08P01");
    let off = ClientTls::off();
    for (tls, alpn) in [(&tls, &b"h2"[..]), (&off, b"postgresql")] {
        let (outcome, heard) = both_ends(
            async |tcp| greet(accepted(tcp), tls).await,
            async |tcp| through_tls(tcp, with(&[alpn]), &[], &alice()).await,
        )
        .await;
        assert!(matches!(outcome, Err(GreetError::Tls(_))), "{outcome:?}");
        assert_eq!(heard, b"no TLS");
    }
}

#[tokio::test]
async fn nothing_but_a_start_up_packet_or_a_cancel_request_comes_after_tls() {
    let (tls, authority) = gate_tls(TlsPolicy::Prefer);
    for inside in [SSL, GSS] {
        let config = authority.client_config(None, &[]).expect("TLS");
        let (outcome, heard) = both_ends(
            async |tcp| greet(accepted(tcp), &tls).await,
            async |tcp| through_tls(tcp, config, &[&SSL], &inside).await,
        )
        .await;
        assert!(matches!(outcome, Err(GreetError::Refused(_))), "{outcome:?}");
        assert_eq!(error_in(&heard).1.code.as_str(), "08P01");
    }
}

#[tokio::test]
async fn require_means_require_for_sessions_and_lets_old_clients_cancel() {
    let (tls, _) = gate_tls(TlsPolicy::Require);
    let (outcome, heard) = greet_to(&tls, &alice()).await;
    assert!(matches!(outcome, Err(GreetError::Refused(_))), "{outcome:?}");
    let fields = error_in(&heard).1;
    assert_eq!(fields.code.as_str(), "28000");
    assert!(fields.hint.is_some_and(|hint| hint.contains("sslmode=require")));
    let (outcome, heard) = greet_to(&tls, &cancel()).await;
    let wanted = CancelKey { process: 7, secret: [1, 2, 3, 4].into() };
    assert!(matches!(outcome, Ok(Greeting::Cancel { key, .. }) if key == wanted));
    assert_eq!(heard, b"");
}

#[tokio::test]
async fn newer_protocols_are_negotiated_down_and_never_dropped() {
    let grease = b"user\0alice\0_pq_.test_protocol_negotiation\0\0";
    let table: [(u16, &[u8], u16, &[u8]); 6] = [
        (0, b"user\0alice\0", 0, b""),
        (1, b"user\0alice\0", 0, b""),
        (2, b"user\0alice\0", 2, b""),
        (3, b"user\0alice\0", 2, b"v\0\0\0\x0c\0\x03\0\x02\0\0\0\0"),
        (9999, grease, 2, b"v\0\0\0\x2b\0\x03\0\x02\0\0\0\x01_pq_.test_protocol_negotiation\0"),
        (0, grease, 0, b"v\0\0\0\x2b\0\x03\0\0\0\0\0\x01_pq_.test_protocol_negotiation\0"),
    ];
    for (asked, pairs, spoken, told) in table {
        let (outcome, heard) = greet_to(&ClientTls::off(), &start_up(asked, pairs)).await;
        assert_eq!(startup_of(outcome).minor, spoken, "3.{asked}");
        assert_eq!(heard, told, "3.{asked}");
    }
}

#[tokio::test]
async fn other_major_versions_and_unreadable_packets_are_told_so() {
    let table: [(Vec<u8>, &str); 4] = [
        (packet(&[0, 2, 0, 0, b'x']), "0A000"),
        (packet(&[0, 4, 0, 0]), "0A000"),
        (start_up(0, b"database\0todo\0"), "28000"),
        (start_up(0, b"user\0\xff\xfe\0"), "22021"),
    ];
    for (bytes, code) in table {
        let (outcome, heard) = greet_to(&ClientTls::off(), &bytes).await;
        assert!(matches!(outcome, Err(GreetError::Refused(_))), "{outcome:?}");
        let fields = error_in(&heard).1;
        assert_eq!(fields.code.as_str(), code);
        assert_eq!(fields.severity, wire::Severity::Fatal);
    }
}

#[tokio::test]
async fn a_clients_certificate_gives_its_name_and_a_foreign_one_ends_the_handshake() {
    let (tls, authority) = gate_tls(TlsPolicy::Prefer);
    let own = authority.client("alice").expect("a certificate");
    let config = authority.client_config(Some(&own), &[]).expect("TLS");
    let (outcome, _) = both_ends(
        async |tcp| {
            greet(accepted(tcp), &tls).await.map(|greeting| startup_of(Ok(greeting)).certificate_name)
        },
        async |tcp| through_tls(tcp, config, &[&SSL], &alice()).await,
    )
    .await;
    assert_eq!(outcome.expect("a greeting").as_deref(), Some("alice"));

    let (_, stranger) = gate_tls(TlsPolicy::Prefer);
    let foreign = stranger.client("alice").expect("a certificate");
    let config = authority.client_config(Some(&foreign), &[]).expect("TLS");
    let (outcome, _) = both_ends(
        async |tcp| greet(accepted(tcp), &tls).await.map(drop),
        async |tcp| through_tls(tcp, config, &[&SSL], &alice()).await,
    )
    .await;
    assert!(matches!(outcome, Err(GreetError::Tls(_))), "{outcome:?}");
}
