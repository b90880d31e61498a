//! What a store's errors, notices and notifications name, in the client's own terms.

use crate::look::SchemaNames;
use crate::texts::Texts;
use model::partition::quote_identifier;
use sql::Shown;
use wire::frame::{HEADER_BYTES, Reader};
use wire::{Fields, Severity, sqlstate};

/// What messages put before a name that is qualified and not in quotes.
const KINDS: [&str; 13] = [
    "aggregate",
    "collation",
    "domain",
    "foreign table",
    "function",
    "index",
    "operator",
    "procedure",
    "routine",
    "sequence",
    "table",
    "type",
    "view",
];

/// Types of fields (PostgreSQL manual, "Error and Notice Message Fields").
const INTERNAL_POSITION: u8 = b'p';
const INTERNAL_QUERY: u8 = b'q';
const WHERE: u8 = b'W';

/// Puts `public` where an error or notice names the partition's schema. Whether anything changed.
pub(crate) fn public(fields: &mut Fields, names: &SchemaNames) -> bool {
    let mut changed = advise(fields, names);
    // `public.citext` was sent as the extension schema's.
    changed |= qualified(&mut fields.message, &names.extensions);
    changed
        | match names.distinct() {
            Some(shown) => everywhere(fields, shown),
            None => where_certain(fields, &names.schema),
        }
}

/// A name that stands for nothing else is shown as `public` wherever it is a whole identifier.
fn everywhere(fields: &mut Fields, names: Shown) -> bool {
    let mut changed = in_words(&mut fields.message, names);
    for text in [&mut fields.detail, &mut fields.hint, &mut fields.schema].into_iter().flatten() {
        changed |= in_words(text, names);
    }
    move_internal_position(fields, names.schema);
    for (kind, text) in &mut fields.others {
        if matches!(*kind, WHERE | INTERNAL_QUERY) {
            changed |= in_words(text, names);
        }
    }
    changed
}

fn in_words(text: &mut String, names: Shown) -> bool {
    let shown = sql::show(text.as_bytes(), names).and_then(|shown| String::from_utf8(shown).ok());
    let changed = shown.is_some();
    if let Some(shown) = shown {
        *text = shown;
    }
    changed
}

/// The internal position is that of the internal query as it is shown.
fn move_internal_position(fields: &mut Fields, schema: &str) {
    let field = |kind| move |field: &&(u8, String)| field.0 == kind;
    let Some((_, query)) = fields.others.iter().find(field(INTERNAL_QUERY)) else { return };
    let Some((_, position)) = fields.others.iter().find(field(INTERNAL_POSITION)) else { return };
    let Ok(sent) = position.parse::<usize>() else { return };
    let before = sql::occurrences(query.as_bytes(), schema)
        .filter(|at| query.get(..*at).is_some_and(|text| text.chars().count() + 1 < sent));
    let shown = sent.saturating_sub(before.count() * schema.len().saturating_sub("public".len()));
    if let Some((_, position)) = fields.others.iter_mut().find(|field| field.0 == INTERNAL_POSITION) {
        *position = shown.to_string();
    }
}

/// A name that may well be a word of the service's own is shown as `public` only where it is sure to be
/// the schema's.
fn where_certain(fields: &mut Fields, schema: &str) -> bool {
    let mut changed = false;
    if fields.schema.as_deref() == Some(schema) {
        fields.schema = Some("public".to_owned());
        changed = true;
    }
    changed |= in_text(&mut fields.message, schema);
    // Dependent objects, still there or dropped; other details carry data, which is nobody's to change.
    let lists_objects = fields.code.as_str() == "2BP01" || matches!(fields.severity, Severity::Notice);
    if lists_objects && let Some(detail) = &mut fields.detail {
        changed |= in_text(detail, schema);
    }
    changed
}

/// What a partition's role may not do has a way of its own, which the store cannot know of.
fn advise(fields: &mut Fields, names: &SchemaNames) -> bool {
    if fields.code != sqlstate::INSUFFICIENT_PRIVILEGE {
        return false;
    }
    let hint = if fields.message == format!("permission denied for database {}", names.store_database) {
        fields.message = format!("permission denied for database {}", names.database);
        "A service has one schema in a schema partition: have the program keep its tables in public, or grant the service a database partition."
    } else if fields.message == format!("must be owner of schema {}", names.schema) {
        fields.message = "must be owner of schema public".to_owned();
        "The store's owner keeps a schema partition's schema; in a database partition public is the service's own."
    } else if fields.message.starts_with("permission denied to create extension ") {
        "Declare the extension with the service, then every grant installs it: stuffgate service add --extension."
    } else {
        return false;
    };
    fields.hint = Some(hint.to_owned());
    true
}

