//! How far the gate is from its end, told to every thread of it.

use tokio::sync::watch;

/// How far the gate is from its end. Only ever goes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Clients are taken.
    Running,
    /// No new ones; those that are there finish their transactions.
    Draining,
    /// Whoever is still there is told that it is over.
    Ending,
    /// Everything stops.
    Over,
}

/// Tells the phase. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Phases {
    sender: watch::Sender<Phase>,
}

impl Phases {
    pub(crate) fn new() -> Self {
        Self { sender: watch::Sender::new(Phase::Running) }
    }

    pub(crate) fn now(&self) -> Phase {
        *self.sender.borrow()
    }

    /// Goes on to `phase`, unless it has been reached already.
    pub(crate) fn advance(&self, phase: Phase) {
        self.sender.send_if_modified(|now| {
            let later = phase > *now;
            *now = phase.max(*now);
            later
        });
    }

    /// Returns once `phase` is reached. Cancel-safe.
    pub(crate) async fn reached(&self, phase: Phase) {
        let mut receiver = self.sender.subscribe();
        // The sender lives as long as this value: there is no error to come.
        let _reached = receiver.wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_that_was_passed_does_not_come_back() {
        let phases = Phases::new();
        phases.advance(Phase::Ending);
        phases.advance(Phase::Draining);
        assert_eq!(phases.now(), Phase::Ending);
    }
}
