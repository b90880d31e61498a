//! SQL cursors of a session that asks many stores: portals that are declared, and read forward.

use super::answers::write_home;
use super::hearing::Fault;
use super::kept::{Asked, Fetching, Kept, Portal, Prepared, Progress, What};
use super::own::{Nature, nature};
use super::refusals;
use super::running::{Came, Running};
use super::talk::Talk;
use crate::local::Company;
use fanout::{ColumnDescribed, Values};
use sql::{Declare, Fetch, Kind, Reach};
use std::sync::Arc;
use wire::frame::{self, Format};

/// A `DECLARE` whose query home has judged.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) declare: Declare,
    pub(super) query: Arc<Prepared>,
}

/// How far a `FETCH` goes: rows that are passed over, and rows that are read; no number for all.
type Steps = (u64, Option<u64>);

impl Talk<'_> {
    /// A `DECLARE`, as home judges its query.
    pub(super) async fn judge_declared(
        &mut self,
        declare: Declare,
        text: &str,
        types: &[u32],
    ) -> Result<What, Fault> {
        if declare.scroll {
            return Err(refusals::scroll().into());
        }
        let query = text.get(declare.query..).unwrap_or_default();
        let analysis = sql::analyse(query.as_bytes());
        let [Nature::Asked(asked, also)] =
            &analysis.statements.iter().map(|statement| nature(statement, query)).collect::<Vec<_>>()[..]
        else {
            return Err(refusals::not_supported("a cursor over what the gate itself answers").into());
        };
        let before = text.get(..declare.query).unwrap_or_default().chars().count();
        let asked = self.ask(asked, types, also.clone()).await.map_err(|fault| fault.behind(before))?;
        let query = Arc::new(self.kept.prepared(query, types, What::Asked(asked))?);
        Ok(What::Declared(Box::new(Declared { declare, query })))
    }

    /// `DECLARE`
    pub(super) fn declare(
        &mut self,
        declared: &Declared,
        values: Values,
        company: Company,
    ) -> Result<(), Fault> {
        let Declare { name, binary, hold, .. } = &declared.declare;
        if !hold && !self.is_in_block(company) {
            return Err(refusals::only_in_transaction("DECLARE CURSOR").into());
        }
        if name.is_empty() || self.kept.portal(name).is_some() {
            return Err(refusals::portal_exists(name).into());
        }
        let results = if *binary { vec![Format::Binary.code()] } else { Vec::new() };
        let values = Values { results, ..values };
        self.kept.bind(name, Arc::clone(&declared.query), values, self.transaction.depth())?;
        if *hold {
            self.kept.hold(name);
        }
        Ok(())
    }

    /// A `FETCH` or `MOVE` that is all there is to a message.
    pub(super) async fn fetch_simply(&mut self, fetch: &Fetch) -> Result<(), Fault> {
        let portal = self.kept.portal(&fetch.cursor).ok_or_else(|| refusals::no_cursor(&fetch.cursor))?;
        let formats = portal.values.results.clone();
        let mut fetching = self.begin_fetch(fetch, &formats).await?;
        if let Some(columns) = columns(fetch, &self.kept) {
            write_home(Some(columns), &formats, self.client.outbox.buffer());
        }
        self.go_on(fetch, &mut fetching, &formats, None).await?;
        frame::command_complete(self.client.outbox.buffer(), &tag(fetch, fetching.told));
        Ok(())
    }

    /// A `FETCH` or `MOVE` that is executed, from its beginning or from where the client had rows enough.
    pub(super) async fn fetch(
        &mut self,
        fetch: &Fetch,
        progress: Progress,
        formats: &[i16],
        at_most: Option<u64>,
    ) -> Result<Progress, Fault> {
        let mut fetching = match progress {
            Progress::Fetching(fetching) => fetching,
            _ => self.begin_fetch(fetch, formats).await?,
        };
        if at_most == Some(self.go_on(fetch, &mut fetching, formats, at_most).await?) {
            frame::portal_suspended(self.client.outbox.buffer());
        } else {
            frame::command_complete(self.client.outbox.buffer(), &tag(fetch, fetching.told));
            fetching.left = Some(0);
        }
        fetching.told = 0;
        Ok(Progress::Fetching(fetching))
    }

    /// Passes over what is not wanted.
    async fn begin_fetch(&mut self, fetch: &Fetch, formats: &[i16]) -> Result<Fetching, Fault> {
        let portal = self.kept.portal(&fetch.cursor).ok_or_else(|| refusals::no_cursor(&fetch.cursor))?;
        if portal.asked().is_none() {
            return Err(refusals::not_supported("a cursor over what the gate itself answers").into());
        }
        let on_row = portal.row > 0 && !portal.is_over();
        let stays = matches!(fetch.reach, Reach::Forward(0) | Reach::Relative(0));
        if stays && on_row && !fetch.moves {
            return Err(refusals::only_forward().into()); // it would be read once more
        }
        let steps = steps(fetch.reach, portal.row, portal.is_over());
        let (over, left) = steps.ok_or_else(refusals::only_forward)?;
        let told = u64::from(stays && on_row);
        if over > 0 {
            self.read(&fetch.cursor, Some(over), formats, true).await?;
        }
        Ok(Fetching { left, told })
    }

    /// Reads rows that are wanted, so many `at_most`; how many the client was shown.
    async fn go_on(
        &mut self,
        fetch: &Fetch,
        fetching: &mut Fetching,
        formats: &[i16],
        at_most: Option<u64>,
    ) -> Result<u64, Fault> {
        let wanted = match (fetching.left, at_most.filter(|_| !fetch.moves)) {
            (Some(left), Some(most)) => Some(left.min(most)),
            (left, most) => left.or(most),
        };
        if wanted == Some(0) {
            return Ok(0);
        }
        let read = self.read(&fetch.cursor, wanted, formats, fetch.moves).await?;
        fetching.told += read;
        fetching.left = fetching.left.map(|left| left.saturating_sub(read));
        Ok(if fetch.moves { 0 } else { read })
    }

    /// Reads rows of a cursor, so many `at_most`; how many that were. A cursor that fails is gone.
    async fn read(
        &mut self,
        name: &str,
        at_most: Option<u64>,
        formats: &[i16],
        hidden: bool,
    ) -> Result<u64, Fault> {
        let mut portal = self.kept.take_portal(name).ok_or_else(|| refusals::no_cursor(name))?;
        let mut running = match std::mem::replace(&mut portal.progress, Progress::Ready) {
            Progress::Running(running) if hidden || running.is_in(formats) => running,
            Progress::Running(running) => {
                portal.progress = Progress::Running(running);
                self.kept.put_back(name, portal)?;
                return Err(refusals::other_format().into());
            }
            Progress::Ready => Box::new(self.start_cursor(&portal, formats).await?),
            over => {
                portal.progress = over;
                self.kept.put_back(name, portal)?;
                return Ok(0);
            }
        };
        running.is_hidden = hidden;
        let came = self.pass(&mut running, at_most).await?;
        running.is_hidden = false;
        let (read, progress) = match came {
            Came::Suspended => (at_most.unwrap_or_default(), Progress::Running(running)),
            Came::End(done, read) => (read, Progress::Done(done.tag)),
        };
        portal.row += read;
        portal.progress = progress;
        self.kept.put_back(name, portal)?;
        Ok(read)
    }

    async fn start_cursor(&mut self, portal: &Portal, formats: &[i16]) -> Result<Running, Fault> {
        let asked: &Asked = portal.asked().ok_or_else(refusals::lost)?;
        let values = Values { results: formats.to_vec(), ..portal.values.clone() };
        self.start(asked, values).await
    }
}

