//! Applies changes to a text, and leads positions in the result back to the client's text.

use super::{Found, Rewritten};
use std::ops::Range;

/// One place where the rewritten text differs from the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Bytes of the client's text.
    pub client: Range<usize>,
    /// Bytes of the rewritten text that stand in their place.
    pub server: Range<usize>,
    client_characters: Range<u32>,
    server_characters: Range<u32>,
}

impl Rewritten {
    /// Leads a position in the rewritten text, in characters from 1 as in field `P` of
    /// ErrorResponse, back to the client's text. A position inside an edit is where the edit starts.
    #[must_use]
    pub fn client_position(&self, server: u32) -> u32 {
        let at = server.saturating_sub(1);
        let before = self.edits.partition_point(|edit| edit.server_characters.start <= at);
        let Some(edit) = before.checked_sub(1).and_then(|last| self.edits.get(last)) else {
            return server;
        };
        if at < edit.server_characters.end {
            edit.client_characters.start + 1
        } else {
            edit.client_characters.end + (at - edit.server_characters.end) + 1
        }
    }
}

/// How many characters the bytes of UTF-8 text hold.
#[must_use]
pub fn characters(text: &[u8]) -> u32 {
    u32::try_from(text.iter().filter(|&&b| b & 0xc0 != 0x80).count()).unwrap_or(u32::MAX)
}

pub(super) fn apply(text: &[u8], mut found: Found) -> Rewritten {
    found.changes.sort_by_key(|change| (change.range.start, change.range.end));
    found.parameters.sort();
    found.parameters.dedup_by_key(|(number, _)| *number);
    let (mut result, mut edits) = (Vec::with_capacity(text.len() + 64), Vec::new());
    let (mut read, mut client_at, mut server_at) = (0, 0, 0);
    for change in found.changes {
        if change.range.start < read {
            continue;
        }
        let kept = &text[read..change.range.start];
        result.extend_from_slice(kept);
        let start = result.len();
        result.extend_from_slice(&change.text);
        let kept = characters(kept);
        let (client, server) = (client_at + kept, server_at + kept);
        client_at = client + characters(&text[change.range.clone()]);
        server_at = server + characters(&change.text);
        read = change.range.end;
        edits.push(Edit {
            client: change.range,
            server: start..result.len(),
            client_characters: client..client_at,
            server_characters: server..server_at,
        });
    }
    result.extend_from_slice(&text[read..]);
    Rewritten { text: result, edits, parameters: found.parameters }
}
