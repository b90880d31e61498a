//! All that one session knows of itself, and what each message is to it: pure, no I/O.

use crate::binding::Binding;
use crate::block::Block;
use crate::front::UNKNOWN_PARAMETERS;
use crate::gate::Gate;
use crate::look::{Look, MAX_LOOK_BYTES, SchemaNames};
use crate::parameters::{CHARACTERISTICS, Change, Parameters, Value};
use crate::prepared::{Names, Parse, Statement, is_ours, is_readable_encoding};
use crate::room::{FREE_MESSAGE_BYTES, Room, Shelf};
use crate::route::Caller;
use crate::told::Told;
use crate::underway::Underway;
use model::Name;
use pool::{Facts, StatementId};
use relay::Status;
use sql::{Decision, Discard, Effects, Kind, Reset, Scan, Scope, Show};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Effects that keep a session on its server.
const PINNING: [(Effects, &str); 9] = [
    (Effects::LISTEN, "listen"),
    (Effects::TEMP, "temporary table"),
    (Effects::HOLD, "cursor with hold"),
    (Effects::SESSION_ADVISORY, "session advisory lock"),
    (Effects::SQL_PREPARE, "prepare"),
    (Effects::UNREPLAYABLE, "unknown session state"),
    (Effects::SESSION_AUTHORIZATION, "session authorization"),
    (Effects::ROLE, "role"),
    (Effects::SEQUENCE_STATE, "sequence state"),
];

/// What one session knows of itself.
pub(crate) struct State {
    pub(crate) gate: Arc<Gate>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) binding: Binding,
    pub(crate) parameters: Parameters,
    pub(crate) block: Block,
    pub(crate) names: Names,
    /// Where the texts of prepared statements are kept, once there is one.
    shelf: Option<Arc<Shelf>>,
    /// What the scan found in the client's next message, if that has been looked at already.
    pub(crate) scanned: Option<Scan>,
    /// For the long statement that is being read, or sent.
    pub(crate) room: Option<Box<Room>>,
    pub(crate) pins: Effects,
    /// Whether sessions of this service ask for sequence state.
    asks_sequences: Arc<AtomicBool>,
    /// How the last watched message went.
    pub(crate) last_ok: bool,
    /// The open transaction has failed, or is being rolled back.
    pub(crate) rolls_back: bool,
    /// The open transaction has a savepoint: what it undoes is not tracked.
    pub(crate) savepoints: bool,
    pub(crate) schema_changed: bool,
    /// Functions, triggers and the like may be others than the pool knows of.
    pub(crate) code_unknown: bool,
    /// The open transaction made code that it may have run at once.
    pub(crate) code_changed: bool,
    /// A portal that ends a transaction is being executed.
    pub(crate) ends_with_segment: bool,
    /// What the client was last told by ParameterStatus.
    pub(crate) told: Told,
    /// A cursor over the catalog may be open.
    pub(crate) catalog_cursors: bool,
    /// The gate itself has reset the parameters; the client may have to be told of some.
    pub(crate) reset_untold: bool,
    pub(crate) underway: Underway,
    pub(crate) fan_out: FanOut,
}

/// Whether a session asks many stores instead of one (`stuffgate.fanout`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FanOut {
    /// From its next message on.
    pub(crate) is_on: bool,
    /// What `RESET` comes back to.
    pub(crate) starts: bool,
}

/// What was done for a message ahead of its answer, to be undone if an error makes the server skip it.
#[derive(Debug)]
pub(crate) enum Done {
    /// The client's name stands for another statement now.
    Named { name: Box<[u8]>, before: Option<Arc<Statement>> },
    /// A statement was to be put on the server.
    Prepared(StatementId),
    /// A statement was to be taken off the server.
    Evicted(StatementId),
    /// The server's unnamed statement was to be another.
    Unnamed(Option<u128>),
}

