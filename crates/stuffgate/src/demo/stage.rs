//! What the demo runs on: servers, a registry that names them, and a configuration.

use super::SERVICE;
use crate::cli::demo::DemoArgs;
use anyhow::{Context as _, bail, ensure};
use scratch::{Account, Binaries, Folder, HOST, Options, Server, free_port};
use secrecy::ExposeSecret as _;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The users of the demo; further ones are called user04, user05, …
pub(super) const NAMES: [&str; 3] = ["alice", "bob", "carol"];
/// Further users' stores on one server.
const STORES_PER_SERVER: usize = 100;
/// Most stores of a demo.
const MAX_STORES: usize = 2_000;
/// Longest wait for the gate to take connections.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether it does.
const LOOK: Duration = Duration::from_millis(5);

/// A user with a store, or the home.
pub(super) struct Seat {
    /// The user's name, or `home`.
    pub(super) name: String,
    /// Secret of the user's login.
    pub(super) secret: String,
    /// The store's admin, who owns its database.
    pub(super) account: Account,
    /// Which of the servers it is on.
    pub(super) server: usize,
    /// The partition's schema; empty for the home.
    pub(super) schema: String,
}

/// Everything the demo runs on. Dropping it ends the servers and removes their folders.
pub(super) struct Stage {
    pub(super) port: u16,
    pub(super) http: u16,
    pub(super) service_secret: String,
    pub(super) admin_secret: String,
    pub(super) analyst_secret: String,
    pub(super) seats: Vec<Seat>,
    pub(super) home: Seat,
    servers: Vec<Server>,
    folder: Folder,
}

impl Stage {
    /// Starts the servers and fills a registry by this program's own commands.
    ///
    /// # Errors
    /// What is in the way.
    pub(super) fn set(args: &DemoArgs) -> anyhow::Result<Self> {
        ensure!((2..=MAX_STORES).contains(&args.stores), "--stores takes 2 to {MAX_STORES}");
        let seats = (0..args.stores)
            .map(|at| {
                seat(&name(at), at.min(NAMES.len()) + at.saturating_sub(NAMES.len()) / STORES_PER_SERVER + 1)
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let home = Seat { account: Account { create_role: false, ..account("home")? }, ..seat("home", 0)? };
        let servers = start_servers(&home, &seats)?;
        let folder = Folder::new("stuffgate-demo-")?;
        let mut stage = Self {
            port: args.port.unwrap_or_else(free_port),
            http: free_port(),
            service_secret: secret()?,
            admin_secret: secret()?,
            analyst_secret: secret()?,
            seats,
            home,
            servers,
            folder,
        };
        stage.fill_registry()?;
        if args.keep {
            stage.folder.keep();
            stage.servers.iter_mut().for_each(Server::keep);
        }
        Ok(stage)
    }

    /// The configuration's path.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("stuffgate.toml")
    }

    /// The folders that stay with `--keep`.
    pub(super) fn kept(&self) -> String {
        let servers = self.servers.iter().map(Server::folder);
        let all: Vec<_> = std::iter::once(self.folder.path()).chain(servers).collect();
        all.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
    }

    /// The server that a seat is on.
    pub(super) fn server(&self, seat: &Seat) -> &Server {
        &self.servers[seat.server]
    }

    /// URL of a seat's database past the gate, secret included.
    pub(super) fn direct_url(&self, seat: &Seat) -> String {
        seat.account.url(self.server(seat))
    }

    /// URL of a login through the gate, secret included.
    pub(super) fn gate_url(&self, login: &str, secret: &str, database: &str) -> String {
        format!("postgres://{login}:{secret}@{HOST}:{}/{database}", self.port)
    }

    /// Returns true once the gate takes connections, false when all is `over` before.
    ///
    /// # Errors
    /// When it does not within 30 s.
    pub(super) fn wait_for_gate(&self, over: &AtomicBool) -> anyhow::Result<bool> {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect((HOST, self.port)).is_err() {
            ensure!(Instant::now() < end, "the gate takes no connections on port {}", self.port);
            if over.load(Ordering::Acquire) {
                return Ok(false);
            }
            std::thread::sleep(LOOK);
        }
        Ok(true)
    }

    fn fill_registry(&mut self) -> anyhow::Result<()> {
        self.command(&["init", "."])?;
        std::fs::write(self.config(), self.settings())?;
        let world = self.world()?;
        write_private(&self.folder.path().join("world.toml"), &world)?;
        self.command(&["apply", "world.toml"])?;
        let grants: Vec<serde_json::Value> = serde_json::from_str(&self.command(&["grants", "--json"])?)?;
        for seat in &mut self.seats {
            let grant = grants.iter().find(|grant| grant["user"] == seat.name.as_str());
            let schema = grant.and_then(|grant| grant["schema"].as_str());
            schema.context("a grant without a schema")?.clone_into(&mut seat.schema);
        }
        Ok(())
    }

    fn settings(&self) -> String {
        format!(
            "# The demo's gate. `stuffgate init` writes a file with every setting.\n\
             [listen]\naddresses = [\"{HOST}:{}\"]\n\n\
             [http]\nlisten = \"{HOST}:{}\"\n\n\
             [stores]\nallow_addresses = [\"loopback\"]\n\n\
             [log]\nfilter = \"warn\"\n",
            self.port, self.http
        )
    }

    /// What `stuffgate apply` is to make of the registry; the secrets are in files beside it.
    fn world(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        let keep = |name: &str, secret: &str| write_private(&self.folder.path().join(name), secret);
        keep("home.secret", &self.home.account.password)?;
        keep("todo.secret", &self.service_secret)?;
        keep("admin.secret", &self.admin_secret)?;
        keep("analyst.secret", &self.analyst_secret)?;
        let home = self.url_without_secret(&self.home);
        write!(
            text,
            "[[service]]\nname = \"{SERVICE}\"\nhome = {{ url = \"{home}\", secret_file = \"home.secret\" }}\n\n\
             [[login]]\nname = \"{SERVICE}\"\nkind = \"service\"\nservice = \"{SERVICE}\"\nsecret_file = \"todo.secret\"\n\n\
             [[login]]\nname = \"admin\"\nkind = \"admin\"\nsecret_file = \"admin.secret\"\n\n\
             [[login]]\nname = \"analyst\"\nkind = \"analyst\"\nservice = \"{SERVICE}\"\nsecret_file = \"analyst.secret\"\n"
        )?;
        for seat in &self.seats {
            let (name, url) = (&seat.name, self.url_without_secret(seat));
            keep(&format!("{name}.secret"), &seat.secret)?;
            keep(&format!("{name}-store.secret"), &seat.account.password)?;
            write!(
                text,
                "\n[[user]]\nname = \"{name}\"\nsecret_file = \"{name}.secret\"\n\n\
                 [[store]]\nuser = \"{name}\"\nurl = \"{url}\"\nsecret_file = \"{name}-store.secret\"\n\n\
                 [[grant]]\nuser = \"{name}\"\nservice = \"{SERVICE}\"\n"
            )?;
        }
        Ok(text)
    }

    fn url_without_secret(&self, seat: &Seat) -> String {
        let (role, database) = (&seat.account.role, &seat.account.database);
        format!("postgres://{role}@{HOST}:{}/{database}", self.server(seat).port())
    }

    /// Runs one of this program's own commands on the demo's configuration.
    fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let ended = Command::new(std::env::current_exe()?)
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("STUFFGATE_CONFIG")
            .env_remove(registry::KEK_VARIABLE)
            .output()?;
        if !ended.status.success() {
            bail!("stuffgate {}: {}", arguments.join(" "), String::from_utf8_lossy(&ended.stderr));
        }
        Ok(String::from_utf8(ended.stdout)?)
    }
}

