//! One store's circuit breaker: pure, the time is an argument.

use std::time::{Duration, Instant};

/// How long the first failure keeps further attempts away.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Whether dialing may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Yes.
    Go,
    /// Not before the pause is over, or while another attempt probes.
    Wait,
}

/// The breaker. Closed while `failures` is 0.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    opens_until: Option<Instant>,
    probing: bool,
}

impl Breaker {
    /// Asks to dial. Where it is half open, the one who is told `Go` probes for all.
    pub(crate) fn ask(&mut self, now: Instant) -> Verdict {
        match self.opens_until {
            None => Verdict::Go,
            Some(until) if now < until || self.probing => Verdict::Wait,
            Some(_) => {
                self.probing = true;
                Verdict::Go
            }
        }
    }

    /// A dial has come to a login.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A dial has failed. Dials that were under way together and fail together count as one failure.
    pub(crate) fn failed(&mut self, now: Instant) {
        if self.opens_until.is_some_and(|until| now < until) {
            return;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.opens_until = Some(now + pause);
        self.probing = false;
    }

    /// A dial was given up before it came to anything: somebody else may probe.
    pub(crate) fn abandoned(&mut self) {
        self.probing = false;
    }

    /// Whether there is nothing to remember.
    pub(crate) fn is_closed(&self) -> bool {
        self.failures == 0
    }

    /// Whether a failure is so old that the pool need not be kept to remember it.
    pub(crate) fn is_stale(&self, now: Instant) -> bool {
        self.opens_until.is_none_or(|until| now > until + LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_store_is_tried_by_one_probe_after_each_growing_pause() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.ask(start), Verdict::Go);
        breaker.failed(start);
        assert_eq!(breaker.ask(start), Verdict::Wait);
        assert_eq!(breaker.ask(start + FIRST_PAUSE), Verdict::Go);
        assert_eq!(breaker.ask(start + FIRST_PAUSE), Verdict::Wait, "a second probe at once");
        breaker.failed(start + FIRST_PAUSE);
        assert_eq!(breaker.ask(start + FIRST_PAUSE * 2), Verdict::Wait);
        assert_eq!(breaker.ask(start + FIRST_PAUSE * 3), Verdict::Go);
        breaker.succeeded();
        assert_eq!(breaker.ask(start), Verdict::Go);
        assert!(breaker.is_closed());
    }

    #[test]
    fn the_pause_is_bounded_however_often_a_store_fails() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        let mut now = start;
        for _ in 0..100 {
            assert_eq!(breaker.ask(now), Verdict::Go);
            breaker.failed(now);
            now += LONGEST_PAUSE;
        }
        assert_eq!(breaker.ask(now), Verdict::Go);
    }

    #[test]
    fn dials_that_fail_together_count_once() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..20 {
            breaker.failed(start);
        }
        assert_eq!(breaker.ask(start + FIRST_PAUSE), Verdict::Go);
    }

    #[test]
    fn a_probe_that_was_given_up_makes_way_for_another() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        breaker.failed(start);
        assert_eq!(breaker.ask(start + FIRST_PAUSE), Verdict::Go);
        breaker.abandoned();
        assert_eq!(breaker.ask(start + FIRST_PAUSE), Verdict::Go);
    }
}
