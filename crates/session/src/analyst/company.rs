//! Selects that set parameters and ask for others beside: what home is asked in their place; pure.
//!
//! Drivers send them to switch something off for a while: `SELECT current_setting('jit'), set_config('jit', 'off', false)`.

use sql::{Lexer, Strings, Token, TokenKind};

/// The select with the value that is set in place of each call that sets one, so that it can be run anywhere;
/// `None` where a call is not of three constants. The setting itself is left to the caller.
pub(super) fn harmless(text: &str) -> Option<String> {
    let tokens: Vec<Token> = Lexer::new(text.as_bytes(), Strings::Standard)
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment))
        .collect();
    let of = |at: usize| tokens.get(at).map(|token| token.of(text.as_bytes()));
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(token) = tokens.get(at) {
        let calls = token.of(text.as_bytes()).eq_ignore_ascii_case(b"set_config") && of(at + 1) == Some(b"(");
        if !calls {
            at += 1;
            continue;
        }
        // set_config ( name , value , local )
        let (value, close) = (tokens.get(at + 4)?, tokens.get(at + 7)?);
        let is_call =
            of(at + 3) == Some(b",") && of(at + 5) == Some(b",") && close.of(text.as_bytes()) == b")";
        if !is_call {
            return None;
        }
        let schema = at.checked_sub(2).filter(|_| of(at.wrapping_sub(1)) == Some(b"."));
        let from = schema.and_then(|at| tokens.get(at)).map_or(token.start, |schema| schema.start);
        out.push_str(text.get(copied..from)?);
        out.push_str(&format!("({}::text)", text.get(value.range())?));
        if !of(at + 8).is_some_and(|next| next.eq_ignore_ascii_case(b"as")) {
            out.push_str(" AS set_config");
        }
        (copied, at) = (close.end, at + 8);
    }
    out.push_str(text.get(copied..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_shown_and_nothing_is_called() {
        for (text, expected) in [
            (
                "SELECT current_setting('jit') AS cur, set_config('jit', 'off', false) AS new",
                Some("SELECT current_setting('jit') AS cur, ('off'::text) AS new"),
            ),
            (
                "select pg_catalog.set_config('a.b', 'x', FALSE), current_setting('a.b')",
                Some("select ('x'::text) AS set_config, current_setting('a.b')"),
            ),
            ("SELECT 'set_config('", Some("SELECT 'set_config('")),
            ("SELECT set_config('a', 'b' || 'c', false), 1", None),
            ("SELECT set_config(", None),
        ] {
            assert_eq!(harmless(text).as_deref(), expected, "{text}");
        }
    }
}
