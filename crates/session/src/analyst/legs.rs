//! `stuffgate.legs`: what became of each store in the session's last fan-out, put into the statements that ask
//! for it as a table of constants; pure.

use super::coverage::milliseconds;
use model::Coverage;
use model::partition::quote_literal;
use sql::{Lexer, Strings, Token, TokenKind};

/// The columns, each with the type of its array.
const COLUMNS: [(&str, &str); 7] = [
    ("user", "text[]"),
    ("outcome", "text[]"),
    ("sqlstate", "text[]"),
    ("message", "text[]"),
    ("rows", "int8[]"),
    ("bytes", "int8[]"),
    ("milliseconds", "float8[]"),
];

/// A statement in which the table was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) text: String,
    /// In characters: where something was put, how long that is, and how long what it stands for.
    moves: Vec<(usize, usize, usize)>,
}

/// Whether a statement may name the table.
pub(super) fn mentions(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("stuffgate") && lower.contains("legs")
}

/// The statement with the table put in; `None` where it does not name it.
pub(super) fn place(text: &str, coverage: Option<&Coverage>) -> Option<Placed> {
    if !mentions(text) {
        return None;
    }
    let tokens: Vec<Token> = Lexer::new(text.as_bytes(), Strings::Standard)
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment))
        .collect();
    let (mut placed, mut copied) = (Placed { text: String::new(), moves: Vec::new() }, 0);
    let mut at = 0;
    while at < tokens.len() {
        let Some((from, to)) = named_at(text, &tokens, at) else {
            at += 1;
            continue;
        };
        placed.text.push_str(text.get(copied..from)?);
        let put = put(text, &tokens, at + 3, coverage);
        let before = placed.text.chars().count();
        placed.moves.push((before, put.chars().count(), text.get(from..to)?.chars().count()));
        placed.text.push_str(&put);
        (copied, at) = (to, at + 3);
    }
    if placed.moves.is_empty() {
        return None;
    }
    placed.text.push_str(text.get(copied..)?);
    Some(placed)
}

impl Placed {
    /// Where in the client's own text something stands, counted from 1.
    pub(super) fn client_position(&self, position: u32) -> u32 {
        let position = usize::try_from(position).unwrap_or(usize::MAX).saturating_sub(1);
        // How much longer the placed text is up to there, and how much shorter.
        let (mut longer, mut shorter) = (0, 0);
        for (from, long, short) in &self.moves {
            if position < *from {
                break;
            }
            if position < from + long {
                return u32::try_from((from + shorter).saturating_sub(longer) + 1).unwrap_or(u32::MAX);
            }
            (longer, shorter) = (longer + long, shorter + short);
        }
        u32::try_from((position + shorter).saturating_sub(longer) + 1).unwrap_or(u32::MAX)
    }
}

/// The bytes of `stuffgate.legs`, if that stands at token `at` and nothing qualifies it.
fn named_at(text: &str, tokens: &[Token], at: usize) -> Option<(usize, usize)> {
    let (schema, dot, table) = (tokens.get(at)?, tokens.get(at + 1)?, tokens.get(at + 2)?);
    let qualified =
        at.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(|t| t.of(text.as_bytes()) == b".");
    let is = is_name(text, schema, "stuffgate") && is_name(text, table, "legs");
    (is && dot.of(text.as_bytes()) == b"." && !qualified).then_some((schema.start, table.end))
}

fn is_name(text: &str, token: &Token, name: &str) -> bool {
    let bytes = token.of(text.as_bytes());
    match token.kind {
        TokenKind::Word => bytes.eq_ignore_ascii_case(name.as_bytes()),
        TokenKind::Quoted => bytes.get(1..bytes.len() - 1) == Some(name.as_bytes()),
        _ => false,
    }
}

/// What stands for the table, with token `next` behind it: its name where a column is qualified by it.
fn put(text: &str, tokens: &[Token], next: usize, coverage: Option<&Coverage>) -> String {
    let next = tokens.get(next);
    if next.is_some_and(|token| token.of(text.as_bytes()) == b".") {
        return "legs".to_owned();
    }
    let has_alias = next.is_some_and(|token| match token.kind {
        TokenKind::Word => {
            let word = token.of(text.as_bytes());
            !sql::NOT_ALIASES.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
        }
        TokenKind::Quoted | TokenKind::UnicodeQuoted => true,
        _ => false,
    });
    let table = table(coverage);
    if has_alias { table } else { format!("{table} AS legs") }
}

