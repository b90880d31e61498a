//! What SQL says of cursors: `DECLARE`, `FETCH` and `MOVE` (PostgreSQL manual, "DECLARE", "FETCH").

use crate::lexer::Strings;
use crate::split::cut;
use crate::tokens::Tokens;

/// A `DECLARE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declare {
    /// The cursor's name, as the server stores it.
    pub name: String,
    /// `BINARY`: its rows are fetched in binary.
    pub binary: bool,
    /// `SCROLL`, and not `NO SCROLL`.
    pub scroll: bool,
    /// `WITH HOLD`
    pub hold: bool,
    /// Where its query begins, in bytes.
    pub query: usize,
}

/// A `FETCH` or `MOVE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The cursor's name, as the server stores it.
    pub cursor: String,
    /// Which rows.
    pub reach: Reach,
    /// `MOVE`: they are not wanted.
    pub moves: bool,
}

/// Which rows a `FETCH` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// So many from here on; before here, if negative.
    Forward(i64),
    /// All from here on.
    Rest,
    /// All before here.
    Before,
    /// The one with this number, from 1; from the end, if negative.
    Absolute(i64),
    /// The one so many behind this one.
    Relative(i64),
}

/// Reads a `DECLARE`. `None` if it is not one.
#[must_use]
pub fn declared(text: &str) -> Option<Declare> {
    tokens_of(text, |t| {
        if !t.is(0, "declare") {
            return None;
        }
        let mut declare =
            Declare { name: t.name_text(1)?, binary: false, scroll: false, hold: false, query: 0 };
        let mut at = 2;
        while !t.is(at, "cursor") {
            match () {
                () if t.are(at, &["no", "scroll"]) => (declare.scroll, at) = (false, at + 1),
                () if t.is(at, "scroll") => declare.scroll = true,
                () if t.is(at, "binary") => declare.binary = true,
                () if t.is_any(at, &["asensitive", "insensitive"]) => {}
                () => return None,
            }
            at += 1;
        }
        at += 1;
        if t.is(at + 1, "hold") && t.is_any(at, &["with", "without"]) {
            declare.hold = t.is(at, "with");
            at += 2;
        }
        let begins = t.is_any(at + 1, &["select", "with", "values", "table"]) || t.symbol(at + 1, b'(');
        if !t.is(at, "for") || !begins {
            return None;
        }
        declare.query = t.get(at + 1)?.start;
        Some(declare)
    })
}

/// Reads a `FETCH` or `MOVE`. `None` if it is neither.
#[must_use]
pub fn fetched(text: &str) -> Option<Fetch> {
    tokens_of(text, |t| {
        if !t.is_any(0, &["fetch", "move"]) {
            return None;
        }
        let (reach, mut at) = if t.len() == 2 { (Reach::Forward(1), 1) } else { reach(t)? };
        if t.is_any(at, &["from", "in"]) {
            at += 1;
        }
        let cursor = t.name_text(at).filter(|_| t.len() == at + 1)?;
        Some(Fetch { cursor, reach, moves: t.is(0, "move") })
    })
}

/// Which rows, and the place behind that.
fn reach(t: Tokens<'_>) -> Option<(Reach, usize)> {
    if let Some((number, at)) = number(t, 1) {
        return Some((Reach::Forward(number), at));
    }
    let word = t.bytes(1).to_ascii_lowercase();
    if !t.is(1, std::str::from_utf8(&word).ok()?) {
        return None;
    }
    let counted = number(t, 2);
    Some(match (word.as_slice(), counted) {
        (b"from" | b"in", _) => (Reach::Forward(1), 1),
        (b"next", _) => (Reach::Forward(1), 2),
        (b"prior", _) => (Reach::Forward(-1), 2),
        (b"first", _) => (Reach::Absolute(1), 2),
        (b"last", _) => (Reach::Absolute(-1), 2),
        (b"all", _) => (Reach::Rest, 2),
        (b"absolute", Some((number, at))) => (Reach::Absolute(number), at),
        (b"relative", Some((number, at))) => (Reach::Relative(number), at),
        (b"forward", Some((number, at))) => (Reach::Forward(number), at),
        (b"backward", Some((number, at))) => (Reach::Forward(-number), at),
        // One token more is the cursor's name, whatever word that is.
        (b"forward", None) if t.is(2, "all") && t.len() > 3 => (Reach::Rest, 3),
        (b"backward", None) if t.is(2, "all") && t.len() > 3 => (Reach::Before, 3),
        (b"forward", None) => (Reach::Forward(1), 2),
        (b"backward", None) => (Reach::Forward(-1), 2),
        _ => return None,
    })
}

