//! The ledger as tables: what was sent, what the server answers, and what then is owed.

use super::*;

/// What happens to a ledger.
#[derive(Clone, Copy, Debug)]
enum Event {
    Sends(Reply),
    /// A message of the server, which the client gets.
    Passes(u8),
    /// ReadyForQuery.
    Ready(u8),
    /// What has to be true now: settled, safe point, skipping.
    Is(bool, bool, bool),
}

use Event::{Is, Passes, Ready, Sends};
use Reply::{Bind, Call, Close, CopyEnd, DescribePortal, DescribeStatement, Execute, Parse, Query, Sync};

const WATCHED: Notes = Notes { watched: true, rows: Rows::NONE };
const SAFE: Event = Is(true, true, false);
const OWING: Event = Is(false, false, false);

fn play(name: &str, events: &[Event]) {
    let mut ledger = Ledger::default();
    for (at, event) in events.iter().enumerate() {
        let place = format!("{name}, event {at}: {event:?}");
        match *event {
            Sends(reply) => ledger.expect(reply),
            Passes(tag) => assert!(ledger.receive(tag).expect(&place).forward, "{place}"),
            Ready(status) => assert!(ledger.receive_ready(status).expect(&place).forward, "{place}"),
            Is(settled, safe, skipping) => {
                let is = (ledger.is_settled(), ledger.is_safe_point(), ledger.is_skipping());
                assert_eq!(is, (settled, safe, skipping), "{place}");
            }
        }
    }
}

#[test]
fn every_exchange_of_the_manual_settles_where_it_should() {
    let simple: [(&str, &[Event]); 7] = [
        ("rows", &[Sends(Query), OWING, Passes(b'T'), Passes(b'D'), Passes(b'C'), OWING, Ready(b'I'), SAFE]),
        (
            "several",
            &[Sends(Query), Passes(b'C'), Passes(b'T'), Passes(b'C'), Passes(b'I'), Ready(b'I'), SAFE],
        ),
        ("error", &[Sends(Query), Passes(b'T'), Passes(b'D'), Passes(b'E'), OWING, Ready(b'I'), SAFE]),
        ("block", &[Sends(Query), Passes(b'C'), Ready(b'T'), Is(true, false, false)]),
        (
            "copy out",
            &[Sends(Query), Passes(b'H'), Passes(b'd'), Passes(b'c'), Passes(b'C'), Ready(b'I'), SAFE],
        ),
        (
            "two",
            &[Sends(Query), Sends(Query), Passes(b'C'), Ready(b'I'), OWING, Passes(b'C'), Ready(b'I'), SAFE],
        ),
        ("call", &[Sends(Call), Passes(b'V'), Ready(b'I'), Sends(Call), Passes(b'E'), Ready(b'I'), SAFE]),
    ];
    let extended: [(&str, &[Event]); 6] = [
        (
            "prepared",
            &[
                Sends(Parse),
                Sends(DescribeStatement),
                Sends(Bind),
                Sends(DescribePortal),
                Sends(Execute),
                Sends(Close),
                Sends(Sync),
                Passes(b'1'),
                Passes(b't'),
                Passes(b'T'),
                Passes(b'2'),
                Passes(b'n'),
                Passes(b'D'),
                Passes(b's'),
                Passes(b'3'),
                OWING,
                Ready(b'I'),
                SAFE,
            ],
        ),
        ("flushed", &[Sends(Parse), Passes(b'1'), Is(true, false, false), Sends(Sync), Ready(b'I'), SAFE]),
        (
            "error skips what is sent later",
            &[Sends(Bind), Passes(b'E'), Is(true, false, true), Sends(Sync), OWING, Ready(b'I'), SAFE],
        ),
        (
            "error skips what was sent before",
            &[Sends(Bind), Sends(Execute), Sends(Query), Sends(Sync), Sends(Parse), Passes(b'E'), OWING],
        ),
        (
            "error at commit",
            &[Sends(Execute), Sends(Sync), Passes(b'C'), Passes(b'E'), OWING, Ready(b'I'), SAFE],
        ),
        (
            "a simple query ends a segment",
            &[Sends(Parse), Sends(Query), Passes(b'1'), Passes(b'C'), Ready(b'I'), SAFE],
        ),
    ];
    for (name, events) in simple.into_iter().chain(extended) {
        play(name, events);
    }
}

#[test]
fn copies_end_as_the_client_and_the_server_end_them() {
    let table: [(&str, &[Event]); 6] = [
        ("waited for", &[Sends(Query), Passes(b'G'), Sends(CopyEnd), OWING, Passes(b'C'), Ready(b'I'), SAFE]),
        ("blind", &[Sends(Query), Sends(CopyEnd), Passes(b'G'), Passes(b'C'), Ready(b'I'), SAFE]),
        ("blind, for nothing", &[Sends(Query), Sends(CopyEnd), Passes(b'E'), Ready(b'I'), SAFE]),
        (
            "a Sync that is swallowed",
            &[
                Sends(Execute),
                Sends(Sync),
                Passes(b'G'),
                Sends(CopyEnd),
                Passes(b'C'),
                Is(true, false, false),
            ],
        ),
        (
            "a Sync that is swallowed and one that is not",
            &[
                Sends(Execute),
                Sends(Sync),
                Sends(CopyEnd),
                Sends(Sync),
                Passes(b'G'),
                Passes(b'C'),
                Ready(b'I'),
                SAFE,
            ],
        ),
        (
            "a copy by Execute that fails",
            &[
                Sends(Execute),
                Passes(b'G'),
                Passes(b'E'),
                Is(true, false, true),
                Sends(Sync),
                Ready(b'I'),
                SAFE,
            ],
        ),
    ];
    for (name, events) in table {
        play(name, events);
    }
}

