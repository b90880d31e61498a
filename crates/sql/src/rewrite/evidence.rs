//! What an expression says of a constant or parameter in it that stands beside no schema column.

use super::operand::Operands;
use crate::lexer::TokenKind;
use crate::tokens::Tokens;

/// What is known of a constant or parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// It meets a schema's name.
    Schema,
    /// It meets something else.
    Data,
    /// Nothing.
    None,
}

/// Brackets are followed outwards this far.
const MAX_LEVELS: usize = 8;

/// An operand is looked at so far, in tokens.
const MAX_OPERAND: usize = 32;

/// Types whose values may be a schema's name.
const TEXTS: &[&str] =
    &["text", "varchar", "character", "bpchar", "name", "sql_identifier", "citext", "unknown"];

/// Functions whose argument is no schema's name, or whose result does not let it be seen any more.
const OPAQUE: &[&str] = &[
    "current_setting",
    "hashtext",
    "hashtextextended",
    "md5",
    "pg_has_role",
    "pg_notify",
    "set_config",
    "sha256",
    "to_char",
    "to_regrole",
];

/// Key words that end an operand.
const BOUNDARIES: &[&str] = &[
    "and",
    "or",
    "not",
    "where",
    "on",
    "when",
    "then",
    "else",
    "end",
    "case",
    "select",
    "having",
    "by",
    "from",
    "group",
    "order",
    "limit",
    "union",
    "except",
    "intersect",
    "is",
    "like",
    "ilike",
    "in",
    "as",
    "values",
    "using",
    "join",
    "filter",
    "over",
    "returning",
];

/// Key words that stand in an operand and are no columns.
const NOT_COLUMNS: &[&str] = &[
    "all",
    "any",
    "array",
    "collate",
    "distinct",
    "exists",
    "false",
    "null",
    "some",
    "true",
    "varying",
    "interval",
    "current_date",
    "current_timestamp",
    "current_user",
    "session_user",
    "current_role",
    "user",
    "asc",
    "desc",
    "row",
    "cast",
    "lateral",
    "only",
];

/// Says what is known of the constant or parameter at `i`.
pub(super) fn of(operands: &Operands, i: usize) -> Evidence {
    let mut walk = Walk { operands, from: i, to: i + 1, row: None };
    let mut named = Evidence::None;
    for _ in 0..MAX_LEVELS {
        match walk.casts() {
            Evidence::Data => return Evidence::Data,
            cast => named = if cast == Evidence::None { named } else { cast },
        }
        let met = walk.met();
        if met != Evidence::None {
            return met;
        }
        match walk.outwards() {
            Some(Evidence::None) => {}
            Some(told) => return told,
            None => break,
        }
    }
    named
}

struct Walk<'a, 'b> {
    operands: &'b Operands<'a>,
    from: usize,
    to: usize,
    /// Which element of a row it is.
    row: Option<usize>,
}

