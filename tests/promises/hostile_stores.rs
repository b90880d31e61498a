//! A store is hostile until proven otherwise: it harms its own sessions only.

use stuffgate_tests::testkit::scratch::Stop;
use stuffgate_tests::testkit::{Client, Error, FakeStore, Fields, Frame, Peer, frames};
use stuffgate_tests::{SERVICE, Servers, World, WorldPlan};

/// Statements that contain this are answered by the hostile store itself.
const MARKER: &str = "now_misbehave";

fn plan() -> WorldPlan {
    let settings = "[pool]\nconnect_timeout_ms = 1000\nwait_timeout_ms = 2000\nreset_timeout_ms = 1000";
    WorldPlan::default().users(["alice", "bob"]).servers(Servers::Each).settings(settings)
}

/// A world in which something stands where alice's store was, and what it does.
async fn replace_store<F>(script: impl Fn(Peer, u16) -> F + Send + 'static) -> (World, FakeStore)
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut world = plan().start();
    let server = world.server("alice");
    let old_port = server.port();
    server.stop(Stop::Fast).unwrap();
    server.start_elsewhere().unwrap();
    let real_port = server.port();
    let fake = FakeStore::start_on(old_port, move |peer| script(peer, real_port)).await.unwrap();
    (world, fake)
}

async fn bound(world: &World, user: &str) -> Client {
    let mut session = world.connect(SERVICE).await;
    session.simple(&format!("SET stuffgate.user = '{user}'")).await.unwrap();
    session
}

async fn bob_is_fine(world: &World) {
    let mut bob = world.connect("bob").await;
    assert_eq!(bob.simple("SELECT 'fine'").await.unwrap().value(), Some("fine"));
}

/// What a store may do before it is believed to be the store.
#[derive(Clone, Copy, Debug)]
enum BeforeLogin {
    Cleartext,
    Md5,
    WelcomesAtOnce,
    ManyIterations,
    LongNonce,
    CannotProveItself,
    EmptyError,
    Silence,
    HugeLength,
}

async fn before_login(mut gate: Peer, what: BeforeLogin) -> Result<(), Error> {
    gate.accept_start_up().await?;
    let long = "x".repeat(100_000);
    match what {
        BeforeLogin::Cleartext => gate.send(&frames::authentication(3, &[])).await?,
        BeforeLogin::Md5 => gate.send(&frames::authentication(5, b"salt")).await?,
        BeforeLogin::WelcomesAtOnce => {
            gate.send(&[frames::authentication(0, &[]), frames::ready(b'I')].concat()).await?;
        }
        BeforeLogin::ManyIterations | BeforeLogin::LongNonce => {
            gate.send(&frames::authentication(10, b"SCRAM-SHA-256\0\0")).await?;
            let first = gate.expect(b'p').await?;
            let text = String::from_utf8_lossy(&first.body).into_owned();
            let nonce = text.split("r=").nth(1).unwrap_or_default();
            let (more, rounds) =
                if matches!(what, BeforeLogin::LongNonce) { (long.as_str(), 4096) } else { ("y", u32::MAX) };
            let challenge = format!("r={nonce}{more},s=c2FsdHNhbHRzYWx0c2FsdA==,i={rounds}");
            gate.send(&frames::authentication(11, challenge.as_bytes())).await?;
        }
        BeforeLogin::CannotProveItself => gate.ask_for_secret("a guess").await?,
        BeforeLogin::EmptyError => gate.send(&frames::message(b'E', &[0])).await?,
        BeforeLogin::Silence => {}
        BeforeLogin::HugeLength => gate.send(&frames::message_of_length(b'R', i32::MAX, b"...")).await?,
    }
    // Whatever the gate makes of it, it never sends a secret: at most it goes away.
    match gate.rest().await {
        Ok(rest) if rest.windows(6).any(|part| part == b"secret") => {
            Err(Error::Unexpected("a secret".into()))
        }
        other => other.map(drop),
    }
}

