//! The statements that the gate answers by itself in a session that asks many stores.

use super::answers::{Answer, Cell, Kind as Type, Named};
use super::company::harmless;
use super::hearing::Fault;
use super::layers::is_fanout;
use super::talk::Talk;
use super::{coverage, refusals};
use crate::error;
use crate::local::{Company, refused};
use crate::prepared::{Values, is_ours};
use sql::{Arg, BindTag, Decision, Discard, Kind, Reset, Show};
use std::borrow::Cow;
use wire::frame::TEXT_OID;

/// OID of type `bool`.
const BOOL_OID: u32 = 16;

/// What `SHOW ALL` shows, of home.
const SHOW_ALL: &str = "SELECT name, pg_catalog.current_setting(name, true) AS setting, short_desc AS description \
     FROM pg_catalog.pg_settings ORDER BY pg_catalog.lower(name)";

/// Parameters of a transaction that nobody has: what they say is the gate's to tell.
const TRANSACTIONS: [&str; 3] = ["transaction_isolation", "transaction_read_only", "transaction_deferrable"];

/// Who answers a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Nature<'a> {
    /// The gate itself.
    Own,
    /// Home or the stores, asked this; with another command tag than theirs, or with parameters to be set then.
    Asked(Cow<'a, str>, Also),
}

/// What there is to an answer of home's or the stores' besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Also {
    /// The command tag, where that is another than the answer's.
    pub(super) tag: Option<&'static str>,
    /// Parameters that are set once it has been answered.
    pub(super) sets: Vec<(String, String)>,
}

/// Who answers a statement of this text.
pub(super) fn nature<'a>(statement: &sql::Statement, text: &'a str) -> Nature<'a> {
    match &statement.kind {
        Kind::Other | Kind::Copy { .. } | Kind::Ddl | Kind::Do | Kind::Call | Kind::Load => {
            Nature::Asked(text.into(), Also::default())
        }
        // What can be read of these is handled before; home knows what is wrong with the others.
        Kind::DeclareCursor { .. } | Kind::Fetch | Kind::Prepare { .. } | Kind::Execute { .. } => {
            Nature::Asked(text.into(), Also::default())
        }
        Kind::Show(Show::All) => Nature::Asked(SHOW_ALL.into(), Also { tag: Some("SHOW"), sets: Vec::new() }),
        Kind::SettingsSelect { settings } => match harmless(text) {
            Some(harmless) => Nature::Asked(harmless.into(), Also { tag: None, sets: settings.clone() }),
            None => Nature::Own,
        },
        Kind::CurrentSettingSelect { name: Arg::Literal(name), .. } if is_known_here(name) => Nature::Own,
        Kind::CurrentSettingSelect { .. } => Nature::Asked(text.into(), Also::default()),
        _ => Nature::Own,
    }
}

/// Whether the gate, not home, knows a parameter's value.
pub(super) fn is_known_here(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    is_ours(&name)
        || is_fanout(&name)
        || TRANSACTIONS.contains(&name.as_str())
        || ["search_path", "role", "session_authorization"].contains(&name.as_str())
}

/// The columns of what the gate answers.
pub(super) fn columns(statement: &sql::Statement) -> Vec<Named> {
    match &statement.kind {
        Kind::Show(Show::Name(name)) if name == coverage::PARAMETER => coverage::columns(),
        Kind::Show(Show::Name(name)) => vec![(written(name).to_owned(), Type::Text)],
        Kind::SetConfigSelect { column, .. } | Kind::CurrentSettingSelect { column, .. } => {
            vec![(column.clone(), Type::Text)]
        }
        Kind::AdvisoryUnlockAll => vec![("pg_advisory_unlock_all".to_owned(), Type::Void)],
        _ => Vec::new(),
    }
}

/// The types of the parameters of what the gate answers.
pub(super) fn parameters(statement: &sql::Statement, given: &[u32]) -> Vec<u32> {
    let args: Vec<(&Arg, u32)> = match &statement.kind {
        Kind::SetConfigSelect { name, value, is_local, .. } => {
            vec![(name, TEXT_OID), (value, TEXT_OID), (is_local, BOOL_OID)]
        }
        _ => Vec::new(),
    };
    let mut types = given.to_vec();
    for (arg, oid) in args {
        let Arg::Parameter(number) = arg else { continue };
        let at = usize::from(*number).saturating_sub(1);
        if types.len() <= at {
            types.resize(at + 1, 0);
        }
        if let Some(place) = types.get_mut(at).filter(|place| **place == 0) {
            *place = oid;
        }
    }
    types
}

/// A parameter's name as Postgres writes it.
pub(super) fn written(name: &str) -> &str {
    match name {
        "datestyle" => "DateStyle",
        "intervalstyle" => "IntervalStyle",
        "timezone" => "TimeZone",
        other => other,
    }
}

/// Whether a statement is accepted in a failed transaction.
pub(super) fn is_accepted_in_failure(statement: &sql::Statement) -> bool {
    matches!(
        statement.kind,
        Kind::Commit { .. } | Kind::Rollback { .. } | Kind::RollbackTo { .. } | Kind::Empty
    )
}