impl<'a> Walk<'a, '_> {
    fn t(&self) -> Tokens<'a> {
        self.operands.t
    }

    /// Takes the casts behind the expression into it.
    fn casts(&mut self) -> Evidence {
        let t = self.t();
        let mut evidence = Evidence::None;
        while t.operator(self.to, "::") {
            let name = self.to + 1 + 2 * usize::from(t.symbol(self.to + 2, b'.'));
            match &*t.name(name).unwrap_or_default() {
                b"name" => evidence = Evidence::Schema,
                known if TEXTS.iter().any(|text| text.as_bytes() == known) => {}
                _ => return Evidence::Data,
            }
            self.to = name + 1 + usize::from(t.is(name + 1, "varying"));
            while let Some(close) = self.operands.brackets.mate(self.to).filter(|close| *close > self.to) {
                self.to = close + 1;
            }
        }
        evidence
    }

    /// What the expression is compared with, on either side.
    fn met(&self) -> Evidence {
        let t = self.t();
        let last = self.from.wrapping_sub(1);
        let left = if t.is(last, "when") {
            self.case_operand(last)
        } else {
            self.comparison_before(self.from).map_or(Evidence::None, |end| self.operand_before(end))
        };
        if left != Evidence::None {
            return left;
        }
        self.comparison_behind(self.to).map_or(Evidence::None, |start| self.operand_behind(start))
    }

    /// Where the left side of a comparison ends whose operator ends before token `at`.
    fn comparison_before(&self, at: usize) -> Option<usize> {
        let t = self.t();
        let last = at.checked_sub(1)?;
        let negated = |i: usize| i - usize::from(i > 0 && t.is(i - 1, "not"));
        if t.is_any(last, &["like", "ilike", "in"]) {
            return Some(negated(last));
        }
        if last > 1 && t.are(last - 1, &["distinct", "from"]) {
            return negated(last - 1).checked_sub(1);
        }
        if t.symbol(last, b')') {
            let open = self.operands.brackets.mate(last)?;
            return open.checked_sub(1).filter(|&i| t.is(i, "operator"));
        }
        is_comparison(t, last).then_some(last)
    }

    /// Where the right side of a comparison starts whose operator starts at token `at`.
    fn comparison_behind(&self, at: usize) -> Option<usize> {
        let t = self.t();
        let negated = usize::from(t.is(at, "not"));
        if t.is_any(at + negated, &["like", "ilike", "in"]) {
            return Some(at + negated + 1);
        }
        if t.is(at, "is") {
            let negated = usize::from(t.is(at + 1, "not"));
            return t.are(at + 1 + negated, &["distinct", "from"]).then_some(at + 3 + negated);
        }
        if t.is(at, "operator") {
            return self.operands.brackets.mate(at + 1).map(|close| close + 1);
        }
        is_comparison(t, at).then_some(at + 1)
    }

    /// What stands before token `end`, back to where its operand starts.
    fn operand_before(&self, end: usize) -> Evidence {
        let t = self.t();
        let (mut start, mut depth) = (end, 0usize);
        while start > 0 && end - start < MAX_OPERAND {
            match t.bytes(start - 1) {
                b")" | b"]" => depth += 1,
                b"(" | b"[" if depth == 0 => break,
                b"(" | b"[" => depth -= 1,
                _ if depth == 0 && ends_operand(t, start - 1) => break,
                _ => {}
            }
            start -= 1;
        }
        self.told_by(start, end)
    }

    /// What stands from token `start` on, up to where its operand ends.
    fn operand_behind(&self, start: usize) -> Evidence {
        let t = self.t();
        let (mut end, mut depth) = (start, 0usize);
        while end < t.len() && end - start < MAX_OPERAND {
            match t.bytes(end) {
                b"(" | b"[" => depth += 1,
                b")" | b"]" if depth == 0 => break,
                b")" | b"]" => depth -= 1,
                _ if depth == 0 && ends_operand(t, end) => break,
                _ => {}
            }
            end += 1;
        }
        self.told_by(start, end)
    }

    /// The operand of `CASE operand WHEN …`, if the `WHEN` at `i` belongs to one.
    fn case_operand(&self, i: usize) -> Evidence {
        let t = self.t();
        let Some(case) = (i.saturating_sub(MAX_OPERAND)..i).rev().find(|&at| t.is(at, "case")) else {
            return Evidence::None;
        };
        let end = (case..=i).find(|&at| t.is(at, "when")).unwrap_or(i);
        self.told_by(case + 1, end)
    }

    /// A schema's name among the tokens tells most, a column of another kind tells something.
    fn told_by(&self, start: usize, end: usize) -> Evidence {
        let t = self.t();
        let row = self.row.filter(|_| t.symbol(start, b'('));
        let element = |i: usize| row.is_none_or(|row| self.operands.element(i, start) == Some(row));
        let mut told = Evidence::None;
        for i in (start..end).filter(|&i| t.is_name(i) && element(i)) {
            if self.operands.names_schema(i) {
                return Evidence::Schema;
            }
            if self.operands.is_other_column(i) && !t.is_any(i, NOT_COLUMNS) && !t.is_any(i, BOUNDARIES) {
                told = Evidence::Data;
            }
        }
        told
    }

    /// Goes on to the expression in whose brackets this one stands; `None` where there is none.
    fn outwards(&mut self) -> Option<Evidence> {
        let (t, brackets) = (self.t(), &self.operands.brackets);
        let open = brackets.parent(self.from)?;
        let close = brackets.mate(open)?;
        let f = open.checked_sub(1);
        let called = f.filter(|&f| t.is_name(f) && !t.is_any(f, BOUNDARIES) && !t.is_any(f, NOT_COLUMNS));
        let mut start = open;
        if let Some(f) = called {
            let qualified = t.symbol(f.wrapping_sub(1), b'.');
            let foreign = qualified && !t.named(f.wrapping_sub(2), "pg_catalog");
            if foreign || OPAQUE.iter().any(|name| t.named(f, name)) {
                return Some(Evidence::Data);
            }
            start = f - 2 * usize::from(qualified);
        } else if let Some(f) = f.filter(|&f| t.is_any(f, &["any", "all", "some", "array"])) {
            start = f;
        } else if self.row.is_none()
            && brackets.elements(open) > 1
            && t.symbol(open, b'(')
            && !t.is(open - usize::from(open > 0), "in")
        {
            self.row = Some(brackets.ordinal(self.from));
        }
        (self.from, self.to) = (start, close + 1);
        Some(Evidence::None)
    }
}

/// Every operator but those that join texts.
fn is_comparison(t: Tokens, i: usize) -> bool {
    t.kind(i) == Some(TokenKind::Operator) && !matches!(t.bytes(i), b"||" | b"::" | b":=" | b"=>")
}

fn ends_operand(t: Tokens, i: usize) -> bool {
    t.symbol(i, b',') || t.is_any(i, BOUNDARIES) || is_comparison(t, i)
}
