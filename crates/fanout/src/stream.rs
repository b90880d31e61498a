//! Tier T0: rows of the stores pass through the gate, in any order or merged by one that every store keeps.
//!
//! A leg whose rows fit what a leg keeps is part of the answer whole or not at all. Once the first rows of a
//! longer one have counted, its loss is an error, never a short answer that looks whole. Where the client wants
//! no more rows (LIMIT), the legs are still read to their ends: each store was asked for no more rows than the
//! client may get, and is ok only when it says that it is done.

mod bounds;
mod merging;
mod window;

use crate::asked::{self, Asked};
use crate::error;
use crate::legs::{Arrival, Arrivals, Finished, Heads, Rows, Scope, Statement, Stores};
use crate::run::Teller;
use crate::{Event, Values};
use bytes::Bytes;
use model::Outcome;
use sql::fanout::{Answered, Plan};
use std::sync::Arc;
use wire::Fields;

pub(crate) use bounds::{formats, window};
use window::Window;

/// How streaming ended, if not in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streamed {
    /// Rows that the client got.
    Done(u64),
    /// The statement itself may be at fault: home is to judge over the rows. The client has got nothing.
    Bare,
    /// Rows cannot pass as the stores send them. The client has got nothing.
    Not,
}

/// Rows on their way to the client.
struct Passing<'a> {
    teller: &'a Teller,
    asked: &'a mut Asked,
    /// Whether the client is told how many legs are over.
    progress: bool,
    window: Window,
    /// Legs of which rows have counted: they were passed on, or left out by OFFSET.
    counted: Vec<bool>,
    /// A store that fails at a value is left out, as long as none of its rows has counted.
    lenient: bool,
}

/// Asks all stores and passes their rows on.
///
/// # Errors
/// A store was lost, or failed, after rows of its had counted.
pub(crate) async fn run(
    stores: &Arc<Stores>,
    scope: Scope,
    mut statement: Statement,
    values: &Values,
    teller: &Teller,
    asked: &mut Asked,
    lenient: bool,
) -> Result<Streamed, Box<Fields>> {
    let plan = Arc::clone(&statement.plan);
    let Answered::Streamed { order, hidden, limit, offset } = &plan.answered else {
        return Ok(Streamed::Not);
    };
    let shown = columns(&plan).saturating_sub(*hidden);
    let (Some(window), Some(formats)) =
        (window(*limit, *offset, values), formats(&plan, *hidden, &values.results))
    else {
        return Ok(Streamed::Not);
    };
    statement.results = vec![formats];
    let counted = vec![false; scope.len()];
    let progress = statement.settings.progress;
    let mut passing = Passing { teller, asked, progress, window, counted, lenient };
    // Where stores that collate otherwise cannot be asked, all have said how they do before a row is passed on.
    if order.is_empty() && !plan.collates {
        return passing.all(Arrivals::start(stores, scope, statement)).await;
    }
    let count = scope.len();
    merging::run(&mut passing, Heads::start(stores, scope, statement), count, shown, order).await
}

fn columns(plan: &Plan) -> usize {
    plan.pieces.first().map_or(0, |piece| piece.columns.len())
}

impl Passing<'_> {
    /// Passes rows on in whatever order they come.
    async fn all(&mut self, mut arrivals: Arrivals) -> Result<Streamed, Box<Fields>> {
        while let Some(arrival) = arrivals.next().await {
            match arrival {
                Arrival::Rows { index, rows } => self.pass(index, rows).await,
                Arrival::End(finished) => {
                    if self.is_for_home(&finished) {
                        return Ok(Streamed::Bare);
                    }
                    let index = finished.index;
                    for rows in self.end(finished).await?.into_iter().flatten() {
                        self.pass(index, rows).await;
                    }
                }
            }
        }
        Ok(Streamed::Done(self.window.passed()))
    }

    /// Rows of a leg, as they were sent.
    async fn pass(&mut self, index: usize, rows: Rows) {
        if self.window.is_full() || rows.is_empty() {
            return;
        }
        self.count(index);
        let all = rows.len() as u64;
        let (messages, count) = self.window.cut(&rows.into_messages(), all);
        self.tell(messages, count).await;
    }

    async fn tell(&self, messages: Bytes, count: u64) {
        if count > 0 {
            self.teller.tell(Event::Rows { messages, count }).await;
        }
    }

    /// Rows of a leg count from now on.
    fn count(&mut self, index: usize) {
        if let Some(counted) = self.counted.get_mut(index) {
            *counted = true;
        }
    }

    /// Whether a leg says that home is to judge, and home still can: nothing has been passed on.
    fn is_for_home(&self, finished: &Finished) -> bool {
        asked::wants_bare(finished) && !self.lenient && !self.counted.contains(&true)
    }

    /// A leg is over. What it has kept, if it is part of the answer.
    ///
    /// # Errors
    /// Its rows have counted already, and it is not ok; or it failed at a value, as one Postgres would have.
    async fn end(&mut self, finished: Finished) -> Result<Option<Vec<Rows>>, Box<Fields>> {
        self.asked.note(&finished);
        if self.progress {
            self.teller.tell(self.asked.progress()).await;
        }
        let has_counted = self.counted.get(finished.index).copied().unwrap_or_default();
        if finished.report.outcome == Outcome::Ok {
            return Ok(finished.results);
        }
        let is_judged = self.lenient && !has_counted;
        if asked::wants_bare(&finished) && !finished.collates_otherwise && !is_judged {
            return Err(error::failed_midway(&finished.report));
        }
        if has_counted {
            return Err(error::lost_midway(&finished.report));
        }
        Ok(None)
    }
}
