//! Stores that answer whatever they like: each costs itself only, and little.

use crate::world::{PATIENCE, SECRET, World, active, one, outcome, plan, postgres, statement, table, until};
use fanout::legs::{Arrival, Arrivals, Finished, Statement};
use model::Outcome;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{Error, FakeStore, Frame, Peer, frames};

/// What a store answers to each Execute of a leg, in order; `None` is the honest answer.
type Script = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

/// A store that speaks the protocol, and answers each statement as `script` says.
async fn fake(script: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> FakeStore {
    let script: Script = Arc::new(script);
    let serve = move |peer: Peer| {
        let script = Arc::clone(&script);
        async move { talk(peer, script).await }
    };
    FakeStore::start(serve).await.expect("a port")
}

async fn talk(mut peer: Peer, script: Script) -> Result<(), Error> {
    peer.patience(PATIENCE * 10);
    peer.let_in(SECRET).await?;
    let mut names = std::collections::HashMap::new();
    loop {
        let mut bound = String::new();
        loop {
            let frame = peer.frame().await?;
            match frame.tag {
                b'P' => {
                    let texts = frame.texts(0);
                    names.insert(texts[0].clone(), texts[1].clone());
                    peer.send(&frames::message(b'1', &[])).await?;
                }
                b'B' => {
                    bound = name_of(&frame);
                    peer.send(&frames::message(b'2', &[])).await?;
                }
                b'D' => peer.send(&described(&[23])).await?,
                b'E' => {
                    let sql = names.get(&bound).cloned().unwrap_or_default();
                    let answer = script(&sql).unwrap_or_else(|| honest(&sql));
                    peer.send(&answer).await?;
                }
                b'C' => peer.send(&frames::message(b'3', &[])).await?,
                b'S' => break,
                b'Q' => {
                    peer.send(&frames::command_complete("ROLLBACK")).await?;
                    break;
                }
                _ => return Err(Error::Closed),
            }
        }
        peer.send(&frames::ready(b'I')).await?;
    }
}

/// The statement's name in a Bind.
fn name_of(bind: &Frame) -> String {
    let mut parts = bind.body.split(|byte| *byte == 0);
    let _portal = parts.next();
    String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned()
}

/// A RowDescription of columns with these types.
fn described(types: &[u32]) -> Vec<u8> {
    let mut body = (types.len() as u16).to_be_bytes().to_vec();
    for number in types {
        body.extend(b"c\0\0\0\0\0\0\0");
        body.extend(number.to_be_bytes());
        body.extend([0; 8]);
    }
    frames::message(b'T', &body)
}

fn honest(sql: &str) -> Vec<u8> {
    if sql.contains("pg_database") {
        let facts = [Some("c"), Some("C"), Some("C"), None, None, Some("UTF8")];
        return [frames::data_row(&facts), frames::command_complete("SELECT 1")].concat();
    }
    if sql == "SELECT 1::int4" {
        return [frames::data_row(&[Some("1")]), frames::command_complete("SELECT 1")].concat();
    }
    frames::command_complete(sql.split(' ').next().unwrap_or_default())
}

/// A real store of Bob's, for a fake one of Alice's to be beside.
struct Bob {
    _server: scratch::Server,
    world: World,
}

impl Bob {
    fn new() -> Self {
        let (server, world) = (postgres(&["b"], "CREATE TABLE t (n int)"), World::new());
        world.add(2, "bob", server.port(), "b");
        Self { _server: server, world }
    }

    /// Asks both once.
    async fn and_alice(
        &self,
        script: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
        asked: Statement,
    ) -> Finished {
        let fake = fake(script).await;
        self.world.add(1, "alice", fake.port(), "a");
        let mut all = self.world.ask(asked).await;
        let bob = all.pop().expect("bob's leg");
        assert_eq!(bob.report.outcome, Outcome::Ok, "{:?}", bob.report);
        until("nothing is leased", || active(&self.world.pools) == 0).await;
        all.pop().expect("alice's leg")
    }
}

/// A fake store of Alice's beside a real one of Bob's, asked once.
async fn beside_bob(
    script: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
    asked: Statement,
) -> Finished {
    Bob::new().and_alice(script, asked).await
}

/// Answers only the statement of the piece otherwise.
fn only_piece(answer: Vec<u8>) -> impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static {
    move |sql| (sql == "SELECT 1::int4").then(|| answer.clone())
}

#[tokio::test]
async fn an_honest_fake_is_ok() {
    let alice = beside_bob(|_| None, one()).await;
    assert_eq!(outcome(&alice), (Outcome::Ok, None), "{:?}", alice.report);
}

#[tokio::test]
async fn answers_that_are_none_are_bad_data() {
    let row = |value: &str| frames::data_row(&[Some(value)]);
    let done = |tag: &str| frames::command_complete(tag);
    let mut long = frames::data_row(&[Some("1")]);
    long.extend([0; 3]);
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("a value of another type", [row("one"), done("SELECT 1")].concat()),
        (
            "a value that is no text",
            [frames::message(b'D', b"\0\x01\0\0\0\x01\xff"), done("SELECT 1")].concat(),
        ),
        ("two columns", [frames::data_row(&[Some("1"), Some("2")]), done("SELECT 1")].concat()),
        ("no column", [frames::message(b'D', &[0, 0]), done("SELECT 1")].concat()),
        (
            "a row that is cut short",
            [frames::message(b'D', &[0, 1, 0, 0, 0, 9, b'1']), done("SELECT 1")].concat(),
        ),
        (
            "a row that goes on",
            [frames::message(b'D', &[0, 1, 0, 0, 0, 1, b'1', 0]), done("SELECT 1")].concat(),
        ),
        ("a negative length", [frames::message(b'D', &[0, 1, 0x80, 0, 0, 0]), done("SELECT 1")].concat()),
        ("bytes between messages", [long, done("SELECT 1")].concat()),
        ("another count", [row("1"), done("SELECT 2")].concat()),
        ("another command", [row("1"), done("INSERT 0 1")].concat()),
        ("a tag without an end", [row("1"), frames::message(b'C', b"SELECT 1")].concat()),
        ("an empty query", frames::message(b'I', &[])),
        ("a copy", frames::message(b'H', &[0, 0, 0])),
        ("an authentication", frames::authentication(0, &[])),
        ("another description", described(&[23])),
        ("ready too early", frames::ready(b'I')),
        ("ready in a transaction", frames::ready(b'T')),
        ("an impossible length", frames::message_of_length(b'D', -7, &[])),
        ("a length below four", frames::message_of_length(b'D', 3, &[])),
        ("garbage", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("a huge notice", frames::message_of_length(b'N', 900_000_000, &[])),
        ("an error that is not one", frames::report(b'E', "ERROR", "ZZ\u{e9}Z", "boo")),
        ("an unknown error", frames::report(b'E', "ERROR", "ZZZZZ", "boo\n\u{1b}[31m")),
    ];
    let bob = Bob::new();
    for (what, answer) in table {
        let alice = bob.and_alice(only_piece(answer), one()).await;
        assert_eq!(alice.report.outcome, Outcome::BadData, "{what}: {:?}", alice.report);
        assert!(alice.results.is_none(), "{what}");
        let message = alice.report.message.expect("a message");
        assert!(!message.contains(char::is_control), "{what}: {message:?}");
    }
}

#[tokio::test]
async fn columns_of_another_type_or_number_are_bad_data() {
    for columns in [vec![], vec![25], vec![20], vec![16_400], vec![23, 23]] {
        let store = {
            let columns = columns.clone();
            FakeStore::start(move |mut peer: Peer| {
                let columns = columns.clone();
                async move {
                    peer.let_in(SECRET).await?;
                    peer.frames_until(b'S').await?;
                    let plain = |sql: &str| {
                        [frames::message(b'1', &[]), frames::message(b'2', &[]), honest(sql)].concat()
                    };
                    let head = [plain("BEGIN"), plain("pg_database")].concat();
                    let ends = [frames::message(b'1', &[]), frames::message(b'2', &[]), described(&columns)]
                        .concat();
                    peer.send(&[head, ends].concat()).await?;
                    peer.rest().await.map(drop)
                }
            })
            .await
            .expect("a port")
        };
        let world = World::new();
        world.add(1, "alice", store.port(), "a");
        let alice = world.ask_one(one()).await;
        assert_eq!(alice.report.outcome, Outcome::BadData, "{columns:?}: {:?}", alice.report);
        assert!(alice.report.message.expect("a message").contains("columns"), "{columns:?}");
    }
}

#[tokio::test]
async fn endless_rows_end_at_the_leg_s_own_bounds() {
    let rows = frames::data_row(&[Some("1")]).repeat(1_000);
    let mut asked = one();
    asked.limits.leg_rows = 500;
    let alice = beside_bob(only_piece(rows.clone()), asked).await;
    assert_eq!(alice.report.outcome, Outcome::Limit, "{:?}", alice.report);
    assert!(alice.report.message.expect("a message").contains("500 rows (fanout.leg_rows)"));

    let mut asked = one();
    asked.limits.leg_bytes = 5_000;
    let alice = beside_bob(only_piece(rows), asked).await;
    assert_eq!(alice.report.outcome, Outcome::Limit);
    assert!(alice.report.bytes <= Some(5_000));

    // One row that is never to end is refused by its length alone.
    let alice = beside_bob(only_piece(frames::message_of_length(b'D', 900_000_000, &[0, 1])), one()).await;
    assert_eq!(alice.report.outcome, Outcome::Limit);
}

#[tokio::test]
async fn notices_and_parameters_without_end_are_bad_data() {
    let notice = frames::report(b'N', "NOTICE", "00000", &"x".repeat(1_000)).repeat(1_000);
    let alice = beside_bob(only_piece(notice), one()).await;
    assert_eq!(alice.report.outcome, Outcome::BadData);
    let parameter = frames::parameter_status("TimeZone", &"x".repeat(1_000)).repeat(1_000);
    let alice = beside_bob(only_piece(parameter), one()).await;
    assert_eq!(alice.report.outcome, Outcome::BadData);
    // A few are nobody's fault.
    let few = frames::report(b'N', "NOTICE", "00000", "hello").repeat(10);
    let answer = [few, frames::data_row(&[Some("1")]), frames::command_complete("SELECT 1")].concat();
    assert_eq!(beside_bob(only_piece(answer), one()).await.report.outcome, Outcome::Ok);
}

#[tokio::test]
async fn rows_that_are_of_no_use_are_not_read_without_end() {
    let rows = frames::data_row(&[Some("1")]).repeat(100_000);
    // The store says that it has no such column, and goes on.
    let needed = vec![table("t", &[("n", "integer")])];
    let asked = statement(plan("SELECT 1::int4", &["integer"], needed));
    let alice = beside_nobody(only_piece(rows.clone()), asked).await;
    assert_eq!(outcome(&alice), (Outcome::Schema, None), "{:?}", alice.report);
    assert_eq!(alice.report.rows, Some(0));
    // It collates otherwise, and goes on.
    let mut collating = plan("SELECT 1::int4", &["integer"], Vec::new());
    collating.collates = true;
    let alice = beside_nobody(only_piece(rows.clone()), statement(collating)).await;
    assert!(alice.collates_otherwise, "{:?}", alice.report);
    // Rows where one was asked for.
    let mut asked = one();
    asked.pinned = vec![("TimeZone".into(), "Asia/Tokyo".into())];
    let endless = rows.repeat(5);
    let alice = beside_nobody(move |sql| sql.contains("set_config").then(|| endless.clone()), asked).await;
    assert_eq!(alice.report.outcome, Outcome::BadData, "{:?}", alice.report);
}

/// A fake store alone, asked once.
async fn beside_nobody(
    script: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
    asked: Statement,
) -> Finished {
    let (world, fake) = (World::new(), fake(script).await);
    world.add(1, "alice", fake.port(), "a");
    world.ask_one(asked).await
}

#[tokio::test]
async fn silence_is_a_timeout_and_an_end_in_the_middle_of_a_row_is_unreachable() {
    let mut asked = one();
    asked.settings.leg_timeout = Duration::from_millis(300);
    let half = frames::message_of_length(b'D', 100, &[0, 1, 0, 0]);
    let alice = beside_nobody(only_piece(half.clone()), asked).await;
    assert_eq!(outcome(&alice), (Outcome::Timeout, None), "{:?}", alice.report);

    let store = FakeStore::start(move |mut peer: Peer| {
        let half = half.clone();
        async move {
            peer.let_in(SECRET).await?;
            peer.frames_until(b'S').await?;
            let plain =
                |sql: &str| [frames::message(b'1', &[]), frames::message(b'2', &[]), honest(sql)].concat();
            let piece = [frames::message(b'1', &[]), frames::message(b'2', &[]), described(&[23])].concat();
            let row = frames::data_row(&[Some("1")]);
            peer.send(&[plain("BEGIN"), plain("pg_database"), piece, row, half].concat()).await?;
            peer.end().await
        }
    })
    .await
    .expect("a port");
    let world = World::new();
    world.add(1, "alice", store.port(), "a");
    let alice = world.ask_one(one()).await;
    assert_eq!(outcome(&alice), (Outcome::Unreachable, Some("08006")), "{:?}", alice.report);
    assert!(alice.results.is_none(), "the row that came before is dropped with it");
}

#[tokio::test]
async fn what_a_store_says_of_itself_can_be_garbage_too() {
    let garbage: Vec<Vec<u8>> = vec![
        frames::command_complete("SELECT 0"),
        [frames::data_row(&[Some("c")]), frames::command_complete("SELECT 1")].concat(),
        [frames::message(b'D', &[0, 6]), frames::command_complete("SELECT 1")].concat(),
        [frames::data_row(&[None; 6]), frames::command_complete("SELECT 1")].concat(),
        honest("pg_database").repeat(2),
    ];
    let bob = Bob::new();
    for answer in garbage {
        let alice =
            bob.and_alice(move |sql| sql.contains("pg_database").then(|| answer.clone()), one()).await;
        assert!(matches!(alice.report.outcome, Outcome::BadData | Outcome::Schema), "{:?}", alice.report);
    }
    let facts = [Some("c"), Some("C"), Some("C"), None, None, Some("LATIN1")];
    let latin = [frames::data_row(&facts), frames::command_complete("SELECT 1")].concat();
    let alice = beside_bob(move |sql| sql.contains("pg_database").then(|| latin.clone()), one()).await;
    assert_eq!(alice.report.outcome, Outcome::Schema);
    assert!(alice.report.message.expect("a message").contains("LATIN1"));
}

#[tokio::test]
async fn what_a_store_says_of_its_columns_can_be_garbage_too() {
    let row = |at: &str, number: &str, kind: Option<&str>| {
        frames::data_row(&[Some(at), Some(number), kind, Some("0"), None, None])
    };
    let good = row("1", "23", Some("integer"));
    let table = [
        ("the truth", Outcome::Ok, vec![good.clone()]),
        ("nothing", Outcome::Schema, vec![]),
        ("another type", Outcome::Schema, vec![row("1", "20", Some("bigint"))]),
        ("a row twice", Outcome::BadData, vec![good.clone(), good.clone()]),
        (
            "a column that nobody asked about",
            Outcome::BadData,
            vec![good.clone(), row("2", "23", Some("integer"))],
        ),
        ("the column before the first", Outcome::BadData, vec![row("0", "23", Some("integer"))]),
        ("a column of a negative number", Outcome::BadData, vec![row("-1", "23", Some("integer"))]),
        ("a type of no number", Outcome::BadData, vec![row("1", "int4", Some("integer"))]),
        ("a type of too large a number", Outcome::BadData, vec![row("1", "4294967296", Some("integer"))]),
        ("a type without a name", Outcome::BadData, vec![row("1", "23", None)]),
        ("a row that is too short", Outcome::BadData, vec![frames::data_row(&[Some("1"), Some("23")])]),
        ("a row that is cut short", Outcome::BadData, vec![frames::message(b'D', &[0, 6, 0, 0])]),
    ];
    let bob = Bob::new();
    for (what, wanted, rows) in table {
        let mut answer = rows.concat();
        answer.extend(frames::command_complete(&format!("SELECT {}", rows.len())));
        let asked = statement(plan("SELECT 1::int4", &["integer"], vec![table_of_one()]));
        let script = move |sql: &str| sql.contains("pg_attribute").then(|| answer.clone());
        let alice = bob.and_alice(script, asked).await;
        assert_eq!(alice.report.outcome, wanted, "{what}: {:?}", alice.report);
    }
}

/// A table that Bob's store has.
fn table_of_one() -> sql::fanout::TableNeeded {
    table("t", &[("n", "integer")])
}

#[tokio::test]
async fn a_store_that_sends_a_byte_at_a_time_is_a_timeout() {
    let drip = |bytes: Vec<u8>| async move {
        FakeStore::start(move |mut peer: Peer| {
            let bytes = bytes.clone();
            async move {
                peer.let_in(SECRET).await?;
                peer.frames_until(b'S').await?;
                for byte in bytes.iter().cycle() {
                    peer.send(&[*byte]).await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok(())
            }
        })
        .await
        .expect("a port")
    };
    let store = drip(frames::report(b'N', "NOTICE", "00000", "slowly")).await;
    let world = World::new();
    world.add(1, "alice", store.port(), "a");
    let mut asked = one();
    asked.settings.leg_timeout = Duration::from_millis(500);
    let began = Instant::now();
    let alice = world.ask_one(asked).await;
    assert_eq!(outcome(&alice), (Outcome::Timeout, None));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn what_was_passed_on_of_a_leg_that_breaks_is_followed_by_its_end() {
    let rows = frames::data_row(&[Some("1")]).repeat(10_000);
    let store = fake(only_piece([rows, frames::message(b'Z', b"I")].concat())).await;
    let world = World::new();
    world.add(1, "alice", store.port(), "a");
    let asked = one();
    let scope = world.stores.scope(crate::world::SERVICE, asked.plan.discloses).await;
    let mut arrivals = Arrivals::start(&world.stores, scope, asked);
    let (mut rows, mut end) = (0, None);
    while let Some(arrival) = arrivals.next().await {
        match arrival {
            Arrival::Rows { rows: more, .. } => rows += more.len(),
            Arrival::End(finished) => end = Some(finished.report),
        }
    }
    let end = end.expect("an end");
    assert_eq!(end.outcome, Outcome::BadData, "{end:?}");
    assert!(rows <= 10_000);
}
