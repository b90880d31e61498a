//! Random queries within the grammar that fan-out claims: made from genes, so that each can shrink.

mod genes;
mod render;
mod sources;

pub(crate) use genes::queries;
