//! Legs that are sorted, read side by side and merged.

use super::{Passing, Streamed};
use crate::error;
use crate::legs::{Arrival, Heads, Rows};
use crate::merge::{self, BadRow};
use bytes::BytesMut;
use sql::fanout::SortKey;
use std::pin::pin;
use std::task::Poll;
use wire::Fields;
use wire::frame::HEADER_BYTES;

/// Bytes of rows that are told at a time.
const CHUNK_BYTES: usize = 32 * 1024;

/// A leg's rows that have come and are not taken.
#[derive(Default)]
struct Queue {
    batches: std::collections::VecDeque<Rows>,
    /// How many rows of the first batch have been taken.
    at: usize,
    is_over: bool,
}

impl Queue {
    /// The next row's body.
    fn first(&self) -> Option<&[u8]> {
        self.batches.front()?.message(self.at)?.get(HEADER_BYTES..)
    }

    fn take_first(&mut self) {
        self.at += 1;
        if self.batches.front().is_some_and(|rows| self.at >= rows.len()) {
            self.batches.pop_front();
            self.at = 0;
        }
    }

    fn push(&mut self, rows: impl IntoIterator<Item = Rows>) {
        self.batches.extend(rows.into_iter().filter(|rows| !rows.is_empty()));
    }
}

/// All legs, and what is merged of them.
struct Merging<'m, 'a> {
    passing: &'m mut Passing<'a>,
    legs: Heads,
    queues: Vec<Queue>,
    heads: merge::Heads,
    shown: usize,
    order: &'m [SortKey],
    /// The key of the row that is looked at.
    key: Vec<u8>,
    out: BytesMut,
    /// Rows in `out`.
    count: u64,
}

/// Merges `count` legs.
pub(super) async fn run(
    passing: &mut Passing<'_>,
    legs: Heads,
    count: usize,
    shown: usize,
    order: &[SortKey],
) -> Result<Streamed, Box<Fields>> {
    let queues = (0..count).map(|_| Queue::default()).collect();
    let (heads, out) = (merge::Heads::default(), BytesMut::new());
    let mut merging = Merging { passing, legs, queues, heads, shown, order, key: Vec::new(), out, count: 0 };
    if let Some(instead) = merging.begin().await? {
        return Ok(instead);
    }
    while !merging.passing.window.is_full() && merging.step().await? {}
    merging.flush().await;
    merging.finish().await?;
    Ok(Streamed::Done(merging.passing.window.passed()))
}

impl Merging<'_, '_> {
    /// Waits for the first rows of every leg. What is to be done instead, if more legs than may be under way at
    /// a time have more rows than a leg keeps, or one of them wants home to judge.
    async fn begin(&mut self) -> Result<Option<Streamed>, Box<Fields>> {
        for index in 0..self.queues.len() {
            let Ok(arrival) = self.legs.first(index).await else { return Ok(Some(Streamed::Not)) };
            if let Some(Arrival::End(finished)) = &arrival
                && self.passing.is_for_home(finished)
            {
                return Ok(Some(Streamed::Bare));
            }
            self.take(index, arrival).await?;
        }
        for index in 0..self.queues.len() {
            let mut key = Vec::new();
            match self.queues.get(index).and_then(Queue::first) {
                None => continue,
                Some(body) => {
                    merge::read(body, self.shown, self.order, &mut key).map_err(|_| self.unsorted(index))?;
                }
            }
            self.heads.push(index, key);
        }
        Ok(None)
    }

    /// What has come of a leg. One that is lost before any of its rows has counted is out.
    async fn take(&mut self, index: usize, arrival: Option<Arrival>) -> Result<(), Box<Fields>> {
        let (rows, is_over) = match arrival {
            Some(Arrival::Rows { rows, .. }) => (vec![rows], false),
            Some(Arrival::End(finished)) => (self.passing.end(finished).await?.unwrap_or_default(), true),
            None => (Vec::new(), true),
        };
        if let Some(queue) = self.queues.get_mut(index) {
            queue.push(rows);
            queue.is_over |= is_over;
        }
        Ok(())
    }

    /// Takes the first of all rows; false if there is none.
    async fn step(&mut self) -> Result<bool, Box<Fields>> {
        let Some(index) = self.heads.first() else { return Ok(false) };
        self.passing.count(index);
        self.take_row(index);
        if self.out.len() >= CHUNK_BYTES {
            self.flush().await;
        }
        while self.queues.get(index).is_some_and(|queue| queue.batches.is_empty() && !queue.is_over) {
            let arrival = self.next(index).await;
            self.take(index, arrival).await?;
        }
        self.advance(index).map_err(|_| self.unsorted(index))?;
        Ok(true)
    }

    /// The leg whose row was taken offers its next one, which must not stand before it.
    fn advance(&mut self, index: usize) -> Result<(), BadRow> {
        let Self { queues, heads, shown, order, key: next, .. } = self;
        let body = queues.get(index).and_then(Queue::first);
        heads.advance(|key| {
            let Some(body) = body else { return Ok(false) };
            merge::read(body, *shown, order, next)?;
            if *next < *key {
                return Err(BadRow);
            }
            std::mem::swap(key, next);
            Ok(true)
        })
    }

    fn unsorted(&self, index: usize) -> Box<Fields> {
        error::not_sorted(self.passing.asked.user(index))
    }

    fn take_row(&mut self, index: usize) {
        let Some(queue) = self.queues.get_mut(index) else { return };
        if self.passing.window.takes_one()
            && let Some(body) = queue.first()
        {
            merge::cut(body, self.shown, &mut self.out);
            self.count += 1;
        }
        queue.take_first();
    }

    /// What comes next of a leg; the client has all that was merged before it is waited for.
    async fn next(&mut self, index: usize) -> Option<Arrival> {
        let Self { legs, passing, out, count, .. } = self;
        let mut next = pin!(legs.next(index));
        let ready = std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await;
        if let Poll::Ready(arrival) = ready {
            return arrival;
        }
        passing.tell(out.split().freeze(), std::mem::take(count)).await;
        next.await
    }

    async fn flush(&mut self) {
        let count = std::mem::take(&mut self.count);
        self.passing.tell(self.out.split().freeze(), count).await;
    }

    /// Reads every leg to its end.
    async fn finish(&mut self) -> Result<(), Box<Fields>> {
        for index in 0..self.queues.len() {
            while self.queues.get(index).is_some_and(|queue| !queue.is_over) {
                let arrival = self.legs.next(index).await;
                self.take(index, arrival).await?;
                if let Some(queue) = self.queues.get_mut(index) {
                    queue.batches.clear();
                }
            }
        }
        Ok(())
    }
}
