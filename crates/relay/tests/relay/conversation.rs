//! What passes in which turn, message by message.

use crate::stage::{STATEMENT_BYTES, Stage};
use relay::{ClientFault, Notes, Outcome, Reply, Rows, ServerFault, Status};
use testkit::frames::*;

/// Most memory that one session's buffers may take while nothing is gathered, in bytes.
const MOST_MEMORY: usize = 512 * 1024;

const WATCHED: Notes = Notes { watched: true, rows: Rows::NONE };

fn error() -> Vec<u8> {
    report(b'E', "ERROR", "XX000", "no")
}

fn notice() -> Vec<u8> {
    report(b'N', "NOTICE", "00000", "well")
}

fn parse_complete() -> Vec<u8> {
    message(b'1', &[])
}

fn copy_in() -> Vec<u8> {
    message(b'G', &[0, 0, 0])
}

macro_rules! assert_outcome {
    ($outcome:expr, $pattern:pat) => {
        match $outcome {
            Some($pattern) => {}
            other => panic!("{other:?} instead of {}", stringify!($pattern)),
        }
    };
}

#[test]
fn the_ready_for_query_of_a_safe_point_is_sent_only_after_the_safe_point_is_told() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[query("r")]).is_none());
    assert_eq!(stage.server_hears(), query("r"));
    assert_outcome!(stage.server_says(&[command_complete("SET"), ready(b'I')]), Outcome::SafePoint);
    assert_eq!(stage.client_hears(), b"");
    assert!(stage.ledger.is_safe_point());
    assert!(!stage.relay.is_mid_message());
    assert!(stage.turn().is_none());
    assert_eq!(stage.client_hears(), [command_complete("SET"), ready(b'I')].concat());
}

#[test]
fn a_ready_for_query_inside_a_transaction_passes_without_further_ado() {
    for (byte, status) in [(b'T', Status::Open), (b'E', Status::Failed)] {
        let mut stage = Stage::new();
        assert!(stage.client_says(&[query("b")]).is_none());
        assert!(stage.server_says(&[command_complete("BEGIN"), ready(byte)]).is_none());
        assert_eq!(stage.client_hears(), [command_complete("BEGIN"), ready(byte)].concat());
        assert_eq!(stage.ledger.status(), status);
        assert_eq!(stage.front.status, Some(status));
        assert!(!stage.ledger.is_safe_point());
    }
}

#[test]
fn the_gates_own_messages_are_invisible() {
    let mut stage = Stage::new();
    stage.server.outbox.buffer().extend(query("BEGIN"));
    stage.ledger.expect_hidden(Reply::Query);
    assert!(stage.client_says(&[query("r")]).is_none());
    assert_eq!(stage.server_hears(), [query("BEGIN"), query("r")].concat());
    assert!(stage.server_says(&[notice(), command_complete("BEGIN"), ready(b'T')]).is_none());
    assert_eq!(stage.client_hears(), b"");
    assert!(stage.server_says(&[command_complete("SELECT 0"), ready(b'T')]).is_none());
    assert_eq!(stage.client_hears(), [command_complete("SELECT 0"), ready(b'T')].concat());
}

#[test]
fn a_failure_of_the_gates_own_message_ends_the_relay_before_anything_after_it_passes() {
    let mut stage = Stage::new();
    stage.server.outbox.buffer().extend(query("BEGIN"));
    stage.ledger.expect_hidden(Reply::Query);
    assert!(stage.client_says(&[query("r")]).is_none());
    let answers = [error(), ready(b'I'), command_complete("DELETE 7"), ready(b'I')];
    assert_outcome!(stage.server_says(&answers), Outcome::HiddenFailed);
    assert_eq!(stage.client_hears(), b"");
    assert!(stage.client.outbox.is_empty());
}

#[test]
fn an_answer_of_the_gates_own_comes_in_its_turn() {
    let mut stage = Stage::new();
    let pipeline = [parse("r", "a"), parse("L", "b"), parse("r", "c"), parse("L", "d"), sync()];
    assert!(stage.client_says(&pipeline).is_none());
    assert_eq!(stage.server_hears(), [parse("r", "a"), parse("r", "c"), sync()].concat());
    assert!(stage.server_says(&[notice()]).is_none());
    assert_eq!(stage.client_hears(), notice());
    assert!(stage.server_says(&[parse_complete()]).is_none());
    assert_eq!(stage.client_hears(), parse_complete().repeat(2));
    assert!(stage.server_says(&[notice()]).is_none());
    assert_eq!(stage.client_hears(), notice());
    assert_outcome!(stage.server_says(&[parse_complete(), ready(b'I')]), Outcome::SafePoint);
    assert!(stage.turn().is_none());
    assert_eq!(stage.client_hears(), [parse_complete().repeat(2), ready(b'I')].concat());
}

