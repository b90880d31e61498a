//! What is known of values by their types, and of constants.

use super::catalog::Type;
use super::refusal::Unfit;
use super::traits::{Traits, not_pushed};
use sqlparser::ast::{self, DataType, Value};

/// What is known of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string constant, parameter or NULL, which takes on the type of what it meets.
    Open,
    /// Compared by a collation.
    Text,
    /// Compared without one.
    Plain,
    /// Either.
    #[default]
    Unknown,
}

/// A constant or parameter. Words such as `today` are read as dates by each store's own clock.
pub(super) fn constant(value: &Value) -> Result<Traits, Unfit> {
    let is = match value {
        Value::Number(..) | Value::Boolean(_) => Kind::Plain,
        Value::Null | Value::Placeholder(_) => Kind::Open,
        Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text) => moment(text)?,
        Value::DollarQuotedString(text) => moment(&text.value)?,
        _ => return Err(not_pushed("a constant of this form")),
    };
    Ok(Traits { is, ..Traits::default() })
}

fn moment(text: &str) -> Result<Kind, Unfit> {
    let text = text.to_ascii_lowercase();
    let mut words = text.split(|c: char| !c.is_ascii_alphabetic());
    let said = words.any(|word| ["now", "today", "tomorrow", "yesterday"].contains(&word));
    if said { Err(not_pushed("a constant that may mean a moment")) } else { Ok(Kind::Open) }
}

/// Numbers of types from here on are given at will; those below are the same in every Postgres.
pub(crate) const FIRST_OWN: u32 = 16_384;

/// How values of a type compare; `None` for types whose operators a service or an extension brings.
pub(crate) fn kind_of(of: &Type) -> Option<Kind> {
    if of.oid >= FIRST_OWN && of.category != 'E' || of.name.trim_end_matches("[]") == "money" {
        return None;
    }
    Some(if of.collatable { Kind::Text } else { Kind::Plain })
}

/// The same of a type in a cast.
pub(super) fn type_kind(of: &DataType) -> Option<Kind> {
    use DataType as T;
    match of {
        T::Text | T::Varchar(_) | T::CharacterVarying(_) | T::Char(_) | T::Character(_) => Some(Kind::Text),
        T::Uuid
        | T::Numeric(_)
        | T::Decimal(_)
        | T::Dec(_)
        | T::Float(_)
        | T::Int2(None)
        | T::SmallInt(None)
        | T::Int(None)
        | T::Int4(None)
        | T::Int8(None)
        | T::Integer(None)
        | T::BigInt(None)
        | T::Float4
        | T::Real
        | T::Float8
        | T::Double(_)
        | T::DoublePrecision
        | T::Bool
        | T::Boolean
        | T::Date
        | T::Time(..)
        | T::Timestamp(..)
        | T::Interval { .. }
        | T::JSON
        | T::JSONB
        | T::Bytea => Some(Kind::Plain),
        T::Array(
            ast::ArrayElemTypeDef::SquareBracket(inner, None) | ast::ArrayElemTypeDef::AngleBracket(inner),
        ) => type_kind(inner),
        _ => None,
    }
}
