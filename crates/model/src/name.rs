//! The checked name of a user, service or login.

use std::sync::Arc;

/// Longest name, in bytes. Names become parts of Postgres identifiers, which end at 63.
pub const MAX_NAME_BYTES: usize = 40;

/// A name that is safe in URLs, configuration, logs and as part of a Postgres identifier:
/// lower-case ASCII letters, digits, `_`, `-`, `.` and `@`, starting with a letter or digit.
/// Cloning copies a pointer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a valid name: use 1 to {MAX_NAME_BYTES} characters of a-z, 0-9, '_', '-', '.' or '@', starting with a letter or digit"
)]
pub struct BadName(pub String);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A text that was a name before.
    pub(crate) fn known(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl std::str::FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let first_ok = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let rest_ok =
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.@".contains(&b));
        if first_ok && rest_ok && text.len() <= MAX_NAME_BYTES {
            Ok(Self(Arc::from(text)))
        } else {
            Err(BadName(text.chars().take(80).collect()))
        }
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        for good in ["a", "alice", "todo-app", "a.b@c_d", "9lives"] {
            assert_eq!(good.parse::<Name>().expect(good).as_str(), good);
        }
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        for bad in ["", "-a", "Alice", "a b", "a\0", "ä", "a\"b", long.as_str()] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?} was taken for a name");
        }
    }
}
