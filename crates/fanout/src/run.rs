//! A statement on its way: a task that tells what comes, and ends when nobody listens.

use crate::described::Described;
use crate::fanout::Fanout;
use crate::statement;
use crate::tally::Tally;
use crate::{Asker, Event, Values};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::Instrument;

/// Events that wait for whoever reads them; a reader that stops stops the statement too.
const MAX_EVENTS: usize = 4;

/// A statement on its way. Dropped, it ends: legs and home's query are cancelled.
#[derive(Debug)]
pub struct Run {
    /// What it tells; after [`Event::End`], or if the task was lost, nothing.
    pub events: mpsc::Receiver<Event>,
    task: AbortHandle,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where a running statement tells what comes.
#[derive(Clone, Debug)]
pub(crate) struct Teller(mpsc::Sender<Event>);

impl Teller {
    /// Tells one event, once there is room for it.
    pub(crate) async fn tell(&self, event: Event) {
        // Nobody listens any more only when the task is about to be aborted.
        let _ = self.0.send(event).await;
    }
}

impl Run {
    pub(crate) fn start(
        fanout: Arc<Fanout>,
        asker: Asker,
        described: Arc<Described>,
        values: Values,
    ) -> Self {
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let teller = Teller(sender);
        let span = tracing::debug_span!("fan-out", session = asker.session, service = asker.service.0);
        let work = async move {
            let mut tally = Tally::begin();
            let end = statement::answer(&fanout, &asker, &described, &values, &teller, &mut tally).await;
            tally.end(&end);
            teller.tell(Event::End(end)).await;
        };
        let task = tokio::spawn(work.instrument(span));
        Self { events, task: task.abort_handle() }
    }
}
