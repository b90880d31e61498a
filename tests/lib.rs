//! What the end-to-end tests share: a running gate with its stores.

mod plan;
mod targets;
mod world;

pub use plan::{Servers, WorldPlan};
pub use targets::{PLAIN_ROLE, Target, Targets};
pub use testkit;
pub use world::{ADMIN, SERVICE, World, secret_of};
