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

/// An answer that is kept on a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterializedRow {
    /// Its name.
    pub name: String,
    /// The service whose stores are asked.
    pub service: String,
    /// Seconds between two refreshes.
    pub every_s: i64,
    /// When the answer that is kept was asked for, in seconds since the Unix epoch.
    pub as_of: Option<i64>,
    /// Stores that were asked.
    pub asked: Option<u32>,
    /// Stores that are in it.
    pub ok: Option<u32>,
    /// Its rows.
    pub rows: Option<i64>,
    /// When it is refreshed next, in seconds since the Unix epoch.
    pub due_at: i64,
    /// Why the last refresh failed, if it did.
    pub last_error: Option<String>,
}

/// What the console shows and does. Called from async code: nothing here may take long.
pub trait Facts: Send + Sync {
    /// Who and what there is.
    fn directory(&self) -> Arc<Directory>;
    /// The pools at this moment.
    fn pools(&self) -> Vec<PoolRow>;
    /// The sessions at this moment.
    fn sessions(&self) -> Vec<SessionRow>;
    /// Answers that are kept on homes, by name, as they were lately.
    fn materialized(&self) -> Vec<MaterializedRow>;
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