impl Talk<'_> {
    /// Whether a statement may be run, or prepared, now.
    pub(super) fn may_run(&self, statement: &sql::Statement) -> Result<(), Fault> {
        if self.transaction.is_failed() && !is_accepted_in_failure(statement) {
            return Err(error::transaction_failed().into());
        }
        match &statement.tag {
            Some(BindTag::User(_)) => return Err(refusals::binds().into()),
            Some(BindTag::Conflict) => return Err(error::bad_tag("It names two users.").into()),
            Some(BindTag::Malformed) => return Err(error::bad_tag("It cannot be read.").into()),
            None => {}
        }
        match &statement.decision {
            Decision::RefuseEverywhere(refusal) => Err(refused(refusal).into()),
            Decision::Forward | Decision::Refuse(_) | Decision::Skip(_) => Ok(()),
        }
    }

    /// Does what a statement of the gate's own says. `text` is the text that it is part of.
    pub(super) async fn perform(
        &mut self,
        statement: &sql::Statement,
        text: &str,
        values: &Values,
        company: Company,
    ) -> Result<Answer, Fault> {
        let own = text.get(statement.range.clone()).unwrap_or_default();
        match &statement.kind {
            Kind::Empty => Ok(Answer::default()),
            Kind::Begin { .. }
            | Kind::Commit { .. }
            | Kind::Rollback { .. }
            | Kind::Savepoint { .. }
            | Kind::Release { .. }
            | Kind::RollbackTo { .. }
            | Kind::SetTransaction { .. } => {
                self.transaction_statement(&statement.kind, own, text, company).await
            }
            Kind::SetConstraints { .. } => Ok(Answer::tag("SET CONSTRAINTS")),
            Kind::SetSessionCharacteristics { modes } => {
                self.set_characteristics(text.get(modes.clone()).unwrap_or_default(), company).await
            }
            Kind::SetRole { role: None, .. } | Kind::SetSessionAuthorization { role: None, .. } => {
                Ok(Answer::tag("SET"))
            }
            Kind::SetRole { .. } | Kind::SetSessionAuthorization { .. } => Err(refusals::role().into()),
            Kind::Set { scope, name, value } => self.set_statement(*scope, name, value, text, company).await,
            Kind::Reset(Reset::Role | Reset::SessionAuthorization) => Ok(Answer::tag("RESET")),
            Kind::Reset(Reset::Name(name)) => self.reset(name, company).await,
            Kind::Reset(Reset::All) => self.reset_all("RESET", company).await,
            Kind::Discard(what) => self.discard(*what, company).await,
            Kind::Show(Show::Name(name)) if name == coverage::PARAMETER => {
                Ok(coverage::shown(self.coverage.as_deref()))
            }
            Kind::Show(Show::Name(name)) => {
                Ok(Answer::text(written(name), Some(self.parameter(name).await?), "SHOW"))
            }
            Kind::SetConfigSelect { name, value, is_local, column } => {
                self.set_config([name, value, is_local], column, values, company).await
            }
            Kind::CurrentSettingSelect { name: Arg::Literal(name), missing_ok, column } => {
                self.current_setting(name, missing_ok.as_ref(), column, values).await
            }
            Kind::Unlisten { .. } => Ok(Answer::tag("UNLISTEN")),
            Kind::Close { cursor } => self.close_cursor(cursor.as_deref()),
            Kind::Deallocate { name } => self.deallocate(name.as_deref()),
            Kind::AdvisoryUnlockAll => Ok(Answer {
                columns: columns(statement),
                row: vec![Cell::Text(String::new())],
                tag: "SELECT 1".to_owned(),
                warning: None,
            }),
            other => Err(refusals::not_supported(called(other)).into()),
        }
    }

    async fn discard(&mut self, what: Discard, company: Company) -> Result<Answer, Fault> {
        match what {
            Discard::Plans => Ok(Answer::tag("DISCARD PLANS")),
            Discard::Sequences => Ok(Answer::tag("DISCARD SEQUENCES")),
            Discard::Temp => Ok(Answer::tag("DISCARD TEMP")),
            Discard::All if self.is_in_block(company) => {
                Err(refusals::only_outside_transaction("DISCARD ALL").into())
            }
            Discard::All => {
                let answer = self.reset_all("DISCARD ALL", company).await?;
                self.kept.drop_portals();
                self.kept.drop_statements();
                Ok(answer)
            }
        }
    }

    fn close_cursor(&mut self, name: Option<&str>) -> Result<Answer, Fault> {
        match name {
            None => {
                self.kept.drop_portals();
                Ok(Answer::tag("CLOSE CURSOR ALL"))
            }
            Some(name) if self.kept.take_portal(name).is_some() => Ok(Answer::tag("CLOSE CURSOR")),
            Some(name) => Err(refusals::no_cursor(name).into()),
        }
    }

    fn deallocate(&mut self, name: Option<&str>) -> Result<Answer, Fault> {
        match name {
            None => {
                self.kept.drop_statements();
                Ok(Answer::tag("DEALLOCATE ALL"))
            }
            Some(name) if self.kept.drop_statement(name) => Ok(Answer::tag("DEALLOCATE")),
            Some(name) => Err(error::no_statement(name).into()),
        }
    }

    /// Whether a statement shares its transaction with others.
    pub(super) fn is_in_block(&self, company: Company) -> bool {
        self.transaction.is_open() || matches!(company, Company::Message | Company::Pipeline)
    }
}

/// What a statement that needs one server is called.
fn called(kind: &Kind) -> &'static str {
    match kind {
        Kind::Listen { .. } => "LISTEN",
        Kind::Notify => "NOTIFY",
        Kind::PrepareTransaction | Kind::CommitPrepared | Kind::RollbackPrepared => "two-phase commit",
        Kind::SettingsSelect { .. } => "set_config in company of other expressions",
        _ => "this statement",
    }
}
