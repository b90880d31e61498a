//! One accepted connection, from its first byte to its last.

use crate::gate::Gate;
use crate::life::Session;
use crate::login::{Admitted, CONSOLE, Refused, log_in};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use wire::greet::{Greeting, greet};
use wire::{Fields, Peer, Stream, sqlstate};

/// How long a refused client may take to accept the refusal, and a cancel request to be delivered.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Serves one connection to its end. Never fails: what goes wrong is told to the client and logged.
/// Once it is worth it, the session may go on as a task of its store's worker (see [`crate::Workers`]), and
/// the future is ready; until then, dropping the future ends the session.
///
/// The future is what an idle session costs for as long as it lasts: greeting and login are boxed, and
/// gone when they are over.
pub fn serve(gate: Arc<Gate>, stream: Stream) -> impl Future<Output = ()> + Send {
    let admitted = Box::pin(admit(gate, stream));
    async move {
        if let Some(session) = admitted.await
            && let Some((session, worker)) = session.run(false).await
        {
            drop(worker.spawn(move_in(session)));
        }
    }
}

/// Admits a client, and serves it to its end if it wants the admin console. `None`: nothing is left to do here.
async fn admit(gate: Arc<Gate>, stream: Stream) -> Option<Box<Session>> {
    let mut place = Arc::clone(&gate.places).try_acquire_owned().ok();
    let limit = gate.limits.login_timeout;
    match timeout(limit, Box::pin(open(&gate, stream, &mut place))).await {
        Ok(Some(Admitted::Session(mut session))) => {
            session.place = place.take();
            metrics::counter!("stuffgate_logins_total", "outcome" => "ok").increment(1);
            return Box::pin(session.fan_out_first()).await;
        }
        Ok(Some(Admitted::Analyst(seat))) => {
            metrics::counter!("stuffgate_logins_total", "outcome" => "ok").increment(1);
            Box::pin(seat.serve()).await;
        }
        Ok(Some(Admitted::Console(mut client, login))) => {
            metrics::counter!("stuffgate_logins_total", "outcome" => "ok").increment(1);
            if client.send().await.is_ok()
                && let Err(error) = gate.console.serve(&mut client, login.as_str()).await
            {
                tracing::debug!(%error, "the console's client went away");
            }
        }
        Ok(None) => {}
        Err(_) => {
            metrics::counter!("stuffgate_logins_total", "outcome" => "timeout").increment(1);
            tracing::debug!("a client did not log in in time");
        }
    }
    None
}

/// A session that goes on on the worker which this is polled on.
async fn move_in(mut session: Box<Session>) {
    match session.client.stream.move_here() {
        Ok(()) => drop(session.run(true).await),
        Err(error) => tracing::debug!(%error, "a client was lost between two workers"),
    }
}

/// Greets and admits; `None` if the connection is over.
async fn open(
    gate: &Arc<Gate>,
    stream: Stream,
    place: &mut Option<OwnedSemaphorePermit>,
) -> Option<Admitted> {
    let startup = match greet(stream, &gate.tls()).await {
        Ok(Greeting::Startup(startup)) => *startup,
        Ok(Greeting::Cancel { key, stream }) => {
            metrics::counter!("stuffgate_cancels_total").increment(1);
            let _delivered = timeout(LAST_WORDS, gate.sessions.cancel(&key)).await;
            // Only now: a client that has seen the end sends what the cancel must not hit.
            drop(stream);
            return None;
        }
        Err(error) => {
            tracing::debug!(%error, "no greeting");
            return None;
        }
    };
    if place.is_none() && startup.database == CONSOLE {
        *place = Arc::clone(&gate.console_places).try_acquire_owned().ok();
    }
    if place.is_none() {
        let limit = gate.limits.max_clients;
        let fields = Fields::fatal(
            sqlstate::TOO_MANY_CONNECTIONS,
            format!("the gate has {limit} clients, which is its limit"),
        );
        let client = Peer::new(startup.stream);
        tell(client, &fields.with_hint("The operator can raise session.max_clients.")).await;
        return None;
    }
    let user = startup.user.clone();
    match Box::pin(log_in(gate, startup)).await {
        Ok(admitted) => Some(admitted),
        Err(Refused { told, reason }) => {
            metrics::counter!("stuffgate_logins_total", "outcome" => "refused").increment(1);
            tracing::info!(login = %user, %reason, "login refused");
            if let Some((client, fields)) = told {
                tell(*client, &fields).await;
            }
            None
        }
    }
}

/// Says why the session ends, behind what the client is still owed.
async fn tell(mut client: Peer<Stream>, fields: &Fields) {
    fields.encode_error(client.outbox.buffer());
    let _told = timeout(LAST_WORDS, client.send()).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::Handle;
    use std::mem::size_of;

    /// Most bytes of the future that an idle session waits in. A task of tokio 1.54 adds 96 bytes, and takes a
    /// multiple of 128.
    const FUTURE_BYTES: usize = 160;
    /// Most bytes of what an idle session knows of itself; what it shares with others is not counted. One more
    /// would take 64 more: the allocator's next class is 448.
    const SESSION_BYTES: usize = 384;
    /// Most bytes of what others know of it; the `Arc` adds 16.
    const HANDLE_BYTES: usize = 96;

    fn size_of_future<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_session_is_small() {
        let served = size_of_future(|(gate, tcp)| serve(gate, tcp));
        assert!(served <= FUTURE_BYTES, "{served} bytes where it was accepted");
        let moved = size_of_future(move_in);
        assert!(moved <= FUTURE_BYTES, "{moved} bytes on the worker that it moved to");
        assert!(size_of::<Session>() <= SESSION_BYTES, "{} bytes", size_of::<Session>());
        assert!(size_of::<Handle>() <= HANDLE_BYTES, "{} bytes", size_of::<Handle>());
    }
}