impl Done {
    /// What the client's name stood for before.
    pub(crate) fn renamed(&self) -> Option<(StatementId, &[u8])> {
        match self {
            Self::Named { name, before: Some(before) } => Some((before.id, name)),
            _ => None,
        }
    }
}

impl State {
    pub(crate) fn new(
        gate: Arc<Gate>,
        caller: Arc<Caller>,
        user: Option<Name>,
        parameters: Parameters,
    ) -> Self {
        let asks_sequences = Arc::clone(&gate.sequences.entry(caller.service).or_default());
        Self {
            gate,
            caller,
            binding: Binding::starting(user),
            parameters,
            block: Block::None,
            names: Names::default(),
            shelf: None,
            scanned: None,
            room: None,
            pins: Effects::NONE,
            asks_sequences,
            last_ok: true,
            rolls_back: false,
            savepoints: false,
            schema_changed: false,
            code_unknown: false,
            code_changed: false,
            ends_with_segment: false,
            told: Told::default(),
            catalog_cursors: false,
            reset_untold: false,
            underway: Underway::default(),
            fan_out: FanOut::default(),
        }
    }

    /// Why the session keeps its server, if it does.
    pub(crate) fn pinned(&self) -> Option<String> {
        let reasons: Vec<&str> =
            PINNING.iter().filter(|(bit, _)| self.pins.contains(*bit)).map(|(_, name)| *name).collect();
        (!reasons.is_empty()).then(|| reasons.join(", "))
    }

    /// Whether what another session's `nextval` left on a server could be asked for.
    pub(crate) fn asks_sequences(&self) -> bool {
        self.asks_sequences.load(Ordering::Relaxed)
    }

    /// Notes effects that keep the session on its server.
    pub(crate) fn pin(&mut self, effects: Effects) {
        if effects.contains(Effects::SEQUENCE_STATE) {
            self.asks_sequences.store(true, Ordering::Relaxed);
        }
        for (bit, reason) in PINNING {
            if effects.contains(bit) && !self.pins.contains(bit) {
                self.pins |= bit;
                metrics::counter!("stuffgate_pins_total", "reason" => reason).increment(1);
            }
        }
        Self::hold_on_to(self.underway.changes_mut(), effects);
        self.schema_changed |= effects.intersects(Effects::DDL | Effects::FUNCTION_DDL);
        self.code_unknown |= effects.intersects(Effects::FUNCTION_DDL | Effects::UNREPLAYABLE);
        self.code_changed |= effects.contains(Effects::FUNCTION_DDL);
        self.savepoints |= effects.contains(Effects::SAVEPOINT);
    }

    /// The status that the client is told while no server is leased.
    pub(crate) fn local_status(&self) -> Status {
        match self.block {
            Block::None => Status::Idle,
            Block::Deferred(_) => Status::Open,
            Block::Failed(_) => Status::Failed,
        }
    }

    /// Whether a message of `total` bytes may be read whole.
    pub(crate) fn has_room_for(&self, total: usize) -> bool {
        total <= FREE_MESSAGE_BYTES || self.room.as_ref().is_some_and(|room| room.is_for(total))
    }

    /// The same, once room was taken if there was some.
    pub(crate) fn takes_room(&mut self, total: usize) -> bool {
        if !self.has_room_for(total) {
            self.room = self.gate.budget.try_take(total).map(Box::new);
        }
        self.has_room_for(total)
    }

    /// The full look at a text, which a long statement remembers for as long as it is there.
    pub(crate) fn look(&self, text: &[u8], names: Option<&SchemaNames>) -> Arc<Look> {
        match &self.room {
            Some(room) if text.len() > MAX_LOOK_BYTES => room.looks.look(&self.gate.looks, text, names),
            _ => self.gate.looks.look(text, names),
        }
    }

