//! What a program printed, by case.

use stuffgate_tests::SERVICE;

/// Hexadecimal digits at the end of a partition's role.
const ROLE_DIGITS: usize = 8;

/// The client's name and version, and its cases in the order in which they were first seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Transcript {
    pub(crate) client: String,
    pub(crate) version: String,
    cases: Vec<(String, Vec<String>)>,
}

impl Transcript {
    /// Reads lines `case: what was seen`, with the names of a partition's roles made the same.
    ///
    /// # Errors
    /// What is not as it must be.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let text = without_roles(text);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let (client, version) = first
            .strip_prefix("client: ")
            .and_then(|told| told.rsplit_once(' '))
            .ok_or_else(|| format!("the first line is not `client: NAME VERSION`: {first:?}"))?;
        let mut found = Self { client: client.to_owned(), version: version.to_owned(), cases: Vec::new() };
        for line in lines {
            let (case, seen) = line.split_once(':').filter(|(case, _)| is_case(case)).ok_or_else(|| {
                format!(
                    "this line is not `case: what was seen` (other output goes to standard error): {line:?}"
                )
            })?;
            found.add(case, seen.trim());
        }
        Ok(found)
    }

    /// Adds a line to a case.
    pub(crate) fn add(&mut self, case: &str, seen: &str) {
        match self.cases.iter_mut().find(|(name, _)| name == case) {
            Some((_, lines)) => lines.push(seen.to_owned()),
            None => self.cases.push((case.to_owned(), vec![seen.to_owned()])),
        }
    }

    /// The cases' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().map(|(name, _)| name.as_str())
    }

    /// What was seen in one case; nothing when it did not occur.
    pub(crate) fn seen(&self, case: &str) -> &[String] {
        self.cases.iter().find(|(name, _)| name == case).map_or(&[], |(_, lines)| lines)
    }

    /// Whether one case failed.
    pub(crate) fn failed(&self, case: &str) -> bool {
        self.seen(case).iter().any(|line| line.starts_with("ERROR"))
    }
}

fn is_case(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `p_todo_0123abcd` becomes `<role>`, likewise the roles for sessions and for readers.
fn without_roles(text: &str) -> String {
    let name = format!("_{SERVICE}_");
    let (mut rest, mut out) = (text, String::with_capacity(text.len()));
    while let Some(at) = rest.find(&name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let digits = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        match before.strip_suffix(['p', 'g', 'r']).filter(|_| digits == ROLE_DIGITS) {
            Some(before) => {
                out += before;
                out += "<role>";
                rest = &after[digits..];
            }
            None => {
                out += &rest[..at + name.len()];
                rest = after;
            }
        }
    }
    out + rest
}

#[test]
fn roles_of_partitions_read_alike() {
    let text = "client: c 1\ncrud: p_todo_0123abcd,r_todo_ffffffff p_todo_0123 x_todo_ todo";
    let found = Transcript::read(text).unwrap();
    assert_eq!(found.seen("crud"), ["<role>,<role> p_todo_0123 x_todo_ todo"]);
}

#[test]
fn what_is_no_transcript_is_told() {
    for bad in ["", "hello", "client: c", "client: c 1\nHello: x", "client: c 1\nwarning"] {
        assert!(Transcript::read(bad).is_err(), "{bad:?}");
    }
}
