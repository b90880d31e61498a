//! Whom a session is for: pure bookkeeping of `SET`, `SET LOCAL`, tags, and what ends with a transaction.

use model::Name;

/// A session's binding. `None` always means "nobody: home".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Binding {
    /// From the start-up packet: what `RESET` comes back to.
    startup: Option<Name>,
    /// What differs from that, from the first change on: many sessions never bind.
    changed: Option<Box<Changed>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Changed {
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
        Self { startup: user, changed: None }
    }

    fn changed(&mut self) -> &mut Changed {
        self.changed
            .get_or_insert_with(|| Box::new(Changed { session: self.startup.clone(), ..Changed::default() }))
    }

    /// Whom the session is for outside a transaction.
    fn session(&self) -> Option<&Name> {
        match &self.changed {
            Some(changed) => changed.session.as_ref(),
            None => self.startup.as_ref(),
        }
    }

    /// Whom the next statement is for.
    pub(crate) fn effective(&self) -> Option<&Name> {
        match self.changed.as_deref() {
            Some(Changed { tag: Some(tag), .. }) => Some(tag),
            Some(Changed { local: Some(local), .. }) => local.as_ref(),
            _ => self.session(),
        }
    }

    /// `SET stuffgate.user`; taken back if the open transaction is rolled back.
    pub(crate) fn set(&mut self, user: Option<Name>, in_transaction: bool) {
        let changed = self.changed();
        let old = std::mem::replace(&mut changed.session, user);
        if in_transaction {
            changed.before.get_or_insert(old);
        }
        changed.local = None;
        changed.tag = None;
    }

    /// Whom `RESET` brings the session back to.
    pub(crate) fn start(&self) -> Option<&Name> {
        self.startup.as_ref()
    }

    /// `RESET stuffgate.user`
    pub(crate) fn reset(&mut self, in_transaction: bool) {
        if self.changed.is_some() {
            self.set(self.startup.clone(), in_transaction);
        }
    }

    /// `SET LOCAL stuffgate.user`; outside a transaction it has no effect, as Postgres has it.
    pub(crate) fn set_local(&mut self, user: Option<Name>, in_transaction: bool) {
        if in_transaction {
            let changed = self.changed();
            changed.local = Some(user);
            changed.tag = None;
        }
    }

    /// A tag on a statement.
    pub(crate) fn tag(&mut self, user: &Name) -> Result<(), TagsDiffer> {
        match &mut self.changed().tag {
            Some(known) if known != user => Err(TagsDiffer),
            Some(_) => Ok(()),
            tag @ None => {
                *tag = Some(user.clone());
                Ok(())
            }
        }
    }

    /// Whom the session is for once the open transaction has ended, however it ends.
    /// `Err` where that depends on how.
    pub(crate) fn afterwards(&self) -> Result<Option<&Name>, ()> {
        match self.changed.as_deref() {
            Some(Changed { before: Some(before), session, .. }) if before != session => Err(()),
            _ => Ok(self.session()),
        }
    }

    /// The transaction, or the statement outside one, is over.
    pub(crate) fn transaction_ended(&mut self, committed: bool) {
        let Some(changed) = &mut self.changed else { return };
        changed.local = None;
        changed.tag = None;
        if let Some(before) = changed.before.take()
            && !committed
        {
            changed.session = before;
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
