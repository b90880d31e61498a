//! An ordinary session hands its client over while its `stuffgate.fanout` is on, and takes it back.

use super::kept::Kept;
use super::layers::{Layers, settings_of};
use super::parameters::{SWITCH, may_all};
use super::refusals;
use super::talk::Talk;
use super::transaction::Transaction;
use crate::block::Block;
use crate::life::{End, Session};
use crate::local::{Around, Company};
use crate::prepared::{Parse, flag};
use crate::state::State;
use relay::Status;
use sql::Scope;
use std::sync::Arc;
use wire::Fields;

impl State {
    /// `SET stuffgate.fanout` in an ordinary session; without a value, to what it started with. It asks many
    /// stores from its next message on.
    pub(crate) fn switch_fan_out(
        &mut self,
        scope: Scope,
        value: Option<&str>,
        around: Around<'_>,
    ) -> Result<(), Box<Fields>> {
        let on = match value {
            None => self.fan_out.starts,
            Some(text) => flag(text).ok_or_else(|| Box::new(refusals::not_boolean(SWITCH)))?,
        };
        if !on {
            return Ok(());
        }
        self.may_fan_out()?;
        if let (Some(Status::Idle), Some(reasons)) = (around.leased, self.pinned()) {
            return Err(Box::new(refusals::pinned(&reasons)));
        }
        let shared = matches!(around.company, Company::Message | Company::Pipeline);
        if scope == Scope::Local || around.leased.is_some() || self.block != Block::None || shared {
            return Err(Box::new(refusals::only_outside_transaction("SET stuffgate.fanout")));
        }
        self.fan_out.is_on = true;
        Ok(())
    }

    /// Whether the session, such as it is, can ask many stores.
    pub(crate) fn may_fan_out(&self) -> Result<(), Box<Fields>> {
        if !self.caller.may_bind() {
            return Err(Box::new(refusals::not_here(self.caller.name.as_str())));
        }
        if let Some(user) = self.binding.effective() {
            return Err(Box::new(refusals::bound(user.as_str())));
        }
        if self.gate.route(&self.caller, None).is_err() {
            return Err(Box::new(refusals::no_home(self.caller.service_name.as_str())));
        }
        may_all(&self.parameters)?;
        let settings = settings_of(&self.parameters, self.gate.fanout.limits());
        settings.map(drop).map_err(|bad| Box::new(refusals::setting(&bad)))
    }
}

impl Session {
    /// A session that starts with `stuffgate.fanout` on is an ordinary one only afterwards, if it ever is.
    pub(crate) async fn fan_out_first(mut self: Box<Self>) -> Option<Box<Self>> {
        if self.state.fan_out.is_on
            && let Err(end) = self.fan_out().await
        {
            self.leave(end).await;
            return None;
        }
        Some(self)
    }

    /// Serves the client as one that asks many stores, until that is turned off. Nothing is leased.
    pub(crate) async fn fan_out(&mut self) -> Result<(), End> {
        let (gate, parameters) = (Arc::clone(&self.state.gate), self.state.parameters.clone());
        let layers = match Layers::starting(parameters, *gate.fanout.limits()) {
            Ok(layers) => layers,
            Err(bad) => return Err(End::Told(Box::new(refusals::setting(&bad)))),
        };
        let mut kept = Kept::new(&gate);
        for (name, statement) in self.state.names.take_statements() {
            let name = String::from_utf8_lossy(&name).into_owned();
            let text = String::from_utf8_lossy(&statement.text).into_owned();
            kept.take_over(name, text, statement.oids.clone());
        }
        let mut talk = Talk {
            client: &mut self.client,
            handle: &self.handle,
            gate,
            caller: Arc::clone(&self.state.caller),
            number: self.number,
            layers,
            told: std::mem::take(&mut self.state.told),
            transaction: Transaction::default(),
            kept,
            coverage: None,
            segment: self.segment,
            skipping: false,
            starts_on: self.state.fan_out.starts,
            over: false,
            room: None,
        };
        talk.serve().await?;
        let Talk { layers, told, kept, segment, .. } = talk;
        self.state.told = told;
        self.state.parameters = layers.into_session();
        self.state.fan_out.is_on = false;
        self.segment = segment;
        for (name, text, oids) in kept.into_statements() {
            self.take_back(&name, &text, oids);
        }
        Ok(())
    }

    /// A prepared statement comes back; one for which there is no room is forgotten, and its use refused.
    fn take_back(&mut self, name: &str, text: &str, oids: Vec<u32>) {
        let parse = Parse { name: name.as_bytes(), text: text.as_bytes(), oids };
        let scan = self.state.gate.looks.scan(parse.text);
        if let Some(statement) = self.state.kept_statement(&parse, scan, 0) {
            self.state.names.name_statement(parse.name.into(), Arc::new(statement));
        }
    }
}
