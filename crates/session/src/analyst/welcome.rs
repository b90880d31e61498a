//! An analyst's session, from the proof of its login to its end.

use super::describing::shown;
use super::kept::Kept;
use super::layers::Layers;
use super::parameters::may_start;
use super::refusals;
use super::talk::Talk;
use super::transaction::Transaction;
use crate::gate::Gate;
use crate::life::{End, Segment};
use crate::parameters::{Parameters, Start, Value};
use crate::route::Caller;
use crate::sessions::Registration;
use crate::told::Told;
use fanout::Asker;
use std::sync::Arc;
use std::time::Duration;
use wire::{Fields, Peer, Stream, frame};

/// How long a client may take to accept the last words of its session.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// An analyst's session that has been welcomed.
pub(crate) struct Seat {
    client: Box<Peer<Stream>>,
    handle: Registration,
    gate: Arc<Gate>,
    caller: Arc<Caller>,
    number: u64,
    layers: Layers,
    told: Told,
}

/// Who takes a seat.
pub(crate) struct Arrival {
    pub(crate) gate: Arc<Gate>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) handle: Registration,
    pub(crate) number: u64,
    /// What the start-up packet sets.
    pub(crate) start: Start,
}

/// Welcomes an analyst: everything up to the first ReadyForQuery is put into the client's outbox.
///
/// # Errors
/// What the client is told: a parameter that cannot be, or that home is missing or refuses one.
pub(crate) async fn seat(
    client: Box<Peer<Stream>>,
    arrival: Arrival,
) -> Result<Seat, (Box<Peer<Stream>>, Box<Fields>)> {
    let mut seat = match take(client, arrival) {
        Ok(seat) => seat,
        Err(refused) => return Err(refused),
    };
    match seat.learn().await {
        Ok(reported) => {
            seat.welcome(reported);
            Ok(seat)
        }
        Err(fields) => Err((seat.client, fields)),
    }
}

fn take(client: Box<Peer<Stream>>, arrival: Arrival) -> Result<Seat, (Box<Peer<Stream>>, Box<Fields>)> {
    let Arrival { gate, caller, handle, number, start } = arrival;
    let layers = kept(start).and_then(|start| {
        let parameters = Parameters::starting(start, &gate.starts);
        let layers = Layers::starting(parameters, *gate.fanout.limits());
        layers.map_err(|bad| Box::new(refusals::setting(&bad)))
    });
    match layers {
        Ok(layers) => Ok(Seat { client, handle, gate, caller, number, layers, told: Told::default() }),
        Err(fields) => Err((client, fields)),
    }
}

/// What of a start-up packet has to be kept.
fn kept(start: Start) -> Result<Start, Box<Fields>> {
    let mut kept = Start::new();
    for (name, value) in start {
        let keeps = match &value {
            Value::Text(text) => may_start(&name, text)?,
            Value::Sql(_) => true,
        };
        if keeps {
            kept.push((name, value));
        }
    }
    Ok(kept)
}

impl Seat {
    async fn learn(&self) -> Result<Vec<(String, String)>, Box<Fields>> {
        let route = self.gate.route(&self.caller, None);
        let route = route.map_err(|_| Box::new(refusals::no_home(self.caller.service_name.as_str())))?;
        let asker = Asker {
            service: self.caller.service,
            home: Arc::clone(&route.place),
            min_stores_per_group: 0,
            session: self.number,
            settings: self.layers.settings(),
            set_up: self.layers.set_up(),
            fingerprint: self.layers.fingerprint(),
        };
        self.gate.fanout.check_settings(&asker).await
    }

    fn welcome(&mut self, reported: Vec<(String, String)>) {
        self.told = Told::starting(reported.iter().map(shown).collect());
        self.layers.reported = Some(reported.into());
        let out = self.client.outbox.buffer();
        frame::authentication_ok(out);
        for (name, value) in self.told.iter() {
            frame::parameter_status(out, name, value);
        }
        frame::parameter_status(out, pool::ROLE_PARAMETER, self.caller.name.as_str());
        frame::backend_key_data(out, self.handle.process, self.handle.secret());
        frame::ready_for_query(out, b'I');
    }

    /// Serves the analyst to the session's end.
    pub(crate) async fn serve(self) {
        let Self { mut client, handle, gate, caller, number, layers, told } = self;
        let kept = Kept::new(&gate);
        let mut talk = Talk {
            client: &mut client,
            handle: &handle,
            gate,
            caller,
            number,
            layers,
            told,
            transaction: Transaction::default(),
            kept,
            coverage: None,
            segment: Segment::Closed,
            skipping: false,
            starts_on: true,
            over: false,
            room: None,
        };
        let end = talk.serve().await.err();
        drop(talk);
        if let Some(End::Told(fields) | End::Lost(fields)) = &end {
            fields.encode_error(client.outbox.buffer());
        }
        if !matches!(end, Some(End::Gone)) {
            let _told = tokio::time::timeout(LAST_WORDS, client.send()).await;
        }
    }
}