#[test]
fn what_comes_at_any_time_changes_nothing() {
    for tag in [b'N', b'S', b'A'] {
        play("nothing owed", &[Passes(tag), SAFE]);
        play(
            "between",
            &[Sends(Bind), Passes(tag), OWING, Passes(b'2'), Passes(tag), Sends(Sync), Ready(b'I'), SAFE],
        );
    }
    play("farewell", &[Passes(b'E'), SAFE]);
}

#[test]
fn an_answer_that_does_not_fit_is_unexpected() {
    let table: [(Reply, &[u8]); 6] = [
        (Query, b"12stnV3RKvW"),
        (Parse, b"2TDCsI3tnGHdcV"),
        (Bind, b"1TDCsI3tnGHdcV"),
        (Execute, b"12Ttn3V"),
        (Close, b"12TDCsItnGHdcV"),
        (Sync, b"12TDCsI3tnGHdcV"),
    ];
    for (reply, tags) in table {
        for tag in tags {
            let mut ledger = Ledger::default();
            ledger.expect(reply);
            let answer = ledger.receive(*tag);
            assert_eq!(answer, Err(Unexpected(*tag)), "{reply:?} answered by {:?}", char::from(*tag));
        }
    }
    for status in [b'i', 0, b'X'] {
        let mut ledger = Ledger::default();
        ledger.expect(Query);
        assert!(ledger.receive_ready(status).is_err(), "status {status}");
    }
}

#[test]
fn hidden_answers_do_not_pass_but_the_error_of_a_hidden_parse_is_the_clients() {
    let mut ledger = Ledger::default();
    ledger.expect_hidden(Parse);
    ledger.expect(Bind);
    assert!(!ledger.receive(b'1').expect("owed").forward);
    assert!(ledger.receive(b'2').expect("owed").forward);
    ledger.expect_hidden(Parse);
    assert!(ledger.receive(b'E').expect("owed").forward);
    assert!(!ledger.hidden_failed());

    let mut ledger = Ledger::default();
    ledger.expect_hidden(Query);
    assert!(!ledger.is_settled() && !ledger.owes_client());
    ledger.expect(Query);
    assert!(ledger.owes_client());

    let mut ledger = Ledger::default();
    ledger.expect_hidden(Query);
    assert!(!ledger.receive(b'E').expect("owed").forward);
    let step = ledger.receive_ready(b'I').expect("owed");
    assert_eq!(step, Step::forward(false));
    assert!(ledger.hidden_failed());
}

#[test]
fn the_front_hears_how_each_watched_message_went() {
    let mut ledger = Ledger::default();
    ledger.expect_noted(Parse, WATCHED);
    ledger.expect_noted(Execute, WATCHED);
    ledger.expect_noted(Query, WATCHED);
    ledger.expect(Sync);
    for tag in [b'1', b'E'] {
        assert!(ledger.receive(tag).is_ok());
    }
    assert_eq!(ledger.finished, [true, false, false]);
    ledger.expect(Parse);
    ledger.expect_noted(Query, WATCHED);
    assert!(ledger.receive_ready(b'I').is_ok());
    assert!(ledger.receive(b'E').is_ok());
    assert_eq!(ledger.finished, [true, false, false, false]);
}

/// Whether the rows of each statement of a message are shown.
fn shown(rows: Rows, statements: usize) -> Vec<bool> {
    let mut ledger = Ledger::default();
    ledger.expect_noted(Query, Notes { watched: false, rows });
    let mut one = || {
        assert!(ledger.receive(b'T').is_ok());
        let shown = ledger.receive(b'D').expect("owed").shown;
        assert_eq!(ledger.receive(b'D').expect("owed").shown, shown);
        assert!(ledger.receive(b'C').is_ok());
        shown
    };
    (0..statements).map(|_| one()).collect()
}

#[test]
fn the_rows_of_those_statements_are_shown_that_are_marked() {
    assert_eq!(shown(Rows::NONE, 3), [false; 3]);
    assert_eq!(shown(Rows::ALL, 100), [true; 100]);
    let marked = [false, true, true, false, false, true, false];
    assert_eq!(shown(Rows::of(marked), 7), marked);
    let (mut late, mut expected) = ([false; 70], [false; 70]);
    (late[3], late[60]) = (true, true);
    expected[3] = true;
    expected[31..].fill(true); // from the last bit on, all of them or none
    assert_eq!(shown(Rows::of(late), 70), expected);
    late[60] = false;
    assert_eq!(shown(Rows::of(late), 70), late);
}

#[test]
fn the_rows_of_a_portal_are_shown_each_time_it_is_executed_so() {
    let mut ledger = Ledger::default();
    for rows in [Rows::ALL, Rows::NONE, Rows::ALL] {
        ledger.expect_noted(Execute, Notes { watched: false, rows });
    }
    for shown in [true, false, true] {
        assert_eq!(ledger.receive(b'D').expect("owed").shown, shown);
        assert_eq!(ledger.receive(b'd').expect("owed").shown, shown);
        assert!(ledger.receive(b's').is_ok());
    }
}

#[test]
fn answers_of_the_gates_own_wait_for_what_was_sent_before_them() {
    let mut ledger = Ledger::default();
    ledger.answer(b'1');
    assert_eq!(ledger.due, b"1");
    ledger.expect(Bind);
    ledger.answer(b'3');
    ledger.expect(Sync);
    assert_eq!(ledger.due, b"1");
    assert!(ledger.receive(b'2').is_ok());
    assert_eq!(ledger.due, b"13");
    assert!(!ledger.is_settled());
    assert!(ledger.receive_ready(b'I').is_ok());
    assert!(ledger.is_safe_point());
}
