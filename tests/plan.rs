//! What a world is to be made of, and making it.

#![allow(clippy::panic, clippy::unwrap_used)]

use crate::world::{HOME, Place, World, secret_of};
use std::collections::BTreeMap;
use std::thread;
use testkit::Gate;
use testkit::scratch::{Account, Binaries, Options, Server};

/// How stores are spread over servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Servers {
    /// All stores and the home are databases of one server: quickest to start.
    #[default]
    Shared,
    /// A server for each, so that one can be stopped or paused alone.
    Each,
}

/// What a world is made of; [`WorldPlan::start`] makes it.
#[derive(Clone, Debug)]
pub struct WorldPlan {
    pub(crate) users: Vec<String>,
    pub(crate) in_databases: Vec<String>,
    pub(crate) extensions: Vec<String>,
    servers: Servers,
    majors: Vec<u32>,
    databases: BTreeMap<String, String>,
    settings: String,
    options: Options,
    with_home: bool,
}

impl Default for WorldPlan {
    fn default() -> Self {
        Self {
            users: ["alice", "bob", "carol"].map(str::to_owned).to_vec(),
            in_databases: Vec::new(),
            extensions: Vec::new(),
            servers: Servers::default(),
            majors: Vec::new(),
            databases: BTreeMap::new(),
            settings: String::new(),
            options: Options::default(),
            with_home: true,
        }
    }
}

impl WorldPlan {
    /// Other users than alice, bob and carol.
    #[must_use]
    pub fn users<S: Into<String>>(mut self, users: impl IntoIterator<Item = S>) -> Self {
        self.users = users.into_iter().map(Into::into).collect();
        self
    }

    /// Those of the users whose partition is a database of its own, not a schema.
    #[must_use]
    pub fn in_databases<S: Into<String>>(mut self, users: impl IntoIterator<Item = S>) -> Self {
        self.in_databases = users.into_iter().map(Into::into).collect();
        self
    }