#[test]
fn an_answer_of_the_gates_own_after_an_error_is_not_given() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[parse("e", "a"), parse("L", "b"), sync()]).is_none());
    assert_outcome!(stage.server_says(&[error(), ready(b'I')]), Outcome::SafePoint);
    assert!(stage.turn().is_none());
    assert_eq!(stage.client_hears(), [error(), ready(b'I')].concat());
}

#[test]
fn a_hold_settles_what_is_owed_with_one_flush_and_leaves_the_message_unread() {
    let mut stage = Stage::new();
    for _ in 0..2 {
        assert!(stage.client_says(&[parse("r", "a"), parse("H", "b")]).is_none());
        assert!(stage.turn().is_none());
        assert_eq!(stage.server_hears(), [parse("r", "a"), flush()].concat(), "one Flush");
        assert_outcome!(stage.server_says(&[parse_complete()]), Outcome::Held);
        assert_eq!(stage.client.inbox.unread(), parse("H", "b"));
        stage.client.inbox.consume(parse("H", "b").len());
    }
}

#[test]
fn a_held_message_is_given_back_only_between_two_messages_of_the_server() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[execute("r", 0), parse("H", "b")]).is_none());
    let done = command_complete("SELECT 1");
    let (head, tail) = done.split_at(7);
    assert!(stage.server_says(&[head.to_vec()]).is_none(), "half a message has passed");
    assert_outcome!(stage.server_says(&[tail.to_vec()]), Outcome::Held);
}

#[test]
fn a_held_message_is_dropped_when_an_error_comes_first() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[parse("e", "a"), parse("H", "b"), sync()]).is_none());
    assert_eq!(stage.server_hears(), [parse("e", "a"), flush()].concat());
    assert!(stage.server_says(&[error()]).is_none());
    assert_eq!(stage.server_hears(), sync());
    assert_outcome!(stage.server_says(&[ready(b'I')]), Outcome::SafePoint);
}

#[test]
fn a_part_ends_with_its_ready_for_query_kept_back_and_takes_nothing_else_from_the_client() {
    let mut stage = Stage::new();
    stage.server.outbox.buffer().extend(query("i"));
    stage.ledger.expect_part(WATCHED);
    stage.relay.begin_part();
    assert!(stage.client_says(&[]).is_none());
    assert!(stage.server_says(&[copy_in()]).is_none());
    assert_eq!(stage.client_hears(), copy_in());
    assert!(stage.client_says(&[copy_data(b"1"), copy_done(), query("next")]).is_none());
    assert_eq!(stage.server_hears(), [query("i"), copy_data(b"1"), copy_done()].concat());
    assert_outcome!(stage.server_says(&[command_complete("COPY 1"), ready(b'I')]), Outcome::PartDone);
    assert_eq!(stage.front.finished, [true]);
    assert!(stage.ledger.is_safe_point());
    assert!(stage.client_says(&[]).is_none());
    assert_eq!(stage.client_hears(), command_complete("COPY 1"), "its ReadyForQuery was kept back");
    assert_eq!(stage.server_hears(), query("next"));
}

#[test]
fn a_part_that_fails_says_so() {
    let mut stage = Stage::new();
    stage.server.outbox.buffer().extend(query("e"));
    stage.ledger.expect_part(WATCHED);
    stage.relay.begin_part();
    assert_outcome!(stage.server_says(&[error(), ready(b'I')]), Outcome::PartDone);
    assert_eq!(stage.front.finished, [false]);
}

#[test]
fn late_copy_data_after_a_failed_copy_is_dropped_and_never_reaches_the_server() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[query("x"), copy_data(b"1")]).is_none());
    assert!(stage.server_says(&[copy_in()]).is_none());
    assert_outcome!(stage.server_says(&[error(), ready(b'I')]), Outcome::SafePoint);
    stage.server_hears();
    assert!(stage.client_says(&[copy_data(b"2"), copy_data(&[0; 100_000]), copy_done()]).is_none());
    assert_eq!(stage.server_hears(), b"");
    assert!(stage.client_says(&[query("r")]).is_none());
    assert_eq!(stage.server_hears(), query("r"));
}

