//! Sessions that ask many stores: analysts', and a service's while its `stuffgate.fanout` is on.
//!
//! They lease no server: `fanout` does, for one statement at a time. Nothing of such a session is part of an
//! ordinary one, which would pay for it while it is idle.

mod answers;
mod company;
mod coverage;
mod cursors;
mod describing;
mod extended;
mod handover;
mod hearing;
mod kept;
mod layers;
mod legs;
mod named;
mod own;
mod parameters;
mod refusals;
mod running;
mod simple;
mod talk;
mod transaction;
mod welcome;

pub(crate) use parameters::SWITCH as FAN_OUT;
pub(crate) use refusals::{always_on, binds, not_boolean};
pub(crate) use welcome::{Arrival, Seat, seat};
