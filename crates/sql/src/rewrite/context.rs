//! Finds the role of each string constant and parameter in the expression around it.

use super::operand::Operands;
use super::reading::Reading;
use super::role::{self, Role};
use super::{Found, Piece};
use crate::lexer::TokenKind;
use crate::literal::Decoded;
use crate::tokens::Tokens;

/// Longer constants, in bytes, hold no names.
const MAX_CONSTANT: usize = 16 * 1024;

/// Brackets are followed outwards this far.
const MAX_LEVELS: usize = 12;

/// Functions whose result says what their argument said.
const TRANSPARENT: &[&str] = &[
    "btrim",
    "cast",
    "coalesce",
    "concat",
    "format",
    "lower",
    "nullif",
    "quote_ident",
    "trim",
    "unnest",
    "upper",
];

/// Key words before a bracket that does not belong to a call.
const NOT_FUNCTIONS: &[&str] = &[
    "and",
    "as",
    "by",
    "case",
    "distinct",
    "else",
    "from",
    "having",
    "ilike",
    "is",
    "like",
    "not",
    "on",
    "or",
    "return",
    "returning",
    "select",
    "set",
    "then",
    "using",
    "values",
    "when",
    "where",
    "with",
];

pub(super) fn find(piece: Piece, found: &mut Found) {
    let t = piece.t;
    let (mut known, mut without_role) = (None, Vec::new());
    for i in 0..t.len() {
        if let Some(number) = t.parameter(i) {
            let (operands, reading) = known.get_or_insert_with(|| (Operands::of(t), Reading::of(piece)));
            match role_of(operands, i).or_else(|| reading.parameter(operands, i)) {
                Some(role) => found.parameters.push((number, role)),
                None => without_role.push((number, i)),
            }
        } else if let Some(decoded) = speaks_of_public(t, i) {
            let (operands, reading) = known.get_or_insert_with(|| (Operands::of(t), Reading::of(piece)));
            if let Some(role) = role_of(operands, i).or_else(|| reading.constant(operands, i, &decoded.value))
            {
                let changes = role::changes(role, &decoded.value, piece.names);
                found.replace_inside(&decoded, changes);
            }
        }
    }
    if let Some((operands, reading)) = known {
        let is_data = |i: usize| reading.is_data(&operands, i);
        found.parameters = names_alone(std::mem::take(&mut found.parameters), &without_role, is_data);
    }
}

/// The roles of parameters that stand nowhere else as data: what is both is data.
fn names_alone(
    mut roles: Vec<(u16, Role)>,
    without_role: &[(u16, usize)],
    is_data: impl Fn(usize) -> bool,
) -> Vec<(u16, Role)> {
    roles.sort();
    let has_role = |number: u16| roles.binary_search_by_key(&number, |(known, _)| *known).is_ok();
    let mut data: Vec<u16> = without_role
        .iter()
        .filter(|(number, i)| has_role(*number) && is_data(*i))
        .map(|(number, _)| *number)
        .collect();
    data.sort_unstable();
    roles.retain(|(number, _)| data.binary_search(number).is_err());
    roles
}

/// The meaning of the string constant at `i`, if the schema's name may occur in it.
fn speaks_of_public(t: Tokens, i: usize) -> Option<Decoded> {
    let token = t.get(i).filter(|_| t.is_string(i) && t.bytes(i).len() <= MAX_CONSTANT)?;
    let has = |text: &[u8], word: &[u8]| text.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    let escaped = matches!(token.kind, TokenKind::EscapeStr | TokenKind::UnicodeStr);
    let raw = token.of(t.text);
    if !escaped && !has(raw, b"public") && !has(raw, b"u&") {
        return None;
    }
    let decoded = Decoded::of(t.text, token)?;
    (has(&decoded.value, b"public") || has(&decoded.value, b"u&")).then_some(decoded)
}

