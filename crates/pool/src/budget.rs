//! The one global budget of server connections, and each service's share of it.

use model::ServiceId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;

/// Bounds on server connections, in connections.
#[derive(Clone, Copy, Debug)]
pub struct Budgets {
    /// All pools together.
    pub total: usize,
    /// All pools of one service.
    pub per_service: usize,
    /// One pool: one role in one store.
    pub per_store: usize,
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    by_service: HashMap<ServiceId, usize>,
    /// Who waits, each service's longest waiter first; none is empty.
    queues: HashMap<ServiceId, VecDeque<Waiter>>,
}

#[derive(Debug)]
struct Waiter {
    since: Instant,
    sender: oneshot::Sender<Permit>,
}

/// The budget. Touched when a connection is made or closed, never per transaction.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Budgets,
    state: Mutex<State>,
    /// Services with a queue.
    waiting: AtomicUsize,
}

/// The right to one server connection; gives it back when dropped, to whoever has waited longest and
/// may have it.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<Budget>,
    service: ServiceId,
}

impl Budget {
    pub(crate) fn new(limits: Budgets) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default(), waiting: AtomicUsize::new(0) })
    }

    /// A permit if one is free and nobody has waited longer for it; otherwise a place in the queue.
    pub(crate) fn take(self: &Arc<Self>, service: ServiceId) -> Result<Permit, oneshot::Receiver<Permit>> {
        let mut state = self.lock();
        state.forget_who_left();
        if self.has_room(&state, service) && !state.queues.contains_key(&service) {
            return Ok(self.grant(&mut state, service));
        }
        let (sender, receiver) = oneshot::channel();
        state.queues.entry(service).or_default().push_back(Waiter { since: Instant::now(), sender });
        self.waiting.store(state.queues.len(), Ordering::Release);
        Err(receiver)
    }

    /// Since when the longest waiter waits who could have a connection of `service`, were it closed now.
    pub(crate) fn wanted_since(&self, service: ServiceId) -> Option<Instant> {
        if self.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut state = self.lock();
        state.forget_who_left();
        self.waiting.store(state.queues.len(), Ordering::Release);
        let could_have_it = |waiting: &ServiceId| {
            let own = state.by_service.get(waiting).copied().unwrap_or_default();
            own.saturating_sub(usize::from(*waiting == service)) < self.limits.per_service
        };
        state.fronts().filter(|(waiting, _)| could_have_it(waiting)).map(|(_, since)| since).min()
    }

    /// Whose idle connections stand in the way of `service`: only its own, or anybody's.
    pub(crate) fn short_of_own(&self, service: ServiceId) -> bool {
        let state = self.lock();
        state.by_service.get(&service).is_some_and(|used| *used >= self.limits.per_service)
    }

    /// Connections in use or being made.
    pub(crate) fn used(&self) -> usize {
        self.lock().used
    }

    fn has_room(&self, state: &State, service: ServiceId) -> bool {
        let own = state.by_service.get(&service).copied().unwrap_or_default();
        state.used < self.limits.total && own < self.limits.per_service
    }

    fn grant(self: &Arc<Self>, state: &mut State, service: ServiceId) -> Permit {
        state.used += 1;
        *state.by_service.entry(service).or_default() += 1;
        Permit { budget: Arc::clone(self), service }
    }

    fn release(self: &Arc<Self>, service: ServiceId) {
        let mut state = self.lock();
        state.used -= 1;
        if let Some(own) = state.by_service.get_mut(&service) {
            *own -= 1;
            if *own == 0 {
                state.by_service.remove(&service);
            }
        }
        state.forget_who_left();
        let next = state.fronts().filter(|(waiting, _)| self.has_room(&state, *waiting));
        let next = next.min_by_key(|(_, since)| *since).map(|(waiting, _)| waiting);
        let handed = next.and_then(|waiting| {
            let waiter = state.queues.get_mut(&waiting)?.pop_front()?;
            state.queues.retain(|_, queue| !queue.is_empty());
            Some((waiter.sender, self.grant(&mut state, waiting)))
        });
        self.waiting.store(state.queues.len(), Ordering::Release);
        drop(state);
        if let Some((sender, permit)) = handed {
            // A waiter that has just left drops the permit, which hands it to the next.
            drop(sender.send(permit));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets whoever has left and would be served next. Who left further behind goes when its turn comes.
    fn forget_who_left(&mut self) {
        self.queues.retain(|_, queue| {
            while queue.front().is_some_and(|waiter| waiter.sender.is_closed()) {
                queue.pop_front();
            }
            !queue.is_empty()
        });
    }

    /// Each waiting service, and since when its longest waiter waits.
    fn fronts(&self) -> impl Iterator<Item = (ServiceId, Instant)> {
        self.queues.iter().filter_map(|(service, queue)| Some((*service, queue.front()?.since)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.release(self.service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(total: usize, per_service: usize) -> Arc<Budget> {
        Budget::new(Budgets { total, per_service, per_store: 1 })
    }

    #[test]
    fn a_permit_goes_to_who_waited_longest_and_may_have_it() {
        let budget = budget(2, 1);
        let (one, two, three) = (ServiceId(1), ServiceId(2), ServiceId(3));
        let first = budget.take(one).expect("free");
        let second = budget.take(two).expect("free");
        let mut again = budget.take(one).expect_err("its share is used up");
        let mut other = budget.take(three).expect_err("all are used up");
        drop(second);
        assert!(again.try_recv().is_err(), "service one went over its share");
        let third = other.try_recv().expect("room for service three");
        drop(first);
        let fourth = again.try_recv().expect("its turn");
        drop((third, fourth));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_waiter_that_left_is_passed_over() {
        let budget = budget(1, 1);
        let held = budget.take(ServiceId(1)).expect("free");
        drop(budget.take(ServiceId(2)).expect_err("taken"));
        let mut waiting = budget.take(ServiceId(3)).expect_err("taken");
        drop(held);
        assert!(waiting.try_recv().is_ok());
    }
}
