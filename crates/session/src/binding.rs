//! Whom a session is for: pure bookkeeping of `SET`, `SET LOCAL`, tags, and what ends with a transaction.

use model::Name;

/// A session's binding. `None` always means "nobody: home".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Binding {
    /// From the start-up packet: what `RESET` comes back to.
    startup: Option<Name>,
    /// From `SET`; holds until changed.
    session: Option<Name>,
    /// From `SET LOCAL`; holds until the transaction ends.
    local: Option<Option<Name>>,
    /// From a tag; holds until the transaction ends.
    tag: Option<Name>,
    /// What `session` was when the open transaction began, if that transaction changed it.
    before: Option<Option<Name>>,
}

/// Two tags that differ in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TagsDiffer;

impl Binding {
    /// A session that starts bound, or not.
    pub(crate) fn starting(user: Option<Name>) -> Self {
        Self { session: user.clone(), startup: user, ..Self::default() }
    }

    /// Whom the next statement is for.
    pub(crate) fn effective(&self) -> Option<&Name> {
        match (&self.tag, &self.local) {
            (Some(tag), _) => Some(tag),
            (None, Some(local)) => local.as_ref(),
            (None, None) => self.session.as_ref(),
        }
    }

    /// `SET stuffgate.user`; taken back if the open transaction is rolled back.
    pub(crate) fn set(&mut self, user: Option<Name>, in_transaction: bool) {
        let old = std::mem::replace(&mut self.session, user);
        if in_transaction {
            self.before.get_or_insert(old);
        }
        self.local = None;
        self.tag = None;
    }

    /// Whom `RESET` brings the session back to.
    pub(crate) fn start(&self) -> Option<&Name> {
        self.startup.as_ref()
    }

    /// `RESET stuffgate.user`
    pub(crate) fn reset(&mut self, in_transaction: bool) {
        self.set(self.startup.clone(), in_transaction);
    }

    /// `SET LOCAL stuffgate.user`; outside a transaction it has no effect, as Postgres has it.
    pub(crate) fn set_local(&mut self, user: Option<Name>, in_transaction: bool) {
        if in_transaction {
            self.local = Some(user);
            self.tag = None;
        }
    }

    /// A tag on a statement.
    pub(crate) fn tag(&mut self, user: &Name) -> Result<(), TagsDiffer> {
        match &self.tag {
            Some(known) if known != user => Err(TagsDiffer),
            Some(_) => Ok(()),
            None => {
                self.tag = Some(user.clone());
                Ok(())
            }
        }
    }

    /// Whom the session is for once the open transaction has ended, however it ends.
    /// `Err` where that depends on how.
    pub(crate) fn afterwards(&self) -> Result<Option<&Name>, ()> {
        match &self.before {
            Some(before) if *before != self.session => Err(()),
            _ => Ok(self.session.as_ref()),
        }
    }

    /// The transaction, or the statement outside one, is over.
    pub(crate) fn transaction_ended(&mut self, committed: bool) {
        self.local = None;
        self.tag = None;
        if let Some(before) = self.before.take()
            && !committed
        {
            self.session = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<Name> {
        Some(text.parse().expect("a name"))
    }

    fn who(binding: &Binding) -> Option<&str> {
        binding.effective().map(Name::as_str)
    }

    #[test]
    fn set_local_ends_with_its_transaction() {
        let mut binding = Binding::starting(name("alice"));
        binding.set_local(name("bob"), true);
        assert_eq!(who(&binding), Some("bob"));
        binding.transaction_ended(true);
        assert_eq!(who(&binding), Some("alice"));
        binding.set_local(name("bob"), false);
        assert_eq!(who(&binding), Some("alice"), "SET LOCAL outside a transaction had an effect");
    }

    #[test]
    fn a_rolled_back_set_is_taken_back_and_a_committed_one_stays() {
        let mut binding = Binding::default();
        binding.set(name("alice"), true);
        binding.set(name("bob"), true);
        binding.transaction_ended(false);
        assert_eq!(who(&binding), None);
        binding.set(name("alice"), true);
        binding.transaction_ended(true);
        assert_eq!(who(&binding), Some("alice"));
    }

    #[test]
    fn the_last_way_to_bind_wins_and_tags_must_agree() {
        let mut binding = Binding::starting(name("alice"));
        let (bob, carol) = (name("bob").expect("bob"), name("carol").expect("carol"));
        assert_eq!(binding.tag(&bob), Ok(()));
        assert_eq!(who(&binding), Some("bob"));
        assert_eq!(binding.tag(&carol), Err(TagsDiffer));
        binding.set(name("carol"), true);
        assert_eq!(who(&binding), Some("carol"));
        binding.reset(true);
        assert_eq!(who(&binding), Some("alice"));
    }
}
