//! Why a statement is not answered from many stores.

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
