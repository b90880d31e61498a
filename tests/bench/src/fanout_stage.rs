//! What fan-outs run against: up to a thousand stores, each a database of one Postgres, and a home.

use crate::client::Client;
use crate::crowd::{self, Copies};
use crate::scram::Keys;
use crate::stage::USER;
use crate::target::Target;
use anyhow::{Context, Result};
use std::time::Duration;
use stuffgate_tests::{SERVICE, World, WorldPlan, secret_of};
use testkit::Gate;
use testkit::scratch::{HOST, Options};

/// Rows of the table `todos` in each store.
const ROWS: usize = 1_000;
/// Rows more in the user's own store, the one that takes longest.
const ROWS_MORE: usize = 500_000;
/// Stores whose table `entries` is filled, for [`FanoutStage::fill_entries`].
pub(crate) const FILLED: usize = 10;
/// A superuser, who reads past the gate.
const DIRECT: &str = "bench";
const ANALYST: &str = "analyst";
/// One who may read everything and is no superuser, so that policies hold for it.
const FAR: &str = "far";
/// What a store that is far away waits before it answers.
pub(crate) const WAITS: Duration = Duration::from_millis(100);
/// Room for a connection to each of a thousand stores, and for those that read past the gate.
const CONNECTIONS: usize = 1_400;

/// What a service's migration makes, in stores and at home.
const SCHEMA: &str = "CREATE TABLE todos (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), owner text, done boolean NOT NULL, \
     weight numeric(10, 2), title text); \
     CREATE TABLE entries (id int8, name text, done boolean, made timestamptz)";

/// All of it. Dropping it leaves nothing behind.
pub(crate) struct FanoutStage {
    pub(crate) world: World,
    pub(crate) stores: usize,
}

impl FanoutStage {
    /// Makes the user's store, `stores` copies of its database, and then more rows in the original.
    pub(crate) fn start(stores: usize) -> Result<Self> {
        let conf = [
            format!("max_connections = {CONNECTIONS}"),
            "shared_buffers = 512MB".to_owned(),
            "autovacuum = off".to_owned(),
            // The slowest store alone would take both cores of this machine, which it does not have beside others.
            "max_parallel_workers_per_gather = 0".to_owned(),
            "max_wal_size = 4GB".to_owned(),
        ];
        let options = Options { conf: conf.to_vec(), ..Options::default() };
        let mut world = WorldPlan::default().users([USER]).options(options).start();
        for login in [USER, SERVICE] {
            Client::connect(&target(&world.gate, login), &mut Keys::default())?.simple(SCHEMA)?;
        }
        world.add_analyst(ANALYST, 1);
        let _ = world.direct(USER, &fill(ROWS));
        world.gate.kill();
        let _ = world.direct(USER, &unlimited());
        let stage = Self { world, stores };
        stage.copy();
        let _ = stage.world.direct(USER, &format!("{} VACUUM ANALYZE todos;", fill(ROWS_MORE)));
        Ok(stage)
    }