#[test]
fn a_lease_does_not_end_in_the_middle_of_the_clients_copy_data() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[query("x")]).is_none());
    assert!(stage.server_says(&[copy_in()]).is_none());
    let data = copy_data(&[7; 1000]);
    assert!(stage.client_says(&[data[..500].to_vec()]).is_none());
    assert!(stage.server_says(&[error(), ready(b'I')]).is_none(), "the rest belongs to this server");
    assert_eq!(stage.client_hears(), [copy_in(), error()].concat());
    assert_outcome!(stage.client_says(&[data[500..].to_vec()]), Outcome::SafePoint);
    assert!(!stage.relay.is_mid_message());
    assert_eq!(stage.server_hears(), [query("x"), data].concat());
}

#[test]
fn a_sync_during_a_copy_does_not_reach_the_server_and_anything_else_is_a_fault() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[execute("i", 0)]).is_none());
    assert!(stage.server_says(&[copy_in()]).is_none());
    assert!(stage.client_says(&[copy_data(b"1"), sync(), flush(), copy_data(b"2")]).is_none());
    assert_eq!(stage.server_hears(), [execute("i", 0), copy_data(b"1"), copy_data(b"2")].concat());
    let fault = stage.client_says(&[query("r")]);
    assert_outcome!(fault, Outcome::ClientFault(ClientFault::Malformed(_)));
}

#[test]
fn notices_parameters_and_notifications_pass_at_any_time() {
    let notification = message(b'A', b"\0\0\0\x01x\0y\0");
    let any = [notice(), parameter_status("TimeZone", "UTC"), notification.clone()];
    let mut stage = Stage::new();
    assert!(stage.server_says(&any).is_none(), "with nothing owed");
    assert_eq!(stage.client_hears(), any.concat());
    assert!(stage.client_says(&[parse("r", ""), execute("r", 0), sync()]).is_none());
    for answer in [parse_complete(), message(b'D', b"\0\0"), command_complete("SELECT 1")] {
        assert!(stage.server_says(&any).is_none());
        assert!(stage.server_says(std::slice::from_ref(&answer)).is_none());
        assert_eq!(stage.client_hears(), [any.concat(), answer].concat());
    }
    assert_eq!(stage.front.parameters.len(), 4);
}

#[test]
fn the_front_keeps_parameters_to_itself_and_replaces_reports() {
    let mut stage = Stage::new();
    stage.front.replacement = Some(notice());
    let said = [parameter_status("secret", "x"), error(), parameter_status("shown", "y")];
    assert!(stage.server_says(&said).is_none());
    assert_eq!(stage.client_hears(), [notice(), parameter_status("shown", "y")].concat());
}

#[test]
fn an_error_too_long_to_be_shown_to_the_front_passes_as_it_came() {
    let long = report(b'E', "ERROR", "XX000", &"long ".repeat(100_000));
    let mut stage = Stage::with_pipes(1 << 20);
    stage.front.replacement = Some(notice());
    assert!(stage.client_says(&[query("e")]).is_none());
    assert!(stage.server_says(std::slice::from_ref(&long)).is_none());
    assert_outcome!(stage.server_says(&[ready(b'I')]), Outcome::SafePoint);
    assert!(stage.turn().is_none());
    assert!(stage.client_hears() == [long, ready(b'I')].concat());
    assert_eq!(stage.front.errors, 1, "that there was one, it is told");
}

#[test]
fn a_servers_farewell_reaches_the_client_before_the_end_is_told() {
    let farewell = report(b'E', "FATAL", "57P01", "terminating connection");
    for conversation in [vec![], vec![query("r")], vec![parse("r", ""), sync()], vec![parse("r", "")]] {
        let mut stage = Stage::new();
        assert!(stage.client_says(&conversation).is_none());
        assert!(stage.server_says(std::slice::from_ref(&farewell)).is_none());
        assert_eq!(stage.client_hears(), farewell);
        assert_outcome!(stage.server_goes(), Outcome::ServerGone(None));
    }
}

#[test]
fn a_farewell_is_heard_even_if_the_server_takes_no_more() {
    let farewell = report(b'E', "FATAL", "57P01", "terminating connection");
    let mut stage = Stage::new();
    stage.server_stops_reading();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(stage.client.poll_fill(&mut context).is_pending());
    stage.client.inbox.extend(&query("r"));
    assert_outcome!(stage.server_says(std::slice::from_ref(&farewell)), Outcome::ServerGone(Some(_)));
    let owed = stage.client.outbox.buffer().clone();
    assert_eq!(owed, farewell);
}

