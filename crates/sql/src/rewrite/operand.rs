//! Operands and operators: is a schema's name compared here, and how?

use super::brackets::Brackets;
use super::role::Role;
use crate::lexer::TokenKind;
use crate::tokens::Tokens;
use std::borrow::Cow;

/// Names that a statement gives to schema columns are followed up to so many.
const MAX_ALIASES: usize = 16;

/// And names that it gives to other expressions.
const MAX_DERIVED: usize = 64;

/// An operand between brackets is looked at so far, in tokens.
const MAX_OPERAND: usize = 64;

/// One statement, seen as a query of the catalog.
pub(super) struct Operands<'a> {
    pub(super) t: Tokens<'a>,
    pub(super) brackets: Brackets,
    /// Does the statement read system catalogs or the information schema?
    catalog: bool,
    /// Names that the statement itself gives to schema columns.
    aliases: Vec<Cow<'a, [u8]>>,
    /// Names that it gives to expressions of whatever kind.
    derived: Vec<Cow<'a, [u8]>>,
}

impl<'a> Operands<'a> {
    pub(super) fn of(t: Tokens<'a>) -> Self {
        let catalog = (0..t.len()).any(|i| reads_catalog(t, i));
        let (aliases, derived) = (Vec::new(), Vec::new());
        let mut operands = Self { t, brackets: Brackets::of(t), catalog, aliases, derived };
        if catalog {
            let named = |most: usize, of: &dyn Fn(usize) -> bool| {
                let found = (1..t.len()).filter(|&i| t.is(i, "as") && of(i)).filter_map(|i| t.name(i + 1));
                found.take(most).collect::<Vec<_>>()
            };
            operands.aliases = named(MAX_ALIASES, &|i| operands.is_schema_column(i - 1));
            operands.derived = named(MAX_DERIVED, &|i| !operands.is_other_column(i - 1));
            operands.derived.extend(operands.columns_of_aliases());
        }
        operands
    }

