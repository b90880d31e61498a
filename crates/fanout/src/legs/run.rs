//! All legs of one statement: as many at a time as may be, until the last is done or nobody listens.

use super::budget::{Budget, Held};
use super::crowd::Crowd;
use super::leg;
use super::listen::Sink;
use super::request::{Request, Statement};
use super::{Rows, Scope, Stores};
use model::LegReport;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::mpsc;

/// Legs that are done and wait for whoever reads them; no further leg is begun meanwhile.
const MAX_FINISHED: usize = 16;

/// Batches of one leg, or where legs are read in any order of all, that wait for whoever reads them.
const MAX_BATCHES: usize = 1;

/// A leg is over.
#[derive(Debug)]
pub struct Finished {
    /// Which store, by its place in the scope.
    pub index: usize,
    /// What became of it.
    pub report: LegReport,
    /// Where it is ok, the rows of each piece that were kept; none of a leg that has passed rows on.
    pub results: Option<Vec<Rows>>,
    /// The store collates text otherwise than home, and the plan depends on collation: it was not asked in vain
    /// if the statement is planned again, bare. Its outcome stands otherwise.
    pub collates_otherwise: bool,
}

/// What comes of legs whose rows are passed on.
#[derive(Debug)]
pub enum Arrival {
    /// Rows of the one piece, in the order in which the store sent them.
    Rows {
        /// Which store, by its place in the scope.
        index: usize,
        /// The rows; at least one.
        rows: Rows,
    },
    /// A leg is over. If it is not ok, what it sent before is no part of an answer.
    End(Finished),
}

/// What the legs of one statement share.
pub(crate) struct Shared {
    pub(crate) stores: Arc<Stores>,
    pub(crate) scope: Scope,
    pub(crate) request: Request,
    pub(crate) budget: Arc<Budget>,
    pub(crate) deadline: Instant,
    /// In which order stores are asked; none if in that of the scope.
    order: Option<Vec<usize>>,
    next: AtomicUsize,
}

impl Shared {
    fn new(stores: &Arc<Stores>, scope: Scope, statement: Statement, order: Option<Vec<usize>>) -> Arc<Self> {
        let budget = Budget::of(statement.limits.total_bytes, &stores.budget);
        let deadline = statement.began + statement.settings.deadline;
        let request = Request::new(statement, |text| stores.hash(text));
        Arc::new(Self {
            stores: Arc::clone(stores),
            scope,
            request,
            budget,
            deadline,
            order,
            next: AtomicUsize::new(0),
        })
    }

    /// The next store whose leg nobody has begun.
    fn next(&self) -> Option<usize> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        match &self.order {
            Some(order) => order.get(turn).copied(),
            None => (turn < self.scope.len()).then_some(turn),
        }
    }

    /// Legs at a time.
    fn concurrency(&self) -> usize {
        self.request.statement.settings.concurrency.max(1)
    }
}

/// Legs whose rows are kept until each is done. Dropped, it cancels all that are under way.
#[derive(Debug)]
pub struct Legs {
    finished: mpsc::Receiver<Finished>,
    budget: Arc<Budget>,
}

impl Legs {
    /// Asks every store in `scope`. To be called within a runtime.
    #[must_use]
    pub fn start(stores: &Arc<Stores>, scope: Scope, statement: Statement) -> Self {
        let order = scope.slowest_first();
        let shared = Shared::new(stores, scope, statement, Some(order));
        let (sender, receiver) = mpsc::channel(MAX_FINISHED);
        for _ in 0..shared.concurrency().min(shared.scope.len()) {
            tokio::spawn(keep(Arc::clone(&shared), sender.clone()));
        }
        Self { finished: receiver, budget: Arc::clone(&shared.budget) }
    }

    /// The next leg that is over, in whatever order; `None` after the last. Cancel-safe.
    pub async fn next(&mut self) -> Option<Finished> {
        self.finished.recv().await
    }

    /// Room for what is made of their rows, of what the statement may hold.
    pub(crate) fn hold(&self) -> Held {
        self.budget.hold()
    }
}

