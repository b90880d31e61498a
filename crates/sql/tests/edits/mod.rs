//! A rewritten text without what narrows its queries of the catalog.

use sql::{Edit, Rewritten};

/// Does the edit narrow a query, rather than change a name?
pub(crate) fn narrows(edit: &Edit, rewritten: &Rewritten) -> bool {
    edit.client.is_empty() || rewritten.text[edit.server.clone()].starts_with(b"SELECT * FROM (")
}

/// `client` with its names changed as in `rewritten`, and nothing else.
pub(crate) fn names_only(client: &[u8], rewritten: &Rewritten) -> Vec<u8> {
    let (mut text, mut read) = (Vec::new(), 0);
    for edit in rewritten.edits.iter().filter(|edit| !narrows(edit, rewritten)) {
        text.extend_from_slice(&client[read..edit.client.start]);
        text.extend_from_slice(&rewritten.text[edit.server.clone()]);
        read = edit.client.end;
    }
    text.extend_from_slice(&client[read..]);
    text
}
