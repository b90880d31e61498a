//! `SET`, `RESET` and `SHOW` in a session that asks many stores: the gate's own parameters, and home's.

use super::answers::Answer;
use super::hearing::Fault;
use super::layers::{Layers, PATH, is_default_path, is_fanout};
use super::own::is_known_here;
use super::refusals;
use super::talk::Talk;
use super::transaction::isolation_level;
use crate::error;
use crate::local::Company;
use crate::parameters::{Change, MAX_PARAMETERS, Parameters, Value};
use crate::prepared::{Values, argument, flag, is_ours, is_true};
use crate::state::set_change;
use model::LoginKind;
use model::partition::quote_literal;
use sql::{Arg, Scope};
use wire::{Fields, sqlstate};

/// The parameter that makes a session ask many stores.
pub(crate) const SWITCH: &str = "stuffgate.fanout";

/// The isolation level of transactions that name none.
const DEFAULT_ISOLATION: &str = "default_transaction_isolation";

/// What of a parameter is to be changed.
enum Rule {
    /// It is set so at home.
    Kept,
    /// Nothing: it is so already, or nobody would see a difference.
    Nothing,
}

impl Talk<'_> {
    /// `SET`
    pub(super) async fn set_statement(
        &mut self,
        scope: Scope,
        name: &str,
        value: &sql::Value,
        text: &str,
        company: Company,
    ) -> Result<Answer, Fault> {
        let value = match set_change(name, value, text.as_bytes()) {
            Some(Change::Set(_, value)) => Some(value),
            Some(_) => None,
            None => return Ok(Answer::tag("SET")), // to what it is
        };
        self.set(scope, name, value, company).await?;
        let answer = Answer::tag("SET");
        if scope == Scope::Local && !self.is_in_block(company) {
            let message = "SET LOCAL can only be used in transaction blocks";
            return Ok(answer.warning(sqlstate::NO_ACTIVE_SQL_TRANSACTION, message));
        }
        Ok(answer)
    }

    /// `SET SESSION CHARACTERISTICS AS TRANSACTION`: of these modes only the isolation level is ever asked for.
    pub(super) async fn set_characteristics(
        &mut self,
        modes: &str,
        company: Company,
    ) -> Result<Answer, Fault> {
        if let Some(level) = isolation_level(modes) {
            self.set(Scope::Session, DEFAULT_ISOLATION, Some(Value::Text(level.to_owned())), company).await?;
        }
        Ok(Answer::tag("SET"))
    }

    /// `RESET name`
    pub(super) async fn reset(&mut self, name: &str, company: Company) -> Result<Answer, Fault> {
        self.set(Scope::Session, name, None, company).await?;
        Ok(Answer::tag("RESET"))
    }

    /// `RESET ALL`, or more than that, which has this `tag`.
    pub(super) async fn reset_all(&mut self, tag: &str, company: Company) -> Result<Answer, Fault> {
        let leaves = !self.starts_on;
        if leaves && self.is_in_block(company) {
            return Err(refusals::only_outside_transaction(tag).into());
        }
        let start = self.layers.at_start().map_err(|bad| refusals::setting(&bad))?;
        self.adopt(start).await?;
        self.over |= leaves;
        Ok(Answer::tag(tag))
    }

    /// A lone `SELECT set_config(…)`.
    pub(super) async fn set_config(
        &mut self,
        [name, value, is_local]: [&Arg; 3],
        column: &str,
        values: &Values,
        company: Company,
    ) -> Result<Answer, Fault> {
        let company_of = || Fault::from(refusals::not_supported("set_config with other than constants"));
        let name = argument(name, values).ok_or_else(company_of)?.unwrap_or_default().to_ascii_lowercase();
        let value = argument(value, values).ok_or_else(company_of)?;
        let is_local = argument(is_local, values).ok_or_else(company_of)?;
        let local = is_local.is_some_and(|text| is_true(&text));
        let scope = if local { Scope::Local } else { Scope::Session };
        self.set(scope, &name, value.map(Value::Text), company).await?;
        let now = self.parameter(&name).await?;
        Ok(Answer::text(column, Some(now), "SELECT 1"))
    }

    /// A lone `SELECT current_setting(…)` of a parameter that the gate knows.
    pub(super) async fn current_setting(
        &mut self,
        name: &str,
        missing_ok: Option<&Arg>,
        column: &str,
        values: &Values,
    ) -> Result<Answer, Fault> {
        let quiet =
            missing_ok.and_then(|arg| argument(arg, values).flatten()).is_some_and(|text| is_true(&text));
        let value = match self.parameter(&name.to_ascii_lowercase()).await {
            Ok(value) => Some(value),
            Err(Fault::Told(fields)) if quiet && fields.code == sqlstate::UNDEFINED_OBJECT => None,
            Err(fault) => return Err(fault),
        };
        Ok(Answer::text(column, value, "SELECT 1"))
    }

    /// A parameter's value as `SHOW` has it.
    pub(super) async fn parameter(&mut self, name: &str) -> Result<String, Fault> {
        if !is_known_here(name) {
            let query = format!("SELECT pg_catalog.current_setting({})", quote_literal(name));
            return Ok(self.value_of(&query).await?.unwrap_or_default());
        }
        if is_fanout(name) {
            let shown = self.layers.settings().show(name, self.floor());
            let unknown = || refusals::setting(&fanout::BadSetting::Unknown(name.to_owned()));
            return Ok(shown.ok_or_else(unknown)?);
        }
        Ok(match name {
            "search_path" => PATH.to_owned(),
            "role" => "none".to_owned(),
            "session_authorization" => self.caller.name.to_string(),
            "transaction_isolation" => match self.transaction.isolation() {
                Some(level) => level.to_owned(),
                None => {
                    let default = format!("SELECT pg_catalog.current_setting('{DEFAULT_ISOLATION}')");
                    self.value_of(&default).await?.unwrap_or_default()
                }
            },
            "transaction_read_only" => "on".to_owned(),
            "transaction_deferrable" => "off".to_owned(),
            SWITCH => "on".to_owned(),
            "stuffgate.user" | "stuffgate.pinned" => String::new(),
            super::coverage::PARAMETER => {
                self.coverage.as_deref().map(super::coverage::compact).unwrap_or_default()
            }
            _ => return Err(error::no_parameter(name).into()),
        })
    }

    /// Sets a parameter, or resets it where there is no value.
    async fn set(
        &mut self,
        scope: Scope,
        name: &str,
        value: Option<Value>,
        company: Company,
    ) -> Result<(), Fault> {
        if name == SWITCH {
            return self.switch(scope, value.as_ref(), company);
        }
        if let Rule::Nothing = rule(name, value.as_ref())? {
            return Ok(());
        }
        if value.is_some() && !self.layers.has_room() {
            return Err(refusals::too_many("parameters", MAX_PARAMETERS).into());
        }
        let next = self.layers.with(scope, name, value).map_err(|bad| refusals::setting(&bad))?;
        self.adopt(next).await
    }

    /// Sets parameters for the session, one after another.
    pub(super) async fn set_all(&mut self, sets: &[(String, String)]) -> Result<(), Fault> {
        for (name, value) in sets {
            self.set(Scope::Session, name, Some(Value::Text(value.clone())), Company::None).await?;
        }
        Ok(())
    }

    /// These parameters are in force from now on, if home takes them.
    async fn adopt(&mut self, mut next: Layers) -> Result<(), Fault> {
        if next.reported.is_none() {
            next.reported = Some(self.try_on(&next).await?);
        }
        self.transaction.changes(&self.layers);
        self.layers = next;
        self.tell_reported();
        Ok(())
    }

    /// `SET stuffgate.fanout`: whether the session goes on asking many stores.
    fn switch(&mut self, scope: Scope, value: Option<&Value>, company: Company) -> Result<(), Fault> {
        let on = match value {
            None => self.starts_on,
            Some(Value::Text(text)) => flag(text).ok_or_else(|| refusals::not_boolean(SWITCH))?,
            Some(Value::Sql(_)) => return Err(refusals::not_boolean(SWITCH).into()),
        };
        if on {
            return Ok(());
        }
        if !matches!(self.caller.kind, LoginKind::Service(_)) {
            return Err(refusals::always_on().into());
        }
        if scope == Scope::Local || self.is_in_block(company) {
            return Err(refusals::only_outside_transaction("SET stuffgate.fanout").into());
        }
        self.over = true;
        Ok(())
    }
}

