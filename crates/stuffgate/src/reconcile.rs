//! The thread of a running gate that does what waits for stores in the registry's outbox.

use crate::config::Config;
use crate::provisioning::{self, ProvisionError};
use model::StoreId;
use registry::{Kek, Operation, Registry, StoreRecord};
use std::collections::HashSet;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Between two looks into the outbox.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Operations that are under way at a time.
const OPERATIONS_AT_A_TIME: usize = 16;

/// Operations that are looked at to find some whose stores are free.
const OPERATIONS_IN_SIGHT: u32 = 256;

/// Works until it is dropped, which waits for the thread to end; what is under way then is cut off, and done
/// again at the next start.
#[derive(Debug)]
pub(crate) struct Reconciler {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reconciler {
    /// Starts the thread on the registry that the configuration names.
    ///
    /// # Errors
    /// When the system gives no thread or sockets. A registry that fails is logged and tried again.
    pub(crate) fn start(config: &Config, kek: Kek) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let mut work = Work::new(config, kek);
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = Box::pin(work.run()) => {}
                }
            });
            // A look-up of a name that hangs must not keep the gate.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("reconciler".to_owned()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Reconciler {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work {
    config: Config,
    kek: Kek,
    registry: Option<Registry>,
    /// Where something is under way: one operation in each store at a time, in their order.
    busy: HashSet<StoreId>,
    under_way: JoinSet<Ended>,
}

/// An operation that was tried.
struct Ended {
    operation: Operation,
    store: StoreRecord,
    done: Result<(), ProvisionError>,
}

impl Work {
    fn new(config: &Config, kek: Kek) -> Self {
        let (busy, under_way) = (HashSet::new(), JoinSet::new());
        Self { config: config.clone(), kek, registry: None, busy, under_way }
    }

    /// A store that hangs keeps the others' work from nothing but its place among those at a time.
    async fn run(&mut self) {
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ended = tokio::select! {
                _ = look.tick() => None,
                Some(ended) = self.under_way.join_next() => Some(ended),
            };
            let went = match ended {
                Some(Ok(ended)) => self.end(&ended),
                Some(Err(error)) => {
                    tracing::error!(%error, "work in a store broke off");
                    // Which store it was is not known any more; the others' operations repeat harmlessly.
                    self.busy.clear();
                    Ok(())
                }
                None => self.begin(),
            };
            if let Err(error) = went {
                tracing::warn!(%error, "the outbox cannot be read or written");
                self.registry = None;
            }
        }
    }

    /// Begins what is due, as far as there is room.
    fn begin(&mut self) -> registry::Result<()> {
        let registry = Self::open(&mut self.registry, &self.config, &self.kek)?;
        for operation in registry.due_operations(now(), OPERATIONS_IN_SIGHT)? {
            if self.under_way.len() >= OPERATIONS_AT_A_TIME {
                break;
            }
            if self.busy.contains(&operation.store) {
                continue;
            }
            let store = registry.store(operation.store)?;
            self.busy.insert(operation.store);
            let (sealer, allow) = (registry.sealer(), self.config.allow_addresses);
            self.under_way.spawn(async move {
                let done = Box::pin(provisioning::carry_out(allow, &sealer, &operation, &store)).await;
                Ended { operation, store, done }
            });
        }
        Ok(())
    }

    /// Notes how an operation went; what cannot be noted is done again, which changes nothing.
    fn end(&mut self, ended: &Ended) -> registry::Result<()> {
        self.busy.remove(&ended.operation.store);
        note(Self::open(&mut self.registry, &self.config, &self.kek)?, ended)
    }

    fn open<'a>(
        registry: &'a mut Option<Registry>,
        config: &Config,
        kek: &Kek,
    ) -> registry::Result<&'a mut Registry> {
        match registry {
            Some(registry) => Ok(registry),
            closed => Ok(closed.insert(Registry::open(&config.registry, kek.clone())?)),
        }
    }
}

