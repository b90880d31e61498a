//! Portals while a server is leased: what is bound, and what executing it does to the session.

use super::SessionFront;
use crate::look::{Look, SchemaNames};
use crate::parameters::Change;
use crate::prepared::{BindBody, BindHead, Portal, Statement, Values, names_parameter_late, portal_name};
use crate::state::State;
use relay::{Desk, Notes, Reply, Rows, Verdict};
use sql::{Effects, Kind, Step};
use std::sync::Arc;
use wire::frame::{self, frontend};

impl SessionFront<'_> {
    pub(super) fn bind(&mut self, message: &[u8], total: usize, desk: &mut Desk<'_>) -> Option<Verdict> {
        let head = BindHead::read(message)?;
        let Some(statement) = self.state.names.statement(head.statement).map(Arc::clone) else {
            self.pass_unknown(head.statement, desk);
            self.note_unknown(&head);
            return Some(Verdict::Pass);
        };
        let mut verdict = None;
        if let Some(look) = self.partition_look(&statement) {
            verdict = match self.bind_looked(&head, message, total, &statement, &look, desk) {
                Ok(verdict) => verdict,
                Err(held) => return Some(held),
            };
        } else {
            self.note_plain(head.portal, &statement);
        }
        if let Some(verdict) = verdict {
            return Some(verdict);
        }
        self.pin_if_stateful(&statement.text);
        self.ensure(head.statement, &statement, desk);
        if head.statement.is_empty() {
            return Some(Verdict::Pass);
        }
        self.bind_head(&head, &statement, total - head.bytes, desk);
        Some(Verdict::Sent { head: head.bytes })
    }

    /// A statement that the gate does not know may be one of SQL's `PREPARE`, over the catalog.
    fn note_unknown(&mut self, head: &BindHead<'_>) {
        let prepared = self.state.pins.contains(Effects::SQL_PREPARE);
        if prepared && self.names.and_then(SchemaNames::distinct).is_some() {
            let note = Portal::Server { changes: Vec::new(), rows: Rows::ALL, text: None };
            self.state.names.note_portal(head.portal.into(), note);
        }
    }

    fn note_plain(&mut self, portal: &[u8], statement: &Statement) {
        match statement.step {
            None if self.state.catalog_cursors => {
                let rows = self.state.rows_of_fetch(&statement.text, self.names);
                let note = Portal::Server { changes: Vec::new(), rows, text: None };
                self.state.names.note_portal(portal.into(), note);
            }
            Some(step @ (Step::Commit | Step::Rollback)) => {
                let ends = Portal::Ends { commits: step == Step::Commit };
                self.state.names.note_portal(portal.into(), ends);
            }
            _ => drop(self.state.names.take_portal(portal)),
        }
    }

    /// Writes a Bind's header and names for the server; `rest` bytes follow.
    pub(super) fn bind_head(
        &self,
        head: &BindHead<'_>,
        statement: &Statement,
        rest: usize,
        desk: &mut Desk<'_>,
    ) {
        let named = (!head.statement.is_empty()).then(|| statement.id.name());
        let name = named.as_ref().map_or(&b""[..], |name| name.as_ref());
        let length = 4 + head.portal.len() + 1 + name.len() + 1 + rest;
        let out = desk.server.buffer();
        out.reserve(1 + length - rest);
        out.push(frontend::BIND);
        out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        frame::put_cstr(out, head.portal);
        frame::put_cstr(out, name);
        desk.ledger.expect(Reply::Bind);
    }

    /// A Bind of a statement that there is something to see in. `Err`: hold or gather first.
    pub(super) fn bind_looked(
        &mut self,
        head: &BindHead<'_>,
        message: &[u8],
        total: usize,
        statement: &Arc<Statement>,
        look: &Arc<Look>,
        desk: &mut Desk<'_>,
    ) -> Result<Option<Verdict>, Verdict> {
        let mapped = look.rewritten.as_ref().is_some_and(|rewritten| !rewritten.parameters.is_empty());
        let late = statement.only().is_some_and(|only| {
            matches!(only.kind, Kind::SetConfigSelect { .. } | Kind::CurrentSettingSelect { .. })
        });
        if (mapped || late) && message.len() < total {
            return Err(Verdict::Gather);
        }
        let body = BindBody::read(message.get(head.bytes..).unwrap_or_default());
        let values = body.as_ref().map(BindBody::to_values).unwrap_or_default();
        let held = self.state.bind_is_local(statement, &values, true, self.names)
            || !look.analysis.statements.iter().all(|only| self.tag_fits(only.tag.as_ref()));
        if held {
            return Err(Verdict::Hold);
        }
        self.note_portal(head.portal, statement, look, &values);
        self.about(Some(look), desk);
        let (Some(body), Some(rewritten), Some(names), true) =
            (body, look.rewritten.as_ref(), self.names, mapped)
        else {
            return Ok(None);
        };
        self.ensure(head.statement, statement, desk);
        let mut rest = Vec::new();
        write_mapped(&body, &rewritten.parameters, names, &mut rest);
        self.bind_head(head, statement, rest.len(), desk);
        desk.server.buffer().extend_from_slice(&rest);
        Ok(Some(Verdict::Sent { head: total }))
    }

    /// Remembers what executing the portal does to the session.
    pub(super) fn note_portal(
        &mut self,
        portal: &[u8],
        statement: &Statement,
        look: &Arc<Look>,
        values: &Values,
    ) {
        let text = look.sent().map(|_| Arc::clone(look));
        let Some(only) = statement.only() else { return };
        self.state.note_cursor(only);
        let rows = statement.look.as_ref().map(|look| self.state.rows_to_show(look, self.names));
        let late = names_parameter_late(&only.kind);
        if !late {
            self.state.pin(only.effects);
        }
        let mut changes = self.state.changes_of(only, &statement.text);
        if let Some(change) = State::late_change(only, values) {
            changes = vec![change];
        }
        if self.state.names.has_other_portals(portal) {
            // They may be executed in any order.
            changes.retain(|change| !matches!(change, Change::Released(_)));
        }
        let note = match only.kind {
            Kind::Commit { .. } | Kind::PrepareTransaction => Portal::Ends { commits: true },
            Kind::Rollback { .. } => Portal::Ends { commits: false },
            _ => Portal::Server { changes, rows: rows.unwrap_or_default(), text },
        };
        self.state.names.note_portal(portal.into(), note);
    }

    pub(super) fn execute(&mut self, message: &[u8], desk: &mut Desk<'_>) -> Verdict {
        *self.strangers = false;
        let verdict = self.executed(message, desk);
        if self.state.ends_with_segment {
            self.state.ends_with_segment = false;
            *self.unbound = self.binding_may_end();
        }
        verdict
    }

    pub(super) fn executed(&mut self, message: &[u8], desk: &mut Desk<'_>) -> Verdict {
        if !self.state.names.has_portals() && !self.state.catalog_cursors {
            return Verdict::Pass;
        }
        let name = portal_name(message).unwrap_or_default();
        match self.state.names.portal(name) {
            // A cursor of SQL is a portal too.
            None if self.state.catalog_cursors && !name.is_empty() => {
                Verdict::PassNoted(Notes { watched: false, rows: Rows::ALL })
            }
            None => Verdict::Pass,
            Some(Portal::Local { .. }) => Verdict::Hold,
            Some(Portal::Ends { commits }) => {
                let end = Change::Ends { commits: *commits, followed: false };
                self.state.underway.watch(vec![end]);
                self.state.ends_with_segment = true;
                Verdict::PassNoted(Notes { watched: true, ..Notes::default() })
            }
            Some(Portal::Server { changes, rows, text }) => {
                desk.ledger.about(self.state.underway.number(text.as_ref(), 0));
                let notes = Notes { watched: !changes.is_empty(), rows: *rows };
                if changes.contains(&Change::DiscardAll) {
                    *self.unbound |= self.state.caller.may_bind() && self.state.binding.start() != self.user;
                }
                if notes.watched {
                    self.state.underway.watch(changes.clone());
                }
                Verdict::PassNoted(notes)
            }
        }
    }
}

/// A Bind's parameters and result formats, names mapped to the partition's.
fn write_mapped(body: &BindBody<'_>, roles: &[(u16, sql::Role)], names: &SchemaNames, out: &mut Vec<u8>) {
    let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    out.extend_from_slice(&count(body.formats.len()));
    for format in &body.formats {
        out.extend_from_slice(&format.to_be_bytes());
    }
    out.extend_from_slice(&count(body.values.len()));
    for (at, value) in body.values.iter().enumerate() {
        let role = roles.iter().find(|(number, _)| usize::from(*number) == at + 1).map(|(_, role)| *role);
        let role = match role {
            Some(sql::Role::ValueOf(name)) => {
                let named = usize::from(name)
                    .checked_sub(1)
                    .and_then(|name| body.values.get(name).copied().flatten());
                named
                    .filter(|named| named.eq_ignore_ascii_case(b"search_path"))
                    .map(|_| sql::Role::SearchPath)
            }
            other => other,
        };
        let mapped =
            role.zip(*value).and_then(|(role, value)| sql::map_parameter(role, value, &names.as_names()));
        match mapped.as_deref().or(*value) {
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
                out.extend_from_slice(value);
            }
        }
    }
    out.extend_from_slice(body.rest);
}
