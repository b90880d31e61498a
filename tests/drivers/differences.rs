//! Where a client may see something else through the gate than on plain Postgres, and why.

use stuffgate_tests::Target;

/// One case of one client that differs. A difference that does not occur is an error as well.
pub(crate) struct Difference {
    /// The client's test.
    pub(crate) test: &'static str,
    /// The case that differs.
    pub(crate) case: &'static str,
    /// Where; [`Target::Plain`] allows an ERROR that plain Postgres gives too.
    pub(crate) target: Target,
    /// Why, in words for docs/compatibility.md.
    pub(crate) reason: &'static str,
}

/// Sorted by test.
pub(crate) const DIFFERENCES: &[Difference] = &[];
