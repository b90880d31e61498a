//! Nouns without I/O: users, stores, services, partitions, grants, logins, and the directory that
//! holds them for sessions to read.
//!
//! Nothing here knows a socket, a file, a clock or another crate of this workspace.

pub mod change;
pub mod coverage;
pub mod credential;
pub mod directory;
pub mod disclosure;
pub mod endpoint;
pub mod grant;
pub mod id;
pub mod login;
pub mod name;
mod names;
mod packed;
pub mod partition;
mod rows;
pub mod scram;
pub mod service;
pub mod store;
pub mod user;

pub use change::Change;
pub use coverage::{Coverage, LegReport, Outcome};
pub use credential::{Credential, Sealed};
pub use directory::Directory;
pub use disclosure::{BadDisclosure, Disclosure};
pub use endpoint::{Endpoint, TlsMode};
pub use grant::{Grant, GrantState};
pub use id::{GrantId, LoginId, ServiceId, StoreId, UserId};
pub use login::{Login, LoginKind};
pub use name::{BadName, Name};
pub use partition::Partition;
pub use scram::{ScramKeys, ScramVerifier};
pub use service::{Home, Service};
pub use store::{Store, StoreState};
pub use user::User;
