//! What the console shows and does, behind a trait: the binary knows where it comes from.

use model::Directory;
use std::sync::Arc;

/// One pool of server connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRow {
    /// What it is called in messages.
    pub place: String,
    /// The service on whose account it counts.
    pub service: String,
    /// Idle connections.
    pub idle: usize,
    /// Connections leased or being made.
    pub active: usize,
    /// Sessions waiting.
    pub waiting: usize,
    /// The last failure, while the breaker is open.
    pub failing: Option<String>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its number, which `KILL` takes.
    pub number: u32,
    /// The login's name.
    pub login: String,
    /// The service's name.
    pub service: String,
    /// Whether it has a server now, or waits for one.
    pub working: bool,
    /// Why it is to end, if it is.
    pub ending: Option<&'static str>,
}

/// What the console shows and does. Called from async code: nothing here may take long.
pub trait Facts: Send + Sync {
    /// Who and what there is.
    fn directory(&self) -> Arc<Directory>;
    /// The pools at this moment.
    fn pools(&self) -> Vec<PoolRow>;
    /// The sessions at this moment.
    fn sessions(&self) -> Vec<SessionRow>;
    /// The settings in force, each a name such as `pool.total` and its value; no secret among them.
    fn settings(&self) -> Vec<(&'static str, String)>;
    /// The program's version.
    fn version(&self) -> &'static str;
    /// Ends a session; `false` when there is none of that number.
    fn end_session(&self, number: u32) -> bool;
    /// Reads configuration and certificates again.
    ///
    /// # Errors
    /// What is wrong with them; the old ones then stay in force.
    fn reload(&self) -> Result<(), String>;
    /// Ends the gate as SIGTERM does.
    fn shut_down(&self);
}
