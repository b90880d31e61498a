//! Whole exchanges of messages with an analyst's session are those that one Postgres would have: message by message.

use crate::play::{Exchange, agree};
use crate::stage::Stage;
use stuffgate_tests::testkit::frames::{bind, close, describe, execute, flush, parse, query, sync};

const ROWS: &str = "SELECT id, title FROM todos ORDER BY id LIMIT 12";
const COUNT: &str = "SELECT count(*) FROM todos WHERE hours = $1";

fn exchanges() -> Vec<Exchange> {
    vec![
        (
            "several statements in one message",
            vec![query("SELECT 1; SELECT count(*) FROM todos; SELECT 'x' AS x")],
        ),
        (
            "the second of them is wrong",
            vec![query("SELECT count(*) FROM todos; SELECT nope FROM todos; SELECT 1")],
        ),
        ("nothing", vec![query(""), query(" ; "), query("-- only a remark")]),
        (
            "prepared once, run thrice",
            vec![
                parse("p", COUNT),
                describe(b'S', "p"),
                bind("", "p", &[Some("8")]),
                execute("", 0),
                bind("", "p", &[Some("1")]),
                execute("", 0),
                sync(),
                bind("", "p", &[None]),
                describe(b'P', ""),
                execute("", 0),
                sync(),
                close(b'S', "p"),
                sync(),
            ],
        ),
        ("binary parameters and results", vec![binary(COUNT, &8_i32.to_be_bytes())]),
        (
            "a portal read in parts",
            vec![
                parse("", ROWS),
                bind("c", "", &[]),
                execute("c", 5),
                execute("c", 5),
                execute("c", 5),
                sync(),
            ],
        ),
        (
            "a portal read in parts, with a look at each",
            vec![
                query("BEGIN"),
                parse("", ROWS),
                bind("c", "", &[]),
                execute("c", 5),
                flush(),
                execute("c", 0),
                sync(),
                query("COMMIT"),
            ],
        ),
        (
            "an error ends what comes before Sync",
            vec![
                parse("", "SELECT nope FROM todos"),
                bind("", "", &[]),
                execute("", 0),
                parse("", "SELECT 1"),
                sync(),
                query("SELECT count(*) FROM todos"),
            ],
        ),
        (
            "in a transaction",
            vec![
                query("BEGIN"),
                query("SELECT count(*) FROM todos"),
                parse("", ROWS),
                bind("", "", &[]),
                execute("", 0),
                sync(),
                query("COMMIT"),
            ],
        ),
        (
            "a transaction that fails",
            vec![
                query("BEGIN"),
                query("SELECT 1 / (count(*) - count(*)) FROM todos"),
                query("SELECT count(*) FROM todos"),
                query("ROLLBACK"),
                query("SELECT count(*) FROM todos"),
            ],
        ),
        (
            "no such statement, no such portal",
            vec![bind("", "nope", &[]), sync(), execute("nope", 0), sync(), describe(b'S', "nope"), sync()],
        ),
        ("too few parameters", vec![parse("", COUNT), bind("", "", &[]), execute("", 0), sync()]),
        (
            "a value that is none of its type",
            vec![parse("", COUNT), bind("", "", &[Some("x")]), execute("", 0), sync()],
        ),
        (
            "savepoints, and what was set behind them",
            vec![
                query("SAVEPOINT a"),
                query("BEGIN ISOLATION LEVEL REPEATABLE READ"),
                query("SAVEPOINT a; SET DateStyle = 'German'; SHOW DateStyle"),
                query("SELECT nope FROM todos"),
                query("SHOW DateStyle"),
                query("ROLLBACK TO a; SHOW DateStyle; SHOW transaction_isolation"),
                query("RELEASE b"),
                query("ROLLBACK TO SAVEPOINT a; RELEASE a; COMMIT AND CHAIN; SHOW transaction_isolation"),
                query("END; COMMIT AND CHAIN"),
            ],
        ),
        (
            "what several statements in one message set goes with the one that fails",
            vec![
                query("SET DateStyle = 'German'; SELECT nope FROM todos"),
                query("SHOW DateStyle; SET LOCAL DateStyle = 'SQL'; SHOW DateStyle"),
                query("SHOW DateStyle"),
            ],
        ),
        (
            "settings as functions",
            vec![
                query("SELECT set_config('TimeZone', 'Asia/Tokyo', false)"),
                query("SELECT current_setting('TimeZone')"),
                query("SELECT current_setting('nope.nope', true), current_setting('TimeZone') AS zone"),
                parse("", "SELECT set_config($1, $2, $3)"),
                describe(b'S', ""),
                bind("", "", &[Some("DateStyle"), Some("German"), Some("f")]),
                execute("", 0),
                sync(),
                query("SHOW DateStyle"),
                query("RESET ALL"),
                query("SHOW TimeZone"),
                query("SET TimeZone = 'Nowhere/There'"),
                query("SHOW nope"),
            ],
        ),
        (
            "an extended transaction",
            vec![
                parse("b", "BEGIN"),
                bind("", "b", &[]),
                describe(b'P', ""),
                execute("", 0),
                sync(),
                parse("", ROWS),
                bind("c", "", &[]),
                execute("c", 5),
                sync(),
                execute("c", 5),
                sync(),
                query("SELECT count(*) FROM todos"),
                execute("c", 5),
                execute("c", 5),
                sync(),
                query("COMMIT"),
                execute("c", 5),
                sync(),
            ],
        ),
        (
            "names that are taken, and what has none",
            vec![
                parse("p", COUNT),
                parse("p", COUNT),
                sync(),
                parse("", "SELECT 1; SELECT 2"),
                sync(),
                bind("c", "p", &[Some("1")]),
                bind("c", "p", &[Some("1")]),
                sync(),
                query("DEALLOCATE p"),
                query("DEALLOCATE p"),
                describe(b'S', "p"),
                sync(),
                parse("", ""),
                bind("", "", &[]),
                describe(b'P', ""),
                execute("", 0),
                sync(),
            ],
        ),
        (
            "pipelined, with errors in between",
            vec![
                parse("", "SELECT 1"),
                bind("", "", &[]),
                execute("", 0),
                parse("", "SELECT nope"),
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
            "a parameter in a simple query, and other small errors",
            vec![
                query("SELECT count(*) FROM todos WHERE hours = $1"),
                query("COMMIT"),
                query("BEGIN; BEGIN; ROLLBACK"),
                query("RESET nope.nope"),
                query("SELECT 1; SELECT count(*) FROM nope; SELECT 2"),
                query("SELECT \"unterminated"),
                query("DISCARD ALL"),
                query("SELECT 1; DISCARD ALL"),
                query("CLOSE c"),
                query("CLOSE ALL"),
                query("UNLISTEN *"),
                query("SELECT pg_advisory_unlock_all()"),
            ],
        ),
        (
            "copied by the extended protocol",
            vec![
                parse("", "COPY (SELECT id FROM todos ORDER BY id LIMIT 4) TO STDOUT"),
                bind("", "", &[]),
                execute("", 0),
                sync(),
            ],
        ),
        (
            "copies that cannot be",
            vec![
                query("SELECT 'ä'; COPY (SELECT 1) TO STDOUT (FORMAT nope)"),
                query("COPY lists TO STDOUT WITH (nope)"),
                query("COPY nope TO STDOUT"),
            ],
        ),
        (
            "statements that are not quite ones of a transaction",
            vec![query("BEGIN foo"), query("START"), query("SET TimeZone"), query("RELEASE")],
        ),
        (
            "settings of one's own",
            vec![
                query("SET DateStyle = 'German'"),
                query("SHOW DateStyle"),
                query("SELECT due FROM todos ORDER BY id LIMIT 20"),
                query("RESET DateStyle"),
                query("SELECT due FROM todos ORDER BY id LIMIT 5"),
            ],
        ),
        (
            "set for a transaction",
            vec![
                query("BEGIN"),
                query("SET LOCAL TimeZone = 'Asia/Tokyo'"),
                query("SELECT max(at) FILTER (WHERE isfinite(at)) FROM todos"),
                query("ROLLBACK"),
                query("SELECT max(at) FILTER (WHERE isfinite(at)) FROM todos"),
            ],
        ),
    ]
}

fn binary(sql: &str, value: &[u8]) -> Vec<u8> {
    let size = u32::try_from(value.len()).unwrap().to_be_bytes();
    let body = [b"\0\0".as_slice(), &[0, 1, 0, 1, 0, 1], &size, value, &[0, 1, 0, 1]].concat();
    let bound = stuffgate_tests::testkit::frames::message(b'B', &body);
    [parse("", sql), bound, describe(b'P', ""), execute("", 0), sync()].concat()
}

#[tokio::test]
async fn exchanges_are_those_of_one_postgres_message_by_message() {
    agree(exchanges()).await;
}

#[tokio::test]
async fn a_services_session_asks_all_stores_once_it_says_so() {
    let stage = Stage::start().await;
    let mut session = stage.world.connect("todo").await;
    let home = session.simple("SELECT count(*) FROM todos").await.unwrap();
    assert_eq!(home.value(), Some("0"));
    let wanted = stage.oracle("public").await.simple("SELECT count(*) FROM todos").await.unwrap();
    for _ in 0..2 {
        assert_eq!(session.simple("SET stuffgate.fanout = on").await.unwrap().errors, []);
        assert_eq!(session.simple("SELECT count(*) FROM todos").await.unwrap().value(), wanted.value());
        assert_eq!(session.simple("SET stuffgate.fanout = off").await.unwrap().errors, []);
        assert_eq!(session.simple("SELECT count(*) FROM todos").await.unwrap().value(), Some("0"));
    }
}