    /// The extensions that the service declares.
    #[must_use]
    pub fn extensions<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.extensions = names.into_iter().map(Into::into).collect();
        self
    }

    /// How stores are spread over servers.
    #[must_use]
    pub fn servers(mut self, servers: Servers) -> Self {
        self.servers = servers;
        self
    }

    /// One server of each of these versions, instead of [`WorldPlan::servers`]: stores are on them in turn, the
    /// home is on the first.
    #[must_use]
    pub fn majors(mut self, majors: impl IntoIterator<Item = u32>) -> Self {
        self.majors = majors.into_iter().collect();
        self
    }

    /// What stands behind CREATE DATABASE for a user's store, or for `home`.
    #[must_use]
    pub fn database(mut self, name: &str, options: &str) -> Self {
        self.databases.insert(name.to_owned(), options.to_owned());
        self
    }

    /// TOML over the gate's settings.
    #[must_use]
    pub fn settings(mut self, settings: &str) -> Self {
        settings.clone_into(&mut self.settings);
        self
    }

    /// How the stores' servers are set up.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// A service without a home.
    #[must_use]
    pub fn without_home(mut self) -> Self {
        self.with_home = false;
        self
    }

    /// Starts servers, fills the registry, grants the service every store, and starts the gate.
    #[must_use]
    pub fn start(self) -> World {
        let mut world = self.start_without_gate();
        world.gate.start().unwrap_or_else(|error| panic!("{error}"));
        world
    }

    /// Starts two such worlds, in which partitions are schemas and databases in turn: each user has a
    /// schema in one of them and a database in the other.
    #[must_use]
    pub fn start_in_each_kind(self) -> Vec<World> {
        thread::scope(|scope| {
            let worlds = [1, 0].map(|first| {
                let databases: Vec<String> = self.users.iter().skip(first).step_by(2).cloned().collect();
                let plan = self.clone().in_databases(databases);
                scope.spawn(|| plan.start())
            });
            worlds.into_iter().map(|world| world.join().unwrap()).collect()
        })
    }

    /// As [`WorldPlan::start`], but the gate is left for the test to start.
    #[must_use]
    pub fn start_without_gate(self) -> World {
        let accounts: Vec<Account> = self
            .users
            .iter()
            .map(|user| Account::owner(&format!("{user}_store"), &secret_of(&format!("{user}_store"))))
            .chain(
                self.with_home
                    .then(|| Account { create_role: false, ..Account::owner(HOME, &secret_of(HOME)) }),
            )
            .collect();
        let (gate, servers) = thread::scope(|scope| {
            let gate = scope.spawn(|| Gate::init(&self.settings));
            let servers = if self.majors.is_empty() {
                start_servers(&accounts, self.servers, &self.options)
            } else {
                self.start_majors(&accounts)
            };
            (gate.join().unwrap().unwrap_or_else(|error| panic!("{error}")), servers)
        });
        let names = self.users.iter().map(String::as_str).chain([HOME]);
        let place = |(at, (name, account)): (usize, (&str, &Account))| {
            let server = self.server_of(at);
            let (account, database) = (account.clone(), account.database.clone());
            (name.to_owned(), Place { server, account, database, schema: String::new() })
        };
        let places = names.zip(&accounts).enumerate().map(place).collect();
        let mut world = World { gate, places, servers };
        for (name, options) in &self.databases {
            let database = &world.places[name].account.database;
            let _ = world.on_server_of(name, &format!("DROP DATABASE \"{database}\""));
            let role = &world.places[name].account.role;
            let made = format!("CREATE DATABASE \"{database}\" OWNER \"{role}\" {options}");
            let _ = world.on_server_of(name, &made);
        }
        for user in &self.in_databases {
            let _ = world.on_server_of(user, &format!("ALTER ROLE \"{user}_store\" CREATEDB"));
        }
        world.fill_registry(&self);
        world
    }

    /// The number of the server that a store is on, or the home, which comes after all stores.
    fn server_of(&self, at: usize) -> usize {
        match (self.majors.len(), self.servers) {
            (0, Servers::Shared) => 0,
            (0, Servers::Each) => at,
            (_, _) if at >= self.users.len() => 0,
            (versions, _) => at % versions,
        }
    }

    fn start_majors(&self, accounts: &[Account]) -> Vec<Server> {
        let start = |(number, major): (usize, &u32)| {
            let of_it = accounts.iter().enumerate().filter(|(at, _)| self.server_of(*at) == number);
            let accounts: Vec<Account> = of_it.map(|(_, account)| account.clone()).collect();
            let binaries = Binaries::of_major(*major).unwrap_or_else(|error| panic!("{error}"));
            start_server(&binaries, &accounts, &self.options)
        };
        thread::scope(|scope| {
            let start = &start;
            let each: Vec<_> =
                self.majors.iter().enumerate().map(|one| scope.spawn(move || start(one))).collect();
            each.into_iter().map(|server| server.join().unwrap()).collect()
        })
    }
}

fn start_server(binaries: &Binaries, accounts: &[Account], options: &Options) -> Server {
    let server = Server::start(binaries, options.clone()).unwrap_or_else(|error| panic!("{error}"));
    server.create(accounts).unwrap_or_else(|error| panic!("{error}"));
    server
}

fn start_servers(accounts: &[Account], spread: Servers, options: &Options) -> Vec<Server> {
    let binaries = Binaries::find().unwrap_or_else(|error| panic!("{error}"));
    let start = |accounts: &[Account]| start_server(&binaries, accounts, options);
    match spread {
        Servers::Shared => vec![start(accounts)],
        Servers::Each => thread::scope(|scope| {
            let start = &start;
            let each: Vec<_> = accounts.chunks(1).map(|one| scope.spawn(move || start(one))).collect();
            each.into_iter().map(|server| server.join().unwrap()).collect()
        }),
    }
}
