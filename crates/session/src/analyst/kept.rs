//! A client's prepared statements and portals, by the names it gave them, within bounds.

use super::cursors::Declared;
use super::named::{Executed, Named};
use super::refusals;
use super::running::Running;
use crate::error;
use crate::gate::Gate;
use crate::prepared::MAX_STATEMENTS;
use crate::room::{Place, Shelf};
use fanout::{Described, Values};
use std::collections::HashMap;
use std::sync::Arc;
use wire::Fields;

/// Most portals of one session.
pub(super) const MAX_PORTALS: usize = 100;

/// Most portals of which rows are still to come: each keeps a connection to home, and legs.
pub(super) const MAX_RUNNING: usize = 8;

/// A prepared statement.
#[derive(Debug)]
pub(super) struct Prepared {
    /// As the client sent it.
    pub(super) text: String,
    /// Parameter types as the client gave them.
    pub(super) types: Vec<u32>,
    pub(super) what: What,
    _place: Place,
}

impl Prepared {
    /// The query whose rows it has, if it has some.
    pub(super) fn asked(&self) -> Option<&Asked> {
        match &self.what {
            What::Asked(asked) => Some(asked),
            What::Executed(executed) => executed.statement.asked(),
            What::Own(_) | What::Declared(_) | What::Fetched(_) | What::Named(_) => None,
        }
    }
}

/// Who answers a statement.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The gate itself.
    Own(Box<sql::Statement>),
    /// Home, or the stores.
    Asked(Asked),
    /// A cursor is declared.
    Declared(Box<Declared>),
    /// A cursor is read.
    Fetched(sql::Fetch),
    /// A statement gets a name.
    Named(Box<Named>),
    /// A statement that has a name is executed.
    Executed(Box<Executed>),
}

/// A statement that home or the stores answer.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) described: Arc<Described>,
    /// The command tag, where that is another than the answer's.
    pub(super) tag: Option<&'static str>,
    /// The client's text, where it asks for the session's last coverage: that is put in anew each time.
    pub(super) legs: Option<String>,
    /// Parameters that are set once it has been answered.
    pub(super) sets: Vec<(String, String)>,
}

/// A bound portal.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) statement: Arc<Prepared>,
    pub(super) values: Values,
    pub(super) progress: Progress,
    /// Rows that were read.
    pub(super) row: u64,
    life: Life,
    /// Savepoints that there were when it came to be.
    depth: usize,
    _place: Place,
}

/// How long a portal lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// As long as its transaction.
    Transaction,
    /// Longer, if its transaction commits.
    Holdable,
    /// Until it is closed.
    Held,
}

/// How far a portal is.
#[derive(Debug)]
pub(super) enum Progress {
    /// Not executed yet.
    Ready,
    /// Rows are still to come.
    Running(Box<Running>),
    /// Of a FETCH: rows are still wanted.
    Fetching(Fetching),
    /// All rows were sent; the command tag.
    Done(String),
}

/// A `FETCH` on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetching {
    /// Rows that it still wants; no number for all.
    pub(super) left: Option<u64>,
    /// Rows that were read since the client was told a number.
    pub(super) told: u64,
}

impl Portal {
    /// The query whose rows it has, if it has some.
    pub(super) fn asked(&self) -> Option<&Asked> {
        self.statement.asked()
    }

    /// Whether all its rows were read.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.progress, Progress::Done(_))
    }
}

/// Names to statements and portals.
#[derive(Debug)]
pub(super) struct Kept {
    shelf: Arc<Shelf>,
    statements: HashMap<String, Arc<Prepared>>,
    /// Statements of the ordinary session, not looked at yet: their texts and parameter types.
    taken_over: HashMap<String, (String, Vec<u32>)>,
    portals: HashMap<String, Portal>,
}

impl Kept {
    /// None yet.
    pub(super) fn new(gate: &Gate) -> Self {
        Self {
            shelf: Shelf::new(&gate.budget),
            statements: HashMap::new(),
            taken_over: HashMap::new(),
            portals: HashMap::new(),
        }
    }

    /// A statement of the ordinary session.
    pub(super) fn take_over(&mut self, name: String, text: String, types: Vec<u32>) {
        self.taken_over.insert(name, (text, types));
    }

    /// A statement that was taken over and not looked at yet.
    pub(super) fn unread(&mut self, name: &str) -> Option<(String, Vec<u32>)> {
        self.taken_over.remove(name)
    }

    /// Whether a name may be given to a new statement.
    pub(super) fn has_room_for(&self, name: &str) -> Result<(), Box<Fields>> {
        let known = self.statements.contains_key(name) || self.taken_over.contains_key(name);
        if !name.is_empty() && known {
            return Err(Box::new(error::statement_exists(name)));
        }
        if !known && self.statements.len() + self.taken_over.len() >= MAX_STATEMENTS {
            return Err(Box::new(refusals::too_many("prepared statements", MAX_STATEMENTS)));
        }
        Ok(())
    }

