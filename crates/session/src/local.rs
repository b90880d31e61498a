//! The statements that the gate answers by itself: what they do to the session, and what they answer.

use crate::analyst::{FAN_OUT, not_boolean};
use crate::answer::Answer;
use crate::block::{Block, Then, Waiting};
use crate::error;
use crate::look::SchemaNames;
use crate::parameters::Change;
use crate::prepared::{argument, is_ours, is_true};
use crate::state::{State, set_config_change, sets_unreadable_encoding};
use model::{LoginKind, Name};
use relay::Status;
use sql::{Decision, Kind, Reset, Scope, Show, Step};
use wire::{Fields, Sqlstate, sqlstate};

/// What the gate knows of the server side when it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a> {
    /// The leased server's transaction status, if one is leased.
    pub(crate) leased: Option<Status>,
    /// Whom the leased server is for.
    pub(crate) leased_user: Option<&'a Name>,
    /// Who may share the transaction.
    pub(crate) company: Company,
}

/// Which other statements share, or may come to share, a statement's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// None.
    None,
    /// Those that follow in its extended-query segment.
    Segment,
    /// Some that were executed before it in that segment.
    Pipeline,
    /// Those in the same simple query.
    Message,
}

impl Around<'_> {
    fn in_transaction(&self, state: &State) -> bool {
        self.company != Company::None
            || state.block != Block::None
            || self.leased.is_some_and(|status| status != Status::Idle)
    }
}

/// The parameters that the gate itself keeps.
const OURS: [&str; 3] = ["stuffgate.user", "stuffgate.pinned", FAN_OUT];

type Outcome = Result<Answer, Box<Fields>>;

impl State {
    /// Does what a local statement says. `text` is the text that `statement` is part of.
    pub(crate) fn perform(
        &mut self,
        statement: &sql::Statement,
        text: &[u8],
        values: &[Option<Box<[u8]>>],
        around: Around<'_>,
    ) -> Outcome {
        let ends =
            matches!(statement.kind, Kind::Commit { .. } | Kind::Rollback { .. } | Kind::RollbackTo { .. });
        let failed = self.is_failed() || around.leased == Some(Status::Failed);
        if failed && !ends {
            return Err(Box::new(error::transaction_failed()));
        }
        match &statement.decision {
            Decision::Forward => {}
            Decision::Refuse(refusal) | Decision::RefuseEverywhere(refusal) => {
                return Err(Box::new(refused(refusal)));
            }
            Decision::Skip(skip) => return Ok(Answer::tag(skip.tag).notice(skip.sqlstate, skip.message)),
        }
        match &statement.kind {
            Kind::Empty => Ok(Answer::default()),
            Kind::Begin { modes } => {
                Ok(self.begin(&String::from_utf8_lossy(text.get(modes.clone()).unwrap_or_default())))
            }
            Kind::Savepoint { .. } | Kind::SetTransaction { .. } | Kind::SetConstraints { .. } => {
                Ok(self.wait_with_begin(&statement.kind, text))
            }
            Kind::RollbackTo { name } => self.roll_back_to(name),
            Kind::Commit { chain } => Ok(self.end_block(true, *chain)),
            Kind::Rollback { chain } => Ok(self.end_block(false, *chain)),
            Kind::Set { name, value, .. } if sets_unreadable_encoding(name, value).is_some() => {
                let encoding = sets_unreadable_encoding(name, value).unwrap_or_default();
                Err(Box::new(error::unreadable_encoding(encoding)))
            }
            Kind::Set { scope, name, value } if is_ours(name) => self.set_ours(*scope, name, value, around),
            Kind::Set { .. } | Kind::Reset(Reset::Name(_)) if !is_our_reset(&statement.kind) => {
                Ok(self.note_set(statement, text))
            }
            Kind::Reset(Reset::Name(name)) if name == FAN_OUT => {
                self.switch_fan_out(Scope::Session, None, around)?;
                Ok(Answer::tag("RESET"))
            }
            Kind::Reset(Reset::Name(name)) => {
                self.bind_to(name, Whom::Start, Scope::Session, around)?;
                Ok(Answer::tag("RESET"))
            }
            Kind::Reset(_) => Ok(self.everything(&Change::ResetAll, "RESET")),
            Kind::Discard(_) => self.discard_all(around.company),
            Kind::Show(Show::Name(name)) => self.show(name),
            Kind::SetConfigSelect { name, value, is_local, column } => {
                self.set_config([name, value, is_local], column, values, around)
            }
            Kind::CurrentSettingSelect { name, missing_ok, column } => {
                self.current_setting(name, missing_ok.as_ref(), column, values)
            }
            Kind::Deallocate { name } => self.deallocate(name.as_deref()),
            _ => Err(Box::new(error::transaction_failed())),
        }
    }

