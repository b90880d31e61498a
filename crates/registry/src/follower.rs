//! The thread that keeps a running gate's directory in line with the registry file.

use crate::registry::connect;
use crate::rows::Cas;
use crate::{Error, Result, changes};
use model::{Change, Directory};
use rusqlite::Connection;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the registry file is looked at. A change is seen after at most this and the time to read it.
pub const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

/// Pages of the registry that SQLite keeps, in KiB. All rows are read once and in order, and then few.
const CACHE_KIB: i64 = 256;

/// How long a look waits for a writer; the next look comes soon enough.
const LOCK_WAIT: Duration = Duration::from_millis(100);

/// What the follower tells of. It is told on the follower's thread: answer quickly.
#[derive(Debug)]
pub enum FollowEvent<'a> {
    /// A change that the directory already has.
    Changed(&'a Change),
    /// The registry cannot be read; the directory stays as it is. Told once per loss.
    Lost(&'a Error),
    /// The registry can be read again, and the directory has caught up.
    Recovered,
}

/// Follows a registry file until it is dropped, which waits for the thread to end.
#[derive(Debug)]
pub struct Follower {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Loads the registry at `path` into `directory` and starts a thread that applies every later change
    /// within a second, and tells `on_event` of each.
    ///
    /// # Errors
    /// Whatever keeps the registry from being read now; later failures go to `on_event`.
    pub fn start(
        path: &Path,
        directory: Arc<Directory>,
        on_event: impl FnMut(FollowEvent<'_>) + Send + 'static,
    ) -> Result<Self> {
        let mut follow = Follow { path: path.to_owned(), directory, on_event, open: None, lost: false };
        follow.open = Some(Open::load(&follow.path, &follow.directory, &mut |_| {})?);
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            while stopped.recv_timeout(FOLLOW_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                follow.look();
            }
        };
        let thread = std::thread::Builder::new()
            .name("registry-follower".to_owned())
            .spawn(run)
            .map_err(|_| Error::System("a thread"))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The file as it is open, and how far it has been read.
struct Open {
    connection: Connection,
    file: (u64, u64),
    /// SQLite's own counter (`PRAGMA data_version`): moves when another connection has written.
    data_version: i64,
    version: i64,
    cas: Cas,
}

impl Open {
    fn load(path: &Path, directory: &Directory, changed: &mut dyn FnMut(&Change)) -> Result<Self> {
        let connection = connect(path, LOCK_WAIT)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?; // negative: not pages
        let file = file_of(path)?;
        let data_version = connection.pragma_query_one(None, "data_version")?;
        let mut cas = Cas::default();
        let version =
            changes::load(&connection, &mut cas, directory, &mut |change| apply(directory, change, changed))?;
        Ok(Self { connection, file, data_version, version, cas })
    }

    /// Reads what changed, if anything did.
    fn catch_up(
        &mut self,
        path: &Path,
        directory: &Directory,
        changed: &mut dyn FnMut(&Change),
    ) -> Result<()> {
        if file_of(path)? != self.file {
            *self = Self::load(path, directory, changed)?;
            return Ok(());
        }
        // Read before the changes: a write in between is then seen twice, never missed.
        let data_version = self.connection.pragma_query_one(None, "data_version")?;
        if data_version == self.data_version {
            return Ok(());
        }
        let Self { connection, cas, .. } = self;
        self.version = match changes::since(connection, cas, self.version)? {
            Some((batch, version)) => {
                batch.iter().for_each(|change| apply(directory, change, changed));
                version
            }
            None => {
                changes::load(connection, cas, directory, &mut |change| apply(directory, change, changed))?
            }
        };
        self.data_version = data_version;
        Ok(())
    }
}

struct Follow<F> {
    path: PathBuf,
    directory: Arc<Directory>,
    on_event: F,
    open: Option<Open>,
    lost: bool,
}

impl<F: FnMut(FollowEvent<'_>)> Follow<F> {
    fn look(&mut self) {
        let on_event = &mut self.on_event;
        let mut changed = |change: &Change| on_event(FollowEvent::Changed(change));
        let result = match &mut self.open {
            Some(open) => open.catch_up(&self.path, &self.directory, &mut changed),
            None => Open::load(&self.path, &self.directory, &mut changed).map(|open| self.open = Some(open)),
        };
        match result {
            Ok(()) if self.lost => {
                self.lost = false;
                (self.on_event)(FollowEvent::Recovered);
            }
            // A writer that is at work is no loss; the next look finds what it wrote.
            Ok(()) | Err(Error::Busy) => {}
            Err(error) => {
                // Opened again at the next look: the connection may be of a file that is gone.
                self.open = None;
                if !self.lost {
                    self.lost = true;
                    (self.on_event)(FollowEvent::Lost(&error));
                }
            }
        }
    }
}

fn apply(directory: &Directory, change: &Change, changed: &mut dyn FnMut(&Change)) {
    directory.apply(change);
    changed(change);
}

/// Device and inode: another file under the same name is another registry.
fn file_of(path: &Path) -> Result<(u64, u64)> {
    let data = std::fs::metadata(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::Missing(path.to_owned()),
        _ => Error::File { path: path.to_owned(), source },
    })?;
    Ok((data.dev(), data.ino()))
}
