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
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use wire::Stream;

/// Pause after a connection could not be accepted for want of something: it waits in the kernel meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A thread with a runtime of its own. Dropped before it serves, it ends.
pub(crate) struct Worker {
    thread: JoinHandle<()>,
    runtime: Handle,
    work: oneshot::Sender<Work>,
}

/// What a worker is given to do.
struct Work {
    listeners: Vec<StdListener>,
    gate: Arc<Gate>,
    phases: Phases,
}

/// Starts that many workers. Not to be called in a runtime.
///
/// # Errors
/// When the system gives no thread or no poll instance.
pub(crate) fn start(count: usize) -> io::Result<Vec<Worker>> {
    (0..count).map(Worker::start).collect()
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (work, given) = oneshot::channel();
        let thread = std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            runtime.block_on(async {
                if let Ok(work) = given.await {
                    serve(work).await;
                }
            });
            // A look-up of a name that hangs must not keep the process.
            runtime.shutdown_background();
        })?;
        Ok(Self { thread, runtime: handle, work })
    }

    /// The runtime, to hand tasks to.
    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.clone()
    }

    /// Has it accept until the gate drains, and serve until that is over.
    pub(crate) fn serve(
        self,
        listeners: Vec<StdListener>,
        gate: Arc<Gate>,
        phases: Phases,
    ) -> JoinHandle<()> {
        // It is there and waits for this.
        let _taken = self.work.send(Work { listeners, gate, phases });
        self.thread
    }
}

async fn serve(work: Work) {
    let Work { listeners, gate, phases } = work;
    for listener in listeners {
        match TcpListener::from_std(listener) {
            Ok(listener) => drop(tokio::spawn(take_clients(listener, Arc::clone(&gate), phases.clone()))),
            Err(error) => tracing::error!(%error, "a worker cannot accept connections"),
        }
    }
    // Also for the other workers, whose sessions may come here.
    phases.reached(Phase::Over).await;
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
    tokio::spawn(session::serve(Arc::clone(gate), Stream::accepted(stream)));
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