fn in_text(text: &mut String, schema: &str) -> bool {
    let named = replace(text, &format!("schema \"{schema}\""), "schema \"public\"");
    named | qualified(text, schema)
}

fn qualified(text: &mut String, schema: &str) -> bool {
    let mut changed = replace(text, &format!("\"{schema}."), "\"public.");
    let bare = format!(" {schema}.");
    let escaped = format!(" {}.", quote_identifier(schema));
    if text.contains(&bare) || text.contains(&escaped) {
        for kind in KINDS {
            for inside in [&bare, &escaped] {
                changed |= replace(text, &format!("{kind}{inside}"), &format!("{kind} public."));
            }
        }
        changed |=
            replace(text, &format!("operator does not exist:{bare}"), "operator does not exist: public.");
    }
    changed
}

fn replace(text: &mut String, inside: &str, shown: &str) -> bool {
    let found = text.contains(inside);
    if found {
        *text = text.replace(inside, shown);
    }
    found
}

/// A NotificationResponse as the client knows itself: a client may tell its own notifications by the
/// process that it was told at login. The server's process and that one change places, so that two
/// processes are never shown as one. `None`: as it came.
pub(crate) fn notification(message: &[u8], (server, session): (u32, u32)) -> Option<Vec<u8>> {
    let process = Reader::new(message.get(HEADER_BYTES..)?).u32()?;
    let shown = match process {
        process if process == server => session,
        process if process == session => server,
        _ => return None,
    };
    let mut out = message.to_vec();
    out.get_mut(HEADER_BYTES..HEADER_BYTES + 4)?.copy_from_slice(&shown.to_be_bytes());
    Some(out)
}

/// Puts an error's position where the client's own text has it; `about` is the number of what was sent.
/// Whether anything changed.
pub(crate) fn position(fields: &mut Fields, texts: &Texts, about: u32) -> bool {
    let Some(sent) = fields.position else { return false };
    let shown = texts.client_position(about, sent);
    fields.position = Some(shown);
    shown != sent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> SchemaNames {
        SchemaNames {
            schema: "todo".into(),
            extensions: "extensions".into(),
            database: "service".into(),
            store_database: "alice_store".into(),
        }
    }

    fn shown(message: &str) -> String {
        let names = names();
        let mut fields = Fields::error(sqlstate::UNDEFINED_TABLE, message);
        public(&mut fields, &names);
        fields.message
    }

    #[test]
    fn the_partition_is_called_public_however_a_message_names_it() {
        for (said, expected) in [
            ("relation \"todo.t\" does not exist", "relation \"public.t\" does not exist"),
            ("schema \"todo\" already exists", "schema \"public\" already exists"),
            ("function todo.f(integer) does not exist", "function public.f(integer) does not exist"),
            ("drop cascades to table todo.t", "drop cascades to table public.t"),
            ("permission denied for table todo", "permission denied for table todo"),
            ("type \"extensions.citext\" does not exist", "type \"public.citext\" does not exist"),
            ("function extensions.uuid_nil() does not exist", "function public.uuid_nil() does not exist"),
            ("schema \"extensions\" already exists", "schema \"extensions\" already exists"),
            ("column todo.t does not exist", "column todo.t does not exist"),
        ] {
            assert_eq!(shown(said), expected);
        }
    }

    #[test]
    fn data_in_a_detail_is_left_alone() {
        let names = names();
        let mut fields = Fields::error(sqlstate::UNDEFINED_TABLE, "duplicate").with_detail("(table todo.t)");
        assert!(!public(&mut fields, &names));
    }

    #[test]
    fn what_a_partitions_role_may_not_do_comes_with_the_way_that_is_left() {
        for (said, expected, hint) in [
            (
                "permission denied for database alice_store",
                "permission denied for database service",
                "database partition",
            ),
            ("must be owner of schema todo", "must be owner of schema public", "database partition"),
            (
                "permission denied to create extension \"citext\"",
                "permission denied to create extension \"citext\"",
                "--extension",
            ),
        ] {
            let mut fields = Fields::error(sqlstate::INSUFFICIENT_PRIVILEGE, said);
            assert!(public(&mut fields, &names()));
            assert_eq!(fields.message, expected);
            assert!(fields.hint.unwrap_or_default().contains(hint), "{said}");
        }
        let mut fields = Fields::error(sqlstate::INSUFFICIENT_PRIVILEGE, "permission denied for table t");
        assert!(!public(&mut fields, &names()));
    }
}
