//! Who does not prove a login learns nothing, holds little, and reaches no store.

use std::time::Duration;
use stuffgate_tests::testkit::{Answer, Error, Fields, Login, Peer, frames};
use stuffgate_tests::{SERVICE, World, WorldPlan, secret_of};

fn quick(world: &World) -> impl Future<Output = Result<Peer, Error>> {
    Peer::connect(world.gate.port())
}

/// What the gate says to a login attempt, with the login's name taken out.
async fn refusal(world: &World, login: &str, secret: &str) -> Vec<(char, String)> {
    let error = world.log_in(login, secret, &[]).await.err().map(|error| error.to_string());
    let error = error.unwrap_or_else(|| panic!("{login} was let in"));
    vec![('M', error.replace(login, "LOGIN"))]
}

#[tokio::test]
async fn unknown_login_wrong_secret_and_no_grant_are_told_the_same() {
    let world = World::start();
    world.add_user("dave");
    let wrong = refusal(&world, "alice", "wrong").await;
    assert!(wrong[0].1.contains("28P01"), "{wrong:?}");
    assert_eq!(refusal(&world, "mallory", "wrong").await, wrong);
    assert_eq!(refusal(&world, "dave", &secret_of("dave")).await, wrong);
    world.run(&["user", "disable", "bob"]);
    world.until(async || world.try_connect("bob", &[]).await.is_err()).await;
    assert_eq!(refusal(&world, "bob", &secret_of("bob")).await, wrong);
}

#[tokio::test]
async fn the_mock_exchange_for_an_unknown_login_looks_like_a_real_one() {
    let world = World::start();
    let challenge = async |login: &str| {
        let mut peer = quick(&world).await.unwrap();
        let parameters = [("user", login), ("database", SERVICE)];
        peer.send(&frames::start_up(frames::PROTOCOL_3_0, &parameters)).await.unwrap();
        let offer = peer.expect(b'R').await.unwrap();
        peer.send(&frames::sasl_initial("SCRAM-SHA-256", b"n,,n=,r=abcdefgh")).await.unwrap();
        let challenge = peer.expect(b'R').await.unwrap().texts(4).remove(0);
        let salt = challenge.split(",s=").nth(1).unwrap().to_owned();
        (offer.texts(4), salt)
    };
    let (real, unknown) = (challenge("alice").await, challenge("mallory").await);
    assert_eq!(real.0, unknown.0);
    assert_eq!(real.1.len(), unknown.1.len(), "{real:?} {unknown:?}");
    assert_eq!(unknown, challenge("mallory").await, "the mock salt changes");
    assert_ne!(unknown.1, challenge("mallory2").await.1);
}

