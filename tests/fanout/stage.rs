//! The stage of every comparison: a gate over unfriendly stores, and the oracle that holds all their rows.

use crate::data::{STORES, inserts};
use stuffgate_tests::testkit::{Client, Login};
use stuffgate_tests::{World, WorldPlan, secret_of};

/// What the service has made, at home and in each partition.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");
const ORACLE: &str = include_str!("oracle.sql");
/// Login of the analyst.
pub(crate) const ANALYST: &str = "ana";
/// Debug builds share two cores with all other tests: nobody is in a hurry here.
pub(crate) const PATIENT: &str =
    "[pool]\nreset_timeout_ms = 20000\nconnect_timeout_ms = 20000\nwait_timeout_ms = 30000";

/// A running world with its oracle.
pub(crate) struct Stage {
    pub(crate) world: World,
    port: u16,
}

impl Stage {
    /// Like stores on one server: partitions are schemas and databases in turn.
    pub(crate) async fn start() -> Self {
        let names = || STORES.iter().map(|(name, _)| *name);
        let plan =
            WorldPlan::default().users(names()).in_databases(names().skip(1).step_by(2)).settings(PATIENT);
        Self::of(plan, |_| SCHEMA.to_owned()).await
    }

    /// Stores as `plan` says, whose schemas are made by what `schema` returns for each.
    pub(crate) async fn of(plan: WorldPlan, schema: impl Fn(usize) -> String) -> Self {
        let mut world = plan.start_without_gate();
        let _ = world.home(&format!("SET ROLE home;\n{SCHEMA}"));
        let _ = world.on_server_of("home", "CREATE DATABASE oracle OWNER home TEMPLATE home");
        let rows: String = STORES
            .iter()
            .enumerate()
            .map(|(at, (name, _))| {
                let rows = inserts(at);
                format!("SET search_path = public; SELECT whole.of_store('{name}');\nSET search_path = whole, public;\n{rows}")
            })
            .collect();
        let script = format!("SET ROLE home;\n{ORACLE}{rows}");
        let home = world.server("home");
        let port = home.port();
        home.sql("oracle", &script).unwrap_or_else(|error| panic!("the oracle: {error}"));
        world.add_analyst(ANALYST, 1);
        world.gate.start().unwrap_or_else(|error| panic!("{error}"));
        for (at, (name, _)) in STORES.iter().enumerate() {
            let mut session = world.connect(name).await;
            for script in [schema(at), inserts(at)] {
                let answer = session.simple(&script).await.unwrap();
                assert_eq!(answer.errors, [], "filling the store of {name}");
            }
        }
        let stage = Self { world, port };
        stage.cover(&STORES.map(|(name, _)| name)).await;
        stage
    }

    /// From now on the oracle has the rows of these stores only.
    pub(crate) async fn cover(&self, names: &[&str]) {
        self.fill_oracle(names, false).await;
    }

    /// The same rows, but from the last to the first.
    pub(crate) async fn turn_oracle_around(&self) {
        self.fill_oracle(&STORES.map(|(name, _)| name), true).await;
    }

    async fn fill_oracle(&self, names: &[&str], backwards: bool) {
        let mut oracle = self.oracle("public").await;
        let names = format!("{{{}}}", names.join(","));
        let answer = oracle
            .extended("SELECT whole.cover($1, $2)", &[Some(&names), Some(if backwards { "t" } else { "f" })])
            .await
            .unwrap();
        assert_eq!(answer.errors, []);
        assert_eq!(oracle.simple("ANALYZE").await.unwrap().errors, []);
    }

    /// A session with the oracle; in schema `stores` every table has a column `_store`.
    pub(crate) async fn oracle(&self, schema: &str) -> Client {
        let path = format!("-c search_path={schema},public");
        let (secret, parameters) = (secret_of("home"), [("options", path.as_str())]);
        let login = Login {
            port: self.port,
            user: "home",
            secret: &secret,
            database: "oracle",
            parameters: &parameters,
        };
        Client::connect(&login).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Where the oracle is.
    pub(crate) fn oracle_port(&self) -> u16 {
        self.port
    }

    /// A session of the analyst, which answers at `tier`.
    pub(crate) async fn analyst(&self, tier: &str) -> Client {
        let options = format!("-c fanout.tier={tier}");
        self.world.connect_with(ANALYST, &[("options", &options)]).await
    }
}