    /// A statement out of a Parse, to be kept; `None` if there is no room for it.
    pub(crate) fn kept_statement(&mut self, parse: &Parse<'_>, scan: Scan, epoch: u32) -> Option<Statement> {
        let shelf = self.shelf.get_or_insert_with(|| Shelf::new(&self.gate.budget));
        let place = shelf.place(parse.text.len())?;
        Some(Statement { _place: Some(place), ..self.statement(parse, scan, epoch) })
    }

    /// A statement out of a Parse, in which the scan found this.
    pub(crate) fn statement(&self, parse: &Parse<'_>, scan: Scan, epoch: u32) -> Statement {
        let meant = (parse.text, parse.oids.as_slice(), self.parameters.reading());
        Statement {
            text: parse.text.into(),
            oids: parse.oids.clone(),
            id: StatementId { hash: self.gate.looks.hash(meant), epoch },
            look: matches!(scan, Scan::Look).then(|| self.look(parse.text, None)),
            step: match scan {
                Scan::Transaction(step) => Some(step),
                Scan::Plain | Scan::Look => None,
            },
            _place: None,
        }
    }

    /// Whether the gate itself answers a transaction statement in its shortest form.
    pub(crate) fn step_is_local(&self, leased: bool) -> bool {
        !leased && (self.block != Block::None || self.caller.may_bind())
    }

    /// Whether the gate itself answers a statement. `names`: the leased schema partition's, if one is.
    pub(crate) fn is_local(
        &self,
        statement: &sql::Statement,
        leased: bool,
        names: Option<&SchemaNames>,
    ) -> bool {
        match statement.decision {
            Decision::RefuseEverywhere(_) => return true,
            Decision::Refuse(_) | Decision::Skip(_) if names.is_some() => return true,
            Decision::Forward | Decision::Refuse(_) | Decision::Skip(_) => {}
        }
        match &statement.kind {
            Kind::Set { name, value, .. } if sets_unreadable_encoding(name, value).is_some() => true,
            Kind::Set { name, .. } | Kind::Reset(Reset::Name(name)) => {
                is_ours(name) || (!leased && self.is_homeless())
            }
            Kind::Show(Show::Name(name)) => is_ours(name) || is_path(name, names),
            Kind::SetConfigSelect { name: sql::Arg::Literal(name), .. } if is_ours(name) => true,
            Kind::CurrentSettingSelect { name: sql::Arg::Literal(name), .. } => {
                is_ours(name) || is_path(name, names)
            }
            Kind::Reset(Reset::All) => {
                !leased && (!matches!(self.block, Block::Deferred(_)) || self.is_homeless())
            }
            Kind::Discard(Discard::All) | Kind::Empty => !leased,
            Kind::Savepoint { .. } | Kind::SetConstraints { .. } => {
                !leased && (self.is_failed() || self.may_defer())
            }
            Kind::SetTransaction { modes: Some(_) } => !leased && (self.is_failed() || self.may_set_modes()),
            Kind::RollbackTo { name } => {
                !leased
                    && match &self.block {
                        Block::None => false,
                        Block::Deferred(waiting) => waiting.has_savepoint(name),
                        Block::Failed(_) => true,
                    }
            }
            Kind::Begin { .. } => !leased && (self.block != Block::None || self.caller.may_bind()),
            Kind::Commit { .. } | Kind::Rollback { .. } => {
                !leased && (self.block != Block::None || self.caller.may_bind())
            }
            Kind::Deallocate { name: Some(name) } => {
                self.names.statement(name.as_bytes()).is_some()
                    || (!leased && !self.pins.contains(Effects::SQL_PREPARE))
            }
            // A pinned server hears of it: what may follow in a pipeline is its to say.
            Kind::Deallocate { name: None } => {
                !self.pins.contains(Effects::SQL_PREPARE) && (!leased || self.pins.is_empty())
            }
            _ => self.is_failed(),
        }
    }

    /// Whether something failed in a block before it reached a server.
    pub(crate) fn is_failed(&self) -> bool {
        matches!(self.block, Block::Failed(_))
    }

