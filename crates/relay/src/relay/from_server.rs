//! The walk over what a server has sent: what passes, what the client must not see, what the front hears.

use super::{HIGH_WATER_BYTES, Outcome, Relay, Streaming, Tail, Walk};
use crate::fault::ServerFault;
use crate::ledger::Step;
use crate::{Front, Ledger};
use wire::Peer;
use wire::frame::{HEADER_BYTES, Header, backend};

/// Longest ParameterStatus, error, notice or notification that is read whole, in bytes; a longer one
/// passes as it came, but a longer ParameterStatus is a fault of the store.
const MAX_REPORT_BYTES: usize = 64 * 1024;

/// Longest row that the front is shown, in bytes; a longer one passes as it came.
const MAX_ROW_BYTES: usize = 1024 * 1024;

impl Relay {
    pub(super) fn walk_server<C, S>(
        &mut self,
        client: &mut Peer<C>,
        server: &mut Peer<S>,
        ledger: &mut Ledger,
        front: &mut impl Front,
    ) -> Walk {
        let mut run = 0; // bytes at the head of the inbox that pass as they came
        let end = loop {
            if self.from_server.left > 0 {
                if client.outbox.len() + run >= HIGH_WATER_BYTES {
                    break Walk::Full;
                }
                let now = self.from_server.left.min(server.inbox.unread().len() - run);
                self.from_server.left -= now;
                match self.from_server.tail {
                    Tail::Forward => run += now,
                    Tail::Drop => {
                        client.outbox.take(&mut server.inbox, std::mem::take(&mut run));
                        server.inbox.consume(now);
                    }
                }
                if self.from_server.left > 0 {
                    break Walk::Dry;
                }
            }
            if ledger.has_news() {
                client.outbox.take(&mut server.inbox, std::mem::take(&mut run));
                tell_news(ledger, front, client.outbox.buffer());
            }
            if ledger.hidden_failed() {
                break Walk::End(Outcome::HiddenFailed);
            }
            if let Some(outcome) = self.at_ready(ledger) {
                break Walk::End(outcome);
            }
            if client.outbox.len() + run >= HIGH_WATER_BYTES {
                break Walk::Full;
            }
            let rest = server.inbox.unread().get(run..).unwrap_or_default();
            let header = match Header::peek(rest) {
                Ok(Some(header)) => header,
                Ok(None) => break Walk::Dry,
                Err(fault) => break Walk::End(Outcome::ServerFault(fault.into())),
            };
            let returns = header.tag == backend::READY_FOR_QUERY && (self.part || ledger.settles_next());
            if returns && (self.from_client.left > 0 || server.is_sending()) {
                break Walk::Waiting;
            }
            let judged = match header.tag {
                backend::DATA_ROW | backend::COPY_DATA => judge_row(header, rest, ledger, front),
                _ => judge_reply(header, rest, ledger, front),
            };
            match judged {
                Ok(Judged::Stream { step, tail }) => {
                    self.from_server = Streaming { left: header.total(), tail };
                    self.ready |= step.ready;
                }
                Ok(Judged::Partial) => break Walk::Dry,
                Ok(Judged::Replace(with)) => {
                    client.outbox.take(&mut server.inbox, std::mem::take(&mut run));
                    client.outbox.buffer().extend_from_slice(&with);
                    server.inbox.consume(header.total());
                }
                Err(fault) => break Walk::End(Outcome::ServerFault(fault)),
            }
        };
        client.outbox.take(&mut server.inbox, run);
        end
    }

    /// What a ReadyForQuery that has just passed means for whoever called [`Relay::run`].
    fn at_ready(&mut self, ledger: &Ledger) -> Option<Outcome> {
        if !std::mem::take(&mut self.ready) {
            return None;
        }
        if self.part {
            self.part = false;
            return Some(Outcome::PartDone);
        }
        ledger.is_safe_point().then_some(Outcome::SafePoint)
    }
}