    /// The error that a statement is answered with whatever the session is, if it is.
    pub(crate) fn refusal_of(
        &self,
        statement: &sql::Statement,
        names: Option<&SchemaNames>,
    ) -> Option<Box<Fields>> {
        match (&statement.decision, &statement.kind) {
            (Decision::RefuseEverywhere(refusal), _) => Some(Box::new(refused(refusal))),
            (Decision::Refuse(refusal), _) if names.is_some() => Some(Box::new(refused(refusal))),
            (_, Kind::Set { name, value, .. }) if sets_unreadable_encoding(name, value).is_some() => {
                let encoding = sets_unreadable_encoding(name, value).unwrap_or_default();
                Some(Box::new(error::unreadable_encoding(encoding)))
            }
            (_, Kind::Set { name, .. } | Kind::Reset(Reset::Name(name)) | Kind::Show(Show::Name(name)))
                if is_ours(name) && !OURS.contains(&name.as_str()) =>
            {
                Some(Box::new(error::no_parameter(name)))
            }
            _ => None,
        }
    }

    /// `BEGIN`, `COMMIT` or `ROLLBACK` in its shortest form.
    pub(crate) fn step(&mut self, step: Step) -> Answer {
        match step {
            Step::Begin => self.begin(""),
            Step::Commit => self.end_block(true, false),
            Step::Rollback => self.end_block(false, false),
        }
    }

    /// What goes to the server behind the `BEGIN` that waits.
    fn wait_with_begin(&mut self, kind: &Kind, text: &[u8]) -> Answer {
        let Block::Deferred(waiting) = &mut self.block else { return Answer::default() };
        Answer::tag(match kind {
            Kind::Savepoint { name } => {
                let then = Then { binding: self.binding.clone(), changes: self.underway.uncommitted().len() };
                waiting.savepoint(name, then);
                self.savepoints = true;
                "SAVEPOINT"
            }
            Kind::SetTransaction { modes: Some(modes) } => {
                waiting.set_modes(&String::from_utf8_lossy(text.get(modes.clone()).unwrap_or_default()));
                "SET"
            }
            Kind::SetConstraints { deferred } => {
                waiting.set_constraints(*deferred);
                "SET CONSTRAINTS"
            }
            _ => "",
        })
    }

    fn roll_back_to(&mut self, name: &str) -> Outcome {
        let (Block::Deferred(mut waiting) | Block::Failed(mut waiting)) = std::mem::take(&mut self.block)
        else {
            return Err(Box::new(error::no_savepoint(name)));
        };
        let Some(then) = waiting.roll_back_to(name) else {
            self.block = Block::Failed(waiting);
            return Err(Box::new(error::no_savepoint(name)));
        };
        self.binding = then.binding;
        self.underway.take_back(then.changes);
        self.block = Block::Deferred(waiting);
        Ok(Answer::tag("ROLLBACK"))
    }

