//! How much of its rows a store shows to a fan-out.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much a grant lets fan-outs disclose, and how much a query does; each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Disclosure {
    /// Nothing: the store is no part of any fan-out.
    None,
    /// Sums, counts and what is computed from them, for groups.
    Additive,
    /// Single values too: minima, maxima, lists, distinct values.
    Values,
    /// Rows.
    #[default]
    Rows,
}

/// A word that is no [`Disclosure`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of additive, values, rows and none")]
pub struct BadDisclosure(String);

impl Disclosure {
    /// The word for it in commands and the registry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Additive => "additive",
            Self::Values => "values",
            Self::Rows => "rows",
        }
    }
}

impl fmt::Display for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Disclosure {
    type Err = BadDisclosure;

    fn from_str(text: &str) -> Result<Self, BadDisclosure> {
        [Self::None, Self::Additive, Self::Values, Self::Rows]
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| BadDisclosure(text.to_owned()))
    }
}