/// What to do with one message of the server.
enum Judged {
    /// Forward or drop all of it, as it comes.
    Stream { step: Step, tail: Tail },
    /// Too little of it is there.
    Partial,
    /// Send this in its place.
    Replace(Vec<u8>),
}

/// A row, of which there are more than of all else.
#[inline]
fn judge_row(
    header: Header,
    rest: &[u8],
    ledger: &Ledger,
    front: &mut impl Front,
) -> Result<Judged, ServerFault> {
    let step = ledger.in_result(header.tag)?;
    let tail = if step.forward { Tail::Forward } else { Tail::Drop };
    if !(step.shown && step.forward) || header.total() > MAX_ROW_BYTES {
        return Ok(Judged::Stream { step, tail });
    }
    let Some(message) = rest.get(..header.total()) else { return Ok(Judged::Partial) };
    Ok(match front.row(message)? {
        Some(with) => Judged::Replace(with),
        None => Judged::Stream { step, tail },
    })
}

fn judge_reply(
    header: Header,
    rest: &[u8],
    ledger: &mut Ledger,
    front: &mut impl Front,
) -> Result<Judged, ServerFault> {
    let message = rest.get(..header.total());
    let about = ledger.answered();
    let Some(step) = take_into_account(header, message, ledger)? else { return Ok(Judged::Partial) };
    let mut forward = step.forward;
    let with = match (header.tag, message) {
        (backend::PARAMETER_STATUS, Some(message)) => {
            forward = tell_parameter(message, front);
            None
        }
        (tag, Some(message)) if is_report(tag) && forward => front.report(message, about),
        _ => None,
    };
    Ok(match with {
        Some(with) => Judged::Replace(with),
        None => Judged::Stream { step, tail: if forward { Tail::Forward } else { Tail::Drop } },
    })
}

/// What the ledger says of a message; `None` while too little of it is there.
fn take_into_account(
    header: Header,
    message: Option<&[u8]>,
    ledger: &mut Ledger,
) -> Result<Option<Step>, ServerFault> {
    let total = header.total();
    let too_long = || ServerFault::TooLong { tag: header.tag.into(), bytes: total };
    Ok(Some(match (header.tag, message) {
        (backend::READY_FOR_QUERY, _) if total != 6 => return Err(too_long()),
        (backend::READY_FOR_QUERY, None) => return Ok(None),
        (backend::READY_FOR_QUERY, Some(message)) => {
            ledger.receive_ready(message.last().copied().unwrap_or_default())?
        }
        (backend::PARAMETER_STATUS, _) if total > MAX_REPORT_BYTES => return Err(too_long()),
        (backend::PARAMETER_STATUS, None) => return Ok(None),
        (tag, None) if is_report(tag) && total <= MAX_REPORT_BYTES => return Ok(None),
        (tag, _) => ledger.receive(tag)?,
    }))
}

fn is_report(tag: u8) -> bool {
    matches!(tag, backend::ERROR_RESPONSE | backend::NOTICE_RESPONSE | backend::NOTIFICATION_RESPONSE)
}

fn tell_parameter(message: &[u8], front: &mut impl Front) -> bool {
    let body = message.get(HEADER_BYTES..).unwrap_or_default();
    let Some((name, rest)) = wire::frame::cstr(body) else { return false };
    let Some((value, _)) = wire::frame::cstr(rest) else { return false };
    front.parameter(name, value)
}

fn tell_news(ledger: &mut Ledger, front: &mut impl Front, out: &mut Vec<u8>) {
    for tag in ledger.due.drain(..) {
        wire::frame::write(out, tag, |_| {});
    }
    let kept = std::mem::take(&mut ledger.marks_kept);
    if kept > 0 {
        front.marks_kept(kept);
    }
    if let Some((count, first_failed)) = ledger.marks_undone.take() {
        front.marks_undone(count, first_failed);
    }
    for ok in ledger.finished.drain(..) {
        front.finished(ok);
    }
    if std::mem::take(&mut ledger.error) {
        front.failed();
    }
    if let Some(status) = ledger.told.take() {
        front.ready(status);
    }
}
