//! Reads `stuffgate.user` out of sqlcommenter comments: `/*key='value',stuffgate.user='alice'*/`.
//!
//! Keys and values are percent-encoded, and a backslash stands before a quote inside a value.
//! A comment that assigns `stuffgate.user` and cannot be read is [`BindTag::Malformed`].

use crate::lexer::Token;
use crate::statement::BindTag;
use percent_encoding::percent_decode;

const KEY: &[u8] = b"stuffgate.user";

/// What the comments of one statement say together.
pub(crate) fn of_comments(text: &[u8], comments: &[Token]) -> Option<BindTag> {
    comments.iter().fold(None, |all, comment| join(all, of_comment(comment.of(text))))
}

/// What two parts of a statement say together.
pub(crate) fn join(one: Option<BindTag>, other: Option<BindTag>) -> Option<BindTag> {
    match (one, other) {
        (one, None) => one,
        (None, other) => other,
        (Some(BindTag::Malformed), _) | (_, Some(BindTag::Malformed)) => Some(BindTag::Malformed),
        (Some(one), Some(other)) if one == other => Some(one),
        _ => Some(BindTag::Conflict),
    }
}

fn of_comment(comment: &[u8]) -> Option<BindTag> {
    let body = comment.strip_prefix(b"/*")?.strip_suffix(b"*/")?;
    if !assigns_key(body) {
        return None;
    }
    pairs(body).unwrap_or(Some(BindTag::Malformed))
}

/// Does `stuffgate.user` stand before a `=`, in any case, with or without its dot encoded?
fn assigns_key(body: &[u8]) -> bool {
    if !body.windows(9).any(|w| w.eq_ignore_ascii_case(b"stuffgate")) {
        return false;
    }
    let decoded: Vec<u8> = percent_decode(body).map(|b| b.to_ascii_lowercase()).collect();
    memchr::memmem::find_iter(&decoded, KEY)
        .any(|at| decoded[at + KEY.len()..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'='))
}

/// Reads `key='value'` pairs with commas between; `None` where the comment is not such a list or
/// `stuffgate.user` hides elsewhere than in a key.
fn pairs(body: &[u8]) -> Option<Option<BindTag>> {
    let mut rest = body.trim_ascii();
    let mut tag = None;
    loop {
        let equals = memchr::memchr(b'=', rest)?;
        let key = percent_decode(rest[..equals].trim_ascii()).collect::<Vec<u8>>();
        let (value, behind) = quoted(rest[equals + 1..].trim_ascii_start())?;
        if key.eq_ignore_ascii_case(KEY) {
            let user = percent_decode(&value).decode_utf8().ok()?.into_owned();
            if user.is_empty() {
                return None;
            }
            tag = join(tag, Some(BindTag::User(user)));
        } else if key.is_empty() || assigns_key(&[&key[..], b"="].concat()) {
            return None;
        }
        match behind.trim_ascii() {
            [] => return Some(tag),
            [b',', next @ ..] => rest = next.trim_ascii_start(),
            _ => return None,
        }
    }
}

/// A value between single quotes, and what follows it.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"'")?;
    let mut value = Vec::new();
    loop {
        match rest {
            [b'\\', escaped, more @ ..] => {
                value.push(*escaped);
                rest = more;
            }
            [b'\'', more @ ..] => return Some((value, more)),
            [byte, more @ ..] => {
                value.push(*byte);
                rest = more;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse;

    fn tag(text: &str) -> Option<BindTag> {
        let mut analysis = analyse(text.as_bytes());
        assert_eq!(analysis.statements.len(), 1, "{text}");
        analysis.statements.remove(0).tag
    }

    #[test]
    fn a_comment_names_the_user_wherever_it_stands() {
        for text in [
            "/*stuffgate.user='alice'*/ SELECT 1",
            "SELECT 1 /*route='%2Fx',stuffgate.user='alice',traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-01'*/",
            "SELECT 1; /* stuffgate.user = 'alice' */",
            "SELECT 1 /*stuffgate%2Euser='%61lice'*/;",
            "SELECT /*a*/ 1 -- stuffgate.user='bob'\n/*STUFFGATE.USER='alice'*/",
            "/*stuffgate.user='alice'*/ SELECT 1 /*stuffgate.user='alice'*/",
        ] {
            assert_eq!(tag(text), Some(BindTag::User("alice".into())), "{text}");
        }
        assert_eq!(tag(r"SELECT 1 /*stuffgate.user='a\'b'*/"), Some(BindTag::User("a'b".into())));
        assert_eq!(tag("SELECT 1 /*stuffgate.user='a%40b.c'*/"), Some(BindTag::User("a@b.c".into())));
    }

    #[test]
    fn text_in_strings_and_prose_is_no_tag() {
        for text in [
            "SELECT '/*stuffgate.user=''alice''*/'",
            "SELECT $$/*stuffgate.user='alice'*/$$",
            "SELECT 1 /* see stuffgate.user in the manual */",
            "SELECT 1 /*user='alice'*/",
            "SELECT 1",
        ] {
            assert_eq!(tag(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_contradicts_itself_is_never_guessed() {
        for text in [
            "SELECT 1 /*stuffgate.user=alice*/",
            "SELECT 1 /*stuffgate.user='alice*/",
            "SELECT 1 /*stuffgate.user=''*/",
            "SELECT 1 /*a='b' stuffgate.user='alice'*/",
            "SELECT 1 /*x.stuffgate.user='alice'*/",
            "SELECT 1 /* /*stuffgate.user='alice'*/ */",
            "SELECT 1 /*stuffgate.user='%ff'*/",
        ] {
            assert_eq!(tag(text), Some(BindTag::Malformed), "{text}");
        }
        for text in [
            "/*stuffgate.user='alice'*/ SELECT 1 /*stuffgate.user='bob'*/",
            "SELECT 1 /*stuffgate.user='alice',stuffgate.user='bob'*/",
        ] {
            assert_eq!(tag(text), Some(BindTag::Conflict), "{text}");
        }
    }
}
