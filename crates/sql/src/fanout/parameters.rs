//! The client's parameters in a text.

use super::catalog::Type;
use super::plan::Parameter;
use super::read;
use super::refusal::Unfit;
use crate::TokenKind;

/// Numbers of types below this are Postgres's own (`FirstNormalObjectId`).
const FIRST_OWN_TYPE: u32 = 16_384;

/// All parameters up to the largest number in the text, so that `$n` means the client's `$n`.
pub(crate) fn of_client(text: &str) -> Vec<Parameter> {
    let most = read::tokens(text)
        .into_iter()
        .filter(|token| token.kind == TokenKind::Parameter)
        .filter_map(|token| text[token.range()].get(1..)?.parse::<u16>().ok())
        .max();
    (0..usize::from(most.unwrap_or(0))).map(Parameter::Client).collect()
}

/// A statement for the stores with the client's parameters as what home takes them for: a store left alone
/// could find another type, and read another value.
///
/// # Errors
///
/// [`Unfit::NotAtThisTier`] for types that are no store's own.
pub(crate) fn typed(sql: &str, parameters: &[Parameter], types: &[Type]) -> Result<String, Unfit> {
    let mut out = String::with_capacity(sql.len() + 16 * parameters.len());
    let mut done = 0;
    for token in read::tokens(sql).into_iter().filter(|token| token.kind == TokenKind::Parameter) {
        let number = sql[token.range()].get(1..).and_then(|digits| digits.parse::<usize>().ok());
        let parameter = number.and_then(|number| parameters.get(number.checked_sub(1)?));
        let Some(Parameter::Client(at)) = parameter else { continue };
        let kind = types.get(*at).filter(|kind| kind.oid < FIRST_OWN_TYPE);
        let kind = kind.ok_or_else(|| Unfit::not_here("a parameter of a type of an extension or service"))?;
        out.push_str(&sql[done..token.start]);
        out.push_str(&format!("({}::{})", &sql[token.range()], kind.name));
        done = token.end;
    }
    out.push_str(&sql[done..]);
    Ok(out)
}
