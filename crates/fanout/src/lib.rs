//! One statement, many partitions: scope, legs, deadline, combine, coverage.
//!
//! [`Fanout`] describes and runs statements for sessions. Home judges and combines; the stores are asked by
//! read-only roles, in READ ONLY transactions. Nothing here knows a client, or who opened the session.

mod answer;
mod array;
mod asked;
mod asker;
mod cache;
mod catalog;
mod combine;
mod copy;
mod coverage;
mod described;
mod error;
mod explain;
mod facts;
mod fanout;
mod fold;
mod gather;
mod home;
pub mod legs;
mod like;
mod limits;
mod merge;
mod moments;
mod partial;
mod prepare;
mod readers;
mod reading;
mod reply;
mod run;
mod settings;
mod statement;
mod stream;
mod tally;

pub use asker::{Asker, Done, Event, Failure, Values};
pub use coverage::warning;
pub use described::{ColumnDescribed, Described};
pub use fanout::Fanout;
pub use limits::Limits;
pub use readers::{Reader, Readers};
pub use run::Run;
pub use settings::{BadSetting, PREFIX, Settings, TierWish};
