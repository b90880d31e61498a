//! Where the read-only role of a grant comes from.

use model::{GrantId, Sealed};

/// The read-only role of a grant's partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// LOGIN role.
    pub role: Box<str>,
    /// That role's sealed secret.
    pub credential: Sealed,
}

/// Finds readers: the registry's part, behind a trait since the directory has no room for what only fan-outs
/// need. What was found is remembered by the caller for as long as the grant stays as it is.
pub trait Readers: Send + Sync {
    /// One for each of `grants`, in order; `None` where a grant has no read-only role. May block for as long as
    /// a read of the registry takes.
    fn find(&self, grants: &[GrantId]) -> Vec<Option<Reader>>;
}
