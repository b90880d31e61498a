//! The threads that sessions live on, and which of them is a store's.

use pool::Key;
use tokio::runtime::Handle;

/// The runtimes of a gate's workers. A store lives on one of them: the sessions that are for it alone move
/// there after a few transactions, so that client and server are woken on one thread.
#[derive(Clone, Debug, Default)]
pub struct Workers(Vec<Handle>);

impl Workers {
    /// Workers with these runtimes, each of one thread. Without any, sessions stay where they were accepted.
    #[must_use]
    pub fn new(runtimes: Vec<Handle>) -> Self {
        Self(runtimes)
    }

    /// The worker that a place lives on; `None` if that is the one this is called on, or there are no others.
    pub(crate) fn elsewhere(&self, key: Key) -> Option<&Handle> {
        let number = match key {
            Key::Grant(id) | Key::Reader(id) => id.0,
            Key::Home(id) => id.0,
        };
        let at = usize::try_from(number).unwrap_or_default().checked_rem(self.0.len())?;
        self.0.get(at).filter(|runtime| runtime.id() != Handle::current().id())
    }
}
