//! Identifiers that name the schema `public`, told apart from aliases, tables, columns and roles
//! that happen to be called so.

use super::{Found, Piece, quoted};
use crate::Names;
use crate::is_distinct;
use crate::lexer::{Token, TokenKind};
use crate::tokens::Tokens;

/// Objects that well-known extensions make (pgcrypto, citext, uuid-ossp, pg_trgm, hstore, ltree,
/// vector, PostGIS) and that clients look for in `public`, where extensions go by default.
const EXTENSION_OBJECTS: &[&str] = &[
    "armor",
    "citext",
    "crypt",
    "dearmor",
    "digest",
    "gen_random_bytes",
    "gen_salt",
    "geography",
    "geometry",
    "gin_trgm_ops",
    "gist_trgm_ops",
    "halfvec",
    "hmac",
    "hstore",
    "lquery",
    "ltree",
    "ltxtquery",
    "pgp_pub_decrypt",
    "pgp_pub_encrypt",
    "pgp_sym_decrypt",
    "pgp_sym_encrypt",
    "similarity",
    "sparsevec",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v3",
    "uuid_generate_v4",
    "uuid_generate_v5",
    "uuid_nil",
    "uuid_ns_dns",
    "uuid_ns_oid",
    "uuid_ns_url",
    "uuid_ns_x500",
    "vector",
    "word_similarity",
];

/// Operators that they make and PostgreSQL itself has not, or has for numbers and points alone.
const EXTENSION_OPERATORS: &[&str] = &[
    "%", "<%", "%>", "<<%", "%>>", "<->", "<<->", "<->>", "<<<->", "<->>>", "<#>", "<=>", "<+>", "<~>", "<%>",
];

/// Statements in which `SCHEMA` stands before the name of one.
const SCHEMA_STATEMENTS: &[&str] =
    &["alter", "comment", "create", "drop", "grant", "import", "reindex", "revoke", "security"];

pub(super) fn find(piece: Piece, found: &mut Found) {
    let t = piece.t;
    // What SET, RESET and SHOW name are parameters; a search path is looked at elsewhere.
    if t.is_any(0, &["set", "reset", "show"]) {
        return;
    }
    let mut clauses = None;
    for i in (0..t.len()).filter(|&i| t.named(i, "public")) {
        let clauses = clauses.get_or_insert_with(|| Clauses::of(t));
        if qualifies(t, i, clauses)
            && let Some(token) = t.get(i)
        {
            found.replace(token, written(token, schema_of(t, i, piece.names)));
        }
    }
    if clauses.is_some() {
        schema_lists(piece, found);
    }
}

/// A name as the client has written `public`: where the text is shown again later, as a function's body
/// is, it reads as the client wrote it.
fn written(token: Token, schema: &str) -> Vec<u8> {
    let plain = schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    match token.kind {
        TokenKind::Word if plain && is_distinct(schema) => schema.as_bytes().to_vec(),
        _ => quoted(schema),
    }
}

/// The schema that `public` at `i` stands for: that of extensions for what they are known to make.
pub(super) fn schema_of<'a>(t: Tokens, i: usize, names: &Names<'a>) -> &'a str {
    let made_by_extension = t
        .name(i + 2)
        .is_some_and(|name| EXTENSION_OBJECTS.binary_search_by(|known| known.as_bytes().cmp(&name)).is_ok());
    let operator = t.symbol(i.wrapping_sub(1), b'(') && t.is(i.wrapping_sub(2), "operator");
    let by_extension = operator && EXTENSION_OPERATORS.iter().any(|known| t.bytes(i + 2) == known.as_bytes());
    if made_by_extension || by_extension { names.extensions } else { names.schema }
}

/// Is the `public` at `i` the schema in front of a name?
fn qualifies(t: Tokens, i: usize, clauses: &Clauses) -> bool {
    let before = i.wrapping_sub(1);
    if !t.symbol(i + 1, b'.') || t.symbol(before, b'.') {
        return false;
    }
    let in_operator = t.symbol(before, b'(') && t.is(i.wrapping_sub(2), "operator");
    if t.symbol(i + 2, b'*') && !in_operator {
        return false;
    }
    if t.is(before, "set") && t.is(0, "alter") {
        return false; // ALTER ROLE … SET public.parameter
    }
    let target = clauses.at[i] == Clause::Targets && (t.is(before, "set") || t.symbol(before, b','));
    if target && t.symbol(i + 3, b'=') {
        return false; // UPDATE … SET column.field = …
    }
    if !clauses.alias {
        return true;
    }
    let longer = t.symbol(i + 3, b'.') || t.symbol(i + 3, b'(');
    longer || t.operator(before, "::") || (clauses.at[i] == Clause::From && starts_relation(t, before))
}

/// May the name of a table follow token `i` in a list of tables?
fn starts_relation(t: Tokens, i: usize) -> bool {
    t.symbol(i, b',')
        || t.symbol(i, b'(')
        || t.is_any(i, &["from", "join", "into", "update", "only", "using", "lateral", "table"])
}

