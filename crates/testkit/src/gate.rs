//! The real program, set up in a scratch folder and running.

use crate::Error;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::process::{Pid, Signal, kill_process};
use scratch::{Folder, HOST, free_port};
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use toml::{Table, Value};

/// Environment variable that names the program; without it, the one that Cargo built beside the tests.
const ENV: &str = "STUFFGATE_BIN";
/// Longest wait for the gate to come up, or to end when asked to.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(2);
/// Tries for ports before giving up.
const PORT_TRIES: usize = 20;
/// What every gate of the tests is told unless a test says otherwise.
const SETTINGS: &str = "\
    [stores]\nallow_addresses = ['loopback']\n\
    [session]\ndrain_timeout_ms = 5000\n\
    [log]\nfilter = 'debug'\n";

/// A gate with a configuration, a key and a registry of its own. Dropping it kills it and removes all.
pub struct Gate {
    port: u16,
    http: u16,
    settings: Table,
    process: Option<Child>,
    folder: Folder,
}

impl Gate {
    /// Runs `stuffgate init` in a scratch folder. `settings` is TOML over our own: what it names wins.
    ///
    /// # Errors
    /// [`Error::Program`] with what the program said.
    pub fn init(settings: &str) -> Result<Self, Error> {
        let folder = Folder::new("stuffgate-gate-")?;
        let mut all = table(SETTINGS)?;
        merge(&mut all, table(settings)?);
        let gate = Self { port: 0, http: 0, settings: all, process: None, folder };
        gate.run(&["init", "."], None)?;
        gate.write_settings()?;
        Ok(gate)
    }

    /// Starts it and returns once it takes connections.
    ///
    /// # Errors
    /// [`Error::Program`] with its log when it does not come up.
    pub fn start(&mut self) -> Result<(), Error> {
        if self.port == 0 {
            self.take_ports()?;
        }
        for _ in 0..PORT_TRIES {
            if self.launch()? {
                return Ok(());
            }
            if !self.log().contains("in use") {
                break;
            }
            self.take_ports()?;
        }
        Err(self.failed("serve"))
    }

    /// Runs one command of the program on this gate's configuration, and returns its standard output.
    /// With a `secret`, it is put on standard input and `--secret-stdin` added.
    ///
    /// # Errors
    /// [`Error::Program`] with exit code and standard error when it fails.
    pub fn run(&self, arguments: &[&str], secret: Option<&str>) -> Result<String, Error> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if secret.is_some() {
            command.arg("--secret-stdin");
        }
        let mut child = command.spawn()?;
        if let (Some(mut input), Some(secret)) = (child.stdin.take(), secret) {
            // A command that needs no secret may be gone already.
            let _ = input.write_all(secret.as_bytes());
        }
        let ended = child.wait_with_output()?;
        if ended.status.success() {
            return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
        }
        Err(Error::Program {
            command: format!("stuffgate {}", arguments.join(" ")),
            code: ended.status.code(),
            said: String::from_utf8_lossy(&ended.stderr).into_owned(),
        })
    }

    /// Where clients connect, on 127.0.0.1; 0 before the first start. Kept when it is stopped and started again.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where health and metrics are served, on 127.0.0.1.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http
    }

    /// `postgres://LOGIN:SECRET@127.0.0.1:PORT/SERVICE`.
    #[must_use]
    pub fn url(&self, login: &str, secret: &str, service: &str) -> String {
        let part = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        format!("postgres://{}:{}@{HOST}:{}/{}", part(login), part(secret), self.port, part(service))
    }

    /// Its folder: configuration, key, registry and log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Its process id; `None` while it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Puts other settings over those it has; they count from the next start or SIGHUP on.
    ///
    /// # Errors
    /// When `settings` is no TOML or cannot be written.
    pub fn configure(&mut self, settings: &str) -> Result<(), Error> {
        merge(&mut self.settings, table(settings)?);
        self.write_settings()
    }

    /// Sends a signal and does not wait.
    pub fn signal(&self, which: Signal) {
        let pid = self.pid().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            let _ = kill_process(pid, which);
        }
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// [`Error::Program`] with its log when it goes on.
    pub fn wait(&mut self) -> Result<ExitStatus, Error> {
        let Some(process) = &mut self.process else { return Err(self.failed("serve (not running)")) };
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = process.try_wait()? {
                self.process = None;
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
        Err(self.failed("serve (does not end)"))
    }

    /// Kills it as a power cut would; folder, registry and ports stay.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn take_ports(&mut self) -> Result<(), Error> {
        self.port = free_port();
        self.http = free_port();
        let listen = format!(
            "[listen]\naddresses = ['{HOST}:{}']\n[http]\nlisten = '{HOST}:{}'",
            self.port, self.http
        );
        self.configure(&listen)
    }

    fn write_settings(&self) -> Result<(), Error> {
        Ok(fs::write(self.folder().join("stuffgate.toml"), self.settings.to_string())?)
    }

    /// Starts the process; `false` when it ended instead of listening.
    fn launch(&mut self) -> Result<bool, Error> {
        let log = || File::options().append(true).create(true).open(self.log_path());
        let mut process =
            self.command().arg("serve").stdin(Stdio::null()).stdout(log()?).stderr(log()?).spawn()?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if process.try_wait()?.is_some() {
                return Ok(false);
            }
            if TcpStream::connect((HOST, self.port)).is_ok() {
                self.process = Some(process);
                return Ok(true);
            }
            std::thread::sleep(LOOK);
        }
        process.kill()?;
        process.wait()?;
        Ok(false)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.folder()).env_remove("STUFFGATE_CONFIG").env_remove("STUFFGATE_KEK");
        command
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("gate.log")
    }

    fn failed(&self, command: &str) -> Error {
        Error::Program { command: format!("stuffgate {command}"), code: None, said: self.log() }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program under test.
#[must_use]
pub fn program() -> PathBuf {
    let beside = || {
        let own = std::env::current_exe().unwrap_or_default();
        own.ancestors().nth(2).unwrap_or(Path::new("")).join("stuffgate")
    };
    std::env::var_os(ENV).map_or_else(beside, PathBuf::from)
}

fn table(text: &str) -> Result<Table, Error> {
    text.parse().map_err(|error: toml::de::Error| Error::Unexpected(error.to_string()))
}

/// Lays `over` on `base`, table by table.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
