//! Turns the names that a client uses into those of its partition, token by token.
//!
//! Only tokens that name the schema change; every other byte of the text stays. The rules are pure
//! functions of the tokens: identifiers (`identifiers`), lists of a search path (`path`), string
//! constants and parameters by their role in the expression (`context`, `role`) or by what else is known of
//! them (`reading`, `evidence`), the database's name
//! (`database`), and code that the server runs later (`code`). Queries of the catalog are narrowed to what
//! a service may see (`narrow`).

mod brackets;
mod code;
mod context;
mod database;
mod evidence;
mod identifiers;
mod narrow;
mod operand;
mod path;
mod position;
mod reading;
mod role;
mod told;

pub use narrow::NOT_ALIASES;
pub use path::{map_search_path, show_search_path};
pub use position::{Edit, characters};
pub use role::{Role, map_parameter};

use crate::lexer::{Strings, Token};
use crate::literal::Decoded;
use crate::split::cut;
use crate::tokens::Tokens;
use std::ops::Range;

/// What a partition's `public` and its client's database stand for. A rewritten text depends on all
/// of them but `store_database`, which only parameters are mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names<'a> {
    /// The partition's schema.
    pub schema: &'a str,
    /// The schema of extensions.
    pub extensions: &'a str,
    /// What the client calls its database.
    pub database: &'a str,
    /// What the store calls it.
    pub store_database: &'a str,
}

/// A text as the server gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The whole text.
    pub text: Vec<u8>,
    /// What changed, in the order of the text.
    pub edits: Vec<Edit>,
    /// Bind parameters that carry names, by number (1 for `$1`): to be mapped at Bind with
    /// [`map_parameter`]. Sorted; a number occurs once.
    pub parameters: Vec<(u16, Role)>,
}

/// Rewrites a text under `standard_conforming_strings = on`; see [`rewrite_as`].
#[must_use]
pub fn rewrite(text: &[u8], names: &Names) -> Option<Rewritten> {
    rewrite_as(text, names, Strings::Standard)
}

/// What a schema partition sends instead of `text`; `None` where it sends `text` itself and no
/// parameter needs mapping. A text with a token that never ends is left for the server to refuse.
#[must_use]
pub fn rewrite_as(text: &[u8], names: &Names, strings: Strings) -> Option<Rewritten> {
    let mut found = Found::default();
    look(text, names, strings, CodeDepth(0), &mut found);
    if found.changes.is_empty() && found.parameters.is_empty() {
        return None;
    }
    Some(position::apply(text, found))
}

/// What must change in a text.
#[derive(Default)]
struct Found {
    changes: Vec<Change>,
    parameters: Vec<(u16, Role)>,
}

/// These bytes of the text become those.
struct Change {
    range: Range<usize>,
    text: Vec<u8>,
}

/// How many layers of code inside strings lie around a text.
#[derive(Clone, Copy)]
struct CodeDepth(u8);

/// Strings of code inside strings of code are followed this deep.
const MAX_CODE_DEPTH: u8 = 4;

/// One statement, or one piece of code up to a `;`.
#[derive(Clone, Copy)]
struct Piece<'a> {
    t: Tokens<'a>,
    names: &'a Names<'a>,
    strings: Strings,
    depth: CodeDepth,
}

fn look(text: &[u8], names: &Names, strings: Strings, depth: CodeDepth, found: &mut Found) {
    if names.schema == "public" {
        return;
    }
    let Ok(cut) = cut(text, strings) else { return };
    for piece in &cut.pieces {
        let t = Tokens { text, list: &cut.tokens[piece.tokens.clone()] };
        let piece = Piece { t, names, strings, depth };
        path::find(piece, found);
        identifiers::find(piece, found);
        context::find(piece, found);
        database::find(piece, found);
        code::find(piece, found);
        narrow::find(piece, found);
        told::find(piece, found);
    }
}

impl Found {
    fn replace(&mut self, token: Token, text: Vec<u8>) {
        self.changes.push(Change { range: token.range(), text });
    }

    /// Changes inside a quoted token, given in positions of its meaning.
    fn replace_inside(&mut self, decoded: &Decoded, changes: Vec<Change>) {
        for change in changes {
            self.changes
                .push(Change { range: decoded.source(change.range), text: decoded.write(&change.text) });
        }
    }
}

/// `name` as a quoted identifier ("Identifiers and Key Words").
fn quoted(name: &str) -> Vec<u8> {
    format!("\"{}\"", name.replace('"', "\"\"")).into_bytes()
}

/// A string constant that says `text` whatever `standard_conforming_strings` is.
fn literal(text: &str) -> String {
    if text.contains('\\') {
        return format!("E'{}'", text.replace('\\', r"\\").replace('\'', "''"));
    }
    format!("'{}'", text.replace('\'', "''"))
}