/// All legs as a table of constants.
fn table(coverage: Option<&Coverage>) -> String {
    let none = Coverage::default();
    let legs = &coverage.unwrap_or(&none).legs;
    let texts = |of: &dyn Fn(usize) -> Option<String>| array((0..legs.len()).map(of));
    let leg = |at: usize| legs.get(at);
    let columns = [
        texts(&|at| Some(leg(at)?.user.to_string())),
        texts(&|at| Some(leg(at)?.outcome.as_str().to_owned())),
        texts(&|at| leg(at)?.sqlstate.clone()),
        texts(&|at| leg(at)?.message.clone()),
        texts(&|at| leg(at)?.rows.map(|rows| rows.to_string())),
        texts(&|at| leg(at)?.bytes.map(|bytes| bytes.to_string())),
        texts(&|at| Some(milliseconds(leg(at)?.elapsed).to_string())),
    ];
    let arrays = columns.iter().zip(COLUMNS).map(|(values, (_, kind))| format!("{values}::{kind}"));
    let names = COLUMNS.map(|(name, _)| format!("\"{name}\"")).join(", ");
    format!("(SELECT * FROM unnest({}) AS legs({names}))", arrays.collect::<Vec<_>>().join(", "))
}

/// An array's text as a literal (PostgreSQL manual, "Array Input and Output Syntax").
fn array(values: impl Iterator<Item = Option<String>>) -> String {
    let values = values.map(|value| match value {
        Some(text) => format!("\"{}\"", text.replace('\0', "").replace('\\', "\\\\").replace('"', "\\\"")),
        None => "NULL".to_owned(),
    });
    quote_literal(&format!("{{{}}}", values.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{LegReport, Outcome};
    use proptest::prelude::*;
    use std::time::Duration;

    fn coverage() -> Coverage {
        let leg = LegReport {
            user: "alice".parse().expect("a name"),
            outcome: Outcome::Schema,
            sqlstate: Some("42P01".to_owned()),
            message: Some("relation \"t'\\\" does not exist".to_owned()),
            rows: Some(3),
            bytes: Some(40),
            elapsed: Duration::from_micros(1500),
        };
        Coverage { legs: vec![leg], elapsed: Duration::ZERO }
    }

    #[test]
    fn the_table_is_put_where_it_is_named_under_whatever_name_it_has_there() {
        let table = table(None);
        for (text, expected) in [
            ("SELECT * FROM stuffgate.legs", format!("SELECT * FROM {table} AS legs")),
            ("TABLE Stuffgate . \"legs\" LIMIT 1", format!("TABLE {table} AS legs LIMIT 1")),
            ("SELECT 1 FROM stuffgate.legs l, x", format!("SELECT 1 FROM {table} l, x")),
            ("SELECT 1 FROM stuffgate.legs AS l", format!("SELECT 1 FROM {table} AS l")),
            ("SELECT 1 FROM stuffgate.legs \"L\"", format!("SELECT 1 FROM {table} \"L\"")),
            (
                "SELECT stuffgate.legs.rows FROM stuffgate.legs WHERE true",
                format!("SELECT legs.rows FROM {table} AS legs WHERE true"),
            ),
            (
                "SELECT (SELECT count(*) FROM stuffgate.legs)",
                format!("SELECT (SELECT count(*) FROM {table} AS legs)"),
            ),
        ] {
            assert_eq!(place(text, None).map(|placed| placed.text), Some(expected), "{text}");
        }
        for text in
            ["SELECT 'stuffgate.legs'", "SELECT x.stuffgate.legs", "-- stuffgate.legs\nSELECT 1", "SELECT 1"]
        {
            assert_eq!(place(text, None), None, "{text}");
        }
    }

    #[test]
    fn values_cannot_leave_their_quotes() {
        let table = table(Some(&coverage()));
        assert!(table.contains(r#"E'{"relation \\"t''\\\\\\" does not exist"}'::text[]"#), "{table}");
        assert!(table.contains("'{\"1.5\"}'::float8[]"), "{table}");
    }

    #[test]
    fn positions_are_those_of_the_clients_text() {
        let text = "SELECT ä, x FROM stuffgate.legs WHERE y = 1";
        let placed = place(text, Some(&coverage())).expect("the table");
        let position = |text: &str, word: &str| {
            let at = text.find(word).expect("the word");
            u32::try_from(text[..at].chars().count() + 1).expect("a position")
        };
        for word in [" x", "y = 1"] {
            assert_eq!(placed.client_position(position(&placed.text, word)), position(text, word));
        }
        assert_eq!(placed.client_position(position(&placed.text, "unnest")), position(text, "stuffgate"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ a-z.\"'ä;()]{0,20}(stuffgate ?\\. ?legs|\"stuffgate\".legs)?[ a-z.\"'ä;()]{0,20}", at: u32) {
            if let Some(placed) = place(&text, None) {
                let _ = placed.client_position(at);
            }
        }
    }
}
