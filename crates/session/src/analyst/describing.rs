//! What home says of a statement and of the session's parameters, asked before anything is run.

use super::hearing::Fault;
use super::kept::Asked;
use super::layers::{Layers, PATH};
use super::legs::{self, Placed};
use super::own::Also;
use super::refusals;
use super::talk::Talk;
use fanout::{Described, Event, Values};
use pool::Reported;
use std::pin::Pin;
use std::sync::Arc;
use wire::Fields;
use wire::frame::{self, HEADER_BYTES, Reader};

/// What home is being asked. What it is made of concerns nobody who waits for it.
type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Box<Fields>>> + Send + 'a>>;

impl Talk<'_> {
    /// A statement that home or the stores answer, as home judges it.
    pub(super) async fn ask(&mut self, text: &str, types: &[u32], also: Also) -> Result<Asked, Fault> {
        self.learn().await?;
        let Also { tag, sets } = also;
        let Some(placed) = legs::place(text, None) else {
            return Ok(Asked { described: self.describe(text, types).await?, tag, legs: None, sets });
        };
        let described = self.describe(&placed.text, types).await.map_err(|fault| moved(fault, &placed))?;
        Ok(Asked { described, tag, legs: Some(text.to_owned()), sets })
    }

    /// A statement that asks for the session's last coverage, with that put in.
    pub(super) async fn describe_with_legs(
        &mut self,
        text: &str,
        types: &[u32],
    ) -> Result<Arc<Described>, Fault> {
        let coverage = self.coverage.clone();
        match legs::place(text, coverage.as_deref()) {
            Some(placed) => self.describe(&placed.text, types).await.map_err(|fault| moved(fault, &placed)),
            None => self.describe(text, types).await,
        }
    }

    async fn describe(&mut self, text: &str, types: &[u32]) -> Result<Arc<Described>, Fault> {
        let (fanout, asker) = (Arc::clone(&self.gate.fanout), self.asker()?);
        let mut described: Asking<'_, Arc<Described>> = Box::pin(fanout.describe(&asker, text, types));
        Ok(self.heeding(|cx| described.as_mut().poll(cx)).await??)
    }

    /// Makes sure that home takes the parameters in force, and tells the client what home reports under them.
    pub(super) async fn learn(&mut self) -> Result<(), Fault> {
        if self.layers.reported.is_none() {
            let layers = self.layers.clone();
            self.layers.reported = Some(self.try_on(&layers).await?);
            self.tell_reported();
        }
        Ok(())
    }

    /// What home reports under these parameters, if it takes them.
    pub(super) async fn try_on(&mut self, layers: &Layers) -> Result<Arc<Reported>, Fault> {
        let mut asker = self.asker()?;
        (asker.set_up, asker.fingerprint) = (layers.set_up(), layers.fingerprint());
        let fanout = Arc::clone(&self.gate.fanout);
        let mut checked: Asking<'_, Vec<(String, String)>> = Box::pin(fanout.check_settings(&asker));
        let reported = self.heeding(|cx| checked.as_mut().poll(cx)).await??;
        Ok(reported.into())
    }

    /// Tells the client what home reports now and did not before.
    pub(super) fn tell_reported(&mut self) {
        let Some(reported) = self.layers.reported.clone() else { return };
        for (at, pair) in reported.iter().enumerate() {
            let shown = shown(pair);
            if !self.told.knows(at, &shown) {
                frame::parameter_status(self.client.outbox.buffer(), &shown.0, &shown.1);
                self.told.note(&shown.0, &shown.1);
            }
        }
    }

    /// The one value that a query of the gate's own comes to.
    pub(super) async fn value_of(&mut self, query: &str) -> Result<Option<String>, Fault> {
        let asked = self.ask(query, &[], Also::default()).await?;
        let mut running = self.start(&asked, Values::default()).await?;
        let mut value = None;
        loop {
            match self.heeding(|cx| running.poll_next(cx)).await? {
                Some(Event::Rows { messages, .. }) => value = value.or_else(|| first_value(&messages)),
                Some(Event::Copied(_) | Event::Notice(_) | Event::Progress { .. }) => {}
                Some(Event::End(Ok(_))) => return Ok(value),
                Some(Event::End(Err(failure))) => return Err(Fault::Told(failure.fields)),
                None => return Err(refusals::lost().into()),
            }
        }
    }
}

/// What home reports, as it is told: the path is home's own, and not what tables are found by here.
pub(super) fn shown((name, value): &(String, String)) -> (String, String) {
    let value = if name == "search_path" { PATH } else { value };
    (name.clone(), value.to_owned())
}

/// The first value of the first row.
fn first_value(messages: &[u8]) -> Option<String> {
    let mut row = Reader::new(messages.get(HEADER_BYTES..)?);
    let _columns = row.u16()?;
    row.value()?.map(|value| String::from_utf8_lossy(value).into_owned())
}

/// An error whose position is that of the client's text.
fn moved(mut fault: Fault, placed: &Placed) -> Fault {
    if let Fault::Told(fields) = &mut fault {
        fields.position = fields.position.map(|position| placed.client_position(position));
    }
    fault
}