#[tokio::test]
async fn who_misbehaves_at_login_is_refused_in_time() {
    use BeforeLogin::{
        CannotProveItself, Cleartext, EmptyError, HugeLength, LongNonce, ManyIterations, Md5, Silence,
        WelcomesAtOnce,
    };
    for what in [
        Cleartext,
        Md5,
        WelcomesAtOnce,
        ManyIterations,
        LongNonce,
        CannotProveItself,
        EmptyError,
        Silence,
        HugeLength,
    ] {
        let (world, _fake) = replace_store(move |gate, _| before_login(gate, what)).await;
        let mut alice = bound(&world, "alice").await;
        let answer = alice.simple("SELECT 1").await.unwrap_or_else(|error| panic!("{what:?}: {error}"));
        assert!(answer.rows.is_empty(), "{what:?}: {answer:?}");
        assert!(["08006", "57P03", "53300"].contains(&answer.code()), "{what:?}: {answer:?}");
        bob_is_fine(&world).await;
    }
}

/// What a store may do once it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Later {
    EmptyError,
    UnknownMessage,
    LyingLength,
    NoticeFlood,
    ParameterFlood,
    TwoReadies,
    EndsMidRow,
    RowsWithoutEnd,
    AuthenticationAgain,
    RowThatDoesNotAddUp,
    RowsJustShortEnough,
}

/// What a client asks the store for, so that its rows are read: they may name the schema.
const ASKED: &str = "SELECT current_schema(), 'now_misbehave' FROM public.whatever";

/// The schema's true name, as it stands in the question.
fn schema(asked: &Frame) -> String {
    let text = String::from_utf8_lossy(&asked.body).into_owned();
    let name = text.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| word.starts_with("stuff_"));
    name.unwrap().to_owned()
}

/// Rounds of the floods: some twenty megabytes.
const FLOOD: usize = 20_000;

async fn later(mut gate: Peer, real_port: u16, what: Later) -> Result<(), Error> {
    let (asked, _real): (Frame, Peer) = gate.stand_before(real_port, MARKER).await?;
    let end = [frames::command_complete("SELECT 1"), frames::ready(b'I')].concat();
    let text = "x".repeat(1000);
    match what {
        Later::EmptyError => {
            return gate.send(&[frames::message(b'E', &[0]), frames::ready(b'I')].concat()).await;
        }
        Later::UnknownMessage => gate.send(&[frames::message(b'!', b"?"), end].concat()).await?,
        Later::LyingLength => gate.send(&frames::message_of_length(b'D', 1, b"")).await?,
        Later::NoticeFlood => {
            for _ in 0..FLOOD {
                gate.send(&frames::report(b'N', "NOTICE", "00000", &text)).await?;
            }
            return gate.send(&end).await;
        }
        Later::ParameterFlood => {
            for n in 0..FLOOD {
                gate.send(&frames::parameter_status(&format!("app.p{n}"), &text)).await?;
            }
            return gate.send(&end).await;
        }
        Later::TwoReadies => {
            gate.send(&[end.clone(), frames::data_row(&[Some("early")]), end].concat()).await?;
        }
        Later::EndsMidRow => {
            let row = frames::data_row(&[Some(&text)]);
            gate.send(&[frames::row_description(&["x"]), row[..500].to_vec()].concat()).await?;
            return Ok(());
        }
        Later::RowsWithoutEnd => {
            gate.send(&frames::row_description(&["x"])).await?;
            gate.send(&frames::message_of_length(b'D', i32::MAX, &[])).await?;
            for _ in 0..FLOOD {
                gate.send(text.as_bytes()).await?;
            }
            return Ok(());
        }
        Later::RowThatDoesNotAddUp => {
            let mut row = frames::data_row(&[Some(&schema(&asked)), Some("2")]);
            row[6] = 3; // of two values
            gate.send(&[frames::row_description(&["x", "y"]), row, end].concat()).await?;
        }
        Later::RowsJustShortEnough => {
            let long = format!("{}.{}", schema(&asked), "x".repeat(1_048_000));
            for _ in 0..30 {
                gate.send(&frames::data_row(&[Some(&long)])).await?;
            }
            return gate.send(&end).await;
        }
        Later::AuthenticationAgain => gate.send(&[frames::authentication(3, &[]), end].concat()).await?,
    }
    // From here on the gate must not wait for more: it closes.
    gate.rest().await.map(drop)
}

