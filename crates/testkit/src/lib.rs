//! For tests: certificates, a scripted client and server, a running gate, counted instructions.
//!
//! [`Peer`] is one end of a connection and speaks raw frames, as a client ([`client`]) or as a store
//! ([`server`]), well-behaved or not. Everything that waits has a deadline. [`frames`] builds messages
//! byte by byte, on purpose without the gate's own encoders. Real servers come from [`scratch`].

pub mod answer;
pub mod callgrind;
pub mod certificates;
pub mod client;
mod error;
pub mod frames;
pub mod gate;
pub mod peer;
pub mod server;

pub use answer::{Answer, Fields};
pub use client::{Client, Login};
pub use error::Error;
pub use gate::Gate;
pub use peer::{Frame, Peer};
pub use scratch;
pub use server::FakeStore;