/// An expression that holds the constant or parameter, on the way from the inside out.
struct Walk<'a, 'b> {
    operands: &'b Operands<'a>,
    /// Its first token and one past its last.
    from: usize,
    to: usize,
    /// Is the constant all that the expression says, or only a part that something is joined to?
    whole: bool,
    /// Is the constant an array?
    array: bool,
    /// Is it an element of an `ARRAY[…]`?
    listed: bool,
    /// Which element of a row it is.
    row: Option<usize>,
}

/// What one step outwards tells.
enum Step {
    Role(Role),
    Outwards,
    Nothing,
}

fn role_of(operands: &Operands, i: usize) -> Option<Role> {
    let mut walk = Walk { operands, from: i, to: i + 1, whole: true, array: false, listed: false, row: None };
    for _ in 0..MAX_LEVELS {
        if let Some(role) = walk.cast() {
            return Some(walk.part(role));
        }
        if walk.whole
            && let Some(role) = operands.compared(walk.from, walk.to, walk.row)
        {
            return Some(if walk.array { Role::Schemas } else { role });
        }
        match walk.outwards() {
            Step::Role(role) => return Some(role),
            Step::Outwards => {}
            Step::Nothing => return None,
        }
    }
    None
}

impl Walk<'_, '_> {
    fn t(&self) -> Tokens<'_> {
        self.operands.t
    }

    /// Takes the casts behind the expression into it; the role that one of them gives.
    fn cast(&mut self) -> Option<Role> {
        let mut role = None;
        if self.from > 0 && self.t().is_string(self.from) {
            role = type_role(self.t(), self.from - 1).filter(|_| self.to == self.from + 1);
        }
        while self.t().operator(self.to, "::") || self.t().is(self.to, "collate") {
            let mut name = self.to + 1;
            if self.t().symbol(name + 1, b'.') {
                name += 2;
            }
            role = role.or_else(|| type_role(self.t(), name));
            self.to = behind_type(self.operands, name);
        }
        if self.t().is(self.to, "as") && self.is_cast(self.from) {
            let name = self.to + 1;
            role =
                role.or_else(|| type_role(self.t(), name + 2 * usize::from(self.t().symbol(name + 1, b'.'))));
        }
        role
    }

    fn is_cast(&self, i: usize) -> bool {
        self.operands.brackets.parent(i).is_some_and(|open| open > 0 && self.t().is(open - 1, "cast"))
    }

    /// `role` for the whole of a name, or what a part of it is.
    fn part(&self, role: Role) -> Role {
        match role {
            _ if self.whole => role,
            Role::SchemaIdentifier => Role::Schema,
            _ => Role::QualifiedPart,
        }
    }

    /// Goes on to the expression in whose brackets this one stands.
    fn outwards(&mut self) -> Step {
        let (t, brackets) = (self.operands.t, &self.operands.brackets);
        let Some(open) = brackets.parent(self.from) else { return Step::Nothing };
        let Some(close) = brackets.mate(open) else { return Step::Nothing };
        let selects = t.is(open + 1, "select");
        let starts = self.from == open + 1
            || t.symbol(self.from - 1, b',')
            || t.is(self.from - 1, "values")
            || (selects && self.from == open + 2);
        let ends = self.to == close || t.symbol(self.to, b',') || t.is(self.to, "as");
        if selects && !starts {
            return Step::Nothing;
        }
        self.whole &= starts && (ends || selects);
        let ordinal = brackets.ordinal(self.from);
        let before = open.checked_sub(1);
        let is_call = before.is_some_and(|f| t.is_name(f) && !t.is_any(f, NOT_FUNCTIONS));
        let step = match before {
            _ if t.symbol(open, b'[') => self.array_element(before),
            Some(f) if is_call => return self.call(f, open, close, ordinal),
            _ => {
                if brackets.elements(open) > 1 && !t.is(open + 1, "values") && self.row.is_none() {
                    self.row = Some(ordinal);
                }
                true
            }
        };
        (self.from, self.to) = (if t.symbol(open, b'[') { open.saturating_sub(1) } else { open }, close + 1);
        if step { Step::Outwards } else { Step::Nothing }
    }

    /// `ARRAY[…]`
    fn array_element(&mut self, before: Option<usize>) -> bool {
        self.listed = true;
        before.is_some_and(|i| self.t().is(i, "array"))
    }

    /// The expression is argument `ordinal` of the call of the function at `f`.
    fn call(&mut self, f: usize, open: usize, close: usize, ordinal: usize) -> Step {
        let t = self.operands.t;
        if t.is(f, "in") {
            let end = f - usize::from(f > 0 && t.is(f - 1, "not"));
            let compared = self.whole && self.operands.schema_before(end, self.row);
            let role = if self.array { Role::Schemas } else { Role::Schema };
            return if compared { Step::Role(role) } else { Step::Nothing };
        }
        let quantified = t.is_any(f, &["any", "all", "some"]);
        if let Some(role) = argument_role(self.operands, f, open, ordinal) {
            return if self.whole || matches!(role, Role::Qualified | Role::SchemaIdentifier) {
                Step::Role(self.part(role))
            } else {
                Step::Nothing
            };
        }
        if quantified || t.named(f, "unnest") {
            self.array |= !self.listed;
        } else if !TRANSPARENT.iter().any(|name| t.named(f, name)) {
            return Step::Nothing;
        }
        self.whole &= !t.named(f, "concat") && !t.named(f, "format");
        let qualified = f > 1 && t.symbol(f - 1, b'.') && t.is_name(f - 2);
        (self.from, self.to) = (if qualified { f - 2 } else { f }, close + 1);
        Step::Outwards
    }
}

