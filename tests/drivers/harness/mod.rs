//! Runs a client's program at every target and compares what it printed.

mod compare;
pub(crate) mod documents;
mod driver;
mod process;
mod transcript;

pub(crate) use driver::Driver;