    /// Whether a statement without risk can wait for the first one that tells whom the transaction is for.
    fn may_defer(&self) -> bool {
        self.caller.may_bind() && matches!(&self.block, Block::Deferred(waiting) if waiting.has_room())
    }

    fn may_set_modes(&self) -> bool {
        self.caller.may_bind() && matches!(&self.block, Block::Deferred(waiting) if waiting.takes_modes())
    }

    /// Whether the session has nowhere to send a `SET` yet: it is then only noted.
    fn is_homeless(&self) -> bool {
        let home = self.gate.directory.service(self.caller.service);
        self.caller.may_bind()
            && self.binding.effective().is_none()
            && home.is_some_and(|service| service.home.is_none())
    }

    /// What a statement changes in the session's parameters once it is committed.
    pub(crate) fn changes_of(&mut self, statement: &sql::Statement, text: &[u8]) -> Vec<Change> {
        let change = match &statement.kind {
            Kind::Set { scope: Scope::Session, name, value } => set_change(name, value, text),
            Kind::Set { scope: Scope::Local, name, value } if name == "search_path" => {
                match set_change(name, value, text) {
                    Some(Change::Set(_, Value::Text(path))) => Some(Change::LocalPath(path)),
                    _ => None,
                }
            }
            Kind::SetSessionCharacteristics { modes } => {
                let raw = String::from_utf8_lossy(text.get(modes.clone()).unwrap_or_default()).into_owned();
                Some(Change::Set(CHARACTERISTICS.to_owned(), Value::Sql(raw)))
            }
            Kind::SetConfigSelect { name, value, is_local, .. } => {
                set_config_change(name, value, is_local, &[])
            }
            Kind::SettingsSelect { settings } => return self.settings(settings),
            Kind::Reset(Reset::Name(name)) => Some(Change::Reset(name.clone())),
            Kind::Reset(Reset::All) => Some(Change::ResetAll),
            Kind::Discard(Discard::All) => Some(Change::DiscardAll),
            Kind::Deallocate { name: None } => Some(Change::DeallocateAll),
            Kind::Commit { .. } | Kind::PrepareTransaction => {
                Some(Change::Ends { commits: true, followed: false })
            }
            Kind::Rollback { .. } => Some(Change::Ends { commits: false, followed: false }),
            _ => None,
        };
        let released = statement.releases();
        let released = (!released.is_empty()).then_some(Change::Released(released));
        // What cannot be said again elsewhere keeps the session where it is.
        let loses_track = self.savepoints && matches!(change, Some(Change::Set(..) | Change::Reset(_)));
        if loses_track || (matches!(change, Some(Change::Set(..))) && !self.parameters.has_room()) {
            self.pin(Effects::UNREPLAYABLE);
        }
        change.into_iter().chain(released).collect()
    }

    fn settings(&mut self, settings: &[(String, String)]) -> Vec<Change> {
        if self.savepoints || !self.parameters.has_room() {
            self.pin(Effects::UNREPLAYABLE);
        }
        let set = |(name, value): &(String, String)| Change::Set(name.clone(), Value::Text(value.clone()));
        settings.iter().map(set).collect()
    }

