//! What the end-to-end tests share: a running gate with its stores.

mod plan;
mod world;

pub use plan::{Servers, WorldPlan};
pub use testkit;
pub use world::{ADMIN, SERVICE, World, secret_of};