    fn copy(&self) {
        let busy = format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{USER}_store'"
        );
        let _ = self.world.on_server_of(USER, &busy);
        let create = |number| {
            format!("CREATE DATABASE {} TEMPLATE {USER}_store STRATEGY file_copy;", crowd::name(number))
        };
        // Of one script, each statement is a transaction of its own.
        let script: Vec<String> = (1..=self.stores).map(create).collect();
        let _ = self.world.on_server_of(USER, &script.join("\n"));
    }

    /// A gate that knows the user's store and `count` of the copies, running.
    pub(crate) fn gate(&self, count: usize) -> Result<Gate> {
        let settings =
            format!("[pool]\ntotal = {CONNECTIONS}\nper_service = {CONNECTIONS}\nidle_timeout_s = 600\n");
        let mut gate = crowd::gate_with(&self.world, &settings, count, Copies::Databases)?;
        gate.start()?;
        Ok(gate)
    }

    /// An analyst's session.
    pub(crate) fn analyst(gate: &Gate) -> Result<Client> {
        Client::connect(&target(gate, ANALYST), &mut Keys::default())
    }

    /// A session on a store, or any database of its server, past the gate; the partition is on its search path.
    pub(crate) fn direct(&mut self, database: &str) -> Result<Client> {
        self.session(DIRECT, database)
    }

    fn session(&mut self, role: &str, database: &str) -> Result<Client> {
        let target = Target {
            name: database.to_owned(),
            pid: None,
            host: HOST.to_owned(),
            port: self.world.server(USER).port(),
            user: role.to_owned(),
            password: secret_of(role),
            database: database.to_owned(),
            options: format!("-c search_path={}", self.world.schema(USER)),
        };
        Client::connect(&target, &mut Keys::default())
    }

    /// Fills the table `entries` of the first [`FILLED`] copies with `rows` in all, and a table `all_entries`, which
    /// is not the service's, with the same rows in one place.
    pub(crate) fn fill_entries(&mut self, rows: usize) -> Result<()> {
        let each = rows / FILLED;
        for number in 1..=FILLED {
            self.direct(&crowd::name(number))?.simple(&entries((number - 1) * each + 1, number * each))?;
        }
        let mut one = self.direct(&format!("{USER}_store"))?;
        one.simple("CREATE TABLE all_entries (LIKE entries)")?;
        one.simple(&entries(1, rows).replace("entries", "all_entries"))
    }

    /// From now on the user's own store has as little work as any other, and answers later than all: after
    /// [`WAITS`], as one that is far away does.
    pub(crate) fn have_slowest_wait(&self) {
        let role = format!("CREATE ROLE {FAR} LOGIN PASSWORD '{}' IN ROLE pg_read_all_data;", secret_of(FAR));
        // By a view, which its reader takes for the table; made by the table's owner, it is the reader's to read.
        let owner = "DO $$ BEGIN EXECUTE format('SET ROLE %I', \
             (SELECT relowner::regrole::name FROM pg_class WHERE oid = 'todos'::regclass)); END $$;";
        let view = format!(
            "ALTER TABLE todos RENAME TO kept; \
             CREATE VIEW todos AS SELECT kept.* FROM kept, pg_sleep({});",
            WAITS.as_secs_f64()
        );
        let script = format!("{role} TRUNCATE todos; {} ANALYZE todos; {owner} {view}", fill(ROWS));
        let _ = self.world.direct(USER, &script);
    }

    /// A session on the user's own store past the gate, for which it waits as it does for legs.
    pub(crate) fn far(&mut self) -> Result<Client> {
        self.session(FAR, &format!("{USER}_store"))
    }

    /// The process of a gate.
    pub(crate) fn pid(gate: &Gate) -> Result<u32> {
        gate.pid().context("the gate has ended")
    }
}

fn target(gate: &Gate, login: &str) -> Target {
    Target {
        name: login.to_owned(),
        pid: gate.pid(),
        host: HOST.to_owned(),
        port: gate.port(),
        user: login.to_owned(),
        password: secret_of(login),
        database: SERVICE.to_owned(),
        options: String::new(),
    }
}

fn fill(rows: usize) -> String {
    format!(
        "INSERT INTO todos (owner, done, weight, title) SELECT current_database(), n % 3 = 0, n % 1000 / 100.0, md5(n::text) \
         FROM generate_series(1, {rows}) n;"
    )
}

fn entries(from: usize, to: usize) -> String {
    format!(
        "INSERT INTO entries SELECT n, 'entry ' || n, n % 2 = 0, 'epoch'::timestamptz + n * interval '1 s' \
         FROM generate_series({from}, {to}) n; \
         SELECT count(*) FROM entries" // reads all of it, so that no later reader has to set hint bits
    )
}

/// The gate limits how many connections a grant's roles may have to what one gate needs; here many stores share
/// them. And the role that reads past the gate.
fn unlimited() -> String {
    format!(
        "CREATE ROLE {DIRECT} SUPERUSER LOGIN PASSWORD '{}'; \
         DO $$ DECLARE r name; BEGIN FOR r IN SELECT rolname FROM pg_roles WHERE rolconnlimit > 0 LOOP \
         EXECUTE format('ALTER ROLE %I CONNECTION LIMIT -1', r); END LOOP; END $$;",
        secret_of(DIRECT)
    )
}