/// In which part of a statement a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clause {
    /// An expression, or anything else.
    Expression,
    /// A list of tables and their aliases.
    From,
    /// What `UPDATE … SET` assigns to.
    Targets,
}

/// The part of each token, and whether a table or alias is called `public`.
struct Clauses {
    at: Vec<Clause>,
    alias: bool,
}

impl Clauses {
    fn of(t: Tokens) -> Self {
        let mut stack = vec![(Clause::Expression, false)];
        let mut clauses = Self { at: Vec::with_capacity(t.len()), alias: false };
        for i in 0..t.len() {
            let (clause, query) = stack.last().copied().unwrap_or((Clause::Expression, true));
            clauses.at.push(clause);
            if t.symbol(i, b'(') {
                let grouped = clause == Clause::From && !t.is_name(i.wrapping_sub(1))
                    || starts_relation(t, i.wrapping_sub(1));
                stack.push((
                    if grouped && clause == Clause::From { clause } else { Clause::Expression },
                    false,
                ));
            } else if t.symbol(i, b')') {
                stack.pop();
            } else if let Some(top) = stack.last_mut() {
                if t.is(i, "select") {
                    *top = (Clause::Expression, true);
                } else if let Some(next) = next_clause(t, i, query || clauses.at.len() == 1) {
                    top.0 = next;
                }
            }
        }
        let alias = may_bind_aliases(t) && (0..t.len()).any(|i| clauses.names_relation(t, i));
        Self { alias, ..clauses }
    }

    /// Is the token a table or an alias of one that is called `public`?
    fn names_relation(&self, t: Tokens, i: usize) -> bool {
        let before = i.wrapping_sub(1);
        self.at[i] == Clause::From
            && t.named(i, "public")
            && !t.symbol(i + 1, b'.')
            && !t.symbol(before, b'.')
            && !t.is_any(before, &["to", "for", "by"])
            && (starts_relation(t, before) || t.is_name(before) || t.symbol(before, b')'))
    }
}

/// Can the statement hold a query, whose tables have aliases? Definitions without one cannot, and
/// in `GRANT UPDATE` and its like the names of queries stand for rights.
fn may_bind_aliases(t: Tokens) -> bool {
    if t.is_any(0, &["create", "alter"]) {
        return (1..t.len()).any(|i| t.is(i, "select"));
    }
    !t.is_any(0, &["grant", "revoke", "comment", "drop", "lock", "truncate"])
}

/// The part of the statement that the key word at `i` opens.
fn next_clause(t: Tokens, i: usize, query: bool) -> Option<Clause> {
    const OPENS_EXPRESSION: &[&str] = &[
        "on",
        "where",
        "group",
        "order",
        "having",
        "limit",
        "offset",
        "fetch",
        "window",
        "union",
        "except",
        "intersect",
        "returning",
        "values",
        "for",
        "when",
    ];
    let before = i.wrapping_sub(1);
    if t.is(i, "from") {
        let clause = (query || t.is_any(0, &["delete", "update"])) && !t.is(before, "distinct");
        return clause.then_some(Clause::From);
    }
    if t.is(i, "update") {
        let verb = i == 0 || t.symbol(before, b'(') || t.symbol(before, b')') || t.is(0, "explain");
        return verb.then_some(Clause::From);
    }
    if t.is_any(i, &["join", "into", "using"]) {
        return Some(Clause::From);
    }
    if t.is(i, "set") {
        return Some(Clause::Targets);
    }
    t.is_any(i, OPENS_EXPRESSION).then_some(Clause::Expression)
}

/// `SCHEMA [IF [NOT] EXISTS] public, …` wherever the grammar has it, and `IMPORT … INTO public`.
fn schema_lists(piece: Piece, found: &mut Found) {
    let t = piece.t;
    if !(t.is_any(0, SCHEMA_STATEMENTS) || piece.depth.0 > 0) {
        return;
    }
    let of_extension = t.is_any(0, &["create", "alter"]) && t.is(1, "extension");
    let schema = if of_extension { piece.names.extensions } else { piece.names.schema };
    let import = t.is(0, "import");
    for i in 0..t.len() {
        let mut at = match () {
            () if t.is(i, "schema") && !(import && i < 3) => i + 1,
            () if import && t.is(i, "into") => i + 1,
            () => continue,
        };
        at += usize::from(t.is(at, "if"));
        at += usize::from(t.is(at, "not"));
        at += usize::from(t.is(at, "exists"));
        loop {
            if t.named(at, "public")
                && !t.symbol(at + 1, b'.')
                && let Some(token) = t.get(at)
            {
                found.replace(token, written(token, schema));
            }
            if !t.symbol(at + 1, b',') {
                break;
            }
            at += 2;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_objects_of_extensions_are_sorted() {
        assert!(super::EXTENSION_OBJECTS.is_sorted());
    }
}
