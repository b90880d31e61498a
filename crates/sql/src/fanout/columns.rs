//! What a column of a result is called when nobody gave it a name.

use super::ident::folded;
use sqlparser::ast::{Expr, ObjectNamePart};

/// Its name as Postgres makes it up; `None` where that is not known for sure.
pub(crate) fn name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded),
        Expr::Nested(inner) => name(inner),
        Expr::Function(function) => match function.name.0.last() {
            Some(ObjectNamePart::Identifier(ident)) => Some(folded(ident)),
            _ => None,
        },
        Expr::BinaryOp { .. } | Expr::UnaryOp { .. } | Expr::Value(_) => Some("?column?".to_owned()),
        _ => None,
    }
}
