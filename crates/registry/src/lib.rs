//! Where services, users, stores, grants and logins are kept: a SQLite file, the secrets sealed in it,
//! and the changes a running gate follows.
//!
//! Writers are [`Registry`] values, one per connection; a running gate reads through a [`Follower`],
//! which keeps a [`model::Directory`] up to date, and opens secrets with a [`Sealer`], which needs no
//! database at all. Nothing here knows a Postgres connection.

mod changes;
mod error;
mod follower;
mod grants;
mod kek;
mod logins;
mod materialized;
mod outbox;
mod partitions;
mod readers;
mod registry;
mod rotation;
mod rows;
mod schema;
pub mod scram;
mod seal;
mod sealer;
mod services;
mod stores;
mod users;

pub use error::{Error, Result};
pub use follower::{FOLLOW_INTERVAL, FollowEvent, Follower};
pub use grants::{GrantRecord, GrantRequest, Prepared, Reader, Where};
pub use kek::{KEK_VARIABLE, Kek};
pub use logins::{LoginRecord, LoginTarget};
pub use materialized::{Definition, Kept, Materialized};
pub use outbox::{Operation, OperationId, OperationKind, backoff_s};
pub use readers::ReaderRoles;
pub use registry::Registry;
pub use seal::Purpose;
pub use sealer::Sealer;
pub use services::NewHome;
pub use stores::{StoreAdmin, StoreRecord};
pub use users::UserRecord;
