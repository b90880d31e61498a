//! What analysts are told, held against an oracle: one Postgres with the rows of all stores.
#![allow(clippy::panic, clippy::unwrap_used)]

mod agreement;
mod answers;
mod clients;
mod compare;
mod corpus;
mod cursors;
mod data;
mod exchanges;
mod extensions;
mod generated;
mod generator;
mod loss;
mod named;
mod play;
mod refusals;
mod reply;
mod sessions;
mod settings;
mod stage;
mod tiers;
mod unlike;
