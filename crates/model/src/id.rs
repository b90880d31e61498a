//! Row numbers of the registry as types, so that a store's number is never taken for a user's.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A user's row in the registry.
    UserId,
    /// A store's row in the registry.
    StoreId,
    /// A service's row in the registry.
    ServiceId,
    /// A grant's row in the registry.
    GrantId,
    /// A login's row in the registry.
    LoginId,
}
