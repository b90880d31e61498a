//! What the load runs against: one Postgres with one partition, and every way to reach it.

use crate::child::Child;
use crate::proxies;
use crate::target::{DIRECT, GATE, Target};
use anyhow::{Context, Result};
use std::fs;
use std::sync::Arc;
use stuffgate_tests::{SERVICE, World, WorldPlan, secret_of};
use testkit::certificates::{Authority, Issued};
use testkit::scratch::{Folder, HOST, Options};

/// The user whose partition is used, through the gate, where one will do.
pub(crate) const USER: &str = "alice";
/// Users with a store each, she among them.
pub(crate) const USERS: usize = 32;
/// The role that has the rights of the partition's role, for everybody who comes another way.
pub(crate) const ROLE: &str = "bench";
/// Server connections that the gate and PgBouncer may have.
pub(crate) const POOL: usize = 20;
/// Settings of every gate here over those of the tests: what an operator gets by default.
pub(crate) const GATE_SETTINGS: &str = "[log]\nfilter = 'info'\n[session]\nmax_clients = 20000\n";

/// The names of all users.
pub(crate) fn users() -> Vec<String> {
    let others = (1..USERS).map(|number| format!("user{number:02}"));
    std::iter::once(USER.to_owned()).chain(others).collect()
}

/// The stage that groups of work share, made when the first of them needs it.
pub(crate) struct SharedStage {
    foreign: Vec<Target>,
    stage: Option<Stage>,
}

impl SharedStage {
    pub(crate) fn new(foreign: Vec<Target>) -> Self {
        Self { foreign, stage: None }
    }

    pub(crate) fn get(&mut self) -> Result<&Stage> {
        if self.stage.is_none() {
            let mut stage = Stage::start()?;
            eprintln!("bench: Postgres is at {}", stage.direct.url());
            for target in &mut self.foreign {
                eprintln!("bench: waiting for {} at port {}", target.name, target.port);
                target.until_there()?;
            }
            stage.foreign.clone_from(&self.foreign);
            self.stage = Some(stage);
        }
        self.stage.as_ref().context("no stage")
    }

    /// Ends the shared stage, for a group that has one of another kind.
    pub(crate) fn end(&mut self) {
        self.stage = None;
    }

    /// Ends the shared stage; what it returns makes others, whose processes are new.
    pub(crate) fn alone(&mut self) -> impl Fn() -> Result<Stage> + use<> {
        self.stage = None;
        Stage::start
    }
}

/// All of it, running. Dropping it leaves nothing behind.
pub(crate) struct Stage {
    pub(crate) folder: Folder,
    pub(crate) relay: Target,
    pub(crate) pgbouncer: Target,
    pub(crate) haproxy: Target,
    pub(crate) gate: Target,
    pub(crate) direct: Target,
    pub(crate) foreign: Vec<Target>,
    authority: Authority,
    pub(crate) world: World,
    _proxies: Vec<Child>,
}

impl Stage {
    pub(crate) fn start() -> Result<Self> {
        let authority = Authority::new("bench")?;
        let certificate = authority.server(&["localhost", HOST])?;
        let mut world = start_world(&certificate)?;
        let folder = Folder::new("stuffgate-bench-")?;
        let postgres = world.server(USER).port();
        let gate = gate_target(&world)?;
        fill(&world, &folder, &gate)?;
        lift_limits(&world);
        let direct = Target {
            name: DIRECT.to_owned(),
            pid: None,
            port: postgres,
            user: ROLE.to_owned(),
            password: secret_of(ROLE),
            database: format!("{USER}_store"),
            ..gate.clone()
        };
        let (relay_child, relay) = proxies::start_relay(&direct)?;
        let (haproxy_child, haproxy) = proxies::start_haproxy(&direct)?;
        let verifier = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{ROLE}'");
        let verifier = world.direct(USER, &verifier);
        let (pgbouncer_child, pgbouncer) = proxies::start_pgbouncer(&direct, verifier.trim(), &certificate)?;
        let children = vec![relay_child, haproxy_child, pgbouncer_child];
        Ok(Self {
            folder,
            relay,
            pgbouncer,
            haproxy,
            gate,
            direct,
            foreign: Vec::new(),
            authority,
            world,
            _proxies: children,
        })
    }

    /// TLS of a client that trusts the gate's and PgBouncer's certificate.
    pub(crate) fn tls_config(&self) -> Result<Arc<rustls::ClientConfig>> {
        Ok(self.authority.client_config(None, &[])?)
    }

    /// Everything that stands between a client and Postgres.
    pub(crate) fn proxies(&self) -> Vec<&Target> {
        let own = [&self.relay, &self.pgbouncer, &self.haproxy, &self.gate];
        own.into_iter().chain(&self.foreign).collect()
    }
}

fn start_world(certificate: &Issued) -> Result<World> {
    let conf = ["max_connections = 1000", "shared_buffers = 128MB", "autovacuum = off"];
    let options = Options { conf: conf.map(str::to_owned).to_vec(), ..Options::default() };
    let settings = format!("{GATE_SETTINGS}[pool]\nper_store = {POOL}\n");
    let plan = WorldPlan::default().users(users()).settings(&settings).options(options);
    let mut world = plan.start_without_gate();
    fs::write(world.gate.folder().join("cert.pem"), &certificate.certificate)?;
    fs::write(world.gate.folder().join("key.pem"), &certificate.key)?;
    world.gate.configure("[tls]\nmode = 'prefer'\ncert = 'cert.pem'\nkey = 'key.pem'")?;
    world.gate.start()?;
    Ok(world)
}

fn gate_target(world: &World) -> Result<Target> {
    Ok(Target {
        name: GATE.to_owned(),
        pid: Some(world.gate.pid().context("the gate does not run")?),
        host: HOST.to_owned(),
        port: world.gate.port(),
        user: USER.to_owned(),
        password: secret_of(USER),
        database: SERVICE.to_owned(),
        options: String::new(),
    })
}

/// Makes pgbench's tables in every partition, through the gate, and the role that has all rights on one's
/// and finds them by the same names.
fn fill(world: &World, folder: &Folder, gate: &Target) -> Result<()> {
    for user in users() {
        let own = Target { user: user.clone(), password: secret_of(&user), ..gate.clone() };
        crate::pgbench::initialise(folder, &own)?;
    }
    let schema = world.schema(USER);
    let owner = "SELECT relowner::regrole FROM pg_class WHERE oid = 'pgbench_accounts'::regclass";
    let owner = world.direct(USER, owner);
    let script = format!(
        "CREATE ROLE {ROLE} LOGIN PASSWORD '{}' IN ROLE {};\n\
         ALTER ROLE {ROLE} SET search_path = \"{schema}\", \"extensions\";\n\
         VACUUM ANALYZE pgbench_accounts; CHECKPOINT;",
        secret_of(ROLE),
        owner.trim(),
    );
    let _ = world.direct(USER, &script);
    Ok(())
}

/// The gate limits how many connections a grant's role may have to what one gate needs; here several gates use
/// it, and copies of its store.
fn lift_limits(world: &World) {
    let sql =
        "SELECT format('ALTER ROLE %I CONNECTION LIMIT -1;', rolname) FROM pg_roles WHERE rolconnlimit > 0";
    let statements = world.direct(USER, sql);
    let _ = world.direct(USER, &statements);
}
