//! A small world: stores of some users and a home on real servers, a service, a running gate.

#![allow(clippy::panic, clippy::unwrap_used)]

use crate::plan::WorldPlan;
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::scratch::{Account, HOST, Server};
use testkit::{Client, Error, Gate, Login, Peer};

/// The service of every world, and the name of its login.
pub const SERVICE: &str = "todo";
/// The admin login's name.
pub const ADMIN: &str = "ops";

/// Longest wait for something that will happen by itself.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks whether it did.
const LOOK: Duration = Duration::from_millis(10);

/// The running world. Dropping it leaves nothing behind.
pub struct World {
    /// The gate.
    pub gate: Gate,
    pub(crate) places: BTreeMap<String, Place>,
    pub(crate) servers: Vec<Server>,
}

/// Where one user's store, or the home, is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) server: usize,
    pub(crate) account: Account,
    /// The partition's: the store's own, unless the partition is a database.
    pub(crate) database: String,
    pub(crate) schema: String,
}

/// The name that the home goes by among the places.
pub(crate) const HOME: &str = "home";

impl World {
    /// Alice, bob and carol with a store each, and a home, on one server.
    #[must_use]
    pub fn start() -> Self {
        WorldPlan::default().start()
    }

    /// Runs a command of the program on this gate, and returns what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.gate.run(arguments, None).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What a user, or the service ([`SERVICE`]), or the admin ([`ADMIN`]) logs in with.
    #[must_use]
    pub fn url(&self, login: &str) -> String {
        self.gate.url(login, &secret_of(login), database_of(login))
    }

    /// A session of the service, as a user or as the service itself.
    pub async fn connect(&self, login: &str) -> Client {
        self.connect_with(login, &[]).await
    }

    /// The same with further start-up parameters.
    pub async fn connect_with(&self, login: &str, parameters: &[(&str, &str)]) -> Client {
        let session = self.try_connect(login, parameters).await;
        session.unwrap_or_else(|error| panic!("{error}\n{}", self.gate.log()))
    }

    /// The same where it may be refused.
    ///
    /// # Errors
    /// What the gate said.
    pub async fn try_connect(&self, login: &str, parameters: &[(&str, &str)]) -> Result<Client, Error> {
        self.log_in(login, &secret_of(login), parameters).await
    }