#[tokio::test]
async fn a_start_up_packet_may_come_byte_by_byte() {
    let world = World::start();
    let start_up = frames::start_up(frames::PROTOCOL_3_0, &[("user", "alice"), ("database", SERVICE)]);
    let mut peer = quick(&world).await.unwrap();
    for byte in &start_up {
        peer.send(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    peer.prove(&secret_of("alice")).await.unwrap();
    assert_eq!(peer.answer().await.unwrap().status, 'I');
}

#[tokio::test]
async fn start_up_packets_that_make_no_sense_are_refused_with_words() {
    let world = World::start();
    let long = "x".repeat(11_000);
    let version_2 = frames::start_up(0x0002_0000, &[("user", "alice")]);
    let good = frames::start_up(frames::PROTOCOL_3_0, &[("user", "alice"), ("database", SERVICE)]);
    let unfinished = {
        let mut packet = good.clone();
        let last = packet.len() - 1;
        packet[last] = b'x';
        packet
    };
    for (what, packet) in [
        ("no user", frames::start_up(frames::PROTOCOL_3_0, &[("database", SERVICE)])),
        (
            "over 10 kB",
            frames::start_up(frames::PROTOCOL_3_0, &[("user", "alice"), ("application_name", &long)]),
        ),
        ("version 2", version_2),
        ("no end", unfinished),
        ("length 3", vec![0, 0, 0, 3, 0]),
        ("length 2^31 - 1", vec![0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0]),
        ("length -1", vec![0xff; 8]),
    ] {
        let mut peer = quick(&world).await.unwrap();
        peer.send(&packet).await.unwrap();
        let said = peer.rest().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(said.is_empty() || said[0] == b'E', "{what}: {said:?}");
    }
    // It goes on serving.
    world.connect("alice").await.simple("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn who_does_not_log_in_in_time_is_shown_out() {
    let world = WorldPlan::default().settings("[session]\nlogin_timeout_ms = 300").start();
    for begun in [vec![], vec![0, 0, 0], frames::start_up(frames::PROTOCOL_3_0, &[("user", "alice")])] {
        let mut peer = quick(&world).await.unwrap();
        peer.send(&begun).await.unwrap();
        peer.patience(Duration::from_secs(5));
        peer.rest().await.unwrap();
    }
}

#[tokio::test]
async fn start_up_parameters_cannot_change_who_a_session_is_in_the_store() {
    let world = World::start();
    for parameter in ["role", "session_authorization", "search_path"] {
        let options = format!("-c {parameter}=pg_catalog");
        for parameters in [[(parameter, "postgres")], [("options", options.as_str())]] {
            let Ok(mut session) = world.try_connect("alice", &parameters).await else { continue };
            let answer = session.simple("SELECT current_user, session_user").await.unwrap();
            assert!(!format!("{answer:?}").contains("postgres"), "{parameters:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn start_up_options_travel_with_their_escapes() {
    let world = World::start();
    let options = [("options", r"-c application_name=a\ b\\c --statement_timeout=4321")];
    let mut session = world.connect_with("alice", &options).await;
    assert_eq!(session.simple("SHOW application_name").await.unwrap().value(), Some(r"a b\c"));
    assert_eq!(session.simple("SHOW statement_timeout").await.unwrap().value(), Some("4321ms"));
}

#[tokio::test]
async fn a_newer_protocol_is_negotiated_never_dropped() {
    let world = World::start();
    let parameters = [("user", "alice"), ("database", SERVICE), ("_pq_.test_protocol_negotiation", "1")];
    let mut peer = quick(&world).await.unwrap();
    peer.send(&frames::start_up(0x0003_0000 + 9999, &parameters)).await.unwrap();
    let negotiated = peer.expect(b'v').await.unwrap();
    assert_eq!(negotiated.number(4), 1, "one option is not known");
    peer.prove(&secret_of("alice")).await.unwrap();
    let frames = peer.frames_until(b'Z').await.unwrap();
    let key = frames.iter().find(|frame| frame.tag == b'K').unwrap();
    assert!(key.body.len() > 8, "protocol 3.2 has longer keys");
}

#[tokio::test]
async fn bytes_ahead_of_a_tls_handshake_are_refused() {
    let world = World::start();
    let start_up = frames::start_up(frames::PROTOCOL_3_0, &[("user", "alice"), ("database", SERVICE)]);
    for request in [frames::SSL_REQUEST, frames::GSSENC_REQUEST] {
        let mut peer = quick(&world).await.unwrap();
        // Requests for encryption that is refused (`N`) may be followed by a start-up in the clear: only
        // after the answer, never in the same breath.
        peer.send(&[request.as_slice(), &start_up].concat()).await.unwrap();
        let said = peer.rest().await.unwrap();
        let text = String::from_utf8_lossy(&said);
        assert!(!text.contains("SCRAM"), "early bytes were taken for a start-up: {text:?}");
    }
}

#[tokio::test]
async fn a_wrong_database_or_console_is_not_for_everybody() {
    let world = World::start();
    for (login, database) in [("alice", "stuffgate"), ("alice", "elsewhere"), (SERVICE, "stuffgate")] {
        let secret = secret_of(login);
        let port = world.gate.port();
        let login = Login { port, user: login, secret: &secret, database, parameters: &[] };
        let refused = Peer::connect(port).await.unwrap().log_in(&login).await;
        assert!(matches!(refused, Err(Error::Unexpected(_))), "{login:?}");
    }
}

#[tokio::test]
async fn lengths_that_lie_end_the_session_and_nothing_else() {
    let world = World::start();
    for tag in *b"QPBDECSHXdcfpF?" {
        for length in [-1, 0, 3, i32::MAX] {
            let mut session = world.connect("alice").await;
            let message = frames::message_of_length(tag, length, b"SELECT 1\0");
            session.send(&message).await.unwrap();
            session.end().await.unwrap();
            let said = session.rest().await.unwrap_or_else(|error| panic!("{tag} {length}: {error}"));
            let errors: Vec<Fields> = Answer::of_bytes(&said).errors;
            assert!(errors.iter().all(|error| error.code() != "XX000"), "{tag} {length}: {errors:?}");
        }
    }
    let mut session = world.connect("alice").await;
    assert_eq!(session.simple("SELECT 1").await.unwrap().value(), Some("1"));
}
