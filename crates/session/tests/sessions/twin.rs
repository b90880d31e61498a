//! The same messages to plain Postgres and through the gate bring the same answers, byte for byte.

use crate::house::{House, SECRET};
use scratch::Account;
use testkit::frames::{
    bind, close, copy_data, copy_done, copy_fail, describe, execute, flush, parse, query, sync,
};
use testkit::{Client, Frame, Login};

/// A session on the store itself, and one through the gate.
pub(crate) struct Twins {
    plain: Client,
    gated: Client,
    /// Postgres itself has closed the connection.
    plain_is_gone: bool,
    pub(crate) house: House,
}

impl Twins {
    pub(crate) async fn start(connections: usize) -> Self {
        let house = House::with(connections).await;
        let path = [("search_path", "todo, stuffgate_ext")];
        let port = house.server.port();
        let login = Login { port, user: "alice", secret: SECRET, database: "alice", parameters: &path };
        let plain = Client::connect(&login).await.expect("plain Postgres");
        let gated = house.user("alice").await;
        Self { plain, gated, plain_is_gone: false, house }
    }

    /// A session on a database of its own, in schema `public`, and one through the gate, in a partition
    /// that the gate might have made.
    pub(crate) async fn apart(connections: usize) -> Self {
        let house = House::distinct(connections).await;
        let (house, made) = tokio::task::spawn_blocking(move || {
            let made = house.server.create(&[Account::owner("plain", SECRET)]);
            (house, made)
        })
        .await
        .expect("run");
        made.expect("a database");
        let port = house.server.port();
        let login = Login { port, user: "plain", secret: SECRET, database: "plain", parameters: &[] };
        let plain = Client::connect(&login).await.expect("plain Postgres");
        let gated = house.user("alice").await;
        Self { plain, gated, plain_is_gone: false, house }
    }

    /// Sends a batch to both, and compares what comes up to the last ReadyForQuery.
    pub(crate) async fn agree(&mut self, what: &str, messages: &[Vec<u8>]) -> Option<String> {
        self.agree_as(what, messages, messages).await
    }

    /// The same, where what says the same has to be put differently to either.
    pub(crate) async fn agree_as(
        &mut self,
        what: &str,
        on_plain: &[Vec<u8>],
        messages: &[Vec<u8>],
    ) -> Option<String> {
        let ends = messages.iter().filter(|message| matches!(message.first(), Some(b'S' | b'Q'))).count();
        // One behind the other: they share the store, and its locks.
        self.plain.send(&on_plain.concat()).await.expect("sent");
        let Some(plain) = read(&mut self.plain, ends).await else {
            self.plain_is_gone = true;
            return None;
        };
        let plain = readable(&plain);
        self.gated.send(&messages.concat()).await.expect("sent");
        let gated = readable(&read(&mut self.gated, ends).await.unwrap_or_default());
        (gated != plain).then(|| format!("{what}:\n  plain {plain:#?}\n  gated {gated:#?}"))
    }
}

/// What comes up to that many ReadyForQuery; `None` if the connection is closed before.
async fn read(client: &mut Client, mut ends: usize) -> Option<Vec<Frame>> {
    let mut frames = Vec::new();
    while ends > 0 {
        frames.extend(client.frames_until(b'Z').await.ok()?);
        ends -= 1;
    }
    Some(frames)
}

/// Tags and bodies, as text to be compared. Where in Postgres's source an error arose is left out:
/// the gate's own errors have no such place; and the number of a schema of temporary tables, and those
/// of what somebody made.
fn readable(frames: &[Frame]) -> Vec<String> {
    let text = |frame: &Frame| match frame.tag {
        b'E' | b'N' => frame
            .texts(0)
            .into_iter()
            .filter(|field| !field.starts_with(['F', 'L', 'R']) && !field.starts_with("spg_temp_"))
            .collect::<Vec<_>>()
            .join(" "),
        b'T' => String::from_utf8_lossy(&without_own_oids(&frame.body)).into_owned(),
        _ => String::from_utf8_lossy(&frame.body).into_owned(),
    };
    frames.iter().map(|frame| format!("{} {}", char::from(frame.tag), text(frame).escape_debug())).collect()
}

