//! What the end-to-end tests share: a running gate with its stores.

mod world;

pub use testkit;
pub use world::{ADMIN, SERVICE, Servers, World, WorldPlan, secret_of};