    fn begin(&mut self, modes: &str) -> Answer {
        if self.block == Block::None {
            self.block = Block::Deferred(Box::new(Waiting::begun(modes)));
            return Answer::tag("BEGIN");
        }
        Answer::tag("BEGIN")
            .warning(sqlstate::ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress")
    }

    fn end_block(&mut self, commit: bool, chain: bool) -> Answer {
        let block = std::mem::take(&mut self.block);
        let committed = commit && !matches!(block, Block::Failed(_));
        self.rolls_back |= !committed;
        self.transaction_ended();
        let answer = Answer::tag(if committed { "COMMIT" } else { "ROLLBACK" });
        match block {
            Block::None => {
                answer.warning(sqlstate::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress")
            }
            Block::Deferred(waiting) | Block::Failed(waiting) => {
                if chain {
                    self.block = Block::Deferred(Box::new(waiting.chained()));
                }
                answer
            }
        }
    }

    /// A local statement has failed: inside a block that no server knows, nothing more may run.
    pub(crate) fn fail_block(&mut self) {
        if let Block::Deferred(waiting) | Block::Failed(waiting) = std::mem::take(&mut self.block) {
            self.block = Block::Failed(waiting);
        }
    }

    fn set_ours(&mut self, scope: Scope, name: &str, value: &sql::Value, around: Around<'_>) -> Outcome {
        if name == FAN_OUT {
            let value = match value {
                sql::Value::Default => None,
                sql::Value::Text { literal: Some(text), .. } => Some(text.as_str()),
                sql::Value::Current | sql::Value::Text { .. } => Some("an expression"),
            };
            self.switch_fan_out(scope, value, around)?;
            return Ok(Answer::tag("SET"));
        }
        let whom = match value {
            sql::Value::Default => Whom::Start,
            sql::Value::Text { literal: Some(text), .. } => Whom::named(text)?,
            sql::Value::Current | sql::Value::Text { .. } => {
                return Err(Box::new(error::bad_user_name("an expression")));
            }
        };
        self.bind_to(name, whom, scope, around)?;
        let answer = Answer::tag("SET");
        if scope == Scope::Local && !around.in_transaction(self) {
            let message = "SET LOCAL can only be used in transaction blocks";
            return Ok(answer.warning(sqlstate::NO_ACTIVE_SQL_TRANSACTION, message));
        }
        Ok(answer)
    }

    fn set_config(
        &mut self,
        [name, value, is_local]: [&sql::Arg; 3],
        column: &str,
        values: &[Option<Box<[u8]>>],
        around: Around<'_>,
    ) -> Outcome {
        let name = argument(name, values).flatten().unwrap_or_default();
        let local = argument(is_local, values).flatten().is_some_and(|text| is_true(&text));
        let scope = if local { Scope::Local } else { Scope::Session };
        if name.eq_ignore_ascii_case(FAN_OUT) {
            let value = argument(value, values).ok_or_else(|| Box::new(not_boolean(FAN_OUT)))?;
            self.switch_fan_out(scope, value.as_deref(), around)?;
            return Ok(Answer::row(column, Some(on_or_off(self.fan_out.is_on)), "SELECT 1"));
        }
        let text = argument(value, values)
            .ok_or_else(|| Box::new(error::bad_user_name("an expression")))?
            .unwrap_or_default();
        self.bind_to(&name, Whom::named(&text)?, scope, around)?;
        Ok(Answer::row(column, Some(text), "SELECT 1"))
    }

    fn bind_to(
        &mut self,
        parameter: &str,
        whom: Whom,
        scope: Scope,
        around: Around<'_>,
    ) -> Result<(), Box<Fields>> {
        if !parameter.eq_ignore_ascii_case("stuffgate.user") {
            return Err(Box::new(error::no_parameter(parameter)));
        }
        if let LoginKind::User(_) = self.caller.kind {
            return match whom {
                Whom::User(name) if name != self.caller.name => {
                    Err(Box::new(error::not_yours(self.caller.name.as_str(), name.as_str())))
                }
                _ => Ok(()),
            };
        }
        let in_transaction = around.in_transaction(self);
        let user = match (whom, scope) {
            (Whom::Start, Scope::Session) => self.binding.start().cloned(),
            (Whom::Start, Scope::Local) | (Whom::Nobody, _) => None,
            (Whom::User(name), _) => Some(name),
        };
        // Outside a transaction, SET LOCAL has no effect.
        let changes = scope == Scope::Session || in_transaction;
        let effective = if changes { user.as_ref() } else { self.binding.effective() };
        if around.leased.is_some() && effective != around.leased_user {
            return Err(Box::new(match self.pinned() {
                Some(reasons) if around.leased == Some(Status::Idle) => error::pinned(&reasons),
                _ => error::bound_already(),
            }));
        }
        if let Some(user) = effective {
            self.gate.route(&self.caller, Some(user)).map_err(|e| Box::new(error::no_route(&e)))?;
        }
        match scope {
            Scope::Session => self.binding.set(user, in_transaction),
            Scope::Local => self.binding.set_local(user, in_transaction),
        }
        Ok(())
    }

    /// A `SET` while there is no server to try it on: it will be tried on the first one.
    fn note_set(&mut self, statement: &sql::Statement, text: &[u8]) -> Answer {
        let tag = if matches!(statement.kind, Kind::Reset(_)) { "RESET" } else { "SET" };
        let changes = self.changes_of(statement, text);
        self.underway.succeeded(changes);
        if self.block == Block::None {
            self.transaction_ended();
        }
        Answer::tag(tag)
    }

    fn discard_all(&mut self, company: Company) -> Outcome {
        let message = match company {
            Company::None | Company::Segment if self.block == Block::None => {
                return Ok(self.everything(&Change::DiscardAll, "DISCARD ALL"));
            }
            Company::Pipeline if self.block == Block::None => {
                "DISCARD ALL cannot be executed within a pipeline"
            }
            _ => "DISCARD ALL cannot run inside a transaction block",
        };
        Err(Box::new(Fields::error(sqlstate::ACTIVE_SQL_TRANSACTION, message)))
    }

    fn everything(&mut self, change: &Change, tag: &str) -> Answer {
        self.commit_change(change);
        self.reset_untold = true;
        Answer::tag(tag)
    }

    fn show(&self, name: &str) -> Outcome {
        let value = match name {
            "search_path" => Some(sql::show_search_path(self.path()).to_owned()),
            "stuffgate.user" => Some(self.bound_user().unwrap_or_default()),
            "stuffgate.pinned" => Some(self.pinned().unwrap_or_default()),
            FAN_OUT => Some(on_or_off(self.fan_out.is_on)),
            _ => return Err(Box::new(error::no_parameter(name))),
        };
        Ok(Answer::row(name, value, "SHOW"))
    }

    fn current_setting(
        &self,
        name: &sql::Arg,
        missing_ok: Option<&sql::Arg>,
        column: &str,
        values: &[Option<Box<[u8]>>],
    ) -> Outcome {
        let name = argument(name, values).flatten().unwrap_or_default().to_ascii_lowercase();
        let quiet =
            missing_ok.and_then(|arg| argument(arg, values).flatten()).is_some_and(|text| is_true(&text));
        let value = match name.as_str() {
            "stuffgate.user" => self.bound_user(),
            "stuffgate.pinned" => self.pinned(),
            FAN_OUT => Some(on_or_off(self.fan_out.is_on)),
            "search_path" => Some(sql::show_search_path(self.path()).to_owned()),
            _ if quiet => None,
            _ => return Err(Box::new(error::no_parameter(&name))),
        };
        let value = if quiet { value } else { Some(value.unwrap_or_default()) };
        Ok(Answer::row(column, value, "SELECT 1"))
    }

    fn bound_user(&self) -> Option<String> {
        match self.caller.kind {
            LoginKind::User(_) => Some(self.caller.name.to_string()),
            _ => self.binding.effective().map(Name::to_string),
        }
    }

    fn deallocate(&mut self, name: Option<&str>) -> Outcome {
        match name {
            None => {
                self.names.drop_statements();
                Ok(Answer::tag("DEALLOCATE ALL"))
            }
            Some(name) => match self.names.drop_statement(name.as_bytes()) {
                Some(_) => Ok(Answer::tag("DEALLOCATE")),
                None => Err(Box::new(error::no_statement(name))),
            },
        }
    }

    /// What a lone `set_config` of a server's parameter changes, once its values are known.
    pub(crate) fn late_change(statement: &sql::Statement, values: &[Option<Box<[u8]>>]) -> Option<Change> {
        match &statement.kind {
            Kind::SetConfigSelect { name, value, is_local, .. } => {
                set_config_change(name, value, is_local, values)
            }
            _ => None,
        }
    }
}

/// Whom a statement binds to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    /// A user.
    User(Name),
    /// Nobody.
    Nobody,
    /// Whomever the session started with.
    Start,
}

impl Whom {
    fn named(text: &str) -> Result<Self, Box<Fields>> {
        if text.is_empty() {
            return Ok(Self::Nobody);
        }
        text.parse().map(Self::User).map_err(|_| Box::new(error::bad_user_name(text)))
    }
}

fn on_or_off(on: bool) -> String {
    (if on { "on" } else { "off" }).to_owned()
}

fn is_our_reset(kind: &Kind) -> bool {
    matches!(kind, Kind::Reset(Reset::Name(name)) if is_ours(name))
}

/// What a statement is answered with that is refused by its text.
pub(crate) fn refused(refusal: &sql::Refusal) -> Fields {
    let code = Sqlstate::from_bytes(refusal.sqlstate.as_bytes()).unwrap_or(sqlstate::FEATURE_NOT_SUPPORTED);
    let fields = Fields::error(code, refusal.message);
    if refusal.hint.is_empty() { fields } else { fields.with_hint(refusal.hint) }
}
