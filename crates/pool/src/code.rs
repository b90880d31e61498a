//! What a pool knows of its store's code: the names behind which session state may change.

use std::sync::Arc;
use std::time::Instant;

/// Names, as they were read from the store.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) names: Arc<[Box<str>]>,
    pub(crate) read_at: Instant,
}

/// What is known of them in one schema epoch of a pool.
#[derive(Debug)]
pub(crate) struct Stateful {
    epoch: u32,
    read: Names,
    /// Nothing has run since that may have brought others unseen.
    certain: bool,
}

impl Stateful {
    /// They were read in this epoch.
    pub(crate) fn read_in(epoch: u32, read: Names) -> Self {
        Self { epoch, read, certain: true }
    }

    /// The names, if they hold in this epoch.
    pub(crate) fn names(&self, epoch: u32) -> Option<Arc<[Box<str>]>> {
        (self.epoch == epoch).then(|| Arc::clone(&self.read.names))
    }

    /// What may be told to another pool of the same role and database, in this epoch.
    pub(crate) fn certain(&self, epoch: u32) -> Option<Names> {
        (self.certain && self.epoch == epoch).then(|| self.read.clone())
    }

    /// Code may have changed unseen.
    pub(crate) fn doubt(&mut self) {
        self.certain = false;
    }

    /// An epoch has ended. Where code is as it was (`same_code`) and none of it changes session state, no
    /// change of anything else can bring such names.
    pub(crate) fn epoch_ended(&mut self, ended: u32, same_code: bool) {
        if same_code && self.certain && self.epoch == ended && self.read.names.is_empty() {
            self.epoch = ended.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &[&str]) -> Stateful {
        let names = names.iter().map(|name| (*name).into()).collect();
        Stateful::read_in(7, Names { names, read_at: Instant::now() })
    }

    #[test]
    fn names_hold_in_their_epoch_and_in_the_next_only_where_none_can_have_come() {
        for (names, same_code, doubted, holds) in [
            (&[][..], true, false, true),
            (&[][..], false, false, false),
            (&[][..], true, true, false),
            (&["f"][..], true, false, false),
        ] {
            let mut known = read(names);
            assert!(known.names(7).is_some() && known.names(8).is_none());
            if doubted {
                known.doubt();
            }
            assert_eq!(known.certain(7).is_some(), !doubted);
            known.epoch_ended(7, same_code);
            let case = (names, same_code, doubted);
            assert_eq!((known.names(8).is_some(), known.certain(8).is_some()), (holds, holds), "{case:?}");
        }
    }
}
