//! Every length that cannot be, at every message type and phase, in both directions: a fault, no panic.

use crate::stage::Stage;
use proptest::prelude::*;
use relay::{ClientFault, Outcome, ServerFault};
use testkit::frames::*;

const LENGTHS: [i32; 8] = [-1, 0, 1, 2, 3, i32::MIN, i32::MAX, 0x4000_0004];

/// What a phase is called, what the client has said and what the server has answered.
type Phase = (&'static str, Vec<Vec<u8>>, Vec<Vec<u8>>);

/// Phases that a session can be in.
fn phases() -> Vec<Phase> {
    let error = || report(b'E', "ERROR", "XX000", "no");
    let copying = message(b'G', &[0, 0, 0]);
    vec![
        ("idle", vec![], vec![]),
        ("querying", vec![query("r")], vec![]),
        ("in rows", vec![query("r")], vec![row_description(&["x"]), data_row(&[Some("1")])]),
        ("in a transaction", vec![query("b")], vec![command_complete("BEGIN"), ready(b'T')]),
        ("pipelining", vec![parse("r", ""), bind("", "r", &[]), execute("r", 0)], vec![]),
        ("synced", vec![parse("r", ""), execute("r", 0), sync()], vec![message(b'1', &[])]),
        ("skipping", vec![parse("e", "")], vec![error()]),
        ("copying in", vec![query("i")], vec![copying.clone()]),
        ("copying in by Execute", vec![execute("i", 0)], vec![copying]),
        ("copying out", vec![query("o")], vec![message(b'H', &[0, 0, 0]), copy_data(b"x")]),
        ("after a failed copy", vec![query("i"), copy_data(b"x")], vec![error()]),
    ]
}

fn in_phase(said: &[Vec<u8>], answered: &[Vec<u8>]) -> Stage {
    let mut stage = Stage::new();
    assert!(stage.client_says(said).is_none());
    assert!(stage.server_says(answered).is_none());
    stage
}

#[test]
fn a_client_message_of_an_impossible_length_is_a_fault_in_every_phase() {
    for (phase, said, answered) in phases() {
        for tag in 0..=u8::MAX {
            for length in LENGTHS {
                let mut stage = in_phase(&said, &answered);
                let outcome = stage.client_says(&[message_of_length(tag, length, &[0; 16])]);
                assert!(
                    matches!(outcome, Some(Outcome::ClientFault(ClientFault::Frame(_)))),
                    "{phase}: {tag} of {length}: {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn a_server_message_of_an_impossible_length_is_a_fault_in_every_phase() {
    for (phase, said, answered) in phases() {
        for tag in 0..=u8::MAX {
            for length in LENGTHS {
                let mut stage = in_phase(&said, &answered);
                let outcome = stage.server_says(&[message_of_length(tag, length, &[0; 16])]);
                assert!(
                    matches!(outcome, Some(Outcome::ServerFault(ServerFault::Frame(_)))),
                    "{phase}: {tag} of {length}: {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn a_message_type_that_clients_do_not_have_is_a_fault() {
    let known = b"QPBDECFSHXdcf";
    for tag in (0..=u8::MAX).filter(|tag| !known.contains(tag)) {
        let outcome = Stage::new().client_says(&[message(tag, b"body")]);
        assert!(
            matches!(outcome, Some(Outcome::ClientFault(ClientFault::UnknownTag(t))) if t == tag),
            "{tag}"
        );
    }
}

#[test]
fn a_message_type_that_servers_do_not_send_here_is_a_fault() {
    let known = b"DTCIZESNAdcH123nstGV";
    for (phase, said, answered) in phases() {
        for tag in (0..=u8::MAX).filter(|tag| !known.contains(tag)) {
            let mut stage = in_phase(&said, &answered);
            let outcome = stage.server_says(&[message(tag, b"body")]);
            assert!(
                matches!(outcome, Some(Outcome::ServerFault(ServerFault::Unexpected(_)))),
                "{phase}: {tag}: {outcome:?}"
            );
        }
    }
}

#[test]
fn messages_that_must_be_read_whole_are_bounded() {
    let huge = i32::MAX / 4;
    let cases = [(b'S', "a ParameterStatus"), (b'Z', "a ReadyForQuery")];
    for (tag, what) in cases {
        let mut stage = in_phase(&[query("r")], &[]);
        let outcome = stage.server_says(&[message_of_length(tag, huge, b"")]);
        assert!(matches!(outcome, Some(Outcome::ServerFault(ServerFault::TooLong { .. }))), "{what}");
    }
    for tag in [b'S', b'H'] {
        let outcome = Stage::new().client_says(&[message_of_length(tag, huge, b"")]);
        assert!(matches!(outcome, Some(Outcome::ClientFault(ClientFault::Malformed(_)))), "{tag}");
    }
    let names = message(b'B', &[b'x'; 20_000]);
    let outcome = Stage::new().client_says(&[names]);
    assert!(matches!(outcome, Some(Outcome::ClientFault(ClientFault::Malformed(_)))));
    let cut_short = message(b'B', b"only one name\0");
    let outcome = Stage::new().client_says(&[cut_short]);
    assert!(matches!(outcome, Some(Outcome::ClientFault(ClientFault::Malformed(_)))));
}

#[test]
fn bodies_cut_short_go_to_the_server_to_judge_and_nothing_panics() {
    for tag in *b"QPDECF" {
        for body in [&b""[..], b"\0", b"S", b"S\0", b"x", &[0xff; 9]] {
            let mut stage = Stage::new();
            let outcome = stage.client_says(&[message(tag, body)]);
            assert!(outcome.is_none(), "{tag} {body:?}: {outcome:?}");
            assert_eq!(stage.server_hears(), message(tag, body));
        }
    }
    for body in [&b""[..], b"\0", b"x", &[0xff; 9]] {
        let mut stage = Stage::new();
        for tag in [b'E', b'N', b'S'] {
            assert!(stage.server_says(&[message(tag, body)]).is_none());
        }
    }
}

/// A message more often than not, noise otherwise.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let tags = proptest::sample::select(b"QPBDECFSHXdcfZTIN12nstGVA".to_vec());
    let body = proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        8 => (tags.clone(), body.clone()).prop_map(|(tag, body)| message(tag, &body)),
        1 => (tags, any::<i32>(), body.clone()).prop_map(|(tag, length, body)| message_of_length(tag, length, &body)),
        1 => body,
    ]
}

proptest! {
    #[test]
    fn no_bytes_from_either_side_make_it_panic_or_hoard(
        events in proptest::collection::vec((any::<bool>(), noise()), 0..40),
        passes_all: bool,
    ) {
        let mut stage = Stage::new();
        stage.front.passes_all = passes_all;
        for (from_client, bytes) in events {
            let outcome =
                if from_client { stage.client_says(&[bytes]) } else { stage.server_says(&[bytes]) };
            match outcome {
                None | Some(Outcome::SafePoint | Outcome::Held) => {}
                Some(_) => break,
            }
            prop_assert!(stage.memory() < 1 << 20);
        }
    }
}
