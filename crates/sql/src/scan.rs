//! The byte scan that lets a statement without anything to do pass as it came.

use crate::lexer::is_space;
use aho_corasick::{AhoCorasick, AhoCorasickKind, packed};

/// What the scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// One statement, and nothing in it concerns the gate: forward the bytes as they are.
    Plain,
    /// One statement of a word or two that begins or ends a transaction.
    Transaction(Step),
    /// Anything may be in it: [`analyse`](crate::analyse) and [`rewrite`](crate::rewrite) it.
    Look,
}

/// A transaction statement in its shortest form, without modes and without `AND CHAIN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `BEGIN` or `START TRANSACTION`
    Begin,
    /// `COMMIT` or `END`
    Commit,
    /// `ROLLBACK` or `ABORT`
    Rollback,
}

/// First words of statements that concern the gate only if a trigger word stands in them.
const PLAIN: &[&str] = &[
    "select", "insert", "update", "delete", "with", "values", "table", "merge", "copy", "fetch", "move",
    "lock", "truncate",
];

/// Words that concern the gate wherever they stand, in any case.
const TRIGGERS: &[&str] = &[
    // The schema, the gate itself, and parameters.
    "public",
    "stuffgate",
    "search_path",
    "set_config",
    "current_setting",
    // State of the server's session.
    "temp",
    "currval",
    "lastval",
    "setseed",
    "dblink",
    // The catalog, and functions of the server, advisory locks among them.
    "pg_",
    "nspname",
    "datname",
    "schemaname",
    "schema_name",
    "_schema",
    "_catalog",
    "current_database",
    "tableoid",
    "format_type",
    "_to_xml",
    // Names that the server looks up from text.
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regproc",
    "regtype",
    "nextval",
    "setval",
    "_privilege",
];

/// The searcher of the trigger words; built once, shared by reference.
#[derive(Clone, Debug)]
pub struct Scanner {
    triggers: Triggers,
}

/// How trigger words are looked for.
#[derive(Clone, Debug)]
enum Triggers {
    /// With vector instructions, in text [`fold`]ed piece by piece.
    Packed(packed::Searcher),
    /// Byte by byte, where the processor has no such instructions.
    Automaton(AhoCorasick),
    /// Not at all: every text is looked at.
    Unknown,
}

/// Bytes that are folded and searched at a time.
const PIECE: usize = 512;

/// Bytes that two pieces share, so that no word is lost between them: more than any word has.
const OVERLAP: usize = 32;

/// Upper and lower case letters become the same byte, and so do a few others, for which a text is
/// looked at without need.
fn fold(byte: u8) -> u8 {
    byte | 0x20
}

impl Triggers {
    fn new() -> Self {
        let folded = TRIGGERS.iter().map(|word| word.bytes().map(fold).collect::<Vec<u8>>());
        if let Some(searcher) = packed::Config::new().builder().extend(folded).build() {
            return Self::Packed(searcher);
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(TRIGGERS);
        automaton.map_or(Self::Unknown, Self::Automaton)
    }

    fn occur_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Packed(searcher) => occur_folded(searcher, text),
            Self::Automaton(automaton) => automaton.is_match(text),
            Self::Unknown => true,
        }
    }
}

fn occur_folded(searcher: &packed::Searcher, mut text: &[u8]) -> bool {
    let mut piece = [0; PIECE];
    loop {
        let length = text.len().min(PIECE);
        for (folded, byte) in piece.iter_mut().zip(&text[..length]) {
            *folded = fold(*byte);
        }
        if searcher.find(&piece[..length]).is_some() {
            return true;
        }
        if length < PIECE {
            return false;
        }
        text = &text[PIECE - OVERLAP..];
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// Builds the searcher.
    #[must_use]
    pub fn new() -> Self {
        Self { triggers: Triggers::new() }
    }

    /// One scan over the bytes of a text; no allocation, no parse.
    #[must_use]
    pub fn scan(&self, text: &[u8]) -> Scan {
        let start = first_word(text);
        let end = start + text[start..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let word = &text[start..end];
        if text.get(start) != Some(&b'(') && !is_one_of(word, PLAIN) {
            let bare = text[..start].iter().all(|&b| is_space(b));
            let step = short_transaction(word, &text[end..]).filter(|_| bare);
            return step.map_or(Scan::Look, Scan::Transaction);
        }
        let quiet = !separates(text) && !self.triggers.occur_in(text);
        if quiet { Scan::Plain } else { Scan::Look }
    }
}

fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes()))
}

/// Where the first word starts, behind white space and comments that are easy to skip.
fn first_word(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match &text[at..] {
            [b, ..] if is_space(*b) => at += 1,
            [b'/', b'*', rest @ ..] => match memchr::memmem::find(rest, b"*/") {
                Some(length) if memchr::memmem::find(&rest[..length], b"/*").is_none() => at += length + 4,
                _ => return text.len(),
            },
            [b'-', b'-', rest @ ..] => match memchr::memchr2(b'\n', b'\r', rest) {
                Some(length) => at += length + 3,
                None => return text.len(),
            },
            _ => return at,
        }
    }
}

/// Is there a `;` with more than white space behind it, or a `U&` string or identifier?
fn separates(text: &[u8]) -> bool {
    memchr::memchr2_iter(b';', b'&', text).any(|at| {
        if text[at] == b';' {
            !text[at + 1..].iter().all(|&b| is_space(b) || b == b';')
        } else {
            at > 0 && text[at - 1] | 0x20 == b'u' && matches!(text.get(at + 1), Some(b'\'' | b'"'))
        }
    })
}

fn short_transaction(word: &[u8], rest: &[u8]) -> Option<Step> {
    let rest = rest.trim_ascii();
    let rest = rest.strip_suffix(b";").unwrap_or(rest).trim_ascii_end();
    let filler = rest.is_empty() || is_one_of(rest, &["work", "transaction"]);
    let bare = |words| filler && is_one_of(word, words);
    if bare(&["begin"]) || (is_one_of(word, &["start"]) && is_one_of(rest, &["transaction"])) {
        Some(Step::Begin)
    } else if bare(&["commit", "end"]) {
        Some(Step::Commit)
    } else if bare(&["rollback", "abort"]) {
        Some(Step::Rollback)
    } else {
        None
    }
}
