//! A Postgres server's version, and what depends on it.

/// The oldest major that the gate works with.
const OLDEST: u32 = 15;

/// A version as `server_version_num` tells it, such as 150008 (PostgreSQL manual, "Preset Options").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion(pub u32);

impl ServerVersion {
    /// The first release of a major version.
    #[must_use]
    pub const fn of_major(major: u32) -> Self {
        Self(major * 10_000)
    }

    /// The major version, such as 15.
    #[must_use]
    pub const fn major(self) -> u32 {
        self.0 / 10_000
    }

    /// Whether the gate works with it.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        self.major() >= OLDEST
    }

    /// Whether role membership has the options INHERIT and SET (16 and later; PostgreSQL 16 release
    /// notes, "Privileges").
    pub(crate) const fn has_membership_options(self) -> bool {
        self.major() >= 16
    }
}

impl std::fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major(), self.0 % 10_000)
    }
}
