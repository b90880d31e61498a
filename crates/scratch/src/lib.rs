//! Throw-away Postgres servers in a scratch folder, for the demo and the tests.
//!
//! Small and blocking on purpose. [`Binaries`] finds an installed Postgres, [`Server`] runs one in a
//! [`Folder`] of its own: unprivileged even when we are root, on a free port of 127.0.0.1, with
//! SCRAM-SHA-256 for everybody. When our process ends in whatever way, Ctrl-C and SIGKILL included,
//! the folder and everything that runs in it go too.

mod account;
mod binaries;
mod error;
mod folder;
mod port;
mod process;
mod run_as;
mod server;
mod settings;
mod template;

pub use account::Account;
pub use binaries::Binaries;
pub use error::Error;
pub use folder::{Folder, parent};
pub use port::free_port;
pub use server::{Server, Stop};
pub use settings::{Options, Tls};

/// The superuser of every scratch server.
pub const SUPERUSER: &str = "postgres";

/// The only address a scratch server listens on.
pub const HOST: &str = "127.0.0.1";
