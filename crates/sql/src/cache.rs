//! Keeps what was found out about the texts that clients send again and again.

use crate::lexer::Strings;
use crate::{Analysis, Names, Rewritten, analyse_as, rewrite_as};
use std::collections::HashMap;
use std::sync::Arc;

/// Most texts kept.
pub const MAX_ENTRIES: usize = 2048;

/// Most bytes of text kept, rewritten texts included.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Longer texts, in bytes, are read anew each time.
pub const MAX_TEXT_BYTES: usize = 32 * 1024;

/// What there is to know about one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its statements.
    pub analysis: Analysis,
    /// What the server gets instead; `None` for the text itself.
    pub rewritten: Option<Rewritten>,
}

impl Reading {
    /// Reads a text; `names` is `None` in a database partition, where nothing is rewritten.
    #[must_use]
    pub fn of(text: &[u8], names: Option<&Names>, strings: Strings) -> Self {
        let rewritten = names.and_then(|names| rewrite_as(text, names, strings));
        Self { analysis: analyse_as(text, strings), rewritten }
    }
}

/// Readings of one partition by text, bounded in number and bytes. A full cache drops the entry
/// that was not asked for since the clock's hand last passed it.
///
/// Texts under [`Strings::Escapes`], which no server has by default, are read anew each time.
#[derive(Debug)]
pub struct Cache {
    max_entries: usize,
    max_bytes: usize,
    bytes: usize,
    index: HashMap<Arc<[u8]>, usize>,
    slots: Vec<Slot>,
    hand: usize,
}

#[derive(Debug)]
struct Slot {
    text: Arc<[u8]>,
    reading: Arc<Reading>,
    bytes: usize,
    used: bool,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(MAX_ENTRIES, MAX_BYTES)
    }
}

impl Cache {
    /// An empty cache for so many texts and bytes at most.
    #[must_use]
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self { max_entries, max_bytes, bytes: 0, index: HashMap::new(), slots: Vec::new(), hand: 0 }
    }

    /// The reading of `text`: one look-up if it is kept. `names` must be the same for every call.
    pub fn read(&mut self, text: &[u8], names: Option<&Names>, strings: Strings) -> Arc<Reading> {
        if let Some(slot) = self.index.get(text).copied().and_then(|at| self.slots.get_mut(at))
            && strings == Strings::Standard
        {
            slot.used = true;
            return Arc::clone(&slot.reading);
        }
        let reading = Arc::new(Reading::of(text, names, strings));
        if strings == Strings::Standard {
            self.keep(text, &reading);
        }
        reading
    }

    /// How many texts are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Is none kept?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many bytes of text are kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn keep(&mut self, text: &[u8], reading: &Arc<Reading>) {
        let bytes = text.len() + reading.rewritten.as_ref().map_or(0, |r| r.text.len());
        if text.len() > MAX_TEXT_BYTES || bytes > self.max_bytes || self.max_entries == 0 {
            return;
        }
        while self.slots.len() >= self.max_entries || self.bytes + bytes > self.max_bytes {
            self.drop_one();
        }
        let text: Arc<[u8]> = Arc::from(text);
        self.bytes += bytes;
        self.index.insert(Arc::clone(&text), self.slots.len());
        self.slots.push(Slot { text, reading: Arc::clone(reading), bytes, used: false });
    }

    /// Moves the hand over entries that were asked for, and drops the first that was not.
    fn drop_one(&mut self) {
        loop {
            self.hand %= self.slots.len().max(1);
            match self.slots.get_mut(self.hand) {
                Some(slot) if slot.used => {
                    slot.used = false;
                    self.hand += 1;
                }
                Some(_) => break,
                None => return,
            }
        }
        let gone = self.slots.swap_remove(self.hand);
        self.index.remove(&gone.text);
        self.bytes -= gone.bytes;
        if let Some(moved) = self.slots.get(self.hand) {
            self.index.insert(Arc::clone(&moved.text), self.hand);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names { schema: "p_todo", extensions: "ext" };

    fn read(cache: &mut Cache, text: &str) -> Arc<Reading> {
        cache.read(text.as_bytes(), Some(&NAMES), Strings::Standard)
    }

    #[test]
    fn a_text_is_read_once_while_it_is_kept() {
        let mut cache = Cache::default();
        let first = read(&mut cache, "SELECT * FROM public.t");
        assert!(Arc::ptr_eq(&first, &read(&mut cache, "SELECT * FROM public.t")));
        let rewritten = first.rewritten.as_ref().expect("rewritten");
        assert_eq!(rewritten.text, b"SELECT * FROM \"p_todo\".t");
        assert!(cache.read(b"SELECT * FROM public.t", None, Strings::Escapes).rewritten.is_none());
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn entries_and_bytes_stay_within_their_bounds_and_what_is_asked_for_stays() {
        let mut cache = Cache::new(8, 200);
        let hot = read(&mut cache, "SELECT 'hot'");
        for n in 0..1000 {
            read(&mut cache, &format!("SELECT {n}"));
            assert!(Arc::ptr_eq(&hot, &read(&mut cache, "SELECT 'hot'")));
            assert!(cache.len() <= 8 && cache.bytes() <= 200, "{} {}", cache.len(), cache.bytes());
        }
        read(&mut cache, &format!("SELECT '{}'", "x".repeat(300)));
        assert!(cache.len() <= 8 && cache.bytes() <= 200);
        for (text, slot) in &cache.index {
            assert_eq!(&cache.slots[*slot].text, text);
        }
    }
}
