//! Why a statement is not answered from many stores.

/// Of a statement that is larger than what is read.
const TOO_COMPLEX: &str = "54001";

/// Told to the client as an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// SQLSTATE.
    pub sqlstate: &'static str,
    /// One line.
    pub message: String,
    /// What to do instead.
    pub hint: String,
    /// Whether the statement was not understood, rather than understood and forbidden: home may know a better
    /// reason (42601), and is asked first.
    pub unread: bool,
}

impl Refusal {
    /// Understood, and never answered by a fan-out (0A000).
    pub(crate) fn unsupported(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { sqlstate: "0A000", message: message.into(), hint: hint.into(), unread: false }
    }

    /// Not understood (0A000, unless home has a syntax error to tell).
    pub(crate) fn unread(what: &str) -> Self {
        Self {
            sqlstate: "0A000",
            message: format!("the gate cannot read this statement: {what}"),
            hint:
                "Write it with plainer SQL: a fan-out answers what the gate understands, and guesses nothing."
                    .to_owned(),
            unread: true,
        }
    }

    /// Too large or too deeply nested (54001).
    pub(crate) fn too_complex(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { sqlstate: TOO_COMPLEX, message: message.into(), hint: hint.into(), unread: false }
    }

    /// Whether there is no tree of the statement for it, and the names in it may do.
    pub(crate) fn leaves_names(&self) -> bool {
        self.unread || self.sqlstate == TOO_COMPLEX
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// At no tier.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not at the tier that was asked for; the reason is shown by EXPLAIN.
    #[error("{0}")]
    NotAtThisTier(String),
}

impl Unfit {
    /// Not at this tier, and why.
    pub(crate) fn not_here(reason: impl Into<String>) -> Self {
        Self::NotAtThisTier(reason.into())
    }
}
