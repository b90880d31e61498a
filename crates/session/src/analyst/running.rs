//! A statement on its way: its rows are passed on as fast as the client takes them.

use super::answers::format_of;
use super::coverage;
use super::hearing::Fault;
use super::kept::Asked;
use super::refusals;
use super::talk::Talk;
use bytes::Bytes;
use fanout::{Done, Event, Run, Values};
use model::Coverage;
use std::sync::Arc;
use std::task::{Context, Poll};
use wire::frame::{self, Header};

/// The parameter status that tells how many stores are done.
const PROGRESS: &str = "stuffgate.progress";

/// A statement on its way, for one client. Dropped, it ends in all stores.
#[derive(Debug)]
pub(super) struct Running {
    run: Run,
    /// Rows that have come and were not sent: the client wants no more at a time.
    kept: Bytes,
    kept_rows: u64,
    /// Formats of the rows, as a Bind has them.
    formats: Vec<i16>,
    /// Nobody wants to see the rows.
    pub(super) is_hidden: bool,
}

impl Running {
    /// What comes next.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.run.events.poll_recv(cx)
    }
}

/// What passing rows on came to.
pub(super) enum Came {
    /// As many as were wanted; more may follow.
    Suspended,
    /// All of them: the tag, and how many rows were sent since the last time.
    End(Done, u64),
}

impl Talk<'_> {
    /// Starts a described statement.
    pub(super) async fn start(&mut self, asked: &Asked, values: Values) -> Result<Running, Fault> {
        self.learn().await?;
        let described = match &asked.legs {
            Some(text) => self.describe_with_legs(text, &asked.described.parameters).await?,
            None => Arc::clone(&asked.described),
        };
        let formats = values.results.clone();
        let run = self.gate.fanout.run(self.asker()?, described, values);
        Ok(Running { run, kept: Bytes::new(), kept_rows: 0, formats, is_hidden: false })
    }

    /// Passes rows on: all of them, or so many `at_most`.
    pub(super) async fn pass(&mut self, running: &mut Running, at_most: Option<u64>) -> Result<Came, Fault> {
        let mut sent = 0;
        loop {
            let wanted = at_most.map(|most| most - sent);
            if running.kept_rows > 0 {
                let (rows, count) = running.take(wanted);
                sent += count;
                if !running.is_hidden {
                    self.client.outbox.buffer().extend_from_slice(&rows);
                }
            }
            if at_most == Some(sent) {
                return Ok(Came::Suspended);
            }
            match self.heeding(|cx| running.poll_next(cx)).await? {
                Some(Event::Rows { messages, count }) => {
                    (running.kept, running.kept_rows) = (messages, count);
                }
                Some(Event::Copied(messages)) => self.client.outbox.buffer().extend_from_slice(&messages),
                Some(Event::Progress { done, asked }) => self.tell_progress(done, asked),
                Some(Event::Notice(fields)) => fields.encode_notice(self.client.outbox.buffer()),
                Some(Event::End(Ok(done))) => {
                    self.tell_coverage(done.coverage.as_ref(), true);
                    return Ok(Came::End(done, sent));
                }
                Some(Event::End(Err(failure))) => {
                    self.tell_coverage(failure.coverage.as_ref(), false);
                    let mut fields = failure.fields;
                    // Home knows nothing of the stores.
                    let told = failure.coverage.and_then(|known| fanout::warning(&known));
                    fields.detail = fields.detail.or_else(|| told.and_then(|warning| warning.detail));
                    return Err(Fault::Told(fields));
                }
                None => return Err(refusals::lost().into()),
            }
        }
    }

    /// Tells how many stores are done, to a session that asked for it.
    fn tell_progress(&mut self, done: usize, asked: usize) {
        frame::parameter_status(self.client.outbox.buffer(), PROGRESS, &format!("{done}/{asked}"));
    }

    /// Keeps what a fan-out covered, and tells the client: by a warning where it `warns` of what is missing, and
    /// by the parameter that drivers may read.
    fn tell_coverage(&mut self, coverage: Option<&Arc<Coverage>>, warns: bool) {
        let Some(known) = coverage else { return };
        self.coverage = Some(Arc::clone(known));
        let out = self.client.outbox.buffer();
        if warns && let Some(warning) = fanout::warning(known) {
            warning.encode_notice(out);
        }
        let counts = coverage::compact(known);
        let pair = (coverage::PARAMETER.to_owned(), counts);
        if !self.told.knows(usize::MAX, &pair) {
            frame::parameter_status(out, &pair.0, &pair.1);
            self.told.note(&pair.0, &pair.1);
        }
    }
}

impl Running {
    /// Takes rows that have come, at most so many as are `wanted`, and their number.
    fn take(&mut self, wanted: Option<u64>) -> (Bytes, u64) {
        let Some(wanted) = wanted.filter(|wanted| *wanted < self.kept_rows) else {
            return (std::mem::take(&mut self.kept), std::mem::take(&mut self.kept_rows));
        };
        self.kept_rows -= wanted;
        (self.kept.split_to(end_of(&self.kept, wanted)), wanted)
    }

    /// Whether its rows are in these formats.
    pub(super) fn is_in(&self, formats: &[i16]) -> bool {
        let most = self.formats.len().max(formats.len());
        (0..most).all(|at| format_of(&self.formats, at) == format_of(formats, at))
    }
}

/// Where the first `count` of some messages end.
fn end_of(messages: &[u8], count: u64) -> usize {
    let mut end = 0;
    for _ in 0..count {
        let rest = messages.get(end..).unwrap_or_default();
        let Ok(Some(header)) = Header::peek(rest) else { break };
        end = (end + header.total()).min(messages.len());
    }
    end
}

/// The command tag for as many rows as were sent this time.
pub(super) fn counting(tag: &str, rows: u64) -> String {
    if tag.starts_with("SELECT ") { format!("SELECT {rows}") } else { tag.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_between_messages() {
        let mut messages = Vec::new();
        for text in ["a", "bcd", ""] {
            frame::data_row(&mut messages, &[Some(text.as_bytes())]);
        }
        let ends: Vec<usize> = (0..5).map(|count| end_of(&messages, count)).collect();
        assert_eq!(ends, [0, 12, 26, 37, 37]);
        assert_eq!(end_of(&[0, 1], 3), 0);
    }

    #[test]
    fn a_tag_counts_the_rows_of_one_execute() {
        assert_eq!(counting("SELECT 100", 7), "SELECT 7");
        assert_eq!(counting("EXPLAIN", 7), "EXPLAIN");
        assert_eq!(counting("COPY 100", 7), "COPY 100");
    }
}
