//! SQL cursors of an analyst's session: what one Postgres would say, message by message, and what is refused.

use crate::play::{Exchange, agree};
use crate::stage::Stage;
use stuffgate_tests::testkit::frames::{bind, describe, execute, message, parse, query, sync};

const DECLARE: &str = "DECLARE c NO SCROLL CURSOR FOR SELECT id, title FROM todos ORDER BY id LIMIT 12";
const HOLD: &str = "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM todos ORDER BY id LIMIT 12";

fn all(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| query(text)).collect()
}

fn in_a_transaction(texts: &[&str]) -> Vec<Vec<u8>> {
    [all(&["BEGIN", DECLARE]), all(texts), all(&["ROLLBACK"])].concat()
}

/// What simple queries do.
fn simple() -> Vec<Exchange> {
    vec![
        (
            "read in parts",
            in_a_transaction(&[
                "FETCH c",
                "FETCH 5 FROM c",
                "MOVE 2 IN c",
                "FETCH ALL c",
                "FETCH 1 c",
                "CLOSE c",
                "CLOSE c",
            ]),
        ),
        (
            "read by number",
            in_a_transaction(&[
                "FETCH 0 c",
                "MOVE 0 c",
                "FETCH NEXT c",
                "MOVE 0 c",
                "FETCH RELATIVE 2 c",
                "FETCH ABSOLUTE 6 c",
                "FETCH FORWARD 2 c",
                "MOVE FORWARD ALL c",
                "FETCH 0 c",
                "FETCH ABSOLUTE 20 c",
            ]),
        ),
        ("back", in_a_transaction(&["FETCH 2 c", "FETCH PRIOR c"])),
        ("back to the first", in_a_transaction(&["FETCH FIRST c", "FETCH c", "FETCH ABSOLUTE 1 c"])),
        ("from the end", in_a_transaction(&["FETCH LAST c"])),
        ("the same row again", in_a_transaction(&["FETCH c", "FETCH 0 c"])),
        ("declared twice", in_a_transaction(&[DECLARE])),
        (
            "outside a transaction",
            all(&[
                DECLARE,
                &format!("{DECLARE}; FETCH 3 c; CLOSE c"),
                &format!("{DECLARE}; FETCH 3 c"),
                "FETCH c",
            ]),
        ),
        (
            "held",
            all(&[
                HOLD,
                "FETCH 3 c",
                "BEGIN",
                "FETCH 3 c",
                "ROLLBACK",
                "FETCH 3 c",
                "SELECT nope",
                "FETCH 1 c",
                "CLOSE ALL",
                "FETCH c",
            ]),
        ),
        ("not held, since rolled back", all(&["BEGIN", HOLD, "FETCH 3 c", "ROLLBACK", "FETCH 3 c"])),
        (
            "held, and discarded",
            all(&["BEGIN", HOLD, "FETCH 3 c", "COMMIT", "FETCH 3 c", "DISCARD ALL", "FETCH c"]),
        ),
        (
            "between savepoints",
            in_a_transaction(&[
                "SAVEPOINT s",
                "DECLARE b CURSOR FOR SELECT id FROM todos ORDER BY id LIMIT 3",
                "FETCH 2 c; FETCH 2 b",
                "SELECT nope FROM todos",
                "FETCH c",
                "ROLLBACK TO s",
                "FETCH c",
                "FETCH b",
                "ROLLBACK TO s; DECLARE b CURSOR FOR SELECT id FROM todos ORDER BY id LIMIT 3; RELEASE s",
                "FETCH 1 b; FETCH 1 c",
            ]),
        ),
        (
            "errors with their places",
            all(&[
                "BEGIN; SELECT 'ü'; DECLARE c CURSOR FOR SELECT 'ä', nope FROM todos",
                "ROLLBACK",
                "DECLARE c FOR SELECT 1",
                "DECLARE c CURSOR FOR DELETE FROM todos",
                "FETCH",
                "MOVE 3000000000 c",
                "FETCH a b",
                "BEGIN; DECLARE c CURSOR FOR SELECT $1::int",
                "ROLLBACK",
                "BEGIN; DECLARE c CURSOR FOR SELECT 1 / (hours - hours) FROM todos WHERE hours = 1",
                "MOVE 0 c; SELECT 1",
                "MOVE ALL c",
            ]),
        ),
        (
            "in binary, gathered, grouped",
            all(&[
                "BEGIN; DECLARE c BINARY CURSOR FOR SELECT id, title FROM todos ORDER BY id LIMIT 3",
                "FETCH ALL c",
                "DECLARE d CURSOR FOR SELECT id, count(*) OVER () FROM todos ORDER BY id LIMIT 5",
                "FETCH 2 d; MOVE 2 d; FETCH ALL d",
                "DECLARE e CURSOR FOR SELECT mood, count(*) FROM todos GROUP BY mood ORDER BY mood",
                "FETCH ALL e",
            ]),
        ),
    ]
}

