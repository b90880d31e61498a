//! Identifiers: how Postgres folds them, and how they are written so that they mean themselves.

use super::catalog::Called;
use crate::{Token, TokenKind};
use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

/// Bytes of a name that Postgres keeps.
const NAME_BYTES: usize = 63;

/// The name that an identifier stands for.
pub(crate) fn folded(ident: &Ident) -> String {
    let name = match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    };
    truncated(name)
}

/// The name that a token stands for if it is one; a key word may be one too.
pub(crate) fn of_token(text: &str, token: &Token) -> Option<String> {
    let word = &text[token.range()];
    match token.kind {
        TokenKind::Word => Some(truncated(word.to_ascii_lowercase())),
        TokenKind::Quoted => {
            let inner = word.strip_prefix('"')?.strip_suffix('"')?;
            Some(truncated(inner.replace("\"\"", "\"")))
        }
        _ => None,
    }
}

fn truncated(mut name: String) -> String {
    if name.len() > NAME_BYTES {
        let mut end = NAME_BYTES;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
    }
    name
}

/// An identifier that stands for `name`, always quoted.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The parts of a name; `None` if one of them is no identifier.
pub(crate) fn idents(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Some(ident),
            ObjectNamePart::Function(_) => None,
        })
        .collect()
}

/// A name of one or two parts.
pub(crate) fn called(name: &ObjectName) -> Option<Called> {
    match idents(name)?.as_slice() {
        [name] => Some(Called { schema: None, name: folded(name) }),
        [schema, name] => Some(Called { schema: Some(folded(schema)), name: folded(name) }),
        _ => None,
    }
}
