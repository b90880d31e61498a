//! What the gate does with whatever a server answers: a store is as hostile as a client.

use crate::{accepted, gate_tls, patiently};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::admit::authenticate;
use wire::dial::{
    AddressPolicy, AuthFault, DialError, DialTarget, MAX_PARAMETERS, Server, ServerTls, ServerTlsMode,
    cancel, dial,
};
use wire::frame;
use wire::greet::{CancelKey, Greeting, greet};
use wire::scram::{Keys, MAX_ITERATIONS, Mock, ScramError, Secret};
use wire::tls::{ClientTls, TlsPolicy};
use wire::{Peer, Stream};

const OPEN: AddressPolicy = AddressPolicy { loopback: true, link_local: false };
const OFFER: &[u8] = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";

fn pencil() -> Secret {
    Secret::Password(SecretString::from("pencil"))
}

fn target(port: u16) -> DialTarget {
    DialTarget {
        host: "127.0.0.1".to_owned(),
        port,
        database: "store".to_owned(),
        user: "alice".to_owned(),
        tls: ServerTls::disable(),
        startup: vec![("application_name".to_owned(), "stuffgate".to_owned())],
        allow: OPEN,
        allow_trust: true,
    }
}

/// Dials a scripted server.
async fn dialed(
    change: impl FnOnce(&mut DialTarget),
    script: impl AsyncFnOnce(TcpStream),
) -> Result<Server, DialError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut target = target(listener.local_addr().expect("an address").port());
    change(&mut target);
    patiently(async {
        let serve = async {
            let (tcp, _) = listener.accept().await.expect("the gate");
            script(tcp).await;
        };
        // A server that waits for more than the gate sends must not outlive the gate's verdict.
        let mut serve = Box::pin(serve);
        let secret = pencil();
        let mut dialing = Box::pin(dial(&target, &secret));
        tokio::select! {
            biased;
            outcome = &mut dialing => return outcome,
            () = &mut serve => {}
        }
        dialing.await
    })
    .await
}

/// Reads the start-up packet.
async fn start_up(tcp: &mut TcpStream) -> Vec<u8> {
    let length = tcp.read_u32().await.expect("a length");
    let mut body = vec![0; length as usize - 4];
    tcp.read_exact(&mut body).await.expect("a start-up packet");
    body
}

async fn message(tcp: &mut TcpStream) -> Vec<u8> {
    tcp.read_u8().await.expect("a tag");
    start_up(tcp).await
}

/// What the gate makes of a server that sends `answer` to its start-up packet and waits.
async fn answered(answer: &[u8]) -> Result<Server, DialError> {
    dialed(
        |_| {},
        async |mut tcp| {
            start_up(&mut tcp).await;
            let _ = tcp.write_all(answer).await;
            let _ = tcp.read(&mut [0; 64]).await;
        },
    )
    .await
}

fn ok_then(rest: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    frame::authentication_ok(&mut out);
    rest(&mut out);
    out
}

fn welcome(out: &mut Vec<u8>) {
    frame::parameter_status(out, "server_version", "15.4");
    frame::parameter_status(out, "TimeZone", "GMT");
    frame::parameter_status(out, "TimeZone", "UTC");
    frame::backend_key_data(out, 7, &[1, 2, 3, 4]);
    frame::ready_for_query(out, b'I');
}

#[tokio::test]
async fn a_plain_welcome_is_understood_however_it_is_cut() {
    let whole = ok_then(welcome);
    for cut in 0..whole.len() {
        let server = dialed(
            |_| {},
            async |mut tcp| {
                tcp.set_nodelay(true).expect("an option");
                let asked = start_up(&mut tcp).await;
                assert_eq!(&asked[..4], &[0, 3, 0, 0]);
                tcp.write_all(&whole[..cut]).await.expect("sent");
                tokio::task::yield_now().await;
                tcp.write_all(&whole[cut..]).await.expect("sent");
                let _ = tcp.read(&mut [0; 64]).await;
            },
        )
        .await
        .expect("a server");
        let wanted =
            [("server_version".to_owned(), "15.4".to_owned()), ("TimeZone".to_owned(), "UTC".to_owned())];
        assert_eq!(server.parameters, wanted);
        assert_eq!(server.cancel.key, CancelKey { process: 7, secret: [1, 2, 3, 4].into() });
        assert!(server.keys.is_none());
    }
}