/// A RowDescription without the numbers of tables and types that were made here.
fn without_own_oids(body: &[u8]) -> Vec<u8> {
    /// Where such numbers begin (`FirstNormalObjectId`).
    const OWN: u32 = 16384;
    let mut body = body.to_vec();
    let mut at = 2;
    while let Some(end) = body.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0)) {
        let behind = at + end + 1;
        for place in [behind, behind + 6] {
            let oid = body.get_mut(place..place + 4).expect("a column");
            if u32::from_be_bytes([oid[0], oid[1], oid[2], oid[3]]) >= OWN {
                oid.fill(0);
            }
        }
        at = behind + 18;
    }
    body
}

#[tokio::test]
async fn every_legal_order_of_messages_is_answered_alike() {
    let mut twins = Twins::start(1).await;
    let insert = "INSERT INTO twins VALUES ($1::int, $2) RETURNING i";
    let script: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("drop", vec![query("DROP TABLE IF EXISTS twins")]),
        // The table is made on plain Postgres only: both sessions share the store.
        ("empty", vec![query("")]),
        ("only a comment", vec![query("-- nothing")]),
        ("several statements", vec![query("SELECT 1; SELECT 'two', NULL; SELECT 3 WHERE false")]),
        ("an error in the middle", vec![query("SELECT 1; SELECT 1/0; SELECT 3")]),
        ("a syntax error with a position", vec![query("SELECT 1 FROM FROM")]),
        ("an unknown table", vec![query("SELECT * FROM no_such_table")]),
        (
            "unnamed",
            vec![
                parse("", "SELECT $1::int"),
                bind("", "", &[Some("7")]),
                describe(b'P', ""),
                execute("", 0),
                sync(),
            ],
        ),
        ("unnamed again without Parse", vec![bind("", "", &[Some("8")]), execute("", 0), sync()]),
        ("named", vec![parse("n", "SELECT $1::text || 'x'"), describe(b'S', "n"), sync()]),
        (
            "bound twice",
            vec![
                bind("p", "n", &[Some("a")]),
                bind("q", "n", &[None]),
                execute("q", 0),
                execute("p", 0),
                sync(),
            ],
        ),
        ("the same name again", vec![parse("n", "SELECT 2"), sync()]),
        (
            "closed and parsed anew",
            vec![close(b'S', "n"), parse("n", "SELECT 2"), bind("", "n", &[]), execute("", 0), sync()],
        ),
        ("an unknown statement", vec![bind("", "missing", &[]), execute("", 0), sync()]),
        ("an unknown portal", vec![execute("missing", 0), sync()]),
        ("closing what is not there", vec![close(b'S', "missing"), close(b'P', "missing"), sync()]),
        (
            "portal suspended",
            vec![
                query("BEGIN"),
                parse("", "SELECT generate_series(1, 5)"),
                bind("c", "", &[]),
                execute("c", 2),
                execute("c", 2),
                execute("c", 2),
                sync(),
                query("COMMIT"),
            ],
        ),
        (
            "an error, and what is skipped",
            vec![
                parse("e", "SELECT 1/$1::int"),
                bind("", "e", &[Some("0")]),
                execute("", 0),
                bind("", "e", &[Some("1")]),
                execute("", 0),
                sync(),
                bind("", "e", &[Some("1")]),
                execute("", 0),
                sync(),
            ],
        ),
        (
            "a parse error in a pipeline",
            vec![
                parse("bad", "SELEC 1"),
                bind("", "bad", &[]),
                execute("", 0),
                sync(),
                bind("", "bad", &[]),
                sync(),
            ],
        ),
        (
            "flush in the middle",
            vec![parse("", "SELECT 1"), flush(), bind("", "", &[]), flush(), execute("", 0), sync()],
        ),
        (
            "two segments at once",
            vec![
                parse("", "SELECT 1"),
                bind("", "", &[]),
                execute("", 0),
                sync(),
                parse("", "SELECT 2"),
                bind("", "", &[]),
                execute("", 0),
                sync(),
            ],
        ),
        (
            "simple and extended mixed",
            vec![
                query("SELECT 1"),
                parse("", "SELECT 2"),
                bind("", "", &[]),
                execute("", 0),
                sync(),
                query("SELECT 3"),
            ],
        ),
        (
            "a transaction with an error",
            vec![query("BEGIN"), query("SELECT 1/0"), query("SELECT 1"), query("COMMIT")],
        ),
        (
            "savepoints",
            vec![
                query("BEGIN"),
                query("SAVEPOINT a"),
                query("SELECT 1/0"),
                query("ROLLBACK TO a"),
                query("SELECT 1"),
                query("COMMIT"),
            ],
        ),
        ("no transaction", vec![query("COMMIT"), query("ROLLBACK")]),
        ("copy out", vec![query("COPY (SELECT generate_series(1, 3)) TO STDOUT")]),
        ("temporary table", vec![query("CREATE TEMP TABLE tt (i int PRIMARY KEY, t text)")]),
        ("copy in", vec![query("COPY tt FROM STDIN"), copy_data(b"1\ta\n2\tb\n"), copy_done()]),
        (
            "copy in that fails",
            vec![query("COPY tt FROM STDIN"), copy_data(b"x\ta\n"), copy_data(b"3\tb\n"), copy_done()],
        ),
        (
            "copy in that is given up",
            vec![query("COPY tt FROM STDIN"), copy_data(b"4\ta\n"), copy_fail("no more")],
        ),
        ("late copy data", vec![copy_data(b"9\tz\n"), copy_done(), query("SELECT count(*) FROM tt")]),
        ("unique violation", vec![query("INSERT INTO tt VALUES (1, 'again')")]),
        ("notices", vec![query("DO $$BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'beware'; END$$")]),
        (
            "cursor",
            vec![
                query("BEGIN; DECLARE cu CURSOR FOR SELECT generate_series(1,4)"),
                query("FETCH 2 FROM cu"),
                query("CLOSE cu; COMMIT"),
            ],
        ),
        (
            "with hold",
            vec![
                query("DECLARE ch CURSOR WITH HOLD FOR SELECT generate_series(1,4)"),
                query("FETCH 3 FROM ch"),
                query("CLOSE ch"),
            ],
        ),
        (
            "sql prepare",
            vec![
                query("PREPARE ps AS SELECT $1::int + 1"),
                query("EXECUTE ps(1)"),
                bind("", "ps", &[Some("2")]),
                execute("", 0),
                sync(),
                query("DEALLOCATE ps"),
            ],
        ),
        (
            "deallocate all",
            vec![parse("d", "SELECT 1"), sync(), query("DEALLOCATE ALL"), bind("", "d", &[]), sync()],
        ),
        (
            "set and show",
            vec![
                query("SET work_mem = '5MB'"),
                query("SHOW work_mem"),
                query("RESET work_mem"),
                query("SHOW work_mem"),
            ],
        ),
        (
            "a parameter that is reported",
            vec![query("SET TIME ZONE 'Asia/Tokyo'"), query("SET application_name = 'twin'")],
        ),
        ("a bad value", vec![query("SET work_mem = 'much'"), query("SHOW work_mem")]),
        (
            "set in a transaction",
            vec![
                query("BEGIN; SET work_mem = '6MB'; ROLLBACK"),
                query("SHOW work_mem"),
                query("BEGIN; SET LOCAL work_mem = '6MB'"),
                query("SHOW work_mem"),
                query("COMMIT"),
                query("SHOW work_mem"),
            ],
        ),
        ("discard all", vec![query("DISCARD ALL"), query("SHOW work_mem"), query("SELECT * FROM tt")]),
        ("discard all in a transaction", vec![query("BEGIN"), query("DISCARD ALL"), query("ROLLBACK")]),
        (
            "advisory locks",
            vec![query("SELECT pg_try_advisory_lock(99)"), query("SELECT pg_advisory_unlock(99)")],
        ),
        (
            "extended transaction",
            vec![
                parse("b", "BEGIN"),
                bind("", "b", &[]),
                execute("", 0),
                parse("", "SELECT 1"),
                bind("", "", &[]),
                execute("", 0),
                sync(),
                parse("c", "COMMIT"),
                bind("", "c", &[]),
                execute("", 0),
                sync(),
            ],
        ),
        ("binary garbage in a parameter", vec![parse("", insert), sync()]),
    ];
    let mut differ = Vec::new();
    for (what, messages) in &script {
        differ.extend(twins.agree(what, messages).await);
    }
    assert!(!twins.plain_is_gone && differ.is_empty(), "{}", differ.join("\n"));
}

