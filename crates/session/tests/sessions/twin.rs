//! The same messages to plain Postgres and through the gate bring the same answers, byte for byte.

use crate::house::{House, SECRET};
use testkit::frames::{
    bind, close, copy_data, copy_done, copy_fail, describe, execute, flush, parse, query, sync,
};
use testkit::{Client, Frame, Login};

/// A session on the store itself, and one through the gate.
struct Twins {
    plain: Client,
    gated: Client,
    _house: House,
}

impl Twins {
    async fn start(connections: usize) -> Self {
        let house = House::with(connections).await;
        let path = [("search_path", "todo, stuffgate_ext")];
        let port = house.server.port();
        let login = Login { port, user: "alice", secret: SECRET, database: "alice", parameters: &path };
        let plain = Client::connect(&login).await.expect("plain Postgres");
        let gated = house.user("alice").await;
        Self { plain, gated, _house: house }
    }

    /// Sends a batch to both, and compares what comes up to the last ReadyForQuery.
    async fn agree(&mut self, what: &str, messages: &[Vec<u8>]) -> Option<String> {
        let batch = messages.concat();
        let ends = messages.iter().filter(|message| matches!(message.first(), Some(b'S' | b'Q'))).count();
        self.plain.send(&batch).await.expect("sent");
        self.gated.send(&batch).await.expect("sent");
        let plain = readable(&read(&mut self.plain, ends).await);
        let gated = readable(&read(&mut self.gated, ends).await);
        (gated != plain).then(|| format!("{what}:\n  plain {plain:#?}\n  gated {gated:#?}"))
    }
}

async fn read(client: &mut Client, mut ends: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    while ends > 0 {
        frames.extend(client.frames_until(b'Z').await.expect("an answer"));
        ends -= 1;
    }
    frames
}

/// Tags and bodies, as text to be compared. Where in Postgres's source an error arose is left out:
/// the gate's own errors have no such place; and the number of a schema of temporary tables.
fn readable(frames: &[Frame]) -> Vec<String> {
    let text = |frame: &Frame| match frame.tag {
        b'E' | b'N' => frame
            .texts(0)
            .into_iter()
            .filter(|field| !field.starts_with(['F', 'L', 'R']) && !field.starts_with("spg_temp_"))
            .collect::<Vec<_>>()
            .join(" "),
        _ => String::from_utf8_lossy(&frame.body).into_owned(),
    };
    frames.iter().map(|frame| format!("{} {}", char::from(frame.tag), text(frame).escape_debug())).collect()
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
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