/// What becomes of a parameter that is to have this value.
fn rule(name: &str, value: Option<&Value>) -> Result<Rule, Box<Fields>> {
    let text = match value {
        Some(Value::Text(text) | Value::Sql(text)) => text.as_str(),
        None => "",
    };
    let default = value.is_none();
    let refused = match name {
        "stuffgate.user" if text.is_empty() => return Ok(Rule::Nothing),
        "stuffgate.user" => refusals::binds(),
        name if is_ours(name) => error::no_parameter(name),
        "search_path" if default || is_default_path(text) => return Ok(Rule::Nothing),
        "search_path" => refusals::search_path(text),
        "client_encoding" if default || is_utf8(text) => return Ok(Rule::Nothing),
        "client_encoding" => refusals::encoding(text),
        "standard_conforming_strings" if default || flag(text) == Some(true) => return Ok(Rule::Nothing),
        "standard_conforming_strings" => refusals::escapes(),
        "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => {
            return Ok(Rule::Nothing);
        }
        "role" | "session_authorization" if default || ["none", "default"].contains(&text) => {
            return Ok(Rule::Nothing);
        }
        "role" | "session_authorization" => refusals::role(),
        _ => return Ok(Rule::Kept),
    };
    Err(Box::new(refused))
}

/// Whether an ordinary session's parameters may be those of one that asks many stores.
pub(super) fn may_all(parameters: &Parameters) -> Result<(), Box<Fields>> {
    parameters.in_force().try_for_each(|(name, value)| rule(name, Some(value)).map(drop))
}