    /// The same with any secret.
    ///
    /// # Errors
    /// What the gate said.
    pub async fn log_in(
        &self,
        login: &str,
        secret: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Client, Error> {
        let (port, database) = (self.gate.port(), database_of(login));
        Client::connect(&Login { port, user: login, secret, database, parameters }).await
    }

    /// A session of another service than [`SERVICE`].
    ///
    /// # Errors
    /// What the gate said.
    pub async fn connect_to(&self, service: &str, login: &str) -> Result<Client, Error> {
        let (port, secret) = (self.gate.port(), secret_of(login));
        let login = Login { port, user: login, secret: &secret, database: service, parameters: &[] };
        Client::connect(&login).await
    }

    /// A session on a user's store itself, past the gate, as its admin: plain Postgres.
    pub async fn plain(&self, user: &str) -> Client {
        let place = &self.places[user];
        let (role, database) = (place.account.role.as_str(), place.account.database.as_str());
        let secret = secret_of(role);
        let port = self.servers[place.server].port();
        let login = Login { port, user: role, secret: &secret, database, parameters: &[] };
        Client::connect(&login).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The gate's metrics, as Prometheus reads them.
    pub async fn metrics(&self) -> String {
        let mut peer = Peer::connect(self.gate.http_port()).await.unwrap();
        let ask = format!("GET /metrics HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        peer.send(ask.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&peer.rest().await.unwrap()).into_owned()
    }

    /// Bytes of memory that the gate's process has, as the kernel counts them now.
    #[must_use]
    pub fn resident_bytes(&self) -> usize {
        self.memory("VmRSS:")
    }

    /// The most that it ever had.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.memory("VmHWM:")
    }

    /// Bytes of memory that are the process's own: neither files nor what it shares.
    #[must_use]
    pub fn anonymous_bytes(&self) -> usize {
        self.number("smaps_rollup", "Anonymous:")
    }

    fn memory(&self, which: &str) -> usize {
        self.number("status", which)
    }

    fn number(&self, file: &str, which: &str) -> usize {
        let path = format!("/proc/{}/{file}", self.gate.pid().unwrap());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(which)).unwrap();
        1024 * line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    }

    /// Gives every store, and the home, a table `owner` through the gate, whose one row names it.
    pub async fn stamp(&self) {
        for name in self.places.keys() {
            let login = if name == HOME { SERVICE } else { name };
            let mut session = self.connect(login).await;
            let script = format!("CREATE TABLE owner (name text); INSERT INTO owner VALUES ('{name}')");
            let answer = session.simple(&script).await.unwrap();
            assert_eq!(answer.errors, [], "stamping {name}");
        }
    }

    /// A user with a login and without a store.
    pub fn add_user(&self, name: &str) {
        let added = self.gate.run(&["user", "add", name], Some(&secret_of(name)));
        added.unwrap_or_else(|error| panic!("{error}"));
    }

    /// An analyst of the service, who sees no group of fewer than `floor` stores.
    pub fn add_analyst(&self, name: &str, floor: u32) {
        let floor = floor.to_string();
        let add = [
            "login",
            "add",
            name,
            "--kind",
            "analyst",
            "--service",
            SERVICE,
            "--min-stores-per-group",
            &floor,
        ];
        self.gate.run(&add, Some(&secret_of(name))).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Reads or changes a user's store (or [`World::home`]) directly, past the gate, as superuser: rows as
    /// psql prints them unaligned, one line each. The partition's schema comes first on the search path.
    #[must_use]
    pub fn direct(&self, user: &str, sql: &str) -> String {
        let place = &self.places[user];
        let path = if place.schema.is_empty() { "public" } else { &place.schema };
        let script = format!("SET search_path = \"{path}\";\n{sql}");
        let rows = self.servers[place.server].sql(&place.database, &script);
        rows.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Counts something about the server that a user's store is on, in no particular schema.
    #[must_use]
    pub fn on_server_of(&self, user: &str, sql: &str) -> String {
        let rows = self.servers[self.places[user].server].sql("postgres", sql);
        rows.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Ends every connection to a user's store, and returns when the gate has noticed.
    pub async fn restart_connections(&self, user: &str) {
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let _ = self.direct(user, end);
        self.until(async || match self.try_connect(user, &[]).await {
            Ok(mut session) => session.simple("SELECT 1").await.is_ok_and(|answer| answer.errors.is_empty()),
            Err(_) => false,
        })
        .await;
    }

    /// Waits until `condition` holds: fifteen seconds at most, looking every few milliseconds.
    pub async fn until(&self, condition: impl AsyncFn() -> bool) {
        let end = tokio::time::Instant::now() + PATIENCE;
        while !condition().await {
            assert!(tokio::time::Instant::now() < end, "waited in vain; the gate says:\n{}", self.gate.log());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The same in the home.
    #[must_use]
    pub fn home(&self, sql: &str) -> String {
        self.direct(HOME, sql)
    }

    /// The partition's schema in a user's store.
    #[must_use]
    pub fn schema(&self, user: &str) -> &str {
        &self.places[user].schema
    }

    /// URL of the store's admin, with the secret, past the gate.
    #[must_use]
    pub fn store_admin_url(&self, user: &str) -> String {
        let place = &self.places[user];
        place.account.url(&self.servers[place.server])
    }

    /// The same URL without the secret, as the program's commands take it.
    #[must_use]
    pub fn store_url_without_secret(&self, user: &str) -> String {
        self.url_without_secret(&self.places[user])
    }

    /// The server that a user's store, or `home`, is on: to stop, pause or look into.
    pub fn server(&mut self, user: &str) -> &mut Server {
        let at = self.places[user].server;
        &mut self.servers[at]
    }

    /// One `stuffgate apply` for everything: a process for each command would take most of a test's time.
    pub(crate) fn fill_registry(&mut self, plan: &WorldPlan) {
        let mut text = String::new();
        let home = self.places.get(HOME).map(|home| {
            let (url, secret) = (self.url_without_secret(home), self.secret_file(HOME));
            format!("home = {{ url = '{url}', secret_file = '{secret}' }}\n")
        });
        let (home, extensions) = (home.unwrap_or_default(), &plan.extensions);
        text += &format!("[[service]]\nname = '{SERVICE}'\nextensions = {extensions:?}\n{home}");
        for (name, kind) in
            [(SERVICE, format!("'service'\nservice = '{SERVICE}'")), (ADMIN, "'admin'".into())]
        {
            let secret = self.secret_file(name);
            text += &format!("[[login]]\nname = '{name}'\nkind = {kind}\nsecret_file = '{secret}'\n");
        }
        for user in &plan.users {
            let place = &self.places[user];
            let (url, store_secret) = (self.url_without_secret(place), self.secret_file(&place.account.role));
            let secret = self.secret_file(user);
            let kind = if plan.in_databases.contains(user) { "database" } else { "schema" };
            text += &format!(
                "[[user]]\nname = '{user}'\nsecret_file = '{secret}'\n\
                 [[store]]\nuser = '{user}'\nurl = '{url}'\nsecret_file = '{store_secret}'\n\
                 [[grant]]\nuser = '{user}'\nservice = '{SERVICE}'\npartition = '{kind}'\n"
            );
        }
        std::fs::write(self.gate.folder().join("world.toml"), text).unwrap();
        self.run(&["apply", "world.toml"]);
        let grants: Vec<serde_json::Value> = serde_json::from_str(&self.run(&["grants", "--json"])).unwrap();
        for grant in grants {
            let place = self.places.get_mut(grant["user"].as_str().unwrap()).unwrap();
            grant["schema"].as_str().unwrap_or_default().clone_into(&mut place.schema);
            if let Some(database) = grant["database"].as_str() {
                database.clone_into(&mut place.database);
            }
        }
    }

    /// Puts the secret of a login or role into a file in the gate's folder, and returns the file's name.
    fn secret_file(&self, name: &str) -> String {
        let file = format!("{name}.secret");
        std::fs::write(self.gate.folder().join(&file), secret_of(name)).unwrap();
        file
    }

    fn url_without_secret(&self, place: &Place) -> String {
        let (role, database) = (&place.account.role, &place.account.database);
        format!("postgres://{role}@{HOST}:{}/{database}", self.servers[place.server].port())
    }
}

/// The secret of a login or role of a world.
#[must_use]
pub fn secret_of(name: &str) -> String {
    format!("secret of {name}/")
}

fn database_of(login: &str) -> &str {
    if login == ADMIN { "stuffgate" } else { SERVICE }
}
