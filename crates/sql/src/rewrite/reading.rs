//! Constants and parameters of queries that only read the catalog: the server's rows are answered with
//! `public` for the schema's name, so what the statement holds against them is the schema's name too,
//! wherever it stands.

use super::evidence::{self, Evidence};
use super::operand::Operands;
use super::role::Role;
use super::{Piece, narrow};
use crate::lexer::{Lexer, Strings, TokenKind};
use crate::tokens::Tokens;

/// Key words of statements that write.
const WRITES: &[&str] = &["insert", "update", "delete", "merge", "into"];

/// What a statement does, as far as it matters to the constants in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// It writes nothing.
    only_reads: bool,
    /// Its answers say `public` for the schema's name.
    answers_mapped: bool,
    /// It reads nothing but the catalog.
    only_catalog: bool,
}

impl Reading {
    pub(super) fn of(piece: Piece) -> Self {
        let t = piece.t;
        let writes = |i: usize| t.is_any(i, WRITES) && !t.is_any(i.wrapping_sub(1), &["for", "as"]);
        let query = piece.depth.0 == 0 && narrow::query_start(t).is_some();
        let only_reads = query && !(0..t.len()).any(|i| writes(i) && !t.symbol(i.wrapping_sub(1), b'.'));
        let answers_mapped = crate::is_distinct(piece.names.schema) && crate::catalog::speaks_of_schemas(t);
        let only_catalog = only_reads && answers_mapped && narrow::reads_only_catalog(t);
        Self { only_reads, answers_mapped, only_catalog }
    }

    /// Is the constant or parameter at `i`, which has no role by its place, a schema's name?
    fn names_schema(self, operands: &Operands, i: usize) -> bool {
        if !(self.only_reads && self.answers_mapped) {
            return false;
        }
        match evidence::of(operands, i) {
            Evidence::Schema => true,
            Evidence::Data => false,
            Evidence::None => self.only_catalog,
        }
    }

    /// The role of the constant at `i` that means `value`.
    pub(super) fn constant(self, operands: &Operands, i: usize, value: &[u8]) -> Option<Role> {
        let role = shape(value)?;
        self.names_schema(operands, i).then_some(role)
    }

    /// The role of the parameter at `i`.
    pub(super) fn parameter(self, operands: &Operands, i: usize) -> Option<Role> {
        let t = operands.t;
        let array = t.operator(i + 1, "::") && (i + 3..i + 6).any(|at| t.symbol(at, b'['));
        let listed = t.symbol(i.wrapping_sub(1), b'(')
            && t.is_any(i.wrapping_sub(2), &["any", "all", "some", "unnest"]);
        self.names_schema(operands, i).then_some(if array || listed { Role::Schemas } else { Role::Schema })
    }

    /// Is the parameter at `i`, which has no role, data that must reach the server as it came?
    pub(super) fn is_data(self, operands: &Operands, i: usize) -> bool {
        !self.only_reads || evidence::of(operands, i) == Evidence::Data
    }
}

/// What a constant holds by the look of it, if the schema's name is all that it holds, or its beginning.
fn shape(value: &[u8]) -> Option<Role> {
    if value == b"public" {
        return Some(Role::Schema);
    }
    if value.first() == Some(&b'{') && value.last() == Some(&b'}') {
        return Some(Role::Schemas);
    }
    if value.first() == Some(&b'^') && value.last() == Some(&b'$') {
        return Some(Role::SchemaRegex);
    }
    let list: Vec<_> = Lexer::new(value, Strings::Standard).take(6).collect();
    let t = Tokens { text: value, list: &list };
    let names = (0..t.len()).all(|i| if i % 2 == 0 { t.is_name(i) } else { t.symbol(i, b'.') });
    let quoted = t.kind(0) == Some(TokenKind::Quoted);
    match t.len() {
        1 if quoted && t.named(0, "public") => Some(Role::SchemaIdentifier),
        3 | 5 if names && t.named(0, "public") => Some(Role::QualifiedText),
        _ => None,
    }
}
