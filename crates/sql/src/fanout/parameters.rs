//! Parameters in texts: the client's own, and the types of those that stores are given.

use super::catalog::Type;
use super::plan::Parameter;
use super::read;
use super::refusal::Unfit;
use super::traits;
use crate::TokenKind;

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
        let kind =
            types.get(*at).filter(|kind| kind.oid < traits::FIRST_OWN && traits::kind_of(kind).is_some());
        let kind = kind.ok_or_else(|| Unfit::not_here("a parameter of a type of an extension or service"))?;
        out.push_str(&sql[done..token.start]);
        out.push_str(&format!("({}::{})", &sql[token.range()], castable(&kind.name)));
        done = token.end;
    }
    out.push_str(&sql[done..]);
    Ok(out)
}

/// Without a length, some names of types mean a length of 1.
fn castable(name: &str) -> &str {
    match name {
        "character" => "bpchar",
        "bit" => "varbit",
        other => other,
    }
}

/// `text`
pub(crate) fn text_type() -> Type {
    Type {
        oid: 25,
        name: "text".to_owned(),
        array: Some("text[]".to_owned()),
        category: 'S',
        collatable: true,
    }
}