/// Runs one leg after the other.
async fn keep(shared: Arc<Shared>, sender: mpsc::Sender<Finished>) {
    while let Some(index) = shared.next() {
        let finished = tokio::select! {
            biased;
            () = sender.closed() => return,
            finished = leg::run(&shared, index, Sink::Keep) => finished,
        };
        let Some(finished) = finished else { return };
        if sender.send(finished).await.is_err() {
            return;
        }
    }
}

/// Legs whose rows are read as they come, in whatever order. Dropped, it cancels all that are under way.
#[derive(Debug)]
pub struct Arrivals(mpsc::Receiver<Arrival>);

impl Arrivals {
    /// Asks every store in `scope`. To be called within a runtime.
    #[must_use]
    pub fn start(stores: &Arc<Stores>, scope: Scope, statement: Statement) -> Self {
        let shared = Shared::new(stores, scope, statement, None);
        let (sender, receiver) = mpsc::channel(MAX_BATCHES);
        for _ in 0..shared.concurrency().min(shared.scope.len()) {
            tokio::spawn(pass(Arc::clone(&shared), sender.clone()));
        }
        Self(receiver)
    }

    /// What comes next; `None` after the last [`Arrival::End`]. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arrival> {
        self.0.recv().await
    }
}

/// Runs one leg after the other.
async fn pass(shared: Arc<Shared>, sender: mpsc::Sender<Arrival>) {
    while let Some(index) = shared.next() {
        let finished = tokio::select! {
            biased;
            () = sender.closed() => return,
            finished = leg::run(&shared, index, Sink::Pass(sender.clone(), None)) => finished,
        };
        let Some(finished) = finished else { return };
        if sender.send(Arrival::End(finished)).await.is_err() {
            return;
        }
    }
}

/// Legs that are read side by side, to be merged: each has a reader of its own, and as many as may be are under
/// way at a time. One that has more rows than a leg keeps waits, with its connection, for its reader. Dropped, it
/// cancels all that are under way.
#[derive(Debug)]
pub struct Heads {
    legs: Vec<mpsc::Receiver<Arrival>>,
    crowd: Arc<Crowd>,
}

impl Heads {
    /// Asks every store in `scope`. To be called within a runtime.
    #[must_use]
    pub fn start(stores: &Arc<Stores>, scope: Scope, statement: Statement) -> Self {
        let shared = Shared::new(stores, scope, statement, None);
        let crowd = Arc::new(Crowd::new(shared.concurrency(), shared.scope.len()));
        let head = |index| {
            let (sender, receiver) = mpsc::channel(MAX_BATCHES);
            tokio::spawn(lead(Arc::clone(&shared), index, sender, Arc::clone(&crowd)));
            receiver
        };
        Self { legs: (0..shared.scope.len()).map(head).collect(), crowd }
    }

    /// What comes next of the leg of store `index`; `None` after its [`Arrival::End`]. Cancel-safe.
    pub async fn next(&mut self, index: usize) -> Option<Arrival> {
        self.legs.get_mut(index)?.recv().await
    }

    /// The same, as long as it can come: `Err` where every leg that may be under way waits for its reader, so
    /// that those behind them never begin. Cancel-safe.
    ///
    /// # Errors
    /// [`TooMany`]
    pub async fn first(&mut self, index: usize) -> Result<Option<Arrival>, TooMany> {
        let Some(leg) = self.legs.get_mut(index) else { return Ok(None) };
        tokio::select! {
            biased;
            arrival = leg.recv() => Ok(arrival),
            () = self.crowd.stuck() => Err(TooMany),
        }
    }
}

/// More legs have to be read side by side than may be under way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// Runs one leg.
async fn lead(shared: Arc<Shared>, index: usize, sender: mpsc::Sender<Arrival>, crowd: Arc<Crowd>) {
    let work = async {
        let _seat = crowd.seat().await;
        leg::run(&shared, index, Sink::Pass(sender.clone(), Some(Arc::clone(&crowd)))).await
    };
    let finished = tokio::select! {
        biased;
        () = sender.closed() => return,
        finished = work => finished,
    };
    if let Some(finished) = finished {
        // Nobody listens any more only where nobody wants to know.
        let _ = sender.send(Arrival::End(finished)).await;
    }
}
