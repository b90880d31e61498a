//! The threads that serve clients: each accepts on sockets of its own and serves what it accepted.

use super::phase::{Phase, Phases};
use metrics::counter;
use session::Gate;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Pause after a connection could not be accepted for want of something: it waits in the kernel meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Starts a worker. It accepts until the gate drains and serves until it is over.
///
/// # Errors
/// When the system gives no thread or sockets.
pub(crate) fn start(
    number: usize,
    listeners: Vec<StdListener>,
    gate: Arc<Gate>,
    phases: Phases,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listeners = {
        let _entered = runtime.enter();
        listeners.into_iter().map(TcpListener::from_std).collect::<io::Result<Vec<_>>>()?
    };
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        runtime.block_on(async {
            for listener in listeners {
                tokio::spawn(take_clients(listener, Arc::clone(&gate), phases.clone()));
            }
            // Also for the other workers: their sessions may lease connections that were made here.
            phases.reached(Phase::Over).await;
        });
        // A look-up of a name that hangs must not keep the process.
        runtime.shutdown_background();
    })
}

/// Accepts until the gate drains. The listener goes with it: further clients are refused by the kernel.
async fn take_clients(listener: TcpListener, gate: Arc<Gate>, phases: Phases) {
    tokio::select! {
        () = accept_all(&listener, &gate) => {}
        () = phases.reached(Phase::Draining) => {}
    }
}

async fn accept_all(listener: &TcpListener, gate: &Arc<Gate>) {
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if failing {
                    tracing::info!("connections are accepted again");
                    failing = false;
                }
                welcome(stream, gate);
            }
            // The client was gone before its turn (accept(2), "Error handling").
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                counter!("stuffgate_accept_failures_total").increment(1);
                if !failing {
                    tracing::error!(%error, "connections cannot be accepted");
                    failing = true;
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn welcome(stream: TcpStream, gate: &Arc<Gate>) {
    counter!("stuffgate_connections_total").increment(1);
    tokio::spawn(session::serve(Arc::clone(gate), stream));
}

/// Whether an error is about one connection only, so that the next can be accepted at once.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
