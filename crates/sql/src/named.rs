//! What SQL says of prepared statements: `PREPARE` and `EXECUTE` (PostgreSQL manual, "PREPARE").

use crate::cursors::tokens_of;
use crate::tokens::Tokens;
use std::ops::Range;

/// A `PREPARE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepare {
    /// The statement's name, as the server stores it.
    pub name: String,
    /// The types of its parameters, each as written; in bytes.
    pub types: Vec<Range<usize>>,
    /// Where the statement begins, in bytes.
    pub statement: usize,
}

/// An `EXECUTE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execute {
    /// The statement's name, as the server stores it.
    pub name: String,
    /// Its arguments, each as written; in bytes.
    pub arguments: Vec<Range<usize>>,
}

/// Reads a `PREPARE`. `None` if it is not one.
#[must_use]
pub fn prepared(text: &str) -> Option<Prepare> {
    tokens_of(text, |t| {
        let name = t.name_text(1).filter(|_| t.is(0, "prepare"))?;
        let (types, at) = if t.symbol(2, b'(') { listed(t, 2)? } else { (Vec::new(), 2) };
        let statement = t.get(at + 1).filter(|_| t.is(at, "as"))?.start;
        Some(Prepare { name, types, statement })
    })
}

/// Reads an `EXECUTE`. `None` if it is not one.
#[must_use]
pub fn executed(text: &str) -> Option<Execute> {
    tokens_of(text, |t| {
        let name = t.name_text(1).filter(|_| t.is(0, "execute"))?;
        let (arguments, at) = if t.symbol(2, b'(') { listed(t, 2)? } else { (Vec::new(), 2) };
        (t.len() == at).then_some(Execute { name, arguments })
    })
}

/// What is listed in the brackets that open at `at`, and the place behind them.
fn listed(t: Tokens<'_>, at: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let end = t.behind_bracket(at);
    if !t.symbol(end.checked_sub(1)?, b')') {
        return None;
    }
    let (mut list, mut from, mut now) = (Vec::new(), at + 1, at + 1);
    while now < end {
        if t.symbol(now, b'(') || t.symbol(now, b'[') {
            now = t.behind_bracket(now);
            continue;
        }
        if t.symbol(now, b',') || now + 1 == end {
            // An empty place is an error, which is the server's to tell.
            let last = now.checked_sub(1).filter(|last| *last >= from)?;
            list.push(t.get(from)?.start..t.get(last)?.end);
            from = now + 1;
        }
        now += 1;
    }
    Some((list, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, ranges: &[Range<usize>]) -> Vec<String> {
        ranges.iter().map(|range| text[range.clone()].to_owned()).collect()
    }

    #[test]
    fn a_statement_is_prepared_with_types_or_without() {
        for (text, types, statement) in [
            ("PREPARE p AS SELECT 1", vec![], "SELECT 1"),
            ("prepare P (int) as values ($1)", vec!["int"], "values ($1)"),
            (
                "PREPARE \"p\" (numeric(10, 2), double precision, int[]) AS SELECT $1",
                vec!["numeric(10, 2)", "double precision", "int[]"],
                "SELECT $1",
            ),
        ] {
            let read = prepared(text).expect(text);
            assert_eq!(
                (read.name.as_str(), texts(text, &read.types)),
                ("p", types.iter().map(|t| (*t).to_owned()).collect())
            );
            assert_eq!(&text[read.statement..], statement);
        }
        for text in [
            "PREPARE p",
            "PREPARE p (int) SELECT 1",
            "PREPARE p (int",
            "PREPARE p () AS SELECT 1",
            "PREPARE TRANSACTION 'x'",
        ] {
            assert_eq!(prepared(text), None, "{text}");
        }
    }

    #[test]
    fn arguments_are_cut_at_the_commas_between_them() {
        for (text, arguments) in [
            ("EXECUTE p", vec![]),
            ("execute p(1)", vec!["1"]),
            (
                "EXECUTE p (f(1, 2), 'a,b', ARRAY[1, 2] , NULL)",
                vec!["f(1, 2)", "'a,b'", "ARRAY[1, 2]", "NULL"],
            ),
        ] {
            assert_eq!(
                executed(text).map(|read| texts(text, &read.arguments)),
                Some(arguments.iter().map(|t| (*t).to_owned()).collect()),
                "{text}"
            );
        }
        for text in ["EXECUTE", "EXECUTE p(", "EXECUTE p()", "EXECUTE p(1,)", "EXECUTE p(1) x"] {
            assert_eq!(executed(text), None, "{text}");
        }
    }
}
