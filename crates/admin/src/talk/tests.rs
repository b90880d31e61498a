//! Whatever a client sends, the state machine answers it within bounds.

use super::*;
use crate::facts::{PoolRow, SessionRow};
use model::Directory;
use proptest::prelude::*;
use std::sync::Arc;
use wire::frame::{Header, backend};

/// Nothing to show.
struct Nothing;

impl Facts for Nothing {
    fn directory(&self) -> Arc<Directory> {
        Arc::default()
    }

    fn pools(&self) -> Vec<PoolRow> {
        Vec::new()
    }

    fn sessions(&self) -> Vec<SessionRow> {
        Vec::new()
    }

    fn materialized(&self) -> Vec<crate::MaterializedRow> {
        Vec::new()
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn end_session(&self, _: u32) -> bool {
        false
    }

    fn reload(&self) -> Result<(), String> {
        Ok(())
    }

    fn shut_down(&self) {}
}

/// Takes one message and makes its whole answer, chunk by chunk.
fn answer(talk: &mut Talk<'_>, tag: u8, body: &[u8]) -> (Flow, Vec<u8>) {
    let (mut out, mut chunk) = (Vec::new(), Vec::new());
    let flow = talk.take(tag, body, &mut chunk);
    while talk.go_on(&mut chunk) {
        out.append(&mut chunk);
    }
    out.append(&mut chunk);
    (flow, out)
}

/// The tags of an answer, which must be whole messages.
fn tags(mut out: &[u8]) -> Vec<u8> {
    let mut tags = Vec::new();
    while let Some(header) = Header::peek(out).expect("a length in range") {
        tags.push(header.tag);
        out = out.get(header.total()..).expect("a whole message");
    }
    assert!(out.is_empty(), "bytes are left over");
    tags
}

fn message() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let texts = ["SHOW HELP", "show users;", "BEGIN", "commit", "NONSENSE", "", "SHOW VERSION; RELOAD; x"];
    let text = prop::sample::select(texts.to_vec());
    let name = prop::sample::select(vec!["", "a", "b"]);
    prop_oneof![
        text.clone().prop_map(|text| (frontend::QUERY, format!("{text}\0").into_bytes())),
        (name.clone(), text)
            .prop_map(|(name, text)| (frontend::PARSE, format!("{name}\0{text}\0\0\0").into_bytes())),
        (name.clone(), name.clone()).prop_map(|(portal, statement)| (
            frontend::BIND,
            format!("{portal}\0{statement}\0\0\0\0\0\0\0").into_bytes()
        )),
        (name.clone(), prop::sample::select(vec!["S", "P"]), any::<bool>()).prop_map(
            |(name, kind, close)| {
                let tag = if close { frontend::CLOSE } else { frontend::DESCRIBE };
                (tag, format!("{kind}{name}\0").into_bytes())
            }
        ),
        (name, 0..4_u8)
            .prop_map(|(name, limit)| (frontend::EXECUTE, [name.as_bytes(), &[0, 0, 0, 0, limit]].concat())),
        Just((frontend::SYNC, Vec::new())),
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)),
    ]
}

proptest! {
    #[test]
    fn every_sequence_of_messages_is_answered_in_whole_messages_with_one_ready_for_each_sync_or_query(
        messages in prop::collection::vec(message(), 0..60)
    ) {
        let mut talk = Talk::new(&Nothing, "ops");
        for (tag, body) in messages {
            let skipping = talk.skipping;
            let (flow, out) = answer(&mut talk, tag, &body);
            let tags = tags(&out);
            let readies = tags.iter().filter(|tag| **tag == backend::READY_FOR_QUERY).count();
            let asked = match tag {
                frontend::SYNC => true,
                frontend::QUERY | frontend::FUNCTION_CALL => !skipping,
                _ => false,
            };
            prop_assert_eq!(readies, usize::from(asked), "{}: {:?}", char::from(tag), tags);
            if flow == Flow::End {
                break;
            }
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text: String) {
        for statement in command::split(&text) {
            let _ = command::parse(statement);
        }
    }
}
