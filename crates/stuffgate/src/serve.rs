//! `stuffgate serve`: the one place where the gate is put together.

mod control;
mod credentials;
mod desk;
mod enforce;
mod listen;
mod open_files;
mod phase;
mod readers;
mod ready;
mod refreshes;
mod settings;
mod tls;
mod worker;

use crate::cli;
use crate::config::{Config, PoolLimits};
use crate::materialize::Refresher;
use crate::telemetry::Telemetry;
use admin::Metrics;
use anyhow::{Context as _, anyhow};
use control::Signals;
use credentials::Opener;
use desk::{Desk, DeskParts};
use fanout::Fanout;
use model::Directory;
use phase::{Phase, Phases};
use pool::{Budgets, Pools, Settings};
use readers::FromRegistry;
use refreshes::{Kept, keep_fresh};
use registry::{FollowEvent, Follower, ReaderRoles, Registry};
use session::{Gate, Limits, Parts, Workers};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use wire::dial::AddressPolicy;
use worker::Worker;

/// The program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the gate until it is told to end. With a `ready_file`, writes there where clients can connect
/// once they can, and removes it at the end.
///
/// # Errors
/// Whatever keeps the gate from starting.
pub(crate) fn run(config: Config, ready_file: Option<&Path>) -> anyhow::Result<()> {
    let workers = worker::start(workers(&config)).context("cannot start a worker")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(Box::pin(serve(config, ready_file, workers)));
    // A look-up of a name that hangs must not keep the process.
    runtime.shutdown_background();
    served
}

async fn serve(config: Config, ready_file: Option<&Path>, workers: Vec<Worker>) -> anyhow::Result<()> {
    let telemetry = Telemetry::start(&config.log)?;
    cli::warnings(&config).iter().for_each(|warning| tracing::warn!("{warning}"));
    let mut signals = Signals::listen()?;
    open_files::raise_limit(config.session.max_clients + config.pool.total);
    let phases = Phases::new();
    let runtimes = Workers::new(workers.iter().map(Worker::runtime).collect());
    let kept = Kept::default();
    let (desk, gate, opener) = assemble(&config, telemetry, phases.clone(), runtimes, kept.clone())?;
    let changed = Arc::new(Notify::new());
    let follower = follow(&config, &gate, &desk, &changed)?;

    let http = config.http.map(listen_http).transpose()?;
    let http_at = http.as_ref().and_then(|listener| listener.local_addr().ok());
    let listeners = listen::bind(&config.listen, workers.len())?;
    let addresses = listeners.addresses.clone();
    let work = |(worker, sockets): (Worker, _)| worker.serve(sockets, Arc::clone(&gate), phases.clone());
    let workers: Vec<_> = workers.into_iter().zip(listeners.by_worker).map(work).collect();
    if let Some(listener) = http {
        tokio::spawn(admin::serve_http(listener, Arc::clone(&desk) as Arc<dyn admin::Health>));
    }
    let refresher = refresher(&config, &gate, &opener);
    let chores = [
        tokio::spawn(keep_fresh(refresher, config.registry.clone(), Arc::clone(&opener), kept)),
        tokio::spawn(control::look_after(Arc::clone(&gate), Arc::clone(&desk), changed)),
        tokio::spawn(control::reconcile(config.clone(), opener)),
    ];
    announce(&addresses, http_at, ready_file).inspect_err(|_| phases.advance(Phase::Over))?;

    control::until_told_to_end(&mut signals, &desk).await;
    control::end(&gate, &phases, &desk, &mut signals).await;
    if let Some(path) = ready_file {
        let _ = std::fs::remove_file(path);
    }
    chores.iter().for_each(tokio::task::JoinHandle::abort);
    workers.into_iter().for_each(|worker| drop(worker.join()));
    drop(follower);
    tracing::info!("the gate has ended");
    Ok(())
}