fn name(at: usize) -> String {
    NAMES.get(at).map_or_else(|| format!("user{:02}", at + 1), |name| (*name).to_owned())
}

fn seat(name: &str, server: usize) -> anyhow::Result<Seat> {
    let account = account(&format!("{name}_store"))?;
    Ok(Seat { name: name.to_owned(), secret: secret()?, account, server, schema: String::new() })
}

fn account(name: &str) -> anyhow::Result<Account> {
    Ok(Account::owner(name, &secret()?))
}

fn secret() -> anyhow::Result<String> {
    Ok(registry::scram::fresh_secret()?.expose_secret().to_owned())
}

/// Starts all servers at once: the home's, one for each of the first users, and shared ones for the others.
fn start_servers(home: &Seat, seats: &[Seat]) -> anyhow::Result<Vec<Server>> {
    let binaries = Binaries::find()?;
    let count = seats.iter().map(|seat| seat.server).max().unwrap_or_default() + 1;
    let start = |at: usize| {
        let on_it = std::iter::once(home).chain(seats).filter(|seat| seat.server == at);
        let accounts: Vec<Account> = on_it.map(|seat| seat.account.clone()).collect();
        let conf = vec!["max_connections = 300".to_owned()];
        let server = Server::start(&binaries, Options { conf, ..Options::default() })?;
        server.create(&accounts)?;
        Ok::<_, scratch::Error>(server)
    };
    std::thread::scope(|scope| {
        let start = &start;
        let starting: Vec<_> = (0..count).map(|at| scope.spawn(move || start(at))).collect();
        let joined = starting.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .map(|server| match server {
                Ok(server) => Ok(server?),
                Err(_) => bail!("starting a server ended in a panic"),
            })
            .collect()
    })
}

/// Writes a new file that only its owner can read.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let options = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = options.with_context(|| path.display().to_string())?;
    Ok(file.write_all(text.as_bytes())?)
}
