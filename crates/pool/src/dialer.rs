//! How a connection is made: credential, TLS and start-up parameters brought together.

use crate::{LeaseError, Place};
use model::{Credential, Sealed, ScramKeys};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use wire::dial::{AddressPolicy, DialTarget, ServerTls};

/// A credential could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential cannot be opened")]
pub struct NoCredential;

/// Opens sealed credentials: the registry's part, behind a trait so that pools know no registry.
pub trait Credentials: Send + Sync {
    /// Opens one.
    ///
    /// # Errors
    /// [`NoCredential`] when the key does not fit.
    fn open(&self, sealed: &Sealed) -> Result<Credential, NoCredential>;
}
