//! How the gate proves itself to a store: sealed as it rests, open as it is used.

use crate::ScramKeys;
use secrecy::SecretString;

/// A secret in its sealed text form `sg:v1:<kek id>:<base64>`; only the registry crate can open it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed(Box<str>);

impl Sealed {
    /// Wraps the sealed text as it was read from the registry.
    #[must_use]
    pub fn from_text(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The sealed text, to be stored or opened.
    #[must_use]
    pub fn as_text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// An opened credential: lives only while a connection is being made. Debug shows nothing of it.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A password somebody gave us.
    Password(SecretString),
    /// Keys of a password the gate picked itself and threw away.
    Keys(ScramKeys),
}
