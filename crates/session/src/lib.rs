//! One client's life: greeting, login, ready, leased, fan-out, draining.
//!
//! [`serve`] takes an accepted connection to its end. The decisions are pure and stand in files of
//! their own: whom a session is for (`binding`), where its statements go (`route`), what travels with
//! it (`parameters`), what a message is to the gate (`state`). `life` and `relayed` act on them.
//!
//! Nothing here knows the registry, a store's admin, or how a leased connection is made.

mod alike;
mod analyst;
mod answer;
mod binding;
mod block;
mod console;
mod date_style;
mod error;
mod extended;
mod front;
mod gate;
mod life;
mod local;
mod login;
mod look;
mod parameters;
mod prepared;
mod relayed;
mod room;
mod route;
mod routes;
mod rows;
mod serve;
mod sessions;
mod shown;
mod simple;
mod state;
mod stateful;
mod texts;
mod told;
mod underway;
mod workers;

pub use console::Console;
pub use gate::{Gate, Limits, Parts};
pub use route::home_of;
pub use serve::serve;
pub use sessions::{EndReason, Handle, Sessions};
pub use workers::Workers;