/// What a `FETCH` comes to where `row` rows have been read, and perhaps all there are. `None`: it would go back.
fn steps(reach: Reach, row: u64, is_over: bool) -> Option<Steps> {
    // Behind the last row there is one more place.
    let place = row + u64::from(is_over);
    let count = |number: i64| u64::try_from(number).ok();
    match reach {
        Reach::Forward(0) | Reach::Relative(0) => Some((0, Some(0))),
        Reach::Forward(number) => Some((0, Some(count(number)?))),
        Reach::Rest => Some((0, None)),
        Reach::Relative(number) => Some((count(number)?.checked_sub(1)?, Some(1))),
        Reach::Absolute(0) if place == 0 => Some((0, Some(0))),
        Reach::Absolute(number) => Some((count(number)?.checked_sub(place + 1)?, Some(1))),
        Reach::Before => None,
    }
}

fn tag(fetch: &Fetch, rows: u64) -> String {
    format!("{} {rows}", if fetch.moves { "MOVE" } else { "FETCH" })
}

/// The columns of a cursor's rows; none if there is no such cursor.
pub(super) fn columns<'a>(fetch: &Fetch, kept: &'a Kept) -> Option<&'a [ColumnDescribed]> {
    let portal = kept.portal(&fetch.cursor).filter(|_| !fetch.moves)?;
    portal.asked()?.described.columns.as_deref()
}

/// What a text declares, if it does.
pub(super) fn declared(kind: &Kind, text: &str) -> Option<Declare> {
    matches!(kind, Kind::DeclareCursor { .. }).then(|| sql::declared(text)).flatten()
}

/// What a text fetches, if it does.
pub(super) fn fetched(kind: &Kind, text: &str) -> Option<Fetch> {
    matches!(kind, Kind::Fetch).then(|| sql::fetched(text)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_forward_only() {
        for (reach, row, is_over, expected) in [
            (Reach::Forward(5), 3, false, Some((0, Some(5)))),
            (Reach::Forward(-1), 0, false, None),
            (Reach::Rest, 3, false, Some((0, None))),
            (Reach::Before, 0, false, None),
            (Reach::Relative(3), 3, false, Some((2, Some(1)))),
            (Reach::Relative(-1), 3, false, None),
            (Reach::Absolute(5), 3, false, Some((1, Some(1)))),
            (Reach::Absolute(4), 3, false, Some((0, Some(1)))),
            (Reach::Absolute(3), 3, false, None),
            (Reach::Absolute(4), 3, true, None),
            (Reach::Absolute(5), 3, true, Some((0, Some(1)))),
            (Reach::Absolute(0), 0, false, Some((0, Some(0)))),
            (Reach::Absolute(0), 1, false, None),
            (Reach::Absolute(-1), 0, false, None),
        ] {
            assert_eq!(steps(reach, row, is_over), expected, "{reach:?} behind {row}");
        }
    }
}