/// Whether a start-up packet may set a parameter of home to this, and whether it has to be kept.
pub(super) fn may_start(name: &str, value: &str) -> Result<bool, Box<Fields>> {
    rule(name, Some(&Value::Text(value.to_owned()))).map(|rule| matches!(rule, Rule::Kept))
}

/// Whether a name stands for UTF8 (PostgreSQL manual, "Character Set Support").
fn is_utf8(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ["utf8", "unicode"].contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str, value: Option<&str>) -> String {
        let value = value.map(|text| Value::Text(text.to_owned()));
        match rule(name, value.as_ref()) {
            Ok(Rule::Kept) => "kept".to_owned(),
            Ok(Rule::Nothing) => "nothing".to_owned(),
            Err(fields) => fields.code.to_string(),
        }
    }

    #[test]
    fn what_would_change_the_meaning_of_statements_is_refused_and_the_rest_is_homes() {
        for (name, value, expected) in [
            ("timezone", Some("UTC"), "kept"),
            ("work_mem", None, "kept"),
            ("fanout.tier", Some("t3"), "kept"),
            ("search_path", Some("\"$user\", public"), "nothing"),
            ("search_path", Some("other"), "0A000"),
            ("search_path", None, "nothing"),
            ("client_encoding", Some("utf-8"), "nothing"),
            ("client_encoding", Some("UNICODE"), "nothing"),
            ("client_encoding", Some("LATIN1"), "0A000"),
            ("standard_conforming_strings", Some("on"), "nothing"),
            ("standard_conforming_strings", Some("off"), "0A000"),
            ("transaction_isolation", Some("serializable"), "nothing"),
            ("role", Some("none"), "nothing"),
            ("role", Some("postgres"), "42501"),
            ("session_authorization", Some("postgres"), "42501"),
            ("stuffgate.user", Some("alice"), "55000"),
            ("stuffgate.user", Some(""), "nothing"),
            ("stuffgate.user", None, "nothing"),
            ("stuffgate.pinned", Some("x"), "42704"),
        ] {
            assert_eq!(code(name, value), expected, "{name} {value:?}");
        }
    }
}