#[test]
fn terminate_ends_the_relay() {
    let mut stage = Stage::new();
    assert_outcome!(stage.client_says(&[terminate()]), Outcome::Terminated);
}

#[test]
fn a_side_that_goes_at_any_byte_is_told_and_nothing_panics() {
    let asked =
        [parse("r", "text"), bind("r", "r", &[Some("v")]), execute("i", 0), copy_data(b"1"), copy_done()];
    let asked = [asked.concat(), sync(), query("r"), sync()].concat();
    let answered = [parse_complete(), message(b'2', &[]), copy_in(), command_complete("COPY 1"), ready(b'I')];
    let answered = [answered.concat(), row_description(&["x"]), data_row(&[Some("1")])].concat();
    let answered = [answered, command_complete("SELECT 1"), ready(b'I'), ready(b'I')].concat();
    let settle = |stage: &mut Stage, mut outcome: Option<Outcome>| loop {
        match outcome {
            Some(Outcome::SafePoint) => outcome = stage.turn(),
            other => return other,
        }
    };
    for cut in 0..=asked.len() {
        let mut stage = Stage::new();
        let outcome = stage.client_says(&[asked[..cut].to_vec()]);
        assert!(settle(&mut stage, outcome).is_none(), "cut at {cut}");
        assert_outcome!(stage.client_goes(), Outcome::ClientGone(None));
    }
    for cut in 0..=answered.len() {
        let mut stage = Stage::new();
        assert!(stage.client_says(std::slice::from_ref(&asked)).is_none());
        let outcome = stage.server_says(&[answered[..cut].to_vec()]);
        assert!(settle(&mut stage, outcome).is_none(), "cut at {cut}");
        assert_outcome!(stage.server_goes(), Outcome::ServerGone(None));
    }
}

#[test]
fn a_server_that_answers_what_nobody_asked_is_found_out() {
    let mut stage = Stage::new();
    assert_outcome!(stage.server_says(&[ready(b'I')]), Outcome::ServerFault(ServerFault::Unexpected(_)));
    for answer in [parse_complete(), data_row(&[]), command_complete("x"), ready(b'I'), copy_in()] {
        let mut stage = Stage::new();
        assert!(stage.client_says(&[bind("", "r", &[])]).is_none());
        let outcome = stage.server_says(&[answer]);
        assert_outcome!(outcome, Outcome::ServerFault(ServerFault::Unexpected(_)));
        assert_eq!(stage.client_hears(), b"");
    }
    let mut stage = Stage::new();
    assert!(stage.client_says(&[query("r")]).is_none());
    let twice = [command_complete("x"), ready(b'I'), ready(b'I')];
    assert_outcome!(stage.server_says(&twice), Outcome::SafePoint);
    assert_outcome!(stage.turn(), Outcome::ServerFault(ServerFault::Unexpected(_)));
}

#[test]
fn a_statement_that_is_too_long_is_refused_before_it_is_read() {
    let length = i32::try_from(STATEMENT_BYTES).expect("small");
    for tag in [b'Q', b'P', b'D', b'E', b'C'] {
        let mut stage = Stage::new();
        let outcome = stage.client_says(&[message_of_length(tag, length, b"")]);
        assert_outcome!(outcome, Outcome::ClientFault(ClientFault::TooLong(_)));
    }
    let mut stage = Stage::new();
    assert!(stage.client_says(&[bind("", "r", &[Some(&"v".repeat(STATEMENT_BYTES))])]).is_none());
    assert!(stage.server_hears().len() > STATEMENT_BYTES, "a Bind may be longer");
    let mut stage = Stage::new();
    let outcome = stage.client_says(&[bind("", "G", &[Some(&"v".repeat(STATEMENT_BYTES))])]);
    assert_outcome!(outcome, Outcome::ClientFault(ClientFault::TooLong(_)));
}

#[test]
fn a_pipeline_longer_than_the_ledger_makes_the_client_wait_and_is_answered_in_full() {
    const MESSAGES: usize = 40_000;
    let mut stage = Stage::new();
    let one = parse("r", "");
    assert!(stage.client_says(&[one.repeat(MESSAGES), sync()]).is_none());
    let (mut asked, mut answered, mut heard) = (0, 0, 0);
    loop {
        let came = stage.server_hears();
        let parses = came.len() / one.len();
        asked += parses;
        assert!(asked - answered <= 17_000, "{asked} asked, {answered} answered");
        if parses == 0 {
            break;
        }
        assert!(came.ends_with(&flush()) || came.ends_with(&sync()) || parses > 0);
        assert!(stage.server_says(&[parse_complete().repeat(parses)]).is_none());
        answered += parses;
        heard += stage.client_hears().len();
    }
    assert_eq!((asked, heard), (MESSAGES, MESSAGES * 5));
    assert_outcome!(stage.server_says(&[ready(b'I')]), Outcome::SafePoint);
}