    /// What has these effects comes after whatever was to be released.
    fn hold_on_to<'a>(changes: impl IntoIterator<Item = &'a mut Change>, effects: Effects) {
        for change in changes {
            if let Change::Released(released) = change {
                *released = released.without(effects);
            }
        }
    }

    /// A committed change.
    pub(crate) fn commit_change(&mut self, change: &Change) {
        for name in self.parameters.falling(change) {
            self.underway.fell(name);
        }
        self.parameters.apply(change);
        match change {
            Change::ResetAll => self.binding.reset(false),
            Change::DiscardAll => {
                self.binding.reset(false);
                self.names = Names::default();
                self.pins = Effects::NONE;
            }
            // What a savepoint undoes is not tracked.
            Change::Released(effects) if !self.savepoints => self.pins = self.pins.without(*effects),
            Change::Set(..)
            | Change::Reset(_)
            | Change::LocalPath(_)
            | Change::Released(_)
            | Change::DeallocateAll
            | Change::Ends { .. } => {}
        }
    }

    /// The `search_path` in force, if the client has set one.
    pub(crate) fn path(&self) -> Option<&str> {
        for change in self.underway.uncommitted().iter().rev() {
            match change {
                Change::LocalPath(path) => return Some(path),
                Change::Set(name, Value::Text(path)) if name == "search_path" => return Some(path),
                _ => {}
            }
        }
        match self.parameters.get("search_path") {
            Some(Value::Text(path)) => Some(path),
            Some(Value::Sql(_)) | None => None,
        }
    }

    /// The transaction is over, and all that was sent has been answered.
    pub(crate) fn transaction_ended(&mut self) {
        self.settle(true);
        self.forget_transaction();
    }

    /// The transaction is over: what it set is kept or forgotten. Whether a server's parameters fell back
    /// to its own defaults with it.
    fn settle(&mut self, commits: bool) -> bool {
        let committed = !std::mem::take(&mut self.rolls_back) && commits;
        let changes = self.underway.take_uncommitted();
        if committed {
            for change in &changes {
                self.commit_change(change);
            }
        } else if commits && self.savepoints && !changes.is_empty() {
            self.pin(Effects::UNREPLAYABLE); // it failed at some time, and a savepoint may have led back
        }
        self.binding.transaction_ended(committed);
        committed && changes.iter().any(Change::resets)
    }

    /// The same, with a server that has followed the session's changes so far.
    pub(crate) fn settle_with(&mut self, facts: &mut Facts, commits: bool) {
        let followed = facts.applied == self.parameters.fingerprint();
        if self.settle(commits) {
            facts.applied = UNKNOWN_PARAMETERS;
        } else if followed {
            facts.applied = self.parameters.fingerprint();
        }
    }

    /// Nothing is left of what only a transaction has.
    pub(crate) fn forget_transaction(&mut self) {
        self.savepoints = false;
        self.names.forget_portals();
        self.catalog_cursors &= self.pins.contains(Effects::HOLD);
    }

    /// A message has failed that would have changed this: what it had committed before is not known.
    pub(crate) fn lose_track(&mut self, changes: &[Change]) {
        let ends = |change: &Change| matches!(change, Change::Ends { commits: true, followed: true });
        let Some(end) = changes.iter().position(ends) else { return };
        let tracked = |change: &Change| matches!(change, Change::Set(..)) || change.resets();
        let before = changes.get(..end).unwrap_or_default();
        if before.iter().chain(self.underway.uncommitted()).any(tracked) {
            self.pin(Effects::UNREPLAYABLE);
        }
    }

    /// Whether `RESET ALL`, which the gate answers where it stands alone, shares a transaction with others
    /// that may roll it back.
    pub(crate) fn resets_on_server(&self, statement: &sql::Statement, leased: bool) -> bool {
        let all = matches!(statement.kind, Kind::Reset(Reset::All));
        all && !leased && !self.is_failed() && !self.is_homeless()
    }
}

/// Whether a parameter is the path of a schema partition, which the gate alone can tell.
fn is_path(name: &str, names: Option<&SchemaNames>) -> bool {
    names.is_some() && name.eq_ignore_ascii_case("search_path")
}

/// The client encoding that a `SET` asks for, if statements could not be read in it.
pub(crate) fn sets_unreadable_encoding<'a>(name: &str, value: &'a sql::Value) -> Option<&'a str> {
    match value {
        sql::Value::Text { literal: Some(encoding), .. }
            if name == "client_encoding" && !is_readable_encoding(encoding) =>
        {
            Some(encoding)
        }
        _ => None,
    }
}

