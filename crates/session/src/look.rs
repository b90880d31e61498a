//! The full look at a statement's text, cached by text and partition names for all sessions.

use dashmap::DashMap;
use sql::{Analysis, Names, Rewritten, Scan, Scanner, Shown};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

/// Most texts that are remembered.
pub(crate) const MAX_LOOKS: usize = 4096;

/// Longest text that is remembered, in bytes; so the cache holds 64 MiB of text at most.
pub(crate) const MAX_LOOK_BYTES: usize = 16 * 1024;

/// The names of a schema partition, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaNames {
    pub(crate) schema: Box<str>,
    pub(crate) extensions: Box<str>,
    /// What the client calls its database: the service's name.
    pub(crate) database: Box<str>,
    /// What the store calls it.
    pub(crate) store_database: Box<str>,
}

impl SchemaNames {
    pub(crate) fn as_names(&self) -> Names<'_> {
        Names {
            schema: &self.schema,
            extensions: &self.extensions,
            database: &self.database,
            store_database: &self.store_database,
        }
    }

    /// The names that rows are searched for, if the schema's can be told apart from all other words.
    pub(crate) fn distinct(&self) -> Option<Shown<'_>> {
        sql::is_distinct(&self.schema).then_some(Shown { schema: &self.schema, extensions: &self.extensions })
    }

    /// What a rewritten text depends on: nothing of it is a single store's, so stores share the looks.
    fn key(&self) -> [&str; 3] {
        [&self.schema, &self.extensions, &self.database]
    }
}

/// What is known of a text.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) analysis: Arc<Analysis>,
    /// What a schema partition is sent instead.
    pub(crate) rewritten: Option<Rewritten>,
}

impl Look {
    /// The text to send instead, if it differs.
    pub(crate) fn sent(&self) -> Option<&[u8]> {
        self.rewritten.as_ref().filter(|rewritten| !rewritten.edits.is_empty()).map(|r| r.text.as_slice())
    }

    fn at(text: &[u8], names: Option<&SchemaNames>, known: Option<Arc<Analysis>>) -> Self {
        Self {
            analysis: known.unwrap_or_else(|| Arc::new(sql::analyse(text))),
            rewritten: names.and_then(|names| sql::rewrite(text, &names.as_names())),
        }
    }
}

/// Most looks at one long text and pieces of it that are remembered.
const MAX_LONG_LOOKS: usize = 2;

/// Looks at one long text, and at pieces of it, while it is there.
#[derive(Debug, Default)]
pub(crate) struct LongLooks {
    known: Mutex<Vec<LongLook>>,
}

#[derive(Debug)]
struct LongLook {
    text: u128,
    names: Option<SchemaNames>,
    look: Arc<Look>,
}

impl LongLooks {
    /// The full look at `text`; what it is made of is found once.
    pub(crate) fn look(&self, looks: &Looks, text: &[u8], names: Option<&SchemaNames>) -> Arc<Look> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = looks.hash(text);
        let mut same = known.iter().filter(|one| one.text == hash);
        if let Some(seen) = same.clone().find(|one| one.names.as_ref() == names) {
            return Arc::clone(&seen.look);
        }
        let analysis = same.next().map(|one| Arc::clone(&one.look.analysis));
        let look = looks.long_look(text, names, analysis);
        if known.len() >= MAX_LONG_LOOKS {
            known.remove(0);
        }
        known.push(LongLook { text: hash, names: names.cloned(), look: Arc::clone(&look) });
        look
    }
}

/// The scanner, and the looks that were taken lately.
pub(crate) struct Looks {
    scanner: Scanner,
    known: DashMap<u128, Arc<Look>>,
    keys: (RandomState, RandomState),
    long: Mutex<()>,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            scanner: Scanner::new(),
            known: DashMap::new(),
            keys: (RandomState::new(), RandomState::new()),
            long: Mutex::default(),
        }
    }
}

impl Looks {
    /// The byte scan.
    pub(crate) fn scan(&self, text: &[u8]) -> Scan {
        self.scanner.scan(text)
    }

    /// A keyed 128-bit hash: nobody outside can make two texts meet.
    pub(crate) fn hash(&self, parts: impl std::hash::Hash + Copy) -> u128 {
        (u128::from(self.keys.0.hash_one(parts)) << 64) | u128::from(self.keys.1.hash_one(parts))
    }

    /// The full look at `text`, as seen in a partition with `names` (`None`: where `public` is `public`).
    pub(crate) fn look(&self, text: &[u8], names: Option<&SchemaNames>) -> Arc<Look> {
        if text.len() > MAX_LOOK_BYTES {
            return self.long_look(text, names, None);
        }
        let key = self.hash((text, names.map(SchemaNames::key)));
        if let Some(known) = self.known.get(&key) {
            return Arc::clone(&known);
        }
        let look = Arc::new(Look::at(text, names, None));
        if self.known.len() >= MAX_LOOKS {
            self.known.clear();
        }
        self.known.insert(key, Arc::clone(&look));
        look
    }

    /// A look that nobody remembers. One thread takes such a look at a time: what it takes of memory
    /// besides the text is many times the text.
    fn long_look(&self, text: &[u8], names: Option<&SchemaNames>, known: Option<Arc<Analysis>>) -> Arc<Look> {
        let _alone = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::new(Look::at(text, names, known))
    }
}
