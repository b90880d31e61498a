//! What clients and servers say in one exchange: pgbench's select-only transaction, and bulk.

use super::Step;
use testkit::frames;

const SELECT: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = ";

/// Messages of a bulk transfer.
const BULK: usize = 1000;

/// By the simple protocol.
pub(crate) fn simple() -> Vec<Step> {
    vec![(
        frames::query(&format!("{SELECT}12345;")),
        [row_description(), row(), frames::command_complete("SELECT 1"), frames::ready(b'I')].concat(),
    )]
}

/// By the extended protocol, with the unnamed statement.
pub(crate) fn extended() -> Vec<Step> {
    let asked = [
        frames::parse("", &format!("{SELECT}$1;")),
        frames::bind("", "", &[Some("12345")]),
        frames::describe(b'P', ""),
        frames::execute("", 0),
        frames::sync(),
    ];
    let answered = [
        frames::message(b'1', &[]),
        frames::message(b'2', &[]),
        row_description(),
        row(),
        frames::command_complete("SELECT 1"),
        frames::ready(b'I'),
    ];
    vec![(asked.concat(), answered.concat())]
}

/// With a named statement that was prepared earlier, by a client that knows the columns.
pub(crate) fn prepared() -> Vec<Step> {
    vec![([prepared_question(), frames::sync()].concat(), [prepared_answer(), frames::ready(b'I')].concat())]
}

/// Ten of those in one pipeline.
pub(crate) fn pipeline() -> Vec<Step> {
    vec![(
        [prepared_question().repeat(10), frames::sync()].concat(),
        [prepared_answer().repeat(10), frames::ready(b'I')].concat(),
    )]
}

/// A thousand small rows.
pub(crate) fn rows() -> Vec<Step> {
    let answered =
        [row_description(), row().repeat(BULK), frames::command_complete("SELECT 1000"), frames::ready(b'I')];
    vec![(frames::query("SELECT abalance FROM pgbench_accounts LIMIT 1000"), answered.concat())]
}

/// A thousand messages of COPY data from the client.
pub(crate) fn copy_in() -> Vec<Step> {
    let line = frames::copy_data(b"12345\t1\t-4711\t\n");
    vec![
        (frames::query("COPY pgbench_accounts FROM STDIN"), frames::message(b'G', &[0, 0, 1, 0, 0])),
        (
            [line.repeat(BULK), frames::copy_done()].concat(),
            [frames::command_complete("COPY 1000"), frames::ready(b'I')].concat(),
        ),
    ]
}

fn prepared_question() -> Vec<u8> {
    [frames::bind("", "P0_1", &[Some("12345")]), frames::execute("", 0)].concat()
}

fn prepared_answer() -> Vec<u8> {
    [frames::message(b'2', &[]), row(), frames::command_complete("SELECT 1")].concat()
}

fn row_description() -> Vec<u8> {
    frames::row_description(&["abalance"])
}

fn row() -> Vec<u8> {
    frames::data_row(&[Some("-4711")])
}