/// Whether a statement ends a transaction.
pub(crate) fn ends_transaction(statement: &sql::Statement) -> bool {
    matches!(statement.kind, Kind::Commit { .. } | Kind::Rollback { .. } | Kind::PrepareTransaction)
}

/// What a `SET` of a parameter changes; `None` for one to its current value.
pub(crate) fn set_change(name: &str, value: &sql::Value, text: &[u8]) -> Option<Change> {
    match value {
        sql::Value::Default => Some(Change::Reset(name.to_owned())),
        sql::Value::Current => None,
        sql::Value::Text { literal: Some(literal), .. } if name != "search_path" => {
            Some(Change::Set(name.to_owned(), Value::Text(literal.clone())))
        }
        sql::Value::Text { list, .. } if name == "search_path" && !list.is_empty() => {
            let path = list.iter().map(|schema| path_element(schema)).collect::<Vec<_>>().join(", ");
            Some(Change::Set(name.to_owned(), Value::Text(path)))
        }
        sql::Value::Text { raw, .. } => {
            let raw = String::from_utf8_lossy(text.get(raw.clone()).unwrap_or_default()).into_owned();
            Some(Change::Set(name.to_owned(), Value::Sql(raw)))
        }
    }
}

/// One schema of a search path, quoted only where it must be, as `SHOW search_path` prints it.
fn path_element(schema: &str) -> String {
    let plain = schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { schema.to_owned() } else { model::partition::quote_identifier(schema) }
}

/// What a lone `set_config` changes, its parameters filled in; `None` if it is local to the transaction.
pub(crate) fn set_config_change(
    name: &sql::Arg,
    value: &sql::Arg,
    is_local: &sql::Arg,
    values: &[Option<Box<[u8]>>],
) -> Option<Change> {
    use crate::prepared::{argument, is_true};
    let name = argument(name, values)??.to_ascii_lowercase();
    let is_local = argument(is_local, values)??;
    // Roles stay with the server that the session is pinned to: `RESET ROLE` takes them back there.
    if is_true(&is_local) || ["role", "session_authorization"].contains(&name.as_str()) {
        return None;
    }
    Some(match argument(value, values)? {
        Some(value) => Change::Set(name, Value::Text(value)),
        None => Change::Reset(name),
    })
}

impl State {
    /// Notes a query that is about to be sent: what it pins, and what it changes if it succeeds.
    pub(crate) fn outgoing(&mut self, look: &Arc<Look>, text: &[u8]) -> Vec<Change> {
        self.pin(look.analysis.effects());
        let mut changes = Vec::new();
        for (at, statement) in look.analysis.statements.iter().enumerate() {
            self.note_cursor(statement);
            Self::hold_on_to(&mut changes, statement.effects);
            changes.extend(self.changes_of(statement, text));
            if let Some(Change::Ends { followed, .. }) = changes.last_mut() {
                *followed = at + 1 < look.analysis.statements.len();
            }
        }
        changes
    }

    /// Whether the gate itself answers a portal of this statement with these values.
    pub(crate) fn bind_is_local(
        &self,
        statement: &Statement,
        values: &[Option<Box<[u8]>>],
        leased: bool,
        names: Option<&SchemaNames>,
    ) -> bool {
        if statement.step.is_some() {
            return self.step_is_local(leased);
        }
        let Some(only) = statement.only() else { return self.is_failed() };
        match &only.kind {
            Kind::SetConfigSelect { name, .. } | Kind::CurrentSettingSelect { name, .. } => {
                let name = crate::prepared::argument(name, values).flatten();
                let asks = matches!(only.kind, Kind::CurrentSettingSelect { .. });
                name.is_some_and(|name| is_ours(&name) || (asks && is_path(&name, names))) || self.is_failed()
            }
            _ => self.is_local(only, leased, names) && !self.resets_on_server(only, leased),
        }
    }
}