#[tokio::test]
async fn start_up_parameters_can_not_become_other_parameters() {
    for bad in ["a\0user\0root", "\0"] {
        let outcome =
            dialed(|target| target.startup.push(("x".into(), bad.into())), async |_| {}).await.map(drop);
        assert!(matches!(outcome, Err(DialError::Target(_))), "{outcome:?}");
    }
    let long = dialed(|target| target.startup.push(("x".into(), "y".repeat(10_000))), async |_| {}).await;
    assert!(matches!(long, Err(DialError::Target(_))));
    let server = dialed(
        |target| target.startup.push(("user".into(), "root".into())),
        async |mut tcp| {
            let asked = String::from_utf8(start_up(&mut tcp).await).expect("text");
            assert!(asked.contains("user\0alice\0") && !asked.contains("root"), "{asked:?}");
            tcp.write_all(&ok_then(welcome)).await.expect("sent");
            let _ = tcp.read(&mut [0; 64]).await;
        },
    )
    .await;
    assert!(server.is_ok());
}

#[tokio::test]
async fn hostile_welcomes_are_refused_with_bounded_memory() {
    let notice = |out: &mut Vec<u8>| {
        wire::Fields::notice(wire::sqlstate::WARNING, "n".repeat(1000)).encode_notice(out);
    };
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("odd length", ok_then(|out| frame::backend_key_data(out, 7, &[1; 3]))),
        ("odd length", ok_then(|out| frame::backend_key_data(out, 7, &[]))),
        ("odd length", ok_then(|out| frame::backend_key_data(out, 7, &[1; 257]))),
        ("odd length", ok_then(|out| out.extend_from_slice(b"K\0\0\0\x06\0\0"))),
        ("no cancel key", ok_then(|out| frame::ready_for_query(out, b'I'))),
        (
            "does not belong",
            ok_then(|out| {
                frame::backend_key_data(out, 7, &[1; 4]);
                frame::backend_key_data(out, 8, &[1; 4]);
            }),
        ),
        ("in a transaction", ok_then(|out| frame::ready_for_query(out, b'T'))),
        ("in a transaction", ok_then(|out| out.extend_from_slice(b"Z\0\0\0\x04"))),
        ("does not belong", ok_then(|out| frame::data_row(out, &[Some(b"x")]))),
        (
            "nobody asked for",
            ok_then(|out| {
                welcome(out);
                frame::data_row(out, &[Some(b"x")]);
            }),
        ),
        (
            "nobody asked for",
            ok_then(|out| {
                welcome(out);
                frame::ready_for_query(out, b'I');
            }),
        ),
        ("cut short", ok_then(|out| out.extend_from_slice(b"S\0\0\0\x06ab"))),
        (
            "more parameters",
            ok_then(|out| {
                for number in 0..=MAX_PARAMETERS {
                    frame::parameter_status(out, &format!("p{number}"), "x");
                }
            }),
        ),
        (
            "more parameters",
            ok_then(|out| {
                for _ in 0..100 {
                    frame::parameter_status(out, "same", &"x".repeat(1000));
                }
            }),
        ),
        ("more than a login needs", ok_then(|out| (0..1000).for_each(|_| notice(out)))),
        ("more than a login needs", ok_then(|out| out.extend_from_slice(b"S\x3f\xff\xff\xff"))),
        ("impossible length", ok_then(|out| out.extend_from_slice(b"S\xff\xff\xff\xff"))),
        ("impossible length", ok_then(|out| out.extend_from_slice(b"S\0\0\0\x03"))),
        ("impossible length", b"R\0\0\0\0".to_vec()),
        ("does not ask for authentication", b"Z\0\0\0\x05I".to_vec()),
        ("does not speak protocol 3.0", b"v\0\0\0\x0c\0\x03\0\0\0\0\0\0".to_vec()),
        ("cut short", b"R\0\0\0\x06\0\0".to_vec()),
        ("half-way", [OFFER, b"R\0\0\0\x08\0\0\0\x03"].concat()),
    ];
    for (words, answer) in table {
        match answered(&answer).await {
            Err(DialError::Protocol(why)) => assert!(why.contains(words), "{why} is not {words}"),
            other => panic!("{words}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_ends_at_any_byte_is_a_broken_connection() {
    let whole = ok_then(welcome);
    for end in 0..whole.len() {
        let outcome = dialed(
            |_| {},
            async |mut tcp| {
                start_up(&mut tcp).await;
                tcp.write_all(&whole[..end]).await.expect("sent");
            },
        )
        .await;
        assert!(matches!(outcome, Err(DialError::Broke(_))), "cut at {end}: {outcome:?}");
    }
}

#[tokio::test]
async fn methods_that_give_the_secret_away_are_refused() {
    let table: [(&[u8], &str); 5] = [
        (b"R\0\0\0\x08\0\0\0\x03", "clear text"),
        (b"R\0\0\0\x0c\0\0\0\x05salt", "md5"),
        (b"R\0\0\0\x08\0\0\0\x07", "GSSAPI"),
        (b"R\0\0\0\x15\0\0\0\x0aSCRAM-SHA-1\0\0", "other than SCRAM-SHA-256"),
        (b"R\0\0\0\x0a\0\0\0\x0a\0\0", "other than SCRAM-SHA-256"),
    ];
    for (answer, words) in table {
        match answered(answer).await {
            Err(DialError::Auth(AuthFault::Method(what))) => assert!(what.contains(words), "{what}"),
            other => panic!("{words}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_asks_for_no_proof_is_refused_unless_allowed() {
    let outcome = dialed(
        |target| target.allow_trust = false,
        async |mut tcp| {
            start_up(&mut tcp).await;
            tcp.write_all(&ok_then(welcome)).await.expect("sent");
            let _ = tcp.read(&mut [0; 64]).await;
        },
    )
    .await;
    assert!(matches!(outcome, Err(DialError::Auth(AuthFault::Trust))), "{outcome:?}");
}

/// A server that begins SCRAM and then goes its own way: `step` makes its challenge from the gate's nonce,
/// `last` is all it sends after that.
async fn scram(challenge: impl FnOnce(&str) -> String, last: &[u8]) -> DialError {
    let outcome = dialed(
        |_| {},
        async |mut tcp| {
            start_up(&mut tcp).await;
            tcp.write_all(OFFER).await.expect("sent");
            let first = String::from_utf8_lossy(&message(&mut tcp).await).into_owned();
            let nonce = first.rsplit_once("r=").expect("a nonce").1;
            let mut out = Vec::new();
            frame::write(&mut out, b'R', |body| {
                body.extend_from_slice(&[0, 0, 0, 11]);
                body.extend_from_slice(challenge(nonce).as_bytes());
            });
            out.extend_from_slice(last);
            tcp.write_all(&out).await.expect("sent");
            let _ = tcp.read_to_end(&mut Vec::new()).await;
        },
    )
    .await;
    outcome.expect_err("a refusal")
}

#[tokio::test]
async fn a_hostile_server_gets_neither_much_work_nor_a_session_by_scram() {
    let many = MAX_ITERATIONS + 1;
    let error = scram(|nonce| format!("r={nonce}x,s=MTIzNA==,i={many}"), b"").await;
    assert!(
        matches!(&error, DialError::Auth(AuthFault::Scram(ScramError::TooManyIterations(n))) if *n == many)
    );
    let error = scram(|nonce| format!("r={nonce}{},s=MTIzNA==,i=1", "x".repeat(5000)), b"").await;
    assert!(matches!(error, DialError::Auth(AuthFault::Scram(ScramError::Malformed(_)))), "{error:?}");
    let error = scram(|_| "r=other,s=MTIzNA==,i=1".to_owned(), b"").await;
    assert!(matches!(error, DialError::Auth(AuthFault::Scram(ScramError::Malformed(_)))), "{error:?}");
    // Success without the server's own proof, and with a false one.
    let plain = |nonce: &str| format!("r={nonce}x,s=MTIzNA==,i=1");
    let error = scram(plain, &ok_then(welcome)).await;
    assert!(matches!(error, DialError::Auth(AuthFault::Scram(ScramError::ServerUnproven))), "{error:?}");
    let mut false_proof = Vec::new();
    frame::write(&mut false_proof, b'R', |body| {
        body.extend_from_slice(&[0, 0, 0, 12]);
        body.extend_from_slice(b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    });
    let error = scram(plain, &false_proof).await;
    assert!(matches!(error, DialError::Auth(AuthFault::Scram(ScramError::ServerUnproven))), "{error:?}");
}

#[tokio::test]
async fn the_servers_own_errors_are_kept_and_told_apart() {
    let say = |code: &str| {
        let mut out = Vec::new();
        let code = wire::Sqlstate::from_bytes(code.as_bytes()).expect("a code");
        wire::Fields::fatal(code, "no").encode_error(&mut out);
        out
    };
    for code in ["28P01", "28000"] {
        let outcome = answered(&say(code)).await;
        assert!(
            matches!(&outcome, Err(DialError::Auth(AuthFault::Rejected(fields))) if fields.code.as_str() == code)
        );
    }
    for code in ["53300", "57P03", "3D000"] {
        let outcome = answered(&say(code)).await;
        assert!(
            matches!(&outcome, Err(DialError::Refused(fields)) if fields.code.as_str() == code),
            "{outcome:?}"
        );
    }
    let bare = answered(b"E\0\0\0\x05\0").await;
    assert!(matches!(&bare, Err(DialError::Refused(fields)) if fields.code.as_str() == "XX000"), "{bare:?}");
}

#[tokio::test]
async fn there_is_no_going_on_without_tls() {
    let tls = ServerTls::new(ServerTlsMode::Require, None).expect("TLS");
    type Wanted = fn(&DialError) -> bool;
    let table: [(&[u8], Wanted); 6] = [
        (b"N", |error| matches!(error, DialError::TlsRefused { .. })),
        (b"E", |error| matches!(error, DialError::Protocol(_))),
        (b"G", |error| matches!(error, DialError::Protocol(_))),
        (b"", |error| matches!(error, DialError::Broke(_))),
        (
            b"SR\0\0\0\x08\0\0\0\0",
            |error| matches!(error, DialError::Tls { reason, .. } if reason.contains("ahead")),
        ),
        (b"S", |error| matches!(error, DialError::Tls { .. } | DialError::Broke(_))),
    ];
    for (answer, wanted) in table {
        let outcome = dialed(
            |target| target.tls = tls.clone(),
            async |mut tcp| {
                let mut request = [0; 8];
                tcp.read_exact(&mut request).await.expect("a request for TLS");
                assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47]);
                tcp.write_all(answer).await.expect("sent");
            },
        )
        .await;
        let error = outcome.expect_err("a refusal");
        assert!(wanted(&error), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn addresses_that_the_operator_does_not_allow_are_never_connected_to() {
    for host in
        ["127.0.0.1", "localhost", "::1", "169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1", "/run/postgresql"]
    {
        let target = DialTarget { host: host.to_owned(), allow: AddressPolicy::default(), ..target(9) };
        let outcome = patiently(dial(&target, &pencil())).await;
        assert!(matches!(outcome, Err(DialError::Forbidden { .. })), "{host}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_name_without_address_and_a_port_without_server_are_told_apart() {
    let nowhere = DialTarget { host: "nowhere.invalid".to_owned(), ..target(9) };
    assert!(matches!(patiently(dial(&nowhere, &pencil())).await, Err(DialError::Resolve { .. })));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    assert!(matches!(patiently(dial(&target(port), &pencil())).await, Err(DialError::Connect { .. })));
}

/// Serves clients as a gate does: alice's password is `pencil`. Gives what each of `count` clients was.
async fn gate(listener: &TcpListener, tls: &ClientTls, count: usize) -> Vec<String> {
    let verifier = Keys::derive("pencil", b"0123456789abcdef", 4096).verifier();
    let mut seen = Vec::new();
    for _ in 0..count {
        let (tcp, _) = listener.accept().await.expect("a client");
        match greet(accepted(tcp), tls).await {
            Ok(Greeting::Cancel { key, .. }) => seen.push(format!("cancel {} {:?}", key.process, key.secret)),
            Ok(Greeting::Startup(startup)) => {
                let bound = startup.stream.channel_binding().is_some();
                let mut client = Peer::new(startup.stream);
                match authenticate(&mut client, "alice", Some(&verifier), &Mock::new([1; 32])).await {
                    Ok(()) => {
                        client.outbox.buffer().extend_from_slice(&ok_then(welcome));
                        client.send().await.expect("sent");
                        seen.push(format!("session, tls {}, binding {bound}", client.stream.is_tls()));
                    }
                    Err(error) => seen.push(error.to_string()),
                }
            }
            Err(error) => seen.push(error.to_string()),
        }
    }
    seen
}

#[tokio::test]
async fn gate_and_gate_agree_by_scram_plus_and_cancel_over_tls() {
    let (tls, authority) = gate_tls(TlsPolicy::Require);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut target = target(listener.local_addr().expect("an address").port());
    target.allow_trust = false;
    target.tls = ServerTls::new(ServerTlsMode::VerifyFull, Some(&authority.pem())).expect("TLS");
    let (seen, ()) = patiently(async {
        tokio::join!(gate(&listener, &tls, 3), async {
            let server = dial(&target, &pencil()).await.expect("a server");
            assert!(server.stream.is_tls() && server.stream.channel_binding().is_some());
            cancel(&server.cancel).await.expect("sent");
            let keys = server.keys.expect("derived keys");
            dial(&target, &Secret::Keys(keys)).await.expect("a server, by kept keys");
        })
    })
    .await;
    let session = "session, tls true, binding true";
    assert_eq!(seen, [session, "cancel 7 [1, 2, 3, 4]", session]);
}

#[tokio::test]
async fn each_tls_mode_checks_what_it_says() {
    let (tls, authority) = gate_tls(TlsPolicy::Prefer);
    let (_, stranger) = gate_tls(TlsPolicy::Prefer);
    let (own, foreign) = (authority.pem(), stranger.pem());
    // The certificate is for gate.test and 127.0.0.1, not for localhost.
    let table = [
        (ServerTlsMode::Require, None, "localhost", true),
        (ServerTlsMode::VerifyCa, Some(&own), "localhost", true),
        (ServerTlsMode::VerifyCa, Some(&foreign), "127.0.0.1", false),
        (ServerTlsMode::VerifyFull, Some(&own), "127.0.0.1", true),
        (ServerTlsMode::VerifyFull, Some(&own), "localhost", false),
        (ServerTlsMode::VerifyFull, Some(&foreign), "127.0.0.1", false),
        (ServerTlsMode::VerifyFull, None, "127.0.0.1", false),
    ];
    for (mode, ca, host, good) in table {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut target = target(listener.local_addr().expect("an address").port());
        target.host = host.to_owned();
        target.tls = match ServerTls::new(mode, ca.map(String::as_str)) {
            Ok(tls) => tls,
            Err(error) if ca.is_none() => {
                // A machine without CAs trusts nobody either.
                assert!(error.to_string().contains("ca-certificates"), "{error}");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let secret = pencil();
        let (_, outcome) =
            patiently(async { tokio::join!(gate(&listener, &tls, 1), dial(&target, &secret)) }).await;
        match outcome {
            Ok(_) => assert!(good, "{mode:?} with {host} was accepted"),
            Err(DialError::Tls { reason, .. }) => assert!(!good, "{mode:?} with {host}: {reason}"),
            Err(other) => panic!("{mode:?} with {host}: {other}"),
        }
    }
}

#[tokio::test]
async fn an_idle_connection_is_quiet_until_anything_happens() {
    let (tls, authority) = gate_tls(TlsPolicy::Require);
    let own = authority.pem();
    for (client_tls, server_tls) in [
        (ClientTls::off(), ServerTls::disable()),
        (tls, ServerTls::new(ServerTlsMode::VerifyFull, Some(&own)).expect("TLS")),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut target = target(listener.local_addr().expect("an address").port());
        target.tls = server_tls;
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let serve = async {
            let (tcp, _) = listener.accept().await.expect("a client");
            let Ok(Greeting::Startup(mut startup)) = greet(accepted(tcp), &client_tls).await else {
                panic!("no start")
            };
            startup.stream.write_all(&ok_then(welcome)).await.expect("sent");
            startup.stream.flush().await.expect("sent");
            released.await.expect("the sign");
            startup.stream.write_all(b"unasked").await.expect("sent");
            startup.stream.flush().await.expect("sent");
        };
        let dialing = async {
            let mut stream: Stream = dial(&target, &pencil()).await.expect("a server").stream;
            assert!(stream.is_quiet());
            release.send(()).expect("a listener");
            std::future::poll_fn(|context| stream.poll_read_ready(context)).await.expect("readable");
            assert!(!stream.is_quiet());
        };
        patiently(async { tokio::join!(serve, dialing) }).await;
    }
}

#[tokio::test]
async fn a_servers_own_self_signed_certificate_may_be_trusted_as_it_is() {
    let make = || {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        // As `openssl req -x509` makes them.
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
    };
    let ((own, key), (other, _)) = (make(), make());
    let tls = ClientTls::new(TlsPolicy::Require, &own, &key, None).expect("TLS");
    for (trusted, host, good) in
        [(&own, "127.0.0.1", true), (&own, "localhost", false), (&other, "127.0.0.1", false)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut target = target(listener.local_addr().expect("an address").port());
        target.host = host.to_owned();
        target.tls = ServerTls::new(ServerTlsMode::VerifyFull, Some(trusted)).expect("TLS");
        let secret = pencil();
        let (_, outcome) =
            patiently(async { tokio::join!(gate(&listener, &tls, 1), dial(&target, &secret)) }).await;
        assert_eq!(outcome.is_ok(), good, "{host}: {outcome:?}");
    }
}
