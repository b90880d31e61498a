//! The admin console over psql, and health and metrics over HTTP.
//!
//! The console answers a handful of commands over the simple and the extended protocol, as rows of
//! text. HTTP answers three questions: is the process up, may it be given clients, how is it doing.
//!
//! Nothing here knows a session, a pool or a store: what is shown comes through [`Facts`] and from the
//! directory, neither of which holds anything secret in the open.

mod bind;
mod command;
mod console;
mod facts;
mod http;
mod metrics;
mod refuse;
mod show;
mod talk;

pub use console::serve;
pub use facts::{Facts, MaterializedRow, PoolRow, SessionRow};
pub use http::{Health, MAX_CONNECTIONS, serve_http};
pub use metrics::{Gauges, Metrics, MetricsError};