#[tokio::test]
async fn who_misbehaves_later_loses_the_connection_and_nobody_elses_session() {
    use Later::{
        AuthenticationAgain, EmptyError, EndsMidRow, LyingLength, NoticeFlood, ParameterFlood,
        RowThatDoesNotAddUp, RowsJustShortEnough, RowsWithoutEnd, TwoReadies, UnknownMessage,
    };
    for what in [
        EmptyError,
        UnknownMessage,
        LyingLength,
        NoticeFlood,
        ParameterFlood,
        TwoReadies,
        EndsMidRow,
        RowsWithoutEnd,
        AuthenticationAgain,
        RowThatDoesNotAddUp,
        RowsJustShortEnough,
    ] {
        let (world, _fake) = replace_store(move |gate, port| later(gate, port, what)).await;
        let before = memory(&world);
        let mut alice = bound(&world, "alice").await;
        assert_eq!(alice.simple("SELECT 'real'").await.unwrap().value(), Some("real"), "{what:?}");
        // The session may go on or end; what matters is what others see.
        assert!(ASKED.contains(MARKER));
        if what == RowThatDoesNotAddUp {
            alice.send(&frames::query(ASKED)).await.unwrap();
            let told = alice.frames_until(b'E').await.unwrap();
            assert!(told.last().unwrap().texts(0).contains(&"C08006".to_owned()), "{told:?}");
        } else {
            let rows = alice.simple(ASKED).await.map(|answer| answer.rows).unwrap_or_default();
            let shown = |row: &Vec<Option<String>>| row[0].as_deref().unwrap().starts_with("public.xxx");
            assert!(what != RowsJustShortEnough || rows.len() == 30 && rows.iter().all(shown));
        }
        let grown = memory(&world).saturating_sub(before);
        assert!(grown < 16_000, "{what:?}: the gate grew by {grown} kB");
        bob_is_fine(&world).await;
        let mut again = bound(&world, "alice").await;
        let answer = again.simple("SELECT 'real'").await.unwrap_or_else(|error| panic!("{what:?}: {error}"));
        assert_eq!(answer.value(), Some("real"), "{what:?}: {answer:?}");
    }
}

/// Resident memory of the gate, in kB.
fn memory(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.gate.pid().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn data_of_an_idle_connection_reaches_nobody() {
    let (world, _fake) = replace_store(|mut gate, port| async move {
        let (asked, mut real) = gate.stand_before(port, MARKER).await?;
        real.send(&frames::message(asked.tag, &asked.body)).await?;
        for frame in real.frames_until(b'Z').await? {
            gate.send(&frames::message(frame.tag, &frame.body)).await?;
        }
        // Idle now, and still talking.
        gate.send(&[frames::data_row(&[Some("planted")]), frames::ready(b'I')].concat()).await?;
        gate.rest().await.map(drop)
    })
    .await;
    let mut first = bound(&world, "alice").await;
    let asked = format!("SELECT 'ok {MARKER}'");
    assert_eq!(first.simple(&asked).await.unwrap().column(), [format!("ok {MARKER}")]);
    let mut second = bound(&world, "alice").await;
    for session in [&mut first, &mut second] {
        let answer = session.simple("SELECT 'real'").await.unwrap();
        assert_eq!(answer.column(), ["real"], "{answer:?}");
    }
}

#[test]
fn a_store_at_an_address_of_the_operators_own_is_refused_unless_allowed() {
    let plan = WorldPlan::default().users(["alice"]).settings("[stores]\nallow_addresses = ['loopback']");
    let mut world = plan.start_without_gate();
    world.gate.configure("[stores]\nallow_addresses = []").unwrap();
    world.add_user("erin");
    for host in ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "0.0.0.0"] {
        let url = format!("postgres://owner@{host}:5432/db");
        let refused = world.gate.run(&["store", "add", "erin", &url], Some("s")).unwrap_err().to_string();
        assert!(refused.contains("allow_addresses"), "{host}: {refused}");
    }
}

#[tokio::test]
async fn what_a_refused_store_said_reaches_the_client_as_an_error_only() {
    let (world, _fake) = replace_store(|mut gate, _| async move {
        gate.accept_start_up().await?;
        gate.send(&frames::report(b'E', "FATAL", "53300", "sorry, too many clients already")).await
    })
    .await;
    let answer = bound(&world, "alice").await.simple("SELECT 1").await.unwrap();
    assert_eq!(answer.code(), "53300", "{answer:?}");
    assert!(!answer.errors.iter().map(Fields::message).any(str::is_empty));
}
