//! What a string constant or parameter carries, and its value in the partition's names.

use super::{Change, identifiers, path, quoted};
use crate::Names;
use crate::lexer::{Lexer, Strings, Token, TokenKind};
use crate::tokens::Tokens;

/// What a string constant or bind parameter carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A schema's name, as the catalog stores it.
    Schema,
    /// A schema's name as an identifier, quoted or not: the text of a `regnamespace`.
    SchemaIdentifier,
    /// A pattern of `LIKE` for a schema's name.
    SchemaPattern,
    /// A regular expression for a schema's name.
    SchemaRegex,
    /// The database's name, as the catalog stores it.
    Database,
    /// An array of schema names.
    Schemas,
    /// The name of an object, with its schema or without: the text of a `regclass`.
    Qualified,
    /// Such a name as text that other text is held against: with quotes only where they are needed.
    QualifiedText,
    /// A part of such a name that the statement puts together.
    QualifiedPart,
    /// An array of names of objects.
    QualifiedNames,
    /// A search path, as the text of the parameter.
    SearchPath,
    /// The value of the parameter that bind parameter n names: a [`Role::SearchPath`] if that is
    /// `search_path`, else nothing to map. The caller looks, as it alone has both values.
    ValueOf(u16),
}

/// The value of a bind parameter, text or binary, in the partition's names; `None`: as it is.
#[must_use]
pub fn map_parameter(role: Role, value: &[u8], names: &Names) -> Option<Vec<u8>> {
    if names.schema == "public" {
        return None;
    }
    if let (Role::Schemas | Role::QualifiedNames, [0, 0, 0, _, ..]) = (role, value) {
        return binary_array(role, value, names);
    }
    let changes = changes(role, value, names);
    if changes.is_empty() {
        return None;
    }
    Some(applied(value, &changes))
}

fn applied(value: &[u8], changes: &[Change]) -> Vec<u8> {
    let (mut mapped, mut read) = (Vec::with_capacity(value.len() + 64), 0);
    for change in changes {
        mapped.extend_from_slice(&value[read..change.range.start]);
        mapped.extend_from_slice(&change.text);
        read = change.range.end;
    }
    mapped.extend_from_slice(&value[read..]);
    mapped
}

/// What must change in a value of this role, in the order of the value.
pub(super) fn changes(role: Role, value: &[u8], names: &Names) -> Vec<Change> {
    let whole = |text: Vec<u8>| vec![Change { range: 0..value.len(), text }];
    match role {
        Role::Schema if value == b"public" => whole(names.schema.as_bytes().to_vec()),
        Role::Database if value == names.database.as_bytes() && names.database != names.store_database => {
            whole(names.store_database.as_bytes().to_vec())
        }
        Role::SchemaPattern if value == b"public" => whole(escaped(names.schema, b"\\_%")),
        Role::SchemaRegex => regex(value, names),
        Role::SchemaIdentifier => lone_identifier(value, names),
        Role::Qualified => qualified(value, names),
        Role::QualifiedText => qualified_text(value, names),
        Role::QualifiedPart if value == b"public" => whole(names.schema.as_bytes().to_vec()),
        Role::QualifiedPart => qualified(value, names),
        Role::Schemas => text_array(Role::Schema, value, names),
        Role::QualifiedNames => text_array(Role::Qualified, value, names),
        Role::SearchPath | Role::ValueOf(_) => path::changes(value, names),
        Role::Schema | Role::SchemaPattern | Role::Database => Vec::new(),
    }
}

fn escaped(name: &str, special: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(name.len() + 4);
    for byte in name.bytes() {
        if special.contains(&byte) {
            text.push(b'\\');
        }
        text.push(byte);
    }
    text
}

/// Every alternative of the expression that is the word `public` and nothing else: `^(public)$`.
fn regex(value: &[u8], names: &Names) -> Vec<Change> {
    let edge = |b: Option<&u8>, edges: &[u8]| b.is_none_or(|b| edges.contains(b));
    memchr::memmem::find_iter(value, b"public")
        .filter(|&at| {
            let before = at.checked_sub(1).and_then(|i| value.get(i));
            edge(before, b"^(|") && edge(value.get(at + 6), b")|$") && !(at > 1 && value[at - 2] == b'\\')
        })
        .map(|at| Change { range: at..at + 6, text: escaped(names.schema, b"\\.^$*+?()[]{}|") })
        .collect()
}

