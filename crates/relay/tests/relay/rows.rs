//! Rows that the front has asked for, and those that it has not.

use crate::stage::Stage;
use relay::{Notes, Outcome, Reply, Rows, ServerFault};
use testkit::frames::*;

/// Longest row that the front is shown, in bytes.
const MAX_ROW_BYTES: usize = 1024 * 1024;

/// Most memory that a session's buffers may take while a row is read whole, in bytes.
const MOST_MEMORY: usize = 4 * MAX_ROW_BYTES;

fn long_row(total: usize) -> Vec<u8> {
    let row = data_row(&[Some(&"x".repeat(total - 11))]);
    assert_eq!(row.len(), total);
    row
}

/// A stage whose front replaces rows by this one.
fn stage(row: Vec<u8>) -> Stage {
    let mut stage = Stage::new();
    stage.front.row = Some(row);
    stage
}

#[test]
fn rows_that_were_asked_for_are_replaced_and_all_others_pass_unseen() {
    let mut stage = stage(data_row(&[Some("shown")]));
    for (question, seen) in [("R", true), ("r", false), ("R", true)] {
        assert!(stage.client_says(&[query(question)]).is_none());
        let description = row_description(&["a"]);
        let said =
            [description.clone(), data_row(&[Some("1")]), data_row(&[None]), command_complete("SELECT 2")];
        assert_eq!(stage.server_says(&[&said[..], &[ready(b'T')]].concat()).map(|_| ()), None);
        let rows = if seen { data_row(&[Some("shown")]).repeat(2) } else { said[1..3].concat() };
        assert_eq!(
            stage.client_hears(),
            [description, rows, command_complete("SELECT 2"), ready(b'T')].concat()
        );
        assert_eq!(std::mem::take(&mut stage.front.rows).len(), if seen { 2 } else { 0 });
    }
}

#[test]
fn a_row_that_stays_as_it_is_passes_as_it_came() {
    let mut stage = Stage::new();
    let said = [data_row(&[Some("1")]), command_complete("SELECT 1"), ready(b'T')];
    assert!(stage.client_says(&[query("R")]).is_none());
    assert!(stage.server_says(&said).is_none());
    assert_eq!(stage.client_hears(), said.concat());
    assert_eq!(stage.front.rows.len(), 1);
}

#[test]
fn a_row_that_comes_in_pieces_is_shown_once_it_is_whole() {
    let mut stage = stage(data_row(&[Some("shown")]));
    assert!(stage.client_says(&[query("R")]).is_none());
    let row = data_row(&[Some("some text")]);
    for byte in &row {
        assert_eq!(stage.client_hears(), b"");
        assert!(stage.server_says(&[vec![*byte]]).is_none());
    }
    assert_eq!(stage.client_hears(), data_row(&[Some("shown")]));
    assert_eq!(stage.front.rows, [row.len()]);
}

#[test]
fn rows_belong_to_the_execute_of_their_portal() {
    let mut stage = stage(data_row(&[Some("shown")]));
    assert!(stage.client_says(&[execute("R", 1), execute("r", 1), execute("R", 1), sync()]).is_none());
    let row = || data_row(&[Some("1")]);
    let suspended = message(b's', &[]);
    let said = [row(), suspended.clone(), row(), suspended.clone(), row(), suspended.clone(), ready(b'T')];
    assert!(stage.server_says(&said).is_none());
    let shown = || data_row(&[Some("shown")]);
    let heard = [shown(), suspended.clone(), row(), suspended.clone(), shown(), suspended, ready(b'T')];
    assert_eq!(stage.client_hears(), heard.concat());
}

#[test]
fn rows_belong_to_the_statement_of_the_message_that_was_marked() {
    let mut stage = stage(data_row(&[Some("shown")]));
    assert!(stage.client_says(&[query("R only its first statement is marked")]).is_none());
    let done = command_complete("COPY 1");
    let said =
        [data_row(&[Some("1")]), done.clone(), copy_data(b"data"), copy_done(), done.clone(), ready(b'T')];
    assert!(stage.server_says(&said).is_none());
    let heard = [&[data_row(&[Some("shown")])], &said[1..]].concat();
    assert_eq!(stage.client_hears(), heard.concat());
}

#[test]
fn copied_rows_are_shown_as_well() {
    let mut stage = stage(copy_data(b"shown\n"));
    assert!(stage.client_says(&[query("R")]).is_none());
    let out = message(b'H', &[0, 0, 0]);
    let done = [copy_done(), command_complete("COPY 1"), ready(b'T')].concat();
    assert!(stage.server_says(&[out.clone(), copy_data(b"1\n"), done.clone()]).is_none());
    assert_eq!(stage.client_hears(), [out, copy_data(b"shown\n"), done].concat());
}

#[test]
fn hidden_rows_are_nobodys() {
    let mut stage = stage(data_row(&[Some("shown")]));
    stage.ledger.expect_hidden(Reply::Query);
    stage.ledger.expect_part(Notes { watched: false, rows: Rows::ALL });
    let row = data_row(&[Some("1")]);
    let done = command_complete("SELECT 1");
    assert!(stage.server_says(&[row.clone(), done.clone(), ready(b'T')]).is_none());
    assert!(stage.server_says(&[row, done.clone()]).is_none());
    assert_eq!(stage.client_hears(), [data_row(&[Some("shown")]), done].concat());
    assert_eq!(stage.front.rows.len(), 1);
}

#[test]
fn a_row_longer_than_the_bound_passes_as_it_came_and_memory_stays_bounded() {
    for (total, seen) in [(MAX_ROW_BYTES, true), (MAX_ROW_BYTES + 1, false), (8 * MAX_ROW_BYTES, false)] {
        let mut stage = stage(data_row(&[Some("shown")]));
        assert!(stage.client_says(&[query("R")]).is_none());
        let (mut heard, mut most) = (0, 0);
        for piece in long_row(total).chunks(10_000) {
            assert!(stage.server_says(&[piece.to_vec()]).is_none());
            most = most.max(stage.memory());
            heard += stage.client_hears().len();
        }
        assert_eq!(heard, if seen { data_row(&[Some("shown")]).len() } else { total });
        assert!(most < MOST_MEMORY, "{most} bytes");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_the_stores_fault() {
    let mut stage = Stage::new();
    stage.front.reads_no_row = true;
    assert!(stage.client_says(&[query("R")]).is_none());
    match stage.server_says(&[data_row(&[Some("1")])]) {
        Some(Outcome::ServerFault(fault)) => assert_eq!(fault, ServerFault::Malformed('D')),
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.client_hears(), b"");
}

#[test]
fn a_notification_can_be_replaced() {
    let mut stage = Stage::new();
    let notification = |process: i32| message(b'A', &[&process.to_be_bytes()[..], b"c\0p\0"].concat());
    stage.front.replacement = Some(notification(7));
    assert!(stage.client_says(&[query("r")]).is_none());
    let (head, tail) = (notification(4711)[..8].to_vec(), notification(4711)[8..].to_vec());
    assert!(stage.server_says(&[head]).is_none());
    assert_eq!(stage.client_hears(), b"");
    assert!(stage.server_says(&[tail]).is_none());
    assert_eq!(stage.client_hears(), notification(7));
}