    /// A name stands for this from now on.
    pub(super) fn keep(
        &mut self,
        name: &str,
        text: &str,
        types: &[u32],
        what: What,
    ) -> Result<(), Box<Fields>> {
        let prepared = self.prepared(text, types, what)?;
        self.statements.insert(name.to_owned(), Arc::new(prepared));
        Ok(())
    }

    /// A statement that no name stands for yet.
    pub(super) fn prepared(&self, text: &str, types: &[u32], what: What) -> Result<Prepared, Box<Fields>> {
        let place = self.shelf.place(text.len()).ok_or_else(|| Box::new(error::no_room(text.len())))?;
        Ok(Prepared { text: text.to_owned(), types: types.to_vec(), what, _place: place })
    }

    /// What a name stands for.
    pub(super) fn statement(&self, name: &str) -> Option<&Arc<Prepared>> {
        self.statements.get(name)
    }

    /// A name stands for nothing any more; whether it stood for something.
    pub(super) fn drop_statement(&mut self, name: &str) -> bool {
        let known = self.statements.remove(name).is_some();
        self.taken_over.remove(name).is_some() || known
    }

    /// No name stands for a statement any more.
    pub(super) fn drop_statements(&mut self) {
        self.statements.clear();
        self.taken_over.clear();
    }

    /// All statements, for an ordinary session to take over: names, texts and parameter types.
    pub(super) fn into_statements(self) -> impl Iterator<Item = (String, String, Vec<u32>)> {
        let read = self.statements.into_iter();
        let read = read.map(|(name, one)| (name, one.text.clone(), one.types.clone()));
        let unread = self.taken_over.into_iter().map(|(name, (text, types))| (name, text, types));
        read.chain(unread)
    }

    /// Binds a portal, `depth` savepoints deep; the unnamed one takes the place of the last.
    pub(super) fn bind(
        &mut self,
        name: &str,
        statement: Arc<Prepared>,
        values: Values,
        depth: usize,
    ) -> Result<(), Box<Fields>> {
        if name.is_empty() {
            self.portals.remove("");
        } else if self.portals.contains_key(name) {
            return Err(Box::new(refusals::portal_exists(name)));
        }
        if self.portals.len() >= MAX_PORTALS {
            return Err(Box::new(refusals::too_many("portals", MAX_PORTALS)));
        }
        let bytes = values.parameters.iter().flatten().map(bytes::Bytes::len).sum();
        let place = self.shelf.place(bytes).ok_or_else(|| Box::new(error::no_room(bytes)))?;
        let portal = Portal {
            statement,
            values,
            progress: Progress::Ready,
            row: 0,
            life: Life::Transaction,
            depth,
            _place: place,
        };
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }

    /// A portal lives longer than its transaction, if that commits.
    pub(super) fn hold(&mut self, name: &str) {
        if let Some(portal) = self.portals.get_mut(name) {
            portal.life = Life::Holdable;
        }
    }

    /// A portal by its name.
    pub(super) fn portal(&self, name: &str) -> Option<&Portal> {
        self.portals.get(name)
    }

    /// Takes a portal, to be executed.
    pub(super) fn take_portal(&mut self, name: &str) -> Option<Portal> {
        self.portals.remove(name)
    }

    /// Puts a portal back.
    pub(super) fn put_back(&mut self, name: &str, portal: Portal) -> Result<(), Box<Fields>> {
        self.portals.insert(name.to_owned(), portal);
        let running = |portal: &&Portal| matches!(portal.progress, Progress::Running(_));
        if self.portals.values().filter(running).count() > MAX_RUNNING {
            self.portals.remove(name);
            return Err(Box::new(refusals::too_many("portals with rows still to come", MAX_RUNNING)));
        }
        Ok(())
    }

    /// A simple query begins: what has no name is gone.
    pub(super) fn drop_unnamed(&mut self) {
        self.drop_statement("");
        self.portals.remove("");
    }

    /// No portal is left: what runs for one ends.
    pub(super) fn drop_portals(&mut self) {
        self.portals.clear();
    }

    /// The transaction is over: of its portals those are left that it holds, if it commits.
    pub(super) fn end_portals(&mut self, commits: bool) {
        self.portals.retain(|_, portal| match portal.life {
            Life::Transaction => false,
            Life::Holdable => commits,
            Life::Held => true,
        });
        for portal in self.portals.values_mut() {
            portal.life = Life::Held;
        }
    }

    /// What was done behind the last of `depth` savepoints is taken back, and its portals with it.
    pub(super) fn roll_back_portals(&mut self, depth: usize) {
        self.portals.retain(|_, portal| portal.life == Life::Held || portal.depth < depth);
    }

    /// Only `depth` savepoints are left: what was done behind the others was done behind these.
    pub(super) fn release_portals(&mut self, depth: usize) {
        for portal in self.portals.values_mut() {
            portal.depth = portal.depth.min(depth);
        }
    }
}