fn note(registry: &mut Registry, ended: &Ended) -> registry::Result<()> {
    let Ended { operation, store, done } = ended;
    let (user, service) = (&store.user, &operation.grant.service);
    let outcome = if done.is_ok() { "done" } else { "failed" };
    metrics::counter!("stuffgate_outbox_total", "outcome" => outcome).increment(1);
    match done {
        Ok(()) => {
            tracing::info!(%user, %service, "a revoked grant is cleaned up in its store");
            registry.operation_done(&operation.id)
        }
        Err(error) => {
            let again_at = registry.operation_failed(&operation.id, &error.to_string(), now())?;
            let again_in_s = again_at - now();
            tracing::warn!(%user, %service, %error, again_in_s, "a store's clean-up waits");
            Ok(())
        }
    }
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Change, Directory, Endpoint, Name, StoreState, TlsMode};
    use registry::{FollowEvent, Follower, GrantRecord, GrantRequest, Where};
    use scratch::{Account, Binaries, Options, Server};
    use secrecy::SecretString;
    use std::net::TcpListener;
    use std::sync::{Arc, mpsc};
    use std::time::Instant;

    struct Scene {
        folder: tempfile::TempDir,
        config: Config,
        kek: Kek,
        registry: Registry,
    }

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    /// A registry in which alice, whose store is at `port` of this machine, has begun to grant todo.
    fn scene(port: u16) -> (Scene, GrantRecord) {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[stores]\nallow_addresses = [\"loopback\"]";
        let config = Config::parse(&folder.path().join("stuffgate.toml"), text).expect("a configuration");
        let kek = Kek::create_file(&config.kek).expect("a key");
        let mut registry = Registry::create(&config.registry, kek.clone()).expect("a registry");
        registry.add_service(&name("todo"), None, &[]).expect("todo");
        let record = add_store_and_grant(&mut registry, "alice", port);
        (Scene { folder, config, kek, registry }, record)
    }

    fn add_store_and_grant(registry: &mut Registry, user: &str, port: u16) -> GrantRecord {
        registry.add_user(&name(user), &SecretString::from("x")).expect("a user");
        let (host, database) = (scratch::HOST.into(), user.into());
        let endpoint = Endpoint { host, port, database, tls: TlsMode::Disable, ca: None };
        let admin = (user, &SecretString::from("0wner"));
        registry.add_store(&name(user), &endpoint, admin).expect("a store");
        let request = GrantRequest {
            user: name(user),
            service: name("todo"),
            store: None,
            place: Where::Schema,
            expires_at: None,
            fanout: None,
        };
        registry.begin_grant(&request).expect("a grant")
    }

    fn prepare(scene: &Scene, record: &GrantRecord) {
        let store = scene.registry.store(record.grant.store).expect("the store");
        let service = scene.registry.service(&record.service).expect("the service");
        let sealer = scene.registry.sealer();
        let prepare = Box::pin(provisioning::prepare(&scene.config, &sealer, record, &store, &service));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(prepare).expect("prepared");
    }

    fn roles(server: &Server) -> String {
        let sql = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^[gr]_todo'";
        server.sql("postgres", sql).expect("a count").trim().to_owned()
    }

    #[test]
    fn what_waits_for_a_store_is_done_and_the_store_served_again() {
        let server =
            Server::start(&Binaries::find().expect("Postgres"), Options::default()).expect("a server");
        server.create(&[Account::owner("alice", "0wner")]).expect("an account");
        let (mut scene, record) = scene(server.port());
        prepare(&scene, &record);
        assert_eq!(roles(&server), "2");
        scene.registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
        let (tell, told) = mpsc::channel();
        let follower =
            Follower::start(&scene.config.registry, Arc::new(Directory::default()), move |event| {
                if let FollowEvent::Changed(Change::Store(store)) = event {
                    let _ = tell.send(store.state);
                }
            });
        let _follower = follower.expect("a follower");
        let _reconciler = Reconciler::start(&scene.config, scene.kek.clone()).expect("a reconciler");
        assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(StoreState::Active));
        assert_eq!(roles(&server), "0");
        assert!(scene.folder.path().exists());
    }

    #[test]
    fn a_store_that_hangs_does_not_keep_anothers_work_waiting() {
        let server =
            Server::start(&Binaries::find().expect("Postgres"), Options::default()).expect("a server");
        server.create(&[Account::owner("alice", "0wner")]).expect("an account");
        let (mut scene, record) = scene(server.port());
        prepare(&scene, &record);
        let silent = TcpListener::bind((scratch::HOST, 0)).expect("a listener");
        let hanging = silent.local_addr().expect("its address").port();
        add_store_and_grant(&mut scene.registry, "bob", hanging);
        scene.registry.begin_revoke(&name("bob"), &name("todo")).expect("revoked");
        let _reconciler = Reconciler::start(&scene.config, scene.kek.clone()).expect("a reconciler");
        let _connection = silent.accept().expect("the reconciler connects");
        scene.registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
        let begun = Instant::now();
        while roles(&server) != "0" {
            assert!(begun.elapsed() < Duration::from_secs(10), "alice's store waits for bob's");
        }
    }

    #[test]
    fn a_store_that_hangs_does_not_keep_the_gate_from_ending() {
        let silent = TcpListener::bind((scratch::HOST, 0)).expect("a listener");
        let (mut scene, _) = scene(silent.local_addr().expect("its address").port());
        scene.registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
        let reconciler = Reconciler::start(&scene.config, scene.kek.clone()).expect("a reconciler");
        let _connection = silent.accept().expect("the reconciler connects");
        let begun = Instant::now();
        drop(reconciler);
        assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
        let due = scene.registry.due_operations(now(), 10).expect("due");
        assert_eq!(due.len(), 1, "it is still to be done");
        assert!(scene.folder.path().exists());
    }
}