    /// The names in lists like that of `AS alias (column, …)`.
    fn columns_of_aliases(&self) -> Vec<Cow<'a, [u8]>> {
        let t = self.t;
        let lists = (2..t.len()).filter(|&i| t.symbol(i, b'(') && t.is_name(i - 1) && t.is(i - 2, "as"));
        let names = lists.flat_map(|open| open + 1..self.brackets.mate(open).unwrap_or(open));
        names.filter_map(|i| t.name(i)).take(MAX_DERIVED).collect()
    }

    /// Is the name at `i` a schema's, or that of a type whose text holds one?
    pub(super) fn names_schema(&self, i: usize) -> bool {
        self.is_schema_column(i)
            || self.t.name(i).is_some_and(|name| {
                matches!(&*name, b"regnamespace" | b"regclass" | b"regtype" | b"regproc" | b"regprocedure")
            })
    }

    /// Is the name at `i` a column's, as far as is known, and not a schema's?
    pub(super) fn is_other_column(&self, i: usize) -> bool {
        let t = self.t;
        let before = i.wrapping_sub(1);
        let column = t.is_name(i) && !t.symbol(i + 1, b'(') && !t.symbol(i + 1, b'.');
        let elsewhere = t.operator(before, "::") || t.is_any(before, &["as", "collate"]);
        column
            && !elsewhere
            && !self.names_schema(i)
            && t.name(i).is_some_and(|name| !self.derived.contains(&name))
    }

    /// The role of tokens `from..to` if they are one side of a comparison whose other side is a
    /// schema's name; `row` says which element of a row they are.
    pub(super) fn compared(&self, from: usize, to: usize, row: Option<usize>) -> Option<Role> {
        if let Some((role, end)) = self.operator_before(from)
            && self.schema_before(end, row)
        {
            return Some(role);
        }
        let start = self.operator_behind(to)?;
        self.schema_from(start, row).then_some(Role::Schema)
    }

    /// The operator that ends before token `at`: the role of its right side, and the end of its left.
    fn operator_before(&self, at: usize) -> Option<(Role, usize)> {
        let t = self.t;
        let last = at.checked_sub(1)?;
        if t.is_any(last, &["like", "ilike"]) {
            let negated = last > 0 && t.is(last - 1, "not");
            return Some((Role::SchemaPattern, last - usize::from(negated)));
        }
        if last > 1 && t.are(last - 1, &["distinct", "from"]) {
            let negated = t.is(last - 2, "not");
            return Some((Role::Schema, (last - 2).checked_sub(usize::from(negated))?));
        }
        if t.symbol(last, b')') {
            let open = self.brackets.mate(last)?;
            let operator = open.checked_sub(1).filter(|&i| t.is(i, "operator"))?;
            return Some((comparison(t, last - 1)?, operator));
        }
        Some((comparison(t, last)?, last))
    }

    /// The start of the right side of the operator that starts at token `at`.
    fn operator_behind(&self, at: usize) -> Option<usize> {
        let t = self.t;
        let negated = usize::from(t.is(at, "not"));
        if t.is(at + negated, "in") {
            return Some(at + negated + 1);
        }
        if t.is(at, "is") {
            let negated = usize::from(t.is(at + 1, "not"));
            return t.are(at + 1 + negated, &["distinct", "from"]).then_some(at + 3 + negated);
        }
        if t.is(at, "operator") && t.symbol(at + 1, b'(') {
            let close = self.brackets.mate(at + 1)?;
            return comparison(t, close - 1).map(|_| close + 1);
        }
        comparison(t, at).map(|_| at + 1)
    }

    /// Is what ends before token `end` a schema's name?
    pub(super) fn schema_before(&self, end: usize, row: Option<usize>) -> bool {
        let Some(last) = self.core_end(end) else { return false };
        if !self.t.symbol(last, b')') {
            return row.is_none() && self.is_schema_column(last);
        }
        let Some(open) = self.brackets.mate(last) else { return false };
        let call = open > 0 && self.is_schema_column(open - 1);
        (call && row.is_none()) || self.schema_between(open, last, row)
    }

    /// The last token before `end` that is not part of a cast or collation.
    fn core_end(&self, end: usize) -> Option<usize> {
        let t = self.t;
        let mut last = end.checked_sub(1)?;
        loop {
            let mut word = last;
            if t.symbol(last, b')') {
                word = self.brackets.mate(last)?.checked_sub(1)?;
            }
            if word > 1 && t.is_name(word) && t.symbol(word - 1, b'.') {
                word -= 2;
            }
            let cast =
                word > 1 && t.is_name(word) && (t.operator(word - 1, "::") || t.is(word - 1, "collate"));
            if !cast {
                return Some(last);
            }
            last = word - 2;
        }
    }

    /// Is what starts at token `start` a schema's name?
    fn schema_from(&self, start: usize, row: Option<usize>) -> bool {
        let t = self.t;
        let mut at = start;
        while t.is_name(at) && t.symbol(at + 1, b'.') {
            at += 2;
        }
        if row.is_none() && self.is_schema_column(at) {
            return true;
        }
        let open = if t.is_name(at) { at + 1 } else { at };
        t.symbol(open, b'(')
            && self.brackets.mate(open).is_some_and(|close| self.schema_between(open, close, row))
    }

    /// Does a schema column stand between brackets, before any `FROM`, as the element `row`?
    fn schema_between(&self, open: usize, close: usize, row: Option<usize>) -> bool {
        (open + 1..close.min(open + MAX_OPERAND))
            .take_while(|&i| !self.t.is(i, "from"))
            .any(|i| row.is_none_or(|row| self.element(i, open) == Some(row)) && self.is_schema_column(i))
    }

    /// Which element of the list that `open` starts token `i` belongs to.
    pub(super) fn element(&self, mut i: usize, open: usize) -> Option<usize> {
        while self.brackets.parent(i)? != open {
            i = self.brackets.parent(i)?;
        }
        Some(self.brackets.ordinal(i))
    }

    fn is_schema_column(&self, i: usize) -> bool {
        let Some(name) = self.t.name(i) else { return false };
        match &*name {
            b"nspname" | b"current_schema" | b"current_schemas" => true,
            b"schemaname" | b"schema_name" => self.catalog,
            name => self.catalog && (name.ends_with(b"_schema") || self.aliases.iter().any(|a| **a == *name)),
        }
    }
}

fn reads_catalog(t: Tokens, i: usize) -> bool {
    let qualifies = t.symbol(i + 1, b'.');
    t.name(i).is_some_and(|name| match &*name {
        b"information_schema" => qualifies,
        name => name.starts_with(b"pg_") && !qualifies && !t.symbol(i + 1, b'('),
    })
}

/// The role of the right side of the operator at `i`, if that compares.
fn comparison(t: Tokens, i: usize) -> Option<Role> {
    if t.kind(i) != Some(TokenKind::Operator) {
        return None;
    }
    match t.bytes(i) {
        b"=" | b"<>" | b"!=" | b"<" | b">" | b"<=" | b">=" => Some(Role::Schema),
        b"~~" | b"!~~" | b"~~*" | b"!~~*" => Some(Role::SchemaPattern),
        b"~" | b"!~" | b"~*" | b"!~*" => Some(Role::SchemaRegex),
        _ => None,
    }
}