/// A whole number at `at`, as large as the server takes it, and the place behind it.
fn number(t: Tokens<'_>, at: usize) -> Option<(i64, usize)> {
    let (minus, plus) = (t.operator(at, "-"), t.operator(at, "+"));
    let at = at + usize::from(minus || plus);
    let digits = std::str::from_utf8(t.bytes(at)).ok()?;
    let number =
        i64::from(digits.parse::<i32>().ok().filter(|_| t.kind(at) == Some(crate::TokenKind::Number))?);
    Some((if minus { -number } else { number }, at + 1))
}

/// What `read` makes of a text of one statement.
pub(crate) fn tokens_of<T>(text: &str, read: impl FnOnce(Tokens<'_>) -> Option<T>) -> Option<T> {
    let cut = cut(text.as_bytes(), Strings::Standard).ok()?;
    let mut pieces = cut.pieces.iter().filter(|piece| !piece.tokens.is_empty());
    let piece = pieces.next()?;
    if pieces.next().is_some() {
        return None;
    }
    read(Tokens { text: text.as_bytes(), list: cut.tokens.get(piece.tokens.clone())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_says_what_its_cursor_is_and_where_its_query_begins() {
        let is = |text: &str, flags: [bool; 3], query: &str| {
            let declare = declared(text).expect(text);
            assert_eq!((declare.name.as_str(), [declare.binary, declare.scroll, declare.hold]), ("c", flags));
            assert_eq!(&text[declare.query..], query);
        };
        is("DECLARE c CURSOR FOR SELECT 1", [false; 3], "SELECT 1");
        is("declare C no scroll cursor without hold for\n(values (1))", [false; 3], "(values (1))");
        is(
            "DECLARE \"c\" BINARY INSENSITIVE CURSOR WITH HOLD FOR WITH x AS (SELECT 1) TABLE x",
            [true, false, true],
            "WITH x AS (SELECT 1) TABLE x",
        );
        is("DECLARE c SCROLL CURSOR FOR TABLE x", [false, true, false], "TABLE x");
        for text in [
            "DECLARE c CURSOR FOR INSERT INTO x VALUES (1)",
            "DECLARE c CURSOR",
            "DECLARE c FOR SELECT 1",
            "DECLARE c CURSOR SELECT 1",
            "SELECT 1",
        ] {
            assert_eq!(declared(text), None, "{text}");
        }
    }

    #[test]
    fn a_fetch_says_how_far_it_reaches() {
        for (said, reach) in [
            ("c", Reach::Forward(1)),
            ("FROM c", Reach::Forward(1)),
            ("next IN \"c\"", Reach::Forward(1)),
            ("10 c", Reach::Forward(10)),
            ("-2 FROM c", Reach::Forward(-2)),
            ("+2 FROM c", Reach::Forward(2)),
            ("ALL C", Reach::Rest),
            ("FORWARD c", Reach::Forward(1)),
            ("FORWARD FROM c", Reach::Forward(1)),
            ("FORWARD 100 FROM c", Reach::Forward(100)),
            ("FORWARD ALL IN c", Reach::Rest),
            ("BACKWARD c", Reach::Forward(-1)),
            ("BACKWARD 3 c", Reach::Forward(-3)),
            ("BACKWARD ALL FROM c", Reach::Before),
            ("PRIOR c", Reach::Forward(-1)),
            ("FIRST FROM c", Reach::Absolute(1)),
            ("LAST FROM c", Reach::Absolute(-1)),
            ("ABSOLUTE -4 FROM c", Reach::Absolute(-4)),
            ("RELATIVE 2 c", Reach::Relative(2)),
        ] {
            for (word, moves) in [("FETCH", false), ("move", true)] {
                let fetch = Fetch { cursor: "c".to_owned(), reach, moves };
                assert_eq!(fetched(&format!("{word} {said}")), Some(fetch), "{word} {said}");
            }
        }
        for text in [
            "FETCH",
            "FETCH 1",
            "FETCH a b",
            "FETCH 3000000000 c",
            "FETCH 1.5 c",
            "FETCH ABSOLUTE c",
            "FETCH ALL FROM c d",
            "SELECT 1",
        ] {
            assert_eq!(fetched(text), None, "{text}");
        }
        let words = fetched("FETCH forward").map(|fetch| fetch.cursor);
        assert_eq!(words.as_deref(), Some("forward"));
        assert_eq!(fetched("FETCH forward all").map(|fetch| fetch.cursor).as_deref(), Some("all"));
    }
}