/// A small generator of numbers, so that a failing run can be named and run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

const STATEMENTS: [&str; 25] = [
    "SELECT 1",
    "SELECT $1::int + 1",
    "SELECT 1/0",
    "SELEC",
    "SELECT generate_series(1, 7)",
    "SELECT $1::text, $1::text",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "SET work_mem = '3MB'",
    "SHOW work_mem",
    "SET work_mem = '9MB'",
    "RESET ALL",
    "SET TimeZone = 'Asia/Tokyo'",
    "SHOW TimeZone",
    "SELECT set_config('work_mem', '8MB', false)",
    "",
    "INSERT INTO pg_temp.mine VALUES (1) RETURNING i + 0",
    "SELECT count(*) FROM pg_temp.mine",
    "SELECT current_schema(), generate_series(1, 7)",
    "DECLARE c CURSOR FOR SELECT current_schema(), 23::regtype FROM generate_series(1, 9)",
    "FETCH 2 FROM c",
    "EXPLAIN (VERBOSE, COSTS OFF) SELECT current_schema()::text || $1::text",
];

const QUERIES: [&str; 14] = [
    "SELECT 1; SELECT 2",
    "SELECT 1; SELECT 1/0; SELECT 2",
    "BEGIN; SELECT 1",
    "COMMIT; SELECT 2",
    "SELECT 1; ROLLBACK; SELECT 2",
    "CREATE TEMP TABLE IF NOT EXISTS mine (i int)",
    "SET work_mem = '2MB'; SHOW work_mem",
    "SELECT current_schema(); COPY (SELECT current_schema()) TO STDOUT; SELECT 1/0",
    "BEGIN; DECLARE c CURSOR FOR SELECT current_schema(); FETCH ALL FROM c; SELECT 1",
    "RESET work_mem",
    "ROLLBACK; SET work_mem = '9MB'",
    "SET work_mem = '9MB'; SELECT 1/0",
    "DISCARD ALL",
    "DEALLOCATE ALL",
];