/// What the extended protocol does.
fn extended() -> Vec<Exchange> {
    let run = |text: &str| {
        [parse("", text), bind("", "", &[]), describe(b'P', ""), execute("", 0), sync()].concat()
    };
    vec![
        (
            "declared with a parameter, described, and read by name",
            vec![
                run("BEGIN"),
                parse("", "DECLARE c CURSOR FOR SELECT id FROM todos WHERE hours = $1 ORDER BY id"),
                describe(b'S', ""),
                bind("", "", &[Some("3")]),
                execute("", 0),
                describe(b'P', "c"),
                sync(),
                parse("f", "FETCH 2 FROM c"),
                describe(b'S', "f"),
                bind("", "f", &[]),
                describe(b'P', ""),
                execute("", 0),
                sync(),
                execute("c", 1),
                sync(),
                run("MOVE 1 c"),
                run("CLOSE c"),
                bind("", "f", &[]),
                execute("", 0),
                sync(),
            ],
        ),
        (
            "fetched in parts",
            vec![
                query("BEGIN"),
                query(DECLARE),
                parse("", "FETCH 11 FROM c"),
                bind("p", "", &[]),
                execute("p", 5),
                execute("p", 5),
                sync(),
                execute("p", 5),
                execute("p", 5),
                sync(),
                query("COMMIT"),
            ],
        ),
        (
            "a portal of the protocol, fetched from",
            vec![
                query("BEGIN"),
                parse("", "SELECT id FROM todos ORDER BY id LIMIT 9"),
                bind("p", "", &[]),
                execute("p", 2),
                sync(),
                query("FETCH 2 FROM p"),
                execute("p", 2),
                sync(),
                query("FETCH ALL FROM p; CLOSE p; COMMIT"),
            ],
        ),
        (
            "in binary",
            vec![
                query("BEGIN"),
                query(DECLARE),
                parse("f", "FETCH 3 FROM c"),
                in_binary("f"),
                in_binary("f"),
            ],
        ),
    ]
}

/// Binds and executes a statement whose rows are to come in binary.
fn in_binary(statement: &str) -> Vec<u8> {
    let body = [b"\0", statement.as_bytes(), b"\0", &[0, 0, 0, 0, 0, 1, 0, 1]].concat();
    [message(b'B', &body), describe(b'P', ""), execute("", 0), sync()].concat()
}

#[tokio::test]
async fn cursors_are_read_as_those_of_one_postgres() {
    agree(simple().into_iter().chain(extended()).collect()).await;
}

#[tokio::test]
async fn a_cursor_that_would_go_back_or_change_its_format_is_refused() {
    let stage = Stage::start().await;
    let mut analyst = stage.analyst("auto").await;
    let code = async |analyst: &mut stuffgate_tests::testkit::Client, text: &str| {
        let answer = analyst.simple(text).await.unwrap();
        answer.errors.first().map(|error| error.code().to_owned()).unwrap_or_default()
    };
    let scroll = DECLARE.replace("NO SCROLL", "SCROLL");
    assert_eq!(code(&mut analyst, &format!("BEGIN; {scroll}")).await, "0A000");
    let plain = DECLARE.replace("NO SCROLL", "");
    assert_eq!(
        code(&mut analyst, &format!("ROLLBACK; BEGIN; {plain}; FETCH 2 c; FETCH PRIOR c")).await,
        "55000"
    );
    assert_eq!(code(&mut analyst, &format!("ROLLBACK; BEGIN; {plain}; FETCH 2 c")).await, "");
    analyst.send(&[parse("f", "FETCH c"), in_binary("f")].concat()).await.unwrap();
    let frames = analyst.frames_until(b'Z').await.unwrap();
    assert!(frames.iter().any(|frame| frame.tag == b'E'), "rows in text, then in binary");
}