#[test]
fn a_client_that_does_not_read_makes_the_server_wait_not_the_gate_pay() {
    for row in [data_row(&[Some("x")]), message(b'D', &vec![0; 8 << 20])] {
        let mut stage = Stage::with_pipes(16 << 20);
        assert!(stage.client_says(&[query("r")]).is_none());
        let rows = row.repeat((8 << 20) / row.len() + 1);
        // The client's socket is full.
        let mut clogged = Stage::with_pipes(0);
        std::mem::swap(&mut stage.client.stream.write, &mut clogged.client.stream.write);
        assert!(stage.server_says(&[rows]).is_none());
        assert!(stage.turn().is_none());
        assert!(stage.memory() <= MOST_MEMORY, "{} bytes", stage.memory());
    }
}

#[test]
fn a_server_that_does_not_read_makes_the_client_wait_not_the_gate_pay() {
    for data in [copy_data(b"x"), copy_data(&vec![0; 8 << 20])] {
        let mut stage = Stage::with_pipes(16 << 20);
        assert!(stage.client_says(&[query("i")]).is_none());
        assert!(stage.server_says(&[copy_in()]).is_none());
        let mut clogged = Stage::with_pipes(0);
        std::mem::swap(&mut stage.server.stream.write, &mut clogged.server.stream.write);
        assert!(stage.client_says(&[data.repeat((8 << 20) / data.len() + 1)]).is_none());
        assert!(stage.turn().is_none());
        assert!(stage.memory() <= MOST_MEMORY, "{} bytes", stage.memory());
    }
}

#[test]
fn a_long_statement_without_room_is_left_unread_and_what_is_owed_comes_first() {
    let mut stage = Stage::new();
    stage.front.is_crowded = true;
    let long = query(&"r".repeat(STATEMENT_BYTES / 2));
    assert!(stage.client_says(&[query("r"), long[..100].to_vec()]).is_none());
    assert_eq!(stage.server_hears(), query("r"));
    assert_outcome!(stage.server_says(&[command_complete("x"), ready(b'T')]), Outcome::Held);
    assert_eq!(stage.server_hears(), b"");
    stage.front.is_crowded = false;
    assert!(stage.client_says(&[long[100..].to_vec()]).is_none());
    assert_eq!(stage.server_hears(), long);
}

#[test]
fn what_is_sent_ahead_of_terminate_is_carried_out() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[query("one"), query("two"), terminate()]).is_none());
    assert_eq!(stage.server_hears(), [query("one"), query("two")].concat());
    assert!(stage.client_goes().is_none(), "a client that has left is not listened to");
    assert!(stage.server_says(&[command_complete("x"), ready(b'T')]).is_none());
    assert_outcome!(stage.server_says(&[command_complete("x"), ready(b'I')]), Outcome::SafePoint);

    let mut stage = Stage::new();
    assert!(stage.client_says(&[parse("r", ""), terminate()]).is_none());
    assert_eq!(stage.server_hears(), [parse("r", ""), flush()].concat());
    assert_outcome!(stage.server_says(&[parse_complete()]), Outcome::Terminated);
}

#[test]
fn a_client_that_leaves_in_a_copy_or_does_not_take_its_rows_is_gone() {
    let mut stage = Stage::new();
    assert!(stage.client_says(&[query("r"), terminate()]).is_none());
    assert_outcome!(stage.server_says(&[copy_in()]), Outcome::Terminated);

    // Half a message that happens to end as Terminate does.
    let half = [&query(&"v".repeat(100))[..40], &terminate()].concat();
    let mut stage = Stage::new();
    assert!(stage.client_says(&[query("r"), half]).is_none());
    assert_outcome!(stage.client_goes(), Outcome::ClientGone(_));

    let mut stage = Stage::new();
    assert!(stage.client_says(&[query("r"), terminate()]).is_none());
    assert!(stage.client_goes().is_none());
    let rows = data_row(&[Some(&"v".repeat(1000))]).repeat(200);
    let mut outcome = stage.server_says(&[rows]);
    while outcome.is_none() && !stage.server.inbox.is_empty() {
        outcome = stage.turn();
    }
    assert_outcome!(outcome, Outcome::ClientGone(Some(_)));
}