/// One batch: messages in an order that the protocol allows, ended by Sync.
fn batch(dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    if dice.roll(3) == 0 {
        let sql = if dice.roll(2) == 0 { dice.of(&STATEMENTS) } else { dice.of(&QUERIES) };
        return vec![query(sql)];
    }
    for _ in 0..=dice.roll(7) {
        let (name, portal) = (dice.of(&["", "", "n", "m"]), dice.of(&["", "", "p"]));
        let value = [Some(dice.of(&["1", "x"]))];
        let values = &value[..dice.roll(2)];
        messages.push(match dice.roll(12) {
            0..3 => parse(name, &format!("{} /* {name} */", dice.of(&STATEMENTS))),
            3..6 => bind(portal, name, values),
            6..9 => execute(portal, u32::try_from(dice.roll(3)).expect("small")),
            9 => describe(b'S', name),
            10 => describe(b'P', portal),
            _ => match dice.roll(4) {
                0 => close(b'S', name),
                1 => close(b'P', portal),
                2 => flush(),
                _ => sync(),
            },
        });
    }
    messages.push(sync());
    messages
}

#[tokio::test]
async fn random_orders_of_messages_are_answered_alike() {
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let mut twins = if seed % 2 == 0 { Twins::start(2).await } else { Twins::apart(2).await };
        let mut other = twins.house.user("alice").await;
        other.simple("SET work_mem = '9MB'").await.expect("an answer");
        let mut sent: Vec<String> = Vec::new();
        for round in 0..120 {
            // Two names of one text are one statement to the gate, and an error may say the other: so
            // here no text has two.
            let messages = batch(&mut dice);
            sent.extend(messages.iter().map(|one| String::from_utf8_lossy(one).escape_debug().to_string()));
            let differs = twins.agree(&format!("seed {seed}, round {round}"), &messages).await;
            if twins.plain_is_gone {
                break; // some orders are more than the server itself can bear
            }
            let last = sent.len().saturating_sub(40);
            assert!(differs.is_none(), "{}\nsent {:#?}", differs.unwrap_or_default(), &sent[last..]);
            if dice.roll(3) == 0 {
                let seen = other.simple("SHOW work_mem").await.expect("an answer");
                assert_eq!(
                    seen.value(),
                    Some("9MB"),
                    "another session, seed {seed}, sent {:#?}",
                    &sent[last..]
                );
            }
        }
    }
}
