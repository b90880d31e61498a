//! What the protocol offers is answered in both kinds of partition as plain Postgres answers it.

use stuffgate_tests::testkit::frames::{
    bind, close, copy_data, copy_done, copy_fail, describe, execute, flush, function_call, parse, query, sync,
};
use stuffgate_tests::testkit::{Client, Frame};
use stuffgate_tests::{World, WorldPlan};

type Script = Vec<(&'static str, Vec<Vec<u8>>)>;

/// Sessions on plain Postgres, in a schema partition and in a database partition.
struct Sides {
    sessions: [(&'static str, Client); 3],
    _world: World,
}

impl Sides {
    async fn start() -> Self {
        let settings = "[pool]\nper_store = 2";
        let plan = WorldPlan::default().users(["alice", "bob"]).in_databases(["bob"]);
        let world = plan.settings(settings).start();
        let sessions = [
            ("plain", world.plain("home").await),
            ("schema", world.connect("alice").await),
            ("database", world.connect("bob").await),
        ];
        Self { sessions, _world: world }
    }

    /// Has all sides go through a script, and fails if one of them is answered in another way.
    async fn agree(&mut self, script: Script) {
        let mut differ = Vec::new();
        for (what, messages) in script {
            let ends = messages.iter().filter(|one| matches!(one.first(), Some(b'S' | b'Q' | b'F'))).count();
            let mut seen = Vec::new();
            for (side, session) in &mut self.sessions {
                session.send(&messages.concat()).await.unwrap();
                let mut frames = Vec::new();
                for _ in 0..ends {
                    let more = session.frames_until(b'Z').await;
                    frames.extend(more.unwrap_or_else(|error| panic!("{side}, {what}: {error}, {frames:?}")));
                }
                seen.push((*side, readable(&frames)));
            }
            let (_, plain) = &seen[0];
            differ.extend(
                seen.iter()
                    .filter(|(_, other)| other != plain)
                    .map(|(side, other)| format!("{what}:\n  plain {plain:#?}\n  {side} {other:#?}")),
            );
        }
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    }
}

/// Tags and bodies as text; without where in Postgres's source an error arose, and without process ids.
fn readable(frames: &[Frame]) -> Vec<String> {
    let text = |frame: &Frame| match frame.tag {
        b'E' | b'N' => {
            let fields = frame.texts(0);
            let kept = fields.iter().filter(|field| !field.starts_with(['F', 'L', 'R']));
            kept.map(String::as_str).collect::<Vec<_>>().join(" ")
        }
        b'A' => frame.texts(4).join(" "),
        b'T' => columns(&frame.body[2..]),
        _ => String::from_utf8_lossy(&frame.body).into_owned(),
    };
    let frames = frames.iter().filter(|frame| frame.tag != b'S');
    frames.map(|frame| format!("{} {}", char::from(frame.tag), text(frame).escape_debug())).collect()
}

/// Names, types and formats of columns; the numbers of their tables differ from database to database.
fn columns(mut body: &[u8]) -> String {
    let mut columns = String::new();
    while let Some(end) = body.iter().position(|byte| *byte == 0) {
        let (name, rest) = body.split_at(end);
        columns += &format!("{} {:?}; ", String::from_utf8_lossy(name), &rest[7..19]);
        body = &rest[19..];
    }
    columns
}

fn unnamed(sql: &str) -> Vec<u8> {
    [parse("", sql), bind("", "", &[]), describe(b'P', ""), execute("", 0), sync()].concat()
}

/// What libpq's large object interface calls, by the numbers that these functions always have.
mod lo {
    pub(super) const CREATE: u32 = 715;
    pub(super) const OPEN: u32 = 952;
    pub(super) const CLOSE: u32 = 953;
    pub(super) const READ: u32 = 954;
    pub(super) const WRITE: u32 = 955;
    pub(super) const LSEEK: u32 = 956;
    pub(super) const TELL: u32 = 958;
    pub(super) const UNLINK: u32 = 964;
    pub(super) const TRUNCATE: u32 = 1004;
    pub(super) const LSEEK64: u32 = 3170;
    pub(super) const READ_WRITE: i32 = 0x0006_0000;
}

fn call(function: u32, arguments: &[i32]) -> Vec<u8> {
    let bytes: Vec<[u8; 4]> = arguments.iter().map(|argument| argument.to_be_bytes()).collect();
    function_call(function, &bytes.iter().map(|four| four.as_slice()).collect::<Vec<_>>())
}

const OBJECT: i32 = 777_001;

#[tokio::test]
async fn large_objects_are_made_read_written_and_removed_as_libpq_does_it() {
    let mut sides = Sides::start().await;
    let look_up = "select proname, oid from pg_catalog.pg_proc where proname in ('lo_open', 'lo_close', \
                   'lo_creat', 'lo_create', 'lo_unlink', 'lo_lseek', 'lo_lseek64', 'lo_tell', 'lo_tell64', \
                   'lo_truncate', 'lo_truncate64', 'loread', 'lowrite') and pronamespace = (select oid from \
                   pg_catalog.pg_namespace where nspname = 'pg_catalog') order by proname";
    let eight = 2_i64.to_be_bytes();
    let seek64 = function_call(lo::LSEEK64, &[&0_i32.to_be_bytes(), &eight, &0_i32.to_be_bytes()]);
    let write = |text: &[u8]| function_call(lo::WRITE, &[&0_i32.to_be_bytes(), text]);
    sides
        .agree(vec![
            ("libpq's look-up", vec![query(look_up)]),
            ("created outside a transaction", vec![call(lo::CREATE, &[OBJECT])]),
            ("created again", vec![call(lo::CREATE, &[OBJECT])]),
            ("opened outside one, and lost with it", vec![call(lo::OPEN, &[OBJECT, lo::READ_WRITE])]),
            ("not open any more", vec![call(lo::READ, &[0, 5])]),
            ("begin", vec![query("BEGIN")]),
            ("open", vec![call(lo::OPEN, &[OBJECT, lo::READ_WRITE])]),
            ("write", vec![write(b"large and \0 binary")]),
            ("seek", vec![call(lo::LSEEK, &[0, 0, 0])]),
            ("read", vec![call(lo::READ, &[0, 5])]),
            ("tell", vec![call(lo::TELL, &[0])]),
            ("seek far", vec![seek64]),
            ("read again", vec![call(lo::READ, &[0, 100])]),
            ("truncate", vec![call(lo::TRUNCATE, &[0, 5])]),
            ("close", vec![call(lo::CLOSE, &[0])]),
            ("closed twice fails the transaction", vec![call(lo::CLOSE, &[0]), call(lo::TELL, &[0])]),
            ("rolled back", vec![query("ROLLBACK")]),
            (
                "a pipeline of calls",
                vec![
                    query("BEGIN"),
                    call(lo::OPEN, &[OBJECT, lo::READ_WRITE]),
                    write(b"kept"),
                    call(lo::CLOSE, &[0]),
                    query("COMMIT"),
                ],
            ),
            ("by SQL", vec![query("SELECT convert_from(lo_get(777001), 'UTF8')")]),
            ("put and cut out", vec![query("SELECT lo_put(777001, 4, ' on'); SELECT lo_get(777001, 2, 4)")]),
            ("from bytes", vec![unnamed("SELECT lo_from_bytea(777002, '\\x00ff'::bytea)")]),
            ("who has them", vec![query("SELECT loid, data FROM pg_largeobject ORDER BY loid, pageno")]),
            ("a comment", vec![query("COMMENT ON LARGE OBJECT 777001 IS 'mine'")]),
            ("unlink", vec![call(lo::UNLINK, &[OBJECT]), query("SELECT lo_unlink(777002)")]),
            ("gone", vec![call(lo::OPEN, &[OBJECT, lo::READ_WRITE]), query("SELECT lo_get(777002)")]),
            ("no such function", vec![call(1, &[]), query("SELECT 'on'")]),
            ("too few arguments", vec![call(lo::OPEN, &[OBJECT]), query("SELECT 'on'")]),
            (
                "behind a segment without Sync",
                vec![parse("", "SELECT 1"), bind("", "", &[]), execute("", 0), call(lo::CREATE, &[OBJECT])],
            ),
            ("unlink again", vec![unnamed("SELECT lo_unlink(777001)")]),
        ])
        .await;
}

#[tokio::test]
async fn copies_end_alike_however_they_end() {
    let mut sides = Sides::start().await;
    let begin_binary = [b"PGCOPY\n\xff\r\n\0".as_slice(), &[0; 8]].concat();
    let binary_row = [&[0, 1], 4_i32.to_be_bytes().as_slice(), &7_i32.to_be_bytes()].concat();
    let copied = |sql: &str| vec![parse("", sql), bind("", "", &[]), execute("", 0)];
    sides
        .agree(vec![
            ("a table", vec![query("CREATE TABLE copied (n int PRIMARY KEY, t text DEFAULT 'none')")]),
            (
                "in",
                vec![
                    query("COPY copied FROM STDIN"),
                    copy_data(b"1\ta\n2\t"),
                    copy_data(b"b\n"),
                    copy_done(),
                ],
            ),
            ("of public", vec![query("COPY public.copied (n) FROM STDIN"), copy_data(b"3\n"), copy_done()]),
            ("out", vec![query("COPY copied TO STDOUT (FORMAT csv, HEADER)")]),
            ("out of a query", vec![query("COPY (SELECT n FROM public.copied ORDER BY n DESC) TO STDOUT")]),
            ("given up", vec![query("COPY copied FROM STDIN"), copy_data(b"4\tx\n"), copy_fail("no more")]),
            (
                "an error in the middle, and data behind it",
                vec![
                    query("COPY copied FROM STDIN"),
                    copy_data(b"no\tx\n"),
                    copy_data(b"5\tx\n"),
                    copy_done(),
                ],
            ),
            (
                "data that comes late",
                vec![copy_data(b"6\tx\n"), copy_done(), query("SELECT count(*) FROM copied")],
            ),
            ("a duplicate", vec![query("COPY copied FROM STDIN"), copy_data(b"1\tx\n"), copy_done()]),
            ("no such table", vec![query("COPY nothing FROM STDIN"), copy_data(b"1\n"), copy_done()]),
            (
                "in a transaction, failed and led back",
                vec![
                    query("BEGIN; SAVEPOINT a"),
                    query("COPY copied FROM STDIN"),
                    copy_data(b"bad\n"),
                    copy_done(),
                    query("ROLLBACK TO a"),
                    query("COPY copied FROM STDIN"),
                    copy_data(b"7\tseven\n"),
                    copy_done(),
                    query("COMMIT"),
                ],
            ),
            (
                "two in one message",
                vec![
                    query(
                        "COPY copied (n) FROM STDIN; COPY copied (n) FROM STDIN; SELECT count(*) FROM copied",
                    ),
                    copy_data(b"8\n"),
                    copy_done(),
                    copy_data(b"9\n"),
                    copy_done(),
                ],
            ),
            (
                "in by the extended protocol",
                [copied("COPY copied (n) FROM STDIN"), vec![copy_data(b"10\n"), copy_done(), sync()]]
                    .concat(),
            ),
            (
                "failing by the extended protocol",
                [copied("COPY copied (n) FROM STDIN"), vec![copy_data(b"x\n"), copy_done(), sync()]].concat(),
            ),
            (
                "given up by the extended protocol",
                [copied("COPY copied (n) FROM STDIN"), vec![copy_fail("no"), sync()]].concat(),
            ),
            ("out by the extended protocol", [copied("COPY copied TO STDOUT"), vec![sync()]].concat()),
            (
                "binary in",
                vec![
                    query("COPY copied (n) FROM STDIN (FORMAT binary)"),
                    copy_data(&begin_binary),
                    copy_data(&[&[0, 1], 4_i32.to_be_bytes().as_slice(), &11_i32.to_be_bytes()].concat()),
                    copy_data(&(-1_i16).to_be_bytes()),
                    copy_done(),
                ],
            ),
            (
                "binary in, a duplicate",
                vec![
                    query("COPY copied (n) FROM STDIN (FORMAT binary)"),
                    copy_data(&[begin_binary.as_slice(), &binary_row].concat()),
                    copy_data(&(-1_i16).to_be_bytes()),
                    copy_done(),
                ],
            ),
            (
                "binary out",
                vec![query("COPY (SELECT n, t FROM copied ORDER BY n) TO STDOUT (FORMAT binary)")],
            ),
            ("what is there", vec![query("SELECT string_agg(n::text, ' ' ORDER BY n) FROM copied")]),
        ])
        .await;
}

#[tokio::test]
async fn cursors_temporary_tables_and_locks_stay_as_long_as_they_should() {
    let mut sides = Sides::start().await;
    sides
        .agree(vec![
            (
                "an open portal over several segments",
                vec![
                    query("BEGIN"),
                    parse("p", "SELECT generate_series(1, 7)"),
                    bind("c", "p", &[]),
                    execute("c", 3),
                    sync(),
                    execute("c", 3),
                    flush(),
                    sync(),
                    query("SELECT 'between'"),
                    execute("c", 3),
                    sync(),
                    close(b'P', "c"),
                    execute("c", 1),
                    sync(),
                    query("ROLLBACK"),
                ],
            ),
            (
                "a portal ends with its transaction",
                vec![bind("c", "p", &[]), execute("c", 2), sync(), execute("c", 2), sync()],
            ),
            (
                "a cursor",
                vec![
                    query("BEGIN; DECLARE d SCROLL CURSOR FOR SELECT generate_series(1, 5)"),
                    query("FETCH 2 FROM d; MOVE 1 IN d; FETCH BACKWARD 2 FROM d"),
                    query("COMMIT"),
                    query("FETCH d"),
                ],
            ),
            (
                "a cursor with hold",
                vec![
                    query("BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT generate_series(1, 5)"),
                    query("FETCH 2 FROM h"),
                    query("COMMIT"),
                    query("FETCH 2 FROM h"),
                    query("CLOSE h"),
                    query("FETCH h"),
                ],
            ),
            (
                "temporary tables",
                vec![
                    query("CREATE TEMP TABLE mine (n int)"),
                    query("INSERT INTO mine VALUES (1)"),
                    unnamed("SELECT n FROM mine"),
                    query(
                        "BEGIN; CREATE TEMP TABLE brief (n int) ON COMMIT DROP; INSERT INTO brief VALUES (2)",
                    ),
                    query("SELECT b.n, m.n FROM brief b, pg_temp.mine m"),
                    query("COMMIT"),
                    query("SELECT n FROM brief"),
                    query("DROP TABLE mine"),
                ],
            ),
            (
                "advisory locks over transactions",
                vec![
                    query("SELECT pg_advisory_lock(7)"),
                    query("BEGIN; SELECT pg_advisory_xact_lock(8); COMMIT"),
                    query(
                        "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
                    ),
                    query("SELECT pg_advisory_unlock(7)"),
                    query("SELECT pg_advisory_unlock(7)"),
                ],
            ),
            (
                "a plan whose result would change",
                vec![
                    query("CREATE TABLE planned (n int); INSERT INTO planned VALUES (1)"),
                    parse("q", "SELECT * FROM planned"),
                    bind("", "q", &[]),
                    execute("", 0),
                    sync(),
                    query("ALTER TABLE planned ADD COLUMN t text DEFAULT 'new'"),
                    bind("", "q", &[]),
                    execute("", 0),
                    sync(),
                    close(b'S', "q"),
                    parse("q", "SELECT * FROM planned"),
                    bind("", "q", &[]),
                    execute("", 0),
                    sync(),
                ],
            ),
            (
                "a plan whose result would change, in a transaction",
                vec![
                    query("BEGIN; ALTER TABLE planned DROP COLUMN t"),
                    bind("", "q", &[]),
                    execute("", 0),
                    sync(),
                    query("SELECT 1"),
                    query("ROLLBACK"),
                    bind("", "q", &[]),
                    execute("", 0),
                    sync(),
                ],
            ),
            (
                "prepared transactions that are switched off",
                vec![
                    query("BEGIN; SELECT 1"),
                    query("PREPARE TRANSACTION 'x'"),
                    query("COMMIT PREPARED 'x'"),
                ],
            ),
            ("no large file of the server's", vec![query("SELECT lo_import('/etc/hostname')")]),
        ])
        .await;
}

#[tokio::test]
async fn notifications_come_when_they_should() {
    let mut sides = Sides::start().await;
    sides
        .agree(vec![
            ("listen", vec![query("LISTEN news"), query("LISTEN \"public\"")]),
            ("to oneself", vec![query("NOTIFY news, 'one'")]),
            (
                "with a commit",
                vec![query("BEGIN"), query("NOTIFY news, 'two'"), query("SELECT 1"), query("COMMIT")],
            ),
            (
                "never with a rollback",
                vec![query("BEGIN; NOTIFY news, 'three'"), query("ROLLBACK"), query("SELECT 1")],
            ),
            ("by function", vec![unnamed("SELECT pg_notify('public', 'four')")]),
            ("channels", vec![query("SELECT * FROM pg_listening_channels()")]),
            ("once each", vec![query("NOTIFY news; NOTIFY news; NOTIFY news, 'five'")]),
            (
                "no more",
                vec![
                    query("UNLISTEN news"),
                    query("NOTIFY news"),
                    query("UNLISTEN *"),
                    query("NOTIFY public"),
                ],
            ),
        ])
        .await;
}
