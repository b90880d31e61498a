//! Answers of fan-outs that are kept in tables on the home of their service, and made anew now and then.

mod copy;
mod home;
mod refresh;
mod script;

pub(crate) use home::{HomeError, connect, drop_table};
pub(crate) use refresh::{Refresher, Stop};

/// The schema on home that holds them.
pub(crate) const SCHEMA: &str = "stuffgate_materialized";