/// One past the last token of the type whose name stands at `name`.
fn behind_type(operands: &Operands, name: usize) -> usize {
    let t = operands.t;
    let mut to = name + 1 + usize::from(t.is(name + 1, "varying"));
    while (t.symbol(to, b'(') || t.symbol(to, b'['))
        && let Some(close) = operands.brackets.mate(to)
    {
        to = close + 1;
    }
    to
}

/// What text of the type named at `i` holds ("Object Identifier Types").
fn type_role(t: Tokens, i: usize) -> Option<Role> {
    let array = t.symbol(i + 1, b'[');
    match &*t.name(i)? {
        b"regnamespace" => Some(Role::SchemaIdentifier),
        b"regclass" | b"regtype" | b"regproc" | b"regprocedure" | b"regoper" | b"regoperator"
        | b"regconfig" | b"regdictionary" | b"regcollation" => {
            Some(if array { Role::QualifiedNames } else { Role::Qualified })
        }
        _ => None,
    }
}

/// What argument `ordinal` of the call of the function at `f` holds.
fn argument_role(operands: &Operands, f: usize, open: usize, ordinal: usize) -> Option<Role> {
    let t = operands.t;
    match &*t.name(f)? {
        b"to_regnamespace" => Some(Role::SchemaIdentifier),
        b"to_regclass" | b"to_regtype" | b"to_regproc" | b"to_regprocedure" | b"to_regoper"
        | b"to_regoperator" | b"to_regcollation" => Some(Role::Qualified),
        b"nextval"
        | b"currval"
        | b"setval"
        | b"pg_get_serial_sequence"
        | b"pg_get_viewdef"
        | b"pg_relation_size"
        | b"pg_total_relation_size"
        | b"pg_table_size"
        | b"pg_indexes_size"
        | b"pg_relation_filenode"
        | b"pg_relation_filepath"
        | b"row_security_active"
            if ordinal == 0 =>
        {
            Some(Role::Qualified)
        }
        b"has_schema_privilege" => (ordinal + 2 == operands.brackets.elements(open)).then_some(Role::Schema),
        b"set_config" if ordinal == 1 => match t.parameter(open + 1) {
            Some(number) => Some(Role::ValueOf(number)),
            None => t.string_text(open + 1).filter(|n| n == "search_path").map(|_| Role::SearchPath),
        },
        name => (name.starts_with(b"has_") && name.ends_with(b"_privilege")).then_some(Role::Qualified),
    }
}
