//! The client's parameters in a text.

use super::plan::Parameter;
use super::read;
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
