//! Exchanges of messages, held with an analyst's session and with one Postgres that has everybody's rows.

use crate::stage::Stage;
use stuffgate_tests::testkit::{Client, Fields, Frame};

/// What it shows, and the messages that a client sends.
pub(crate) type Exchange = (&'static str, Vec<Vec<u8>>);

/// BindComplete.
const BOUND: &str = "2 ";

/// Holds each exchange with both; they have to answer alike, message by message.
pub(crate) async fn agree(exchanges: Vec<Exchange>) {
    let stage = Stage::start().await;
    let mut wrong = Vec::new();
    for (name, messages) in exchanges {
        let wanted = played(&mut stage.oracle("public").await, &messages).await;
        let got = played(&mut stage.analyst("auto").await, &messages).await;
        if wanted != got {
            wrong.push(format!("{name}\n   oracle {wanted:#?}\n   gate {got:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Sends it all; a line for each message that comes, up to the last ReadyForQuery.
async fn played(client: &mut Client, messages: &[Vec<u8>]) -> Vec<String> {
    let all = messages.concat();
    client.send(&all).await.unwrap();
    let mut lines = Vec::new();
    for _ in 0..rounds(&all) {
        loop {
            let Ok(frame) = client.frame().await else {
                lines.push("the connection ended".to_owned());
                return lines;
            };
            // A value is judged when it is used, not when it is bound.
            if frame.tag == b'E' && lines.last().is_some_and(|last: &String| last == BOUND) {
                lines.pop();
            }
            lines.extend(line(&frame));
            if frame.tag == b'Z' {
                break;
            }
        }
    }
    lines
}

/// How many messages are answered by ReadyForQuery.
fn rounds(mut all: &[u8]) -> usize {
    let mut rounds = 0;
    while let Some((head, rest)) = all.split_first_chunk::<5>() {
        rounds += usize::from(matches!(head[0], b'Q' | b'S'));
        let size = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        all = &rest[usize::try_from(size).unwrap() - 4..];
    }
    rounds
}

/// A message without what two servers may say differently: words of errors, where a column comes from.
fn line(frame: &Frame) -> Option<String> {
    let tag = char::from(frame.tag);
    match frame.tag {
        b'S' | b'N' => None,
        b'E' => {
            let fields = Fields::of(frame);
            Some(format!("{tag} {} {:?}", fields.code(), fields.0.get(&'P')))
        }
        b'T' => {
            let columns = crate::reply::columns(&frame.body);
            Some(format!("{tag} {columns:?}"))
        }
        _ => Some(format!("{tag} {}", frame.body.escape_ascii())),
    }
}
