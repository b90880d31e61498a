//! The lists of parameters that servers reported lately: those that report alike share one.

use crate::server::{ROLE_PARAMETER, Reported};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Lists that are remembered: stores differ in version and settings, mostly little.
const MAX_LISTS: usize = 16;

/// Lists of parameters, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Lists(Mutex<VecDeque<Arc<Reported>>>);

impl Lists {
    /// What a fresh connection reports: the list that others report as well, if one does.
    pub(crate) fn share(&self, mut parameters: Vec<(String, String)>) -> Arc<Reported> {
        parameters.retain(|(name, _)| name != ROLE_PARAMETER);
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lists.iter().find(|known| ***known == *parameters) {
            return Arc::clone(known);
        }
        if lists.len() >= MAX_LISTS {
            lists.pop_front();
        }
        let list: Arc<Reported> = parameters.into();
        lists.push_back(Arc::clone(&list));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_differ_in_their_role_alone_share_a_list() {
        let lists = Lists::default();
        let list = |role: &str, zone: &str| {
            let pairs = [(ROLE_PARAMETER, role), ("TimeZone", zone)];
            lists.share(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
        };
        assert!(Arc::ptr_eq(&list("one", "UTC"), &list("other", "UTC")));
        assert_eq!(list("one", "Asia/Tokyo").to_vec(), [("TimeZone".to_owned(), "Asia/Tokyo".to_owned())]);
        for number in 0..100 {
            list("one", &number.to_string());
        }
        assert_eq!(lists.0.lock().expect("no panic").len(), MAX_LISTS);
    }
}
