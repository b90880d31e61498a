//! What the gate does inside a store as its admin: test it, provision partitions, rotate, revoke.
//!
//! The admin has CREATEROLE and owns the database; it is not a superuser, and it never reads or writes
//! what a service keeps. [`Admin`] is one connection of it, with one deadline for all that is done over
//! it. Every function may be cut off at any point (the future dropped, the gate killed, the network
//! gone) and called again: what Postgres can do in a transaction happens as a whole, the rest changes
//! nothing the second time, and [`provision`] and [`revoke`] record their operation in the store so that
//! a late repetition does nothing at all.

mod admin;
mod adopt;
mod database_sql;
mod error;
mod grant_sql;
mod guard;
mod ledger;
mod link;
mod plan;
mod probe;
mod provision;
mod revoke;
mod revoke_sql;
mod rotate;
mod schema_sql;
mod script;
mod socket;
mod tls;
mod version;

pub use admin::Admin;
pub use adopt::{Adopted, adopt};
pub use error::StoreError;
pub use plan::{GrantPlan, RevokePlan};
pub use probe::{Report, probe};
pub use provision::{Provisioned, plan_sql, provision};
pub use revoke::{Revoked, revoke};
pub use rotate::set_verifier;
pub use version::ServerVersion;
