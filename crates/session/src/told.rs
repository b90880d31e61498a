//! What a client was last told by ParameterStatus.

use pool::Reported;
use std::sync::Arc;

/// What a client was last told: a list that all sessions share which were told the same at their start,
/// and what one session was told besides.
#[derive(Debug)]
pub(crate) struct Told {
    common: Arc<Reported>,
    own: Option<Box<Own>>,
    /// A server's list that holds nothing which the client was not told since.
    heard: Option<Arc<Reported>>,
    /// Whether its `search_path` was left out of account.
    pathless: bool,
}

/// Names and values that one session was told besides. Most have none, some have one.
#[derive(Debug, Default)]
struct Own(Vec<(Box<str>, Box<str>)>);

impl Default for Told {
    fn default() -> Self {
        Self::starting(Arc::new([]))
    }
}

impl Told {
    /// What a client is told at its start.
    pub(crate) fn starting(common: Arc<Reported>) -> Self {
        Self { common, own: None, heard: None, pathless: false }
    }

    /// Whether the client has heard all of this very list, but for the path if it is `pathless`.
    pub(crate) fn has_heard(&self, reported: &Arc<Reported>, pathless: bool) -> bool {
        self.pathless == pathless && self.heard.as_ref().is_some_and(|known| Arc::ptr_eq(known, reported))
    }

    /// Notes that it has.
    pub(crate) fn hear(&mut self, reported: &Arc<Reported>, pathless: bool) {
        self.heard = Some(Arc::clone(reported));
        self.pathless = pathless;
    }

    /// Whether this is what the client knows already. `at` is where servers report it, usually.
    pub(crate) fn knows(&self, at: usize, reported: &(String, String)) -> bool {
        if self.own().is_empty() && self.common.get(at) == Some(reported) {
            return true;
        }
        self.value(&reported.0) == Some(&reported.1)
    }

    /// Notes what the client has been told.
    pub(crate) fn note(&mut self, name: &str, value: &str) {
        if value.len() > pool::MAX_VALUE_BYTES {
            return; // not a parameter's value that is worth remembering
        }
        self.heard = None;
        let mut own = self.own.iter_mut().flat_map(|own| &mut own.0);
        if let Some((_, known)) = own.find(|(known, _)| **known == *name) {
            *known = value.into();
        } else if self.value(name) != Some(value)
            && self.common.len() + self.own().len() < wire::dial::MAX_PARAMETERS
        {
            let Own(own) = &mut **self.own.get_or_insert_default();
            own.reserve_exact(1);
            own.push((name.into(), value.into()));
        }
    }

    /// All of it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let common = self.common.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let common = common.filter(|(name, _)| !self.own().iter().any(|(known, _)| **known == **name));
        common.chain(self.own().iter().map(|(name, value)| (&**name, &**value)))
    }

    fn own(&self) -> &[(Box<str>, Box<str>)] {
        self.own.as_ref().map_or(&[], |own| &own.0)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let own = self.own().iter().find(|(known, _)| **known == *name).map(|(_, value)| &**value);
        let common = || self.common.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        own.or_else(common)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn all(told: &Told) -> Vec<(&str, &str)> {
        told.iter().collect()
    }

    #[test]
    fn what_one_session_was_told_is_not_told_to_those_that_share_its_start() {
        let common: Arc<Reported> = Arc::new([pair("DateStyle", "ISO"), pair("TimeZone", "UTC")]);
        let (mut one, other) = (Told::starting(Arc::clone(&common)), Told::starting(common));
        one.note("TimeZone", "Asia/Tokyo");
        one.note("TimeZone", "Asia/Seoul");
        one.note("application_name", "a");
        assert_eq!(all(&one), [("DateStyle", "ISO"), ("TimeZone", "Asia/Seoul"), ("application_name", "a")]);
        assert_eq!(all(&other), [("DateStyle", "ISO"), ("TimeZone", "UTC")]);
        assert!(one.knows(1, &pair("TimeZone", "Asia/Seoul")) && !one.knows(1, &pair("TimeZone", "UTC")));
        assert!(other.knows(0, &pair("TimeZone", "UTC")), "it was looked for in one place only");
    }

    #[test]
    fn a_list_that_was_heard_is_told_of_again_once_the_client_was_told_something_else() {
        let list: Arc<Reported> = Arc::new([pair("TimeZone", "UTC")]);
        let mut told = Told::starting(Arc::clone(&list));
        told.hear(&list, true);
        assert!(told.has_heard(&list, true) && !told.has_heard(&list, false));
        let alike: Arc<Reported> = Arc::new([pair("TimeZone", "UTC")]);
        assert!(!told.has_heard(&alike, true));
        told.note("TimeZone", "Asia/Tokyo");
        assert!(!told.has_heard(&list, true) && !told.knows(0, &pair("TimeZone", "UTC")));
    }

    #[test]
    fn what_comes_back_to_the_start_is_known_as_that() {
        let mut told = Told::starting(Arc::new([pair("TimeZone", "UTC")]));
        told.note("TimeZone", "UTC");
        assert!(told.own().is_empty(), "the start was noted twice");
        told.note("TimeZone", "Asia/Tokyo");
        told.note("TimeZone", "UTC");
        assert_eq!(all(&told), [("TimeZone", "UTC")]);
    }

    #[test]
    fn a_server_cannot_have_the_gate_remember_without_end() {
        let mut told = Told::default();
        for number in 0..200 {
            told.note(&format!("app.{number}"), "x");
        }
        told.note("app.long", &"x".repeat(pool::MAX_VALUE_BYTES + 1));
        assert_eq!(told.iter().count(), wire::dial::MAX_PARAMETERS);
    }
}
