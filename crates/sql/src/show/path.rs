//! Search paths in what is shown, without the schema of extensions that the gate has put there.

use super::SHOWN;
use memchr::memmem;
use std::ops::Range;

/// What stands before a search path inside other text: a function's definition, a list of settings.
const HEADS: [&[u8]; 3] = [b"search_path TO ", b"search_path = ", b"search_path="];

/// Leaves the schema of extensions out wherever it follows `public` in a search path: in a text that is
/// a path as a whole, and behind the parameter's name.
pub(super) fn leave_out(text: &mut Vec<u8>, extensions: &str) {
    if memmem::find(text, extensions.as_bytes()).is_none() {
        return;
    }
    let mut added: Vec<Range<usize>> = Vec::new();
    match list(text, 0, extensions) {
        (Some(range), end) if end == text.len() => added.push(range),
        _ => {
            for head in HEADS {
                let behind = memmem::find_iter(text, head).map(|at| at + head.len());
                added.extend(behind.filter_map(|at| list(text, at, extensions).0));
            }
            added.sort_by_key(|range| range.start);
        }
    }
    for range in added.into_iter().rev() {
        text.drain(range);
    }
}

/// Where in the list of schemas from `from` on that of extensions stands behind `public`, with the comma
/// before it, and where the list ends.
fn list(text: &[u8], from: usize, extensions: &str) -> (Option<Range<usize>>, usize) {
    let (mut added, mut end, mut behind_public) = (None, from, false);
    let mut at = from;
    while let Some((name, behind)) = element(text, at) {
        if behind_public && name == extensions.as_bytes() {
            added = Some(end..behind);
        }
        behind_public = name == SHOWN;
        end = behind;
        match text.get(behind..) {
            Some([b',', b' ', ..]) => at = behind + 2,
            _ => break,
        }
    }
    (added, end)
}

/// The name at `at`, without its quotes, and where it ends. Inside an array quotes have a backslash.
fn element(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = text.get(at..)?;
    let escaped = usize::from(rest.first() == Some(&b'\\'));
    let (open, close) = match rest.get(escaped)? {
        quote @ (b'"' | b'\'') => (escaped + 1, memchr::memchr(*quote, rest.get(escaped + 1..)?)?),
        _ if escaped > 0 => return None,
        _ => (0, rest.iter().take_while(|&&b| b.is_ascii_alphanumeric() || b == b'_').count()),
    };
    let name = rest.get(open..open + close)?;
    let name = name.get(..close.checked_sub(escaped)?)?;
    let quotes = usize::from(open > 0);
    (!name.is_empty()).then_some((name, at + open + close + quotes))
}