fn lexed(value: &[u8]) -> Vec<Token> {
    Lexer::new(value, Strings::Standard).filter(|token| token.kind != TokenKind::Space).collect()
}

fn lone_identifier(value: &[u8], names: &Names) -> Vec<Change> {
    let list = lexed(value);
    let t = Tokens { text: value, list: &list };
    match list.as_slice() {
        [only] if t.named(0, "public") => vec![Change { range: only.range(), text: quoted(names.schema) }],
        _ => Vec::new(),
    }
}

fn qualified(value: &[u8], names: &Names) -> Vec<Change> {
    let list = lexed(value);
    let t = Tokens { text: value, list: &list };
    (0..t.len())
        .filter(|&i| t.named(i, "public") && t.symbol(i + 1, b'.') && !(i > 0 && t.symbol(i - 1, b'.')))
        .map(|i| Change { range: list[i].range(), text: quoted(identifiers::schema_of(t, i, names)) })
        .collect()
}

/// As [`qualified`], but a schema that needs no quotes gets none, unless it had them.
fn qualified_text(value: &[u8], names: &Names) -> Vec<Change> {
    let mut changes = qualified(value, names);
    for change in &mut changes {
        let name = change.text[1..change.text.len() - 1].to_vec();
        let plain = name.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
        if plain && value[change.range.start] != b'"' {
            change.text = name;
        }
    }
    changes
}

/// The elements of an array in text form ("Array Input and Output Syntax").
fn text_array(role: Role, value: &[u8], names: &Names) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut at = 0;
    while at < value.len() {
        match value[at] {
            b'"' => {
                let end = quoted_element(value, at);
                let element = unescaped(&value[at + 1..end.max(at + 2) - 1]);
                if let Some(mapped) = mapped_element(role, &element, names) {
                    changes.push(Change { range: at..end, text: quoted_for_array(&mapped) });
                }
                at = end;
            }
            b'{' | b'}' | b',' | b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            _ => {
                let end = value[at..].iter().position(|b| b"{},".contains(b)).map_or(value.len(), |n| at + n);
                if let Some(mapped) = mapped_element(role, value[at..end].trim_ascii(), names) {
                    changes.push(Change { range: at..end, text: quoted_for_array(&mapped) });
                }
                at = end;
            }
        }
    }
    changes
}

fn mapped_element(role: Role, element: &[u8], names: &Names) -> Option<Vec<u8>> {
    let changes = changes(role, element, names);
    if changes.is_empty() { None } else { Some(applied(element, &changes)) }
}

/// One past the quote that closes the element opened at `at`.
fn quoted_element(value: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < value.len() {
        match value[end] {
            b'\\' => end += 2,
            b'"' => return end + 1,
            _ => end += 1,
        }
    }
    value.len()
}

fn unescaped(element: &[u8]) -> Vec<u8> {
    let mut bytes = element.iter();
    let mut plain = Vec::with_capacity(element.len());
    while let Some(&byte) = bytes.next() {
        plain.extend(if byte == b'\\' { bytes.next().copied() } else { Some(byte) });
    }
    plain
}

fn quoted_for_array(element: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for &byte in element {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(byte);
    }
    text.push(b'"');
    text
}

/// The elements of an array in binary form: dimensions, flags, element type, length and lower bound
/// of each dimension, then each element behind its length; -1 for NULL.
fn binary_array(role: Role, value: &[u8], names: &Names) -> Option<Vec<u8>> {
    let element_role = if role == Role::Schemas { Role::Schema } else { Role::Qualified };
    let dimensions = usize::try_from(word(value, 0)?).ok()?;
    let header = 12usize.checked_add(dimensions.checked_mul(8)?)?;
    let mut mapped = value.get(..header)?.to_vec();
    let (mut at, mut changed) = (header, false);
    while at < value.len() {
        let length = word(value, at)?;
        at += 4;
        let Ok(length) = usize::try_from(length) else {
            mapped.extend_from_slice(&length.to_be_bytes());
            continue;
        };
        let element = value.get(at..at.checked_add(length)?)?;
        at += length;
        let new = mapped_element(element_role, element, names);
        changed |= new.is_some();
        let element = new.as_deref().unwrap_or(element);
        mapped.extend_from_slice(&i32::try_from(element.len()).ok()?.to_be_bytes());
        mapped.extend_from_slice(element);
    }
    changed.then_some(mapped)
}

fn word(value: &[u8], at: usize) -> Option<i32> {
    let bytes: [u8; 4] = value.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(i32::from_be_bytes(bytes))
}
