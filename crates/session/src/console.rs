//! Who serves a session of kind `admin`: behind a trait, so that sessions know no console.

use std::future::Future;
use std::pin::Pin;
use wire::{Peer, Stream};

/// The admin console.
pub trait Console: Send + Sync {
    /// Serves one authenticated client until it leaves; everything up to and including the first
    /// ReadyForQuery has been sent.
    fn serve<'a>(
        &'a self,
        client: &'a mut Peer<Stream>,
        login: &'a str,
    ) -> Pin<Box<dyn Future<Output = std::io::Result<()>> + Send + 'a>>;
}