/// Key, registry, pools, desk and gate, each given what it needs of the others.
fn assemble(
    config: &Config,
    telemetry: Telemetry,
    phases: Phases,
    workers: Workers,
    kept: Kept,
) -> anyhow::Result<(Arc<Desk>, Arc<Gate>, Arc<Opener>)> {
    let kek = cli::kek(config).map_err(|failure| anyhow!("{}", failure.message()))?;
    // Opened once for what following it does not look at: its version and its key.
    drop(Registry::open(&config.registry, kek.clone())?);
    let mock_secret = *kek.mock_secret();
    let opener = Arc::new(Opener::new(config, kek));
    let directory = Arc::new(Directory::default());
    let pools = Pools::new(pool_settings(&config.pool, config.allow_addresses), Arc::clone(&opener) as _);
    let desk = Desk::new(DeskParts {
        directory: Arc::clone(&directory),
        phases,
        opener: Arc::clone(&opener),
        telemetry,
        kept,
        metrics: Metrics::install(VERSION, now())?,
        config: config.clone(),
    });
    let limits = Limits {
        max_clients: config.session.max_clients,
        login_timeout: config.session.login_timeout,
        statement_bytes: config.session.statement_bytes,
        statements_total_bytes: config.session.statements_total_bytes,
    };
    let tls = tls::load(&config.tls)?;
    let readers = Arc::new(FromRegistry(ReaderRoles::of(&config.registry)));
    let fanout = Fanout::new(Arc::clone(&directory), Arc::clone(&pools), readers, config.fanout);
    let console = Arc::clone(&desk) as _;
    let gate = Gate::new(Parts { directory, pools, fanout, console, tls, limits, workers, mock_secret });
    desk.show(&gate);
    Ok((desk, gate, opener))
}

/// What makes materialised answers anew, with what sessions use.
fn refresher(config: &Config, gate: &Gate, opener: &Arc<Opener>) -> Refresher {
    Refresher {
        fanout: Arc::clone(&gate.fanout),
        directory: Arc::clone(&gate.directory),
        credentials: Arc::clone(opener) as _,
        allow: config.allow_addresses,
    }
}

fn pool_settings(limits: &PoolLimits, addresses: AddressPolicy) -> Settings {
    Settings {
        budgets: Budgets {
            total: limits.total,
            per_service: limits.per_service,
            per_store: limits.per_store,
        },
        wait_timeout: limits.wait_timeout,
        connect_timeout: limits.connect_timeout,
        idle_timeout: limits.idle_timeout,
        reset_timeout: limits.reset_timeout,
        max_waiters: limits.max_waiters,
        prepared_statements: limits.prepared_statements,
        addresses,
    }
}

/// Loads the directory and keeps it in line with the registry; tells `changed` of every change.
fn follow(
    config: &Config,
    gate: &Arc<Gate>,
    desk: &Arc<Desk>,
    changed: &Arc<Notify>,
) -> registry::Result<Follower> {
    let (desk, changed) = (Arc::clone(desk), Arc::clone(changed));
    Follower::start(&config.registry, Arc::clone(&gate.directory), move |event| match event {
        FollowEvent::Changed(_) => {
            metrics::counter!("stuffgate_registry_changes_total").increment(1);
            changed.notify_one();
        }
        FollowEvent::Lost(error) => {
            tracing::error!(%error, "the registry cannot be read: what is known of it stays in force");
            desk.set_following(false);
        }
        FollowEvent::Recovered => {
            tracing::info!("the registry can be read again");
            desk.set_following(true);
        }
    })
}

fn listen_http(address: SocketAddr) -> anyhow::Result<tokio::net::TcpListener> {
    let bind = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    };
    bind().with_context(|| format!("cannot listen on {address} for http"))
}

/// How many workers there are to be.
fn workers(config: &Config) -> usize {
    match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

fn announce(
    listen: &[SocketAddr],
    http: Option<SocketAddr>,
    ready_file: Option<&Path>,
) -> anyhow::Result<()> {
    let shown: Vec<String> = listen.iter().map(ToString::to_string).collect();
    let http_shown = http.map_or_else(|| "nowhere".to_owned(), |address| address.to_string());
    tracing::info!(listen = shown.join(", "), http = http_shown, version = VERSION, "the gate takes clients");
    match ready_file {
        Some(path) => ready::write(path, listen, http),
        None => Ok(()),
    }
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
